"""Each campaign says with which wave it was launched: the first by number that had begun; one not launched, none."""

from tests.operations.migrations.told import values


def after_upgrade(connection, before):
    begun = sorted((row for row in before["waves"] if row["mailing_id"]), key=lambda row: -row["number"])
    first = {row["campaign_id"]: row["id"] for row in begun}
    by_key = dict(values(connection, "SELECT id, first_wave_id FROM campaigns"))
    assert by_key == {row["id"]: first.get(row["id"]) for row in before["campaigns"]}
