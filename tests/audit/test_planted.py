"""Wrong definitions that were once taken for right ones: the random histories tell each from what it should be.

Each is planted into the auditor itself, as both sides compare the same keys: where it makes a difference there, the
product with the same mistake differs from the auditor.
"""

import random

from tests.audit import recount, rows, told
from tests.audit.histories import History

HISTORIES = 40


class TargetedAsBase(recount.Campaigns):
    """The base of a campaign's bars is whoever was targeted."""

    def add(self, found, of_class):
        super().add(found, of_class)
        found["concerned"] += of_class == "out_of_scope"


class JoinedWithoutBound(recount.Campaigns):
    """Whatever joined had joined since the letter."""

    def joinings(self, told):
        return {
            school: "joined_since" if kind == "had_joined" else kind for school, kind in super().joinings(told).items()
        }


class RelayAsProof(recount.Campaigns):
    """What our relay took has reached its recipient."""

    def reacted(self, told, authority, of_class, school=None):
        handed = any(one["state"] == "accepted" for one in told.letters[authority])
        return handed or super().reacted(told, authority, of_class, school)


class StoppedAsRecipients(recount.Campaigns):
    """Whoever showed before the letter left has got it."""

    def class_of(self, told, authority, comes):
        found = super().class_of(told, authority, comes)
        return "recipients" if found == "stopped" else found


def test_each_wrong_definition_shows(templates, tmp_path):
    missed = [TargetedAsBase, JoinedWithoutBound, RelayAsProof, StoppedAsRecipients]
    for seed in range(HISTORIES):
        for url in templates.copy("sqlite", "staffed", tmp_path):
            database = templates.open(url)
            history = History(database, random.Random(seed)).begin().play(20)
            read = rows.of(url)
            database.dispose()
        missed = [wrong for wrong in missed if not shows(wrong, read, history.now)]
        if not missed:
            return
    assert missed == []


def shows(wrong, read, now):
    """Whether a wrong definition makes a difference in a campaign of these rows."""
    right, mistaken = recount.Campaigns(read, now), wrong(read, now)
    return any(told.differences("", mistaken.counts(one["id"]), right.counts(one["id"])) for one in read["campaigns"])


def test_a_key_that_the_auditor_does_not_know_is_a_difference():
    assert told.differences("", {"known": 1, "new": 2}, {"known": 1})
    assert told.differences("", {}, {"known": 1})
    assert not told.differences("", {"known": 1}, {"known": 1})
