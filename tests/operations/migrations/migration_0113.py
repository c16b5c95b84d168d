"""Clicks that waited to be judged wait as they came; on the way down, those that may be kept wait to be judged."""

from tests.operations.migrations.told import AT, add, values

LOSES = FORGETS = ("hits",)  # clicks that waited; back, they have other keys
MEASURED = 11300
WAITING = "SELECT n.link, n.agent FROM hits_new n JOIN messages m ON m.public_id = n.public_id WHERE m.id = {letter}"
JUDGED = "SELECT link, hit_class, why, version FROM hits WHERE message_id = {letter} AND at = '{at}' ORDER BY link"
LETTER = """
SELECT m.id, c.id FROM messages m JOIN mailings g ON g.id = m.mailing_id
JOIN contacts c ON c.authority_id = m.authority_id AND c.address_key = m.address_key
WHERE c.retired_at IS NULL AND g.filled_at IS NOT NULL ORDER BY m.id LIMIT 1
"""


def before_upgrade(connection):
    for letter, contact in values(connection, LETTER):
        said = {"given_by": "x", "taken_on": "2021-05-01", "wording": "x", "channel": "x", "reference": ""}
        at = {"recorded_at": "2001-05-01 09:00:00.000000", "recorded_by": "x"}
        add(connection, "tracking_bases", id=MEASURED, contact_id=contact, kind="consent", **said, **at)
        seen = {"message_id": letter, "at": AT, "is_head": False, "hit_class": "human", "why": "nothing_suspect"}
        for number, link, version in ((11301, 1, 0), (11302, 2, 0), (11303, 0, 1)):
            add(connection, "hits", id=number, link=link, version=version, agent="browser", tracker_id=None, **seen)


def after_upgrade(connection, before):
    for letter, _ in values(connection, LETTER):
        assert values(connection, f"{WAITING.format(letter=letter)} ORDER BY link") == [(1, "browser"), (2, "browser")]
    kept = {row["id"] for row in before["hits"] if row["version"]}
    assert set(values(connection, "SELECT id FROM hits")) == kept


def before_downgrade(connection):
    """Beside the clicks that wait, an opening, a machine's, and a click of nobody who agreed."""
    for letter, _ in values(connection, LETTER):
        own = values(connection, f"SELECT public_id FROM messages WHERE id = {letter}")[0]
        for name, link, agent in ((own, 0, "proxy"), (own, 3, "scanner"), ("0" * 16, 1, "browser")):
            add(connection, "hits_new", public_id=name, link=link, at=AT, agent=agent, is_head=False)


def after_downgrade(connection, _before):
    for letter, _ in values(connection, LETTER):
        told = values(connection, JUDGED.format(letter=letter, at=AT))
        assert {one for one in told if one[3] == 0} == {
            (1, "human", "nothing_suspect", 0),
            (2, "human", "nothing_suspect", 0),
            (3, "machine", "agent", 0),
        }
        assert (0, "undetermined", "proxy", 1) in told
