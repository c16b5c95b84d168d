"""Whoever a launched campaign wrote to, or left out, stands among those whom it meant, with all their schools."""

from tests.operations.migrations.told import values


def after_upgrade(connection, before):
    campaign_of = {row["mailing_id"]: row["campaign_id"] for row in before["waves"] if row["mailing_id"]}
    meant = {
        (campaign_of[row["mailing_id"]], row["authority_id"])
        for row in before["messages"]
        if row["mailing_id"] in campaign_of
    }
    told = "SELECT campaign_id, authority_id, standing, concerned, joined, eligible FROM campaign_authorities"
    entered = list(values(connection, told))
    assert meant <= {(campaign, authority) for campaign, authority, *_ in entered}
    for _, _, standing, concerned, joined, eligible in entered:
        assert joined <= concerned <= eligible
        assert (standing == "out_of_scope") == (concerned == 0)
        assert (standing == "already_joined") <= (joined == concerned)
    schools = {row["school_id"] for row in before["listings"]}  # also of those that closed or moved since
    assert set(values(connection, "SELECT school_id FROM campaign_schools")) <= schools
