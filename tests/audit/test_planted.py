"""Wrong definitions that were once taken for right ones: the random histories tell each from what it should be.

Each is planted into the auditor itself, as both sides compare the same keys: where it makes a difference there, the
product with the same mistake differs from the auditor.

These were planted into the product by hand, and each makes a history with two programmes red in `test_histories`:
- `programmes.get_programme` answers with the programme loaded first, whatever its code (seeds 1 and 41);
- `campaigns.results.actions._waves` lists waves of whatever strand (seeds 1 and 41);
- `segments.scope.context_at` takes the strands of the programme loaded first (seed 9: few criteria ask for a strand);
- `campaigns.counting.classes._Counting._known` takes the joinings of every strand (seed 41).
"""

import random

from tests.audit import recount, rows, told
from tests.audit.histories import History

SEEDS, TURNS = (2, 1, *range(3, 40)), 30  # the first two show them all


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


class FirstProgramme(recount.Campaigns):
    """A strand is that of its number in the programme that was loaded first."""

    def told(self, campaign):
        found = super().told(campaign)
        number, first = self.strand[found.row["strand_id"]]["number"], min(one["id"] for one in self.rows["programmes"])
        (strand,) = (key for key, one in self.strand.items() if (one["programme_id"], one["number"]) == (first, number))
        found.row = rows.Row(found.row, strand_id=strand)
        return found


class AnyStrand(recount.Campaigns):
    """A school's status in a strand is its latest in whatever strand."""

    def standing(self, school, strand, day, known_at=None):  # noqa: ARG002
        every = [one for key in self.strand for one in super(AnyStrand, self).standing(school, key, day, known_at)]
        return sorted(every, key=lambda one: (one["effective_on"], one["id"]))


def test_each_wrong_definition_shows(templates, tmp_path):
    missed = [TargetedAsBase, JoinedWithoutBound, RelayAsProof, StoppedAsRecipients, FirstProgramme, AnyStrand]
    for seed in SEEDS:
        random.seed(seed)  # when a letter is tried again is spread by chance
        for url in templates.copy("sqlite", "staffed", tmp_path):
            database = templates.open(url)
            history = History(database, random.Random(seed), several=seed % 2 == 1).begin().play(TURNS)
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
