"""What is known of the clock and of relays is the installation's whose clock passed last, and alerts name its place."""

from tests.migrations.told import AT, add, values

IDENTITY, PLACE = "00000000000000000000000000000001", "serveur.example:/var/lib/outreach"
SUBJECTS = "SELECT subject FROM alert_episodes WHERE id = 92"


def before_upgrade(connection):
    add(connection, "alert_episodes", id=92, kind="copy_unconfirmed", subject=IDENTITY, began_at=AT)


def after_upgrade(connection, _before):
    assert values(connection, "SELECT place FROM clock_passes") == [PLACE]
    assert values(connection, "SELECT place FROM relay_states") == [PLACE]
    assert values(connection, SUBJECTS) == [PLACE]


def before_downgrade(connection):
    add(connection, "clock_passes", id=7, at="2021-05-19 09:00:00.000000", hindrance="", place="other.example:/x")
    add(connection, "relay_states", name="relais.example:587", place="z", failures=9, said="")


def after_downgrade(connection, before):
    (last,) = (row["at"] for row in before["clock_passes"] if row["id"] == 7)
    assert values(connection, "SELECT id, at FROM clock_passes") == [(1, last)]
    assert values(connection, "SELECT name, failures FROM relay_states") == [("relais.example:587", 1)]
    assert values(connection, SUBJECTS) == [IDENTITY]
