"""On the way down, absences that were announced are lost, and no other proposal is."""

from tests.operations.migrations.told import add_proposal, values

AWAY, GONE = 13001, 13002


def before_downgrade(connection):
    add_proposal(connection, AWAY, "away")
    add_proposal(connection, GONE, "gone")


def after_downgrade(connection, before):
    assert values(connection, f"SELECT id FROM proposals WHERE id IN ({AWAY}, {GONE})") == [GONE]
