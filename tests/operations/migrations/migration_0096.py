"""Answers that are no reaction are told apart: that a letter was read, without a word, a name, or a call."""

from tests.operations.migrations.told import AT, add, copy, values


def before_upgrade(connection):
    for first in values(connection, "SELECT id FROM responses ORDER BY id LIMIT 1"):
        for number, answer, comment in ((9601, "informed", ""), (9602, "informed", "Lu."), (9603, "joined", "")):
            copy(connection, "responses", first, id=number, answer=answer, comment=comment, given_at=AT)
        copy(connection, "responses", first, id=9604, answer="informed", comment="", given_at=AT)
        add(connection, "respondents", response_id=9604, name="Ondine Vif", function="")


def after_upgrade(connection, before):
    found = values(connection, "SELECT response_id FROM acknowledgements WHERE response_id BETWEEN 9601 AND 9604")
    assert found == ([9601] if before.get("responses") else [])
