"""An answer that staff withdrew stays withdrawn on the way down."""

from tests.operations.migrations.told import AT, add, values

FORGETS = ("response_withdrawals",)
FREE = "SELECT id FROM responses WHERE id NOT IN (SELECT response_id FROM response_withdrawals) ORDER BY id LIMIT 1"


def before_downgrade(connection):
    for response in values(connection, FREE):
        add(connection, "response_withdrawals", response_id=response, withdrawn_at=AT, because="misread")


def after_downgrade(connection, before):
    assert not values(connection, "SELECT response_id FROM response_withdrawals WHERE because = 'misread'")
