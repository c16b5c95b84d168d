"""Recounts the difference between two readings from the rows, by plain loops: who is in each cell of either, and why.

Causes are worked out from their definitions, school by school, and compared. It imports nothing of the product.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime

from tests.audit import recount

POPULATION = {"strand_opened", "opened", "closed", "merged", "moved", "level_changed", "left"}
POPULATION |= {"edition_applied", "edition_undone"}
SINCE = {"joined": "joined_since", "declared": "declared_since"}
CAUSES = POPULATION | {*SINCE.values(), "changed_since", "told_late", "taken_back", "list_undone", "corrected"}
EVER = datetime(9000, 1, 1, tzinfo=UTC)


class Differences(recount.Situation):
    """Two readings of one strand: each is a day and a moment, or None for all that is known now."""

    def __init__(self, rows):
        super().__init__(rows)
        self.undone = {one["id"]: one["undone_at"] for one in rows["register_imports"] if one["undone_at"]}

    def cells(self, strand, reading, by, federation):
        """The FASE numbers of the schools in each cell, by group and status."""
        day, known_at = reading
        found = defaultdict(set)
        if self.strand[strand]["opened_on"] > day:
            return found
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
        return found

    def zone(self, school, known_at):
        """The zone of a school at a moment: what stood before the first edition that was applied or undone after it."""
        one, turns = self.school[school], []
        for change in self.rows["register_changes"]:
            if (change["kind"], change["field"], change["fase"]) == ("school", "zone", one["fase"]):
                turns.append((self.applied[change["import_id"]], change["before"]))
                turns.append((self.undone.get(change["import_id"]), change["after"]))
        later = [(at, value) for at, value in turns if at and known_at and at > known_at]
        return min(later)[1] if later else one["zone"]

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
        """What is wrong with a difference as told: a count, a sum, a school, a cause that is not that of the rows."""
        before, after = (self.cells(strand, one, by, federation) for one in (first, second))
        why = Why(self, strand, first, second, by, federation)
        values = {(cell["by"][by], cell["status"]): cell for cell in said["cells"]}
        faults = [f"cell {key} is there twice" for key, n in self.keys(said, by).items() if n > 1]
        groups = {group for group, _ in {*before, *after}}
        wanted = {(group, bucket) for group in groups for bucket in recount.BUCKETS}
        faults += [f"cell {key}: told {key in values}, there {key in wanted}" for key in wanted ^ values.keys()]
        totals = {one["status"]: one for one in said["totals"]}
        concerned = {one["by"][by]: one for one in said["populations"]}
        for key, cell in values.items():
            faults += self.of_cell(key, cell, before[key], after[key], why.of(key[0]))
        for bucket in (*recount.BUCKETS, "concerned"):
            pair = [self.united(of, bucket) for of in (before, after)]
            faults += self.of_cell(bucket, totals[bucket], *pair, why.of(None))
        for group in groups:
            pair = [self.united({k: v for k, v in of.items() if k[0] == group}, "concerned") for of in (before, after)]
            faults += self.of_cell(group, concerned[group], *pair, why.of(group))
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

    @staticmethod
    def of_cell(key, cell, before, after, why):
        """What is wrong with one cell, of the schools that it has before and after, each with its own cause."""
        faults = []
        if (cell["before"], cell["after"]) != (len(before), len(after)):
            faults.append(f"{key}: told {cell['before']} → {cell['after']}, rows {len(before)} → {len(after)}")
        if sum(one["delta"] for one in cell["causes"]) != len(after) - len(before):
            faults.append(f"{key}: the causes do not sum up")
        counted = {
            (why(fase), sign): set() for sign, some in ((1, after - before), (-1, before - after)) for fase in some
        }
        for sign, some in ((1, after - before), (-1, before - after)):
            for fase in some:
                counted[why(fase), sign].add(fase)
        values = {(one["cause"], 1 if one["delta"] > 0 else -1): one for one in cell["causes"]}
        if len(values) != len(cell["causes"]):
            faults.append(f"{key}: a cause is told twice")
        for which in values.keys() | counted.keys():
            one, schools = values.get(which, {"delta": 0, "schools": []}), counted.get(which, set())
            named = set() if which[0] == "left" else schools  # who left a federation is not named
            if one["delta"] != which[1] * len(schools) or sorted(one["schools"]) != sorted(named):
                faults.append(f"{key}: {which} told {one}, the rows say {sorted(schools)}")
        return faults


class Why:
    """Why a school is in a cell of one reading alone, by three worlds: that of the earlier moment, the same day as the
    later moment knows it, and that of the later moment."""

    def __init__(self, audit, strand, first, second, by, federation):
        self.audit, self.strand = audit, strand
        early, late = sorted((first, second), key=lambda one: one[1] or EVER)
        if (first[1] or EVER) <= (second[1] or EVER):  # of the same moment, the first comes first
            early, late = first, second
        self.early, self.late = early, late
        self.readings = early, (early[0], late[1]), late
        self.worlds = [audit.cells(strand, one, by, federation) for one in self.readings]
        self.federation = federation
        self.key = {one["fase"]: one["id"] for one in audit.school.values()}

    def of(self, group):
        """The function that tells the cause of a school in a cell of a group; None for those of all groups."""
        return lambda fase: self.cause(group, fase)

    def cause(self, group, fase):
        there = self.there(group, fase)
        if there[0] != there[2]:
            return self.of_register(fase, there)
        return self.of_status(fase)

    def there(self, group, fase):
        """In which worlds a school is in a group, or in any."""
        return [
            any(fase in schools for (name, _), schools in world.items() if group in (None, name))
            for world in self.worlds
        ]

    def days(self):
        """The readings of the later moment, by day: of the earlier day, and of the later."""
        return sorted(self.readings[1:], key=lambda one: one[0])

    def of_register(self, fase, there):  # noqa: PLR0911 - a way for each
        is_since = there[1] != there[2]
        (first_day, known_at), (last_day, _) = self.days()
        out = 2 if not is_since or self.early[0] <= self.late[0] else 0  # the reading that says it last
        in_any = self.there(None, fase)
        if self.federation and in_any[2 - out] and not in_any[out] and fase in self.taught(out):
            return "left"
        if not is_since:
            undone = [
                change
                for change in self.audit.rows["register_changes"]
                if (change["kind"], change["fase"]) == ("school", fase)
                and self.audit.applied[change["import_id"]] <= (self.early[1] or EVER)
                and (self.early[1] or EVER) < self.audit.undone.get(change["import_id"], EVER) <= (self.late[1] or EVER)
                and change["import_id"] in self.audit.undone
            ]
            return "edition_undone" if undone else "edition_applied"
        if self.audit.strand[self.strand]["opened_on"] > first_day:
            return "strand_opened"
        was, becomes = self.owner(fase, first_day, known_at), self.owner(fase, last_day, known_at)
        if was is None:
            return "opened"
        if becomes is None:
            return "merged" if self.is_taken_over(fase, first_day, last_day, known_at) else "closed"
        if was != becomes:
            from_outside = self.federation and not (in_any[1] and in_any[2])
            return "moved" if from_outside or self.audit.owned(was, last_day, known_at) else "merged"
        return "level_changed"

    def taught(self, place):
        """Who teaches at a level of the strand in a reading, whoever represents it."""
        wanted = {*self.audit.strand[self.strand]["levels"].split(",")}
        return {fase for fase, key in self.key.items() if wanted & self.audit.levels(key, *self.readings[place])}

    def owner(self, fase, day, known_at):
        """Under which authority a school stands."""
        key = self.key[fase]
        return next((one for one in self.audit.authority if key in self.audit.owned(one, day, known_at)), None)

    def is_taken_over(self, fase, first_day, last_day, known_at):
        """Whether a site that a school had is by now one of another school that did not have it."""

        def sites(day):
            held = [one for one in self.audit.rows["school_sites"] if self.audit.holds(one, day, known_at)]
            return {(one["school_id"], one["site_id"]) for one in held}

        before, after = sites(first_day), sites(last_day)
        own = {site for school, site in before if school == self.key[fase]}
        return any(site in own for _, site in after - before)

    def held(self, fase, place):
        """The record that holds of a school in a reading, and what it counts as."""
        held = None
        for one in self.audit.standing(self.key[fase], self.strand, *self.readings[place]):
            said = (one["status"], one["word"])
            if not (
                said == ("joined", "declared") and held and (held["status"], held["word"]) == ("joined", "confirmed")
            ):
                held = one
        if held is None:
            return None, "none"
        return held, "declared" if (held["status"], held["word"]) == ("joined", "declared") else held["status"]

    def of_status(self, fase):
        (was, _), (becomes, then), (_, now) = (self.held(fase, place) for place in (0, 1, 2))
        if then != now:
            last = now if self.early[0] <= self.late[0] else then
            return SINCE.get(last, "changed_since")
        early, late = self.early[1] or EVER, self.late[1] or EVER

        def is_gone(one):
            return one["id"] in self.audit.withdrawn and early < self.audit.withdrawn[one["id"]] <= late

        if becomes and becomes["recorded_at"] > early:
            is_same_day = was and (was["effective_on"], True) == (
                becomes["effective_on"],
                was["status"] != becomes["status"],
            )
            return "corrected" if is_same_day or (was and is_gone(was)) else "told_late"
        known = [was, *self.audit.standing(self.key[fase], self.strand, *self.readings[0])]
        gone = next((one for one in known if one and is_gone(one)), None)
        if gone is None:
            return "told_late"
        undone = {one["id"]: one["undone_at"] for one in self.audit.rows["joining_lists"]}
        return "list_undone" if undone.get(gone["list_id"]) == self.audit.withdrawn[gone["id"]] else "taken_back"
