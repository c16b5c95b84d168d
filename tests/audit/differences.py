"""Recounts the difference between two readings from the rows, by plain loops: who is in each cell of either of them.

A cause is not worked out again: what it says is looked up in the rows. It imports nothing of the product.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime

from tests.audit import recount

POPULATION = {"strand_opened", "opened", "closed", "merged", "moved", "level_changed", "left", "edition_applied"}
CAUSES = POPULATION | {"joined_since", "changed_since", "told_late", "taken_back", "list_undone", "corrected"}
EVER = datetime(9000, 1, 1, tzinfo=UTC)


class Differences(recount.Situation):
    """Two readings of one strand: each is a day and a moment, or None for all that is known now."""

    def __init__(self, rows):
        super().__init__(rows)
        self.undone = {one["id"]: one["undone_at"] for one in rows["register_imports"] if one["undone_at"]}

    def cells(self, strand, reading, by, federation):
        """The FASE numbers of the schools in each cell, by group and status, and {school: authority}."""
        day, known_at = reading
        found, owners = defaultdict(set), {}
        if self.strand[strand]["opened_on"] > day:
            return found, owners
        levels_of_strand = {*self.strand[strand]["levels"].split(",")}
        for authority in self.authority:
            for school in self.eligible(authority, strand, day, known_at):
                levels = levels_of_strand & self.levels(school, day, known_at)
                if federation:
                    levels &= self.levels_of(authority, federation, day, known_at)
                if not levels:
                    continue
                status, word = self.status(school, strand, day, known_at)
                bucket = "declared" if (status, word) == ("joined", "declared") else status
                network = self.network[self.authority[authority]["network_id"]]
                groups = {"network": [network], "zone": [self.zone(school, known_at) or "-"], "level": levels}[by]
                for group in groups:
                    found[group, bucket].add(self.school[school]["fase"])
                owners[self.school[school]["fase"]] = authority
        return found, owners

    def zone(self, school, known_at):
        """The zone of a school as the editions applied by a moment have it: what the first one after it found."""
        one = self.school[school]
        later = [
            change
            for change in self.rows["register_changes"]
            if (change["kind"], change["field"], change["fase"]) == ("school", "zone", one["fase"])
            and known_at is not None
            and self.applied[change["import_id"]] > known_at
            and change["import_id"] not in self.undone
        ]
        return min(later, key=lambda change: change["id"])["before"] if later else one["zone"]

    def is_lost(self, known_at):
        """Whether an edition was in force at a moment that was undone since: nobody can tell what was known then."""
        spans = [(self.applied[key], at) for key, at in self.undone.items()]
        return known_at is not None and any(applied <= known_at < at for applied, at in spans)

    def levels_of(self, authority, federation, day, known_at):
        """The levels for which a federation represents an authority on a day."""
        return {
            one["level"]
            for one in self.rows["memberships"]
            if one["authority_id"] == authority
            and self.federation[one["federation_id"]] == federation
            and self.holds(one, day, known_at)
        }

    def faults(self, said, strand, first, second, by, federation=""):
        """What is wrong with a difference as told: a count, a sum, a school, a cause that the rows do not bear."""
        (before, was), (after, becomes) = (self.cells(strand, one, by, federation) for one in (first, second))
        told = {(cell["by"][by], cell["status"]): cell for cell in said["cells"]}
        faults = [f"cell {key} is there twice" for key, n in self.keys(said, by).items() if n > 1]
        groups = {group for group, _ in {*before, *after}}
        wanted = {(group, bucket) for group in groups for bucket in recount.BUCKETS}
        faults += [f"cell {key}: told {key in told}, there {key in wanted}" for key in wanted ^ told.keys()]
        totals = {one["status"]: one for one in said["totals"]}
        concerned = {one["by"][by]: one for one in said["populations"]}
        for key, cell in told.items():
            faults += self.of_cell(key, cell, before[key], after[key], first, second, strand, was, becomes)
        for bucket in (*recount.BUCKETS, "concerned"):
            pair = [self.united(of, bucket) for of in (before, after)]
            faults += self.of_cell(bucket, totals[bucket], *pair, first, second, strand, was, becomes)
        for group in groups:
            pair = [self.united({k: v for k, v in of.items() if k[0] == group}, "concerned") for of in (before, after)]
            faults += self.of_cell(group, concerned[group], *pair, first, second, strand, was, becomes)
        return faults

    @staticmethod
    def keys(said, by):
        return Counter((cell["by"][by], cell["status"]) for cell in said["cells"])

    @staticmethod
    def united(cells, bucket):
        """All schools of a status, or those that are concerned."""
        return {
            fase
            for (_, status), some in cells.items()
            if status == bucket or (bucket == "concerned" and status != "not_concerned")
            for fase in some
        }

    def of_cell(self, key, cell, before, after, first, second, strand, was, becomes):
        """What is wrong with one cell, of the schools that it has before and after."""
        faults = []
        if (cell["before"], cell["after"]) != (len(before), len(after)):
            faults.append(f"{key}: told {cell['before']} → {cell['after']}, rows {len(before)} → {len(after)}")
        if sum(one["delta"] for one in cell["causes"]) != len(after) - len(before):
            faults.append(f"{key}: the causes do not sum up")
        came, left, unnamed = [], [], 0
        for one in cell["causes"]:
            (came if one["delta"] > 0 else left).extend(one["schools"])
            if one["cause"] == "left":
                unnamed += abs(one["delta"])
                faults += [f"{key}: who left is named"] if one["schools"] else []
            elif abs(one["delta"]) != len(one["schools"]) or not one["delta"]:
                faults.append(f"{key}: {one} counts others than it names")
            for fase in one["schools"]:
                faults += self.of_cause(one["cause"], fase, first, second, strand, was, becomes)
        if sorted(came + left) != sorted({*came, *left}):
            faults.append(f"{key}: a school has two causes")
        missing = ((after - before) - {*came}) | ((before - after) - {*left})
        wrong = ({*came} - (after - before)) | ({*left} - (before - after))
        if wrong or len(missing) != unnamed:
            faults.append(f"{key}: without a cause {missing}, {unnamed} of them as left; wrongly {wrong}")
        return faults

    def of_cause(self, cause, fase, first, second, strand, was, becomes):
        """Whether the rows bear a cause: who moved is under another authority, who was told late has a record."""
        (key,) = (one["id"] for one in self.school.values() if one["fase"] == fase)
        days = sorted((first[0], second[0]))
        early, late = sorted((first[1] or EVER, second[1] or EVER))
        told = self.records[key, strand]
        since = [one for one in told if days[0] < one["effective_on"] <= days[1]]
        new = [one for one in told if early < one["recorded_at"] <= late]
        gone = [one for one in told if early < (self.withdrawn.get(one["id"]) or EVER) <= late]
        gone = [one for one in gone if one["id"] in self.withdrawn]
        undone = {one["id"]: one["undone_at"] for one in self.rows["joining_lists"] if one["undone_at"]}
        of_undone = [one for one in gone if undone.get(one["list_id"]) == self.withdrawn[one["id"]]]
        both = fase in was and fase in becomes
        editions = [one for one in self.applied.values() if one and early < one <= late]
        periods = [one for theirs in self.listings.values() for one in theirs if one["school_id"] == key]
        ends = [one[end] for one in (*periods, *self.teachings[key]) for end in ("since", "until") if one[end]]
        moved = any(days[0] < day <= days[1] for day in ends)  # the register, between the two days
        bears = {
            "strand_opened": days[0] < self.strand[strand]["opened_on"] <= days[1],
            "opened": not both and moved,
            "closed": not both and moved,
            "merged": moved and (not both or was[fase] != becomes[fase]),
            "moved": moved and (not both or was[fase] != becomes[fase]),
            "level_changed": moved and len({kind["education_type"] for kind in self.teachings[key]}) > 1,
            "edition_applied": bool(editions),
            "left": False,
            "joined_since": both and any(one["status"] == "joined" for one in since),
            "changed_since": both and bool(since),
            "told_late": both and bool(new),
            "taken_back": both and bool(gone) and len(of_undone) < len(gone),
            "list_undone": both and bool(of_undone),
            "corrected": both and bool(new),
        }
        return [] if bears[cause] else [f"{fase}: the rows do not bear « {cause} »"]
