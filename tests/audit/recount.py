"""Counts everything again from the rows: a program of plain loops that shares nothing with the product.

It knows the schema's names and the words stored in its columns, and imports nothing of the product. What each word
means is taken from its definition (who is targeted, concerned, a recipient…), never from a function that counts.

Where the definition leaves a doubt, the reading that is taken stands at the place where it matters.
"""

import json
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
DAY = timedelta(days=1)

CLASSES = ("recipients", "to_come", "out_of_scope", "already_joined", "excepted", "stopped", "no_address", "not_sent")
CONCERNED = ("already_joined", "excepted", "stopped")
TO_REACH = ("no_address", "not_sent", "to_come", "recipients")
OF_RECIPIENTS = ("handed_over", "on_the_way", "returned")
REACHES = ("reached", "presumed", "unread", "too_early", "left")
BESIDE = ("entered_later", "answered", "declared", "joined_since", "had_joined", "to_verify")
BESIDE_ON_PAGES = ("joined_all", "silent")
KEYS = ("targeted", "concerned", "to_reach", *CLASSES, *OF_RECIPIENTS, *REACHES, *BESIDE)

NO_ADDRESS = {"no_address", "bounced", "unreviewed", "suppressed"}
EXCEPTED = {"left_out", "solicited", "drawn"}
DAYS_OF_MAIL, DAYS_OF_PAPER = 7, 10
LAST_DEPARTURE = 3

LEVELS = {"Maternel": "nursery", "Primaire": "primary", "Secondaire": "secondary"}
STATUSES = ("in_preparation", "tender_launched", "declined", "informed", "not_concerned", "none")
BUCKETS = ("joined", "declared", *STATUSES)
OVER = {"cancelled", "missed"}


def day_of(moment):
    """The day in Brussels."""
    return moment.astimezone(BRUSSELS).date()


def end_of(day):
    """The last moment of a day in Brussels."""
    return datetime.combine(day + DAY, time(), BRUSSELS) - timedelta(microseconds=1)


class Records:
    """What the rows of the register and of adherence say of a day, as known at a moment (None: as known now)."""

    def __init__(self, rows):
        self.rows = rows
        self.authority = {one["id"]: one for one in rows["authorities"]}
        self.school = {one["id"]: one for one in rows["schools"]}
        self.network = {one["id"]: one["code"] for one in rows["networks"]}
        self.federation = {one["id"]: one["code"] for one in rows["federations"]}
        self.strand = {one["id"]: one for one in rows["strands"]}
        self.applied = {one["id"]: one["applied_at"] for one in rows["register_imports"]}
        self.withdrawn = {one["record_id"]: one["withdrawn_at"] for one in rows["record_withdrawals"]}
        self.listings, self.teachings, self.records = defaultdict(list), defaultdict(list), defaultdict(list)
        for one in rows["listings"]:
            self.listings[one["authority_id"]].append(one)
        for one in rows["teachings"]:
            self.teachings[one["school_id"]].append(one)
        for one in sorted(rows["adherence_records"], key=lambda one: (one["effective_on"], one["id"])):
            self.records[one["school_id"], one["strand_id"]].append(one)

    def holds(self, period, day, known_at):
        """Whether a period of the register holds at the end of a day, as known at a moment."""
        undone, since, until = period.get("undone_at"), period["since"], period["until"]
        if known_at is None:
            return undone is None and (since is None or since <= day) and (until is None or until > day)
        later = {number for number, applied in self.applied.items() if applied and applied > known_at}
        is_before_all = later == {number for number, applied in self.applied.items() if applied}
        stands_before_all = is_before_all and undone is None and since is None
        if not stands_before_all:
            if (undone and undone <= known_at) or (period.get("known_from") or known_at) > known_at:
                return False
            if period["opened_by"] in later and (since is not None or undone):
                return False
        until = None if period["closed_by"] in later else period["kept_until"] if undone else until
        return (since is None or since <= day) and (until is None or until > day)

    def owned(self, authority, day, known_at=None):
        """The schools that the register has under an authority."""
        return {one["school_id"] for one in self.listings[authority] if self.holds(one, day, known_at)}

    def levels(self, school, day, known_at=None):
        """The levels that a school teaches."""
        return {
            LEVELS[one["education_type"].split()[0]] for one in self.teachings[school] if self.holds(one, day, known_at)
        }

    def eligible(self, authority, strand, day, known_at=None):
        """The schools of an authority that the strand is open to."""
        levels = {*self.strand[strand]["levels"].split(",")}
        return {one for one in self.owned(authority, day, known_at) if levels & self.levels(one, day, known_at)}

    def standing(self, school, strand, day, known_at=None):
        """The records of a school in a strand until a day that stood, as known, in the order in which they hold."""
        found = []
        for one in self.records[school, strand]:
            if one["effective_on"] > day:
                continue
            gone = self.withdrawn.get(one["id"])
            if known_at is None:
                if gone is None:
                    found.append(one)
            elif one["recorded_at"] <= known_at and (gone is None or gone > known_at):
                found.append(one)
        return found

    def status(self, school, strand, day, known_at=None):
        """Where a school stands: the status, and on whose word.

        A joining that the service confirmed stays confirmed, whatever is declared after it, until another status.
        """
        held = ("none", None)
        for one in self.standing(school, strand, day, known_at):
            said = (one["status"], one["word"])
            if said == ("joined", "declared") and held == ("joined", "confirmed"):
                continue
            held = said
        return held

    def is_reported(self, school, authority, day, known_at=None):
        """Whether a school was reported as its authority's no longer."""
        for one in self.rows["school_reports"]:
            if (one["school_id"], one["authority_id"]) != (school, authority) or one["since"] > day:
                continue
            if known_at is None:
                if one["withdrawn_at"] is None:
                    return True
            elif one["recorded_at"] <= known_at and (one["withdrawn_at"] is None or one["withdrawn_at"] > known_at):
                return True
        return False

    def members(self, federation):
        """The authorities that a federation represents today, by its code."""
        return {
            one["authority_id"]
            for one in self.rows["memberships"]
            if one["until"] is None and self.federation[one["federation_id"]] == federation
        }

    def represented(self, federation):
        """The levels of schools for which a federation represents somebody today."""
        return {
            one["level"]
            for one in self.rows["memberships"]
            if one["until"] is None and self.federation[one["federation_id"]] == federation
        }


# ---- The situation


class Situation(Records):
    """Where schools stand on a day, by group."""

    def groups(self, authority, school, strand, by, day, known_at):
        """The groups that a school counts in."""
        if by == "network":
            return [self.network[self.authority[authority]["network_id"]]]
        if by == "zone":
            return [self.school[school]["zone"] or None]
        if by == "province":
            return [self.school[school]["province"]]
        levels = {*self.strand[strand]["levels"].split(",")} & self.levels(school, day, known_at)
        found = {
            self.federation[one["federation_id"]]
            for one in self.rows["memberships"]
            if one["authority_id"] == authority and one["level"] in levels and self.holds(one, day, known_at)
        }
        return sorted(found) or [None]

    def left_for(self, strand, until):
        """The schools for which a letter of a campaign about a strand had left by a moment and not come back by then.

        What came back by mail has no reply of the relay, and was settled when it came.
        """
        about = {one["id"] for one in self.rows["mailings"]
                 if one["purpose"] == "campaign" and one["strand_id"] == strand}  # fmt: skip
        left = set()
        for one in self.rows["messages"]:
            if one["mailing_id"] not in about or one["fenced_at"] is None or one["fenced_at"] > until:
                continue
            back_later = one["state"] == "refused" and one["reply_code"] is None and one["settled_at"] > until
            if was_got(one) or back_later:
                left.add(one["id"])
        return {one["school_id"] for one in self.rows["message_subjects"] if one["message_id"] in left}

    def situation(self, programme, day, *, known_at=None, by="network"):
        """{group: {"authorities", "schools", "strands": {number: {…}}}}, None for whoever is in no group, and "total".

        `of_strands` has the authorities and schools of each strand that is open.
        """
        every = [one for one in self.strand.values() if one["programme_id"] == programme]
        strands = [one for one in every if one["opened_on"] <= day]
        counts, owners, schools, theirs = {}, defaultdict(set), defaultdict(set), defaultdict(set)
        until = end_of(day) if known_at is None else min(known_at, end_of(day))
        for strand in strands:
            solicited = self.left_for(strand["id"], until)
            for authority in self.authority:
                for school in self.eligible(authority, strand["id"], day, known_at):
                    status, word = self.status(school, strand["id"], day, known_at)
                    bucket = status
                    if status == "joined":
                        bucket = "joined" if word == "confirmed" else "declared"
                    kinds = [bucket]
                    if status == "none":
                        kinds.append("solicited" if school in solicited else "unsolicited")
                    if self.is_reported(school, authority, day, known_at):
                        kinds.append("reported")
                    for group in ("total", *self.groups(authority, school, strand["id"], by, day, known_at)):
                        owners[group].add(authority)
                        theirs[group, strand["number"]].add(authority)
                        schools[group].add(school)
                        figures = counts.setdefault(group, {}).setdefault(strand["number"], empty_figures())
                        for kind in kinds:
                            figures[kind] += 1
        opens = {one["number"]: one["opened_on"] for one in every if one["opened_on"] > day}
        none = {number: {"opens_on": on.isoformat(), **dict.fromkeys(empty_figures())} for number, on in opens.items()}
        none |= {one["number"]: empty_figures() for one in strands}
        return {
            group: {
                "authorities": len(owners[group]),
                "schools": len(schools[group]),
                "strands": none | of_strands,
                "of_strands": {
                    number: {"authorities": len(theirs[group, number]), "schools": sum(of[one] for one in BUCKETS)}
                    for number, of in (none | of_strands).items()
                    if number not in opens
                },
            }
            for group, of_strands in counts.items()
        }


def empty_figures():
    """A strand's figures before anything is counted; of one that opens later there are none, but its day."""
    return dict.fromkeys((*BUCKETS, "solicited", "unsolicited", "reported"), 0)


# ---- A campaign


class Posted(NamedTuple):
    """A letter on paper: the day of its posting, when that was noted, whether it came back, the schools it lists."""

    day: date
    noted_at: datetime
    came_back: bool
    schools: set[int]


class Told:
    """What one campaign's rows say: its waves, its letters, its paper, its calls, its answers."""

    def __init__(self, records, campaign):
        rows = records.rows
        self.row = next(one for one in rows["campaigns"] if one["id"] == campaign)
        self.waves = sorted((one for one in rows["waves"] if one["campaign_id"] == campaign), key=lambda one: one["id"])
        begun = {one["id"]: one["created_at"] for one in rows["mailings"]}
        self.launched = sorted((one for one in self.waves if one["mailing_id"] is not None),
                               key=lambda one: (begun[one["mailing_id"]], one["id"]))  # fmt: skip
        self.began = {one["mailing_id"]: begun[one["mailing_id"]] for one in self.launched}
        self.letters = defaultdict(list)
        listed = defaultdict(set)
        for one in rows["message_subjects"]:
            listed[one["message_id"]].add(one["school_id"])
        self.letter = {}
        for one in rows["messages"]:
            if one["mailing_id"] in self.began and one["authority_id"] is not None:
                self.letters[one["authority_id"]].append(one)
                self.letter[one["id"]] = one
        self.listed = {number: listed[number] for number in self.letter}
        self.days, self.joined, self.about_school = None, None, defaultdict(list)
        for number, one in self.letter.items():
            for school in self.listed[number] if has_left(one) else ():
                self.about_school[school].append(one)
        self._of_ladder(rows)
        self._of_answers(rows)
        self.drawn_elsewhere = records.drawn_elsewhere(self)

    def _of_ladder(self, rows):
        """Letters on paper that were posted, and the calls that were noted and not taken back, by authority."""
        steps = {one["id"]: one for one in rows["reach_steps"] if one["mailing_id"] in self.began}
        self.steps = steps
        moves = defaultdict(list)
        for one in sorted(rows["reach_transitions"], key=lambda one: one["id"]):
            moves[one["step_id"]].append(one)
        schools = {one["step_id"]: set(map(int, one["school_keys"].split())) for one in rows["paper_letters"]}
        self.posted, self.called = defaultdict(list), defaultdict(list)
        for number, step in steps.items():
            if step["channel"] != "paper":
                continue
            posted = [move for move in moves[number] if move["state"] == "tried" and move["day"] is not None]
            if posted:
                came_back = step["state"] != "tried"
                letter = Posted(posted[-1]["day"], posted[-1]["at"], came_back, schools.get(number, set()))
                self.posted[step["authority_id"]].append(letter)
        noted = {one["id"]: one for one in rows["calls"]}
        for one in rows["reach_calls"]:
            call = noted.get(one["call_id"])
            if one["step_id"] in steps and call is not None and call.get("withdrawn_at") is None:
                authority = steps[one["step_id"]]["authority_id"]
                self.called[authority].append((call, one["outcome"]))

    def _of_answers(self, rows):
        named = {one["response_id"] for one in rows["respondents"] if one["name"]}
        self.answers = defaultdict(list)
        for one in rows["responses"]:
            # « J’ai pris connaissance » alone, without comment or name, is what a machine may reach: no answer.
            is_alone = one["answer"] == "informed" and not one["comment"] and one["id"] not in named
            if one["message_id"] in self.letter and not is_alone:
                self.answers[one["authority_id"]].append(one)
        given = {one["id"] for theirs in self.answers.values() for one in theirs}
        self.about, self.of_no_school = defaultdict(set), set(given)
        for one in rows["response_schools"]:
            if one["response_id"] in given:
                self.about[one["school_id"]].add(one["response_id"])
                self.of_no_school.discard(one["response_id"])
        self.to_verify = {self.letter[one["message_id"]]["authority_id"] for one in rows["sent_forms"]
                          if (one["state"], one["kind"]) == ("to_verify", "answer")
                          and one["message_id"] in self.letter}  # fmt: skip
        self.replied = {self.letter[one["message_id"]]["authority_id"] for one in rows["bounce_notices"]
                        if one["verdict"] == "human" and one["message_id"] in self.letter}  # fmt: skip
        self.replied |= {one["authority_id"] for one in rows["received_mails"] if not one["is_automatic"]
                         and one["message_id"] in self.letter
                         and one["authority_id"] == self.letter[one["message_id"]]["authority_id"]}  # fmt: skip
        withdrawn = {one["basis_id"] for one in rows["basis_withdrawals"]}
        agreed = {one["contact_id"]: one["kind"] for one in rows["tracking_bases"] if one["id"] not in withdrawn}
        mailboxes = {(one["authority_id"], one["address_key"]) for one in rows["contacts"]
                     if one["id"] in agreed and one["retired_at"] is None
                     and (agreed[one["id"]] == "consent" or one["mailbox_kind"] == "impersonal")}  # fmt: skip
        letters = [self.letter[one["message_id"]] for one in rows["hits"]
                   if one["message_id"] in self.letter and one["link"] and one["hit_class"] == "human"]  # fmt: skip
        self.clicked = {one["authority_id"] for one in letters
                        if (one["authority_id"], one["address_key"]) in mailboxes}  # fmt: skip

    def first(self, authority):
        """When the first wave that has a row for an authority was launched."""
        return min(self.began[one["mailing_id"]] for one in self.letters[authority])

    def latest_rows(self, authority):
        """Its rows in the latest launched wave that has one for it."""
        theirs = self.letters[authority]
        last = max((self.began[one["mailing_id"]], one["mailing_id"]) for one in theirs)
        return [one for one in theirs if (self.began[one["mailing_id"]], one["mailing_id"]) == last]


def has_left(letter):
    """Whether a letter left, or was tried; one that waits to be sent again out of a doubt had perhaps left."""
    return letter["state"] not in {"queued", "withdrawn"} or letter["resent_at"] is not None


def was_got(letter):
    """Whether a letter left and did not come back, as far as anybody knows."""
    return letter["state"] in {"handing", "accepted", "in_doubt"} or letter["resent_at"] is not None


def left_on(letter):
    """The day of its dot."""
    return day_of(letter["fenced_at"])


class Campaigns(Situation):
    """The counts of a campaign, as of a moment at which the rows were read.

    What comes back by mail is read where its mailbox was, within the week before. Of waves to come, criteria are asked
    of all rows, or of those that a `federation` sees.
    """

    def __init__(self, rows, now, *, federation=None):
        super().__init__(rows)
        self.seen_by = federation
        self.now, self.read, self.classed = now, {}, {}
        self.returns_read = any(one["read_at"] > now - DAYS_OF_MAIL * DAY for one in rows["returns_readings"])

    # -- whom a campaign means

    def concerned(self, told, authority, day, known_at):
        """The schools of an authority that the campaign is about, and which of them had joined."""
        strand, kind = told.row["strand_id"], told.row["concerns"]
        schools, joined = set(), set()
        if kind == "listed":  # a correction is about what the wrong letters listed, wherever it stands by now
            schools = self.corrected(told, authority)
            return {one for one in schools if not self.is_reported(one, authority, day, known_at)}, set()
        for school in self.eligible(authority, strand, day, known_at):
            status, _ = self.status(school, strand, day, known_at)
            if status == "not_concerned" or self.is_reported(school, authority, day, known_at):
                continue
            if kind == "joined":
                if status == "joined":
                    schools.add(school)
                continue
            schools.add(school)
            if status == "joined":
                joined.add(school)
        return schools, joined

    def corrected(self, told, authority):
        """The schools that the letters which a campaign corrects had listed to an authority."""
        mailings = set(named(json.loads(told.row["criteria"])))
        wrong = {one["id"] for one in self.rows["messages"]
                 if one["mailing_id"] in mailings and one["authority_id"] == authority and has_left(one)}  # fmt: skip
        return {one["school_id"] for one in self.rows["message_subjects"] if one["message_id"] in wrong}

    def exception_stands(self, told, authority, moment=None):
        """Whether a person had left an authority out, at a moment or now."""
        made = {one["id"]: one for one in self.rows["audience_exceptions"] if one["campaign_id"] == told.row["id"]}
        for one in self.rows["excepted_authorities"]:
            exception = made.get(one["exception_id"])
            if exception is None or one["authority_id"] != authority:
                continue
            taken_back = exception["withdrawn_at"]
            if moment is None:
                if taken_back is None:
                    return True
            elif exception["at"] <= moment and (taken_back is None or taken_back > moment):
                return True
        return False

    def meant_now(self, told):
        """Whom the criteria mean on the day shown: authorities that run a listed school."""
        day = day_of(self.now)
        tree = json.loads(told.row["criteria"] or "{}")
        about = told.row["strand_id"]
        return {key for key in self.authority if self.shown(key, day) and self.meets(tree, key, day, about)}

    def shown(self, authority, day):
        """The schools of an authority; where a federation looks, those of a level for which it represents it."""
        schools = self.owned(authority, day)
        if self.seen_by is None:
            return schools
        levels = {one["level"] for one in self.rows["memberships"] if one["authority_id"] == authority
                  and one["until"] is None and self.federation[one["federation_id"]] == self.seen_by}  # fmt: skip
        return {one for one in schools if self.levels(one, day) & levels}

    def meets(self, tree, authority, day, about):  # noqa: C901, PLR0911 - a line for each criterion
        """Whether an authority meets criteria."""
        if not tree:
            return True
        ((word, wanted),) = tree.items()
        schools = self.shown(authority, day)
        match word:
            case "and":
                return all(self.meets(one, authority, day, about) for one in wanted)
            case "or":
                return any(self.meets(one, authority, day, about) for one in wanted)
            case "not":
                return not self.meets(wanted, authority, day, about)
            case "network":
                return self.network[self.authority[authority]["network_id"]] in wanted
            case "level":
                return any(self.levels(school, day) & set(wanted) for school in schools)
            case "zone" | "province":
                return any(self.school[school][word] in wanted for school in schools)
            case "federation":
                return any(authority in self.members(code) for code in wanted if self.seen_by in {None, code})
            case "received":
                mailings = set(wanted["mailings"])
                return any(one["mailing_id"] in mailings and one["authority_id"] == authority and was_got(one)
                           for one in self.rows["messages"])  # fmt: skip
            case "authorities" if "list" in wanted:
                return any((one["list_id"], one["authority_id"]) == (wanted["list"], authority)
                           for one in self.rows["authority_list_members"])  # fmt: skip
            case "authorities":
                return self.authority[authority]["fase"] in wanted["fase"]
            case "school_status":
                programme = self.strand[about]["programme_id"]
                (strand,) = (key for key, one in self.strand.items()
                             if (one["programme_id"], one["number"]) == (programme, wanted["strand"]))  # fmt: skip
                stand = [self.status(school, strand, day)[0] in wanted["statuses"]
                         for school in self.eligible(authority, strand, day)]  # fmt: skip
                return any(stand) if wanted["which"] == "any" else bool(stand) and all(stand)
        raise NotImplementedError(f"the auditor does not know the criterion {word}")

    def mailboxes(self, told, authority):
        """The mailboxes in use that a campaign writes to, each with the schools it answers for (None: all)."""
        limits = defaultdict(set)
        for one in self.rows["contact_schools"]:
            limits[one["contact_id"]].add(one["school_id"])
        used = [one for one in self.rows["contacts"] if one["authority_id"] == authority and one["retired_at"] is None]
        own = [(one, None) for one in used if one["id"] not in limits]
        some = [(one, limits[one["id"]]) for one in used if one["id"] in limits]
        return {"authority": own or some, "schools": some, "both": own + some}[told.row["boxes"]]

    def is_usable(self, told, contact):
        """Whether an address may be written to."""
        if contact["bounced_at"] is not None:
            return False
        if contact["review_asked_at"] is not None and contact["reviewed_at"] is None:
            return False
        for one in self.rows["suppressions"]:
            if one["address_key"] != contact["address_key"] or one["lifted_at"] is not None:
                continue
            if one["scope"] == "all" or told.row["message_class"] == "awareness":
                return False
        return True

    def drawn_elsewhere(self, told):
        """Whom the draws of other campaigns keep when the next wave of one leaves: from their first departure until
        the last has left, all that they drew. Statutory and corrective letters do not wait."""
        if told.row["message_class"] != "awareness" or told.row["concerns"] == "listed":
            return set()
        to_come = [one["due_at"] for one in told.waves if one["state"] == "planned"]
        at, drawing = min(to_come, default=self.now), set()
        for one in self.rows["waves"]:
            is_first = one["departure"] == 1 and one["reminder"] == 0 and one["state"] not in OVER
            if is_first and one["campaign_id"] != told.row["id"] and one["due_at"] <= at:
                drawing.add(one["campaign_id"])
        last = {one["campaign_id"] for one in self.rows["waves"]
                if one["departure"] == LAST_DEPARTURE and one["reminder"] == 0
                and one["state"] in {"planned", "running", "paused"}
                and (at <= self.now or one["due_at"] >= at)}  # fmt: skip
        attempts = {one["id"] for one in self.rows["draw_attempts"]
                    if one["campaign_id"] in drawing & last and one["drawn_at"] is not None}  # fmt: skip
        attempts |= {one["attempt_id"] for one in self.rows["followed_draws"] if one["campaign_id"] in drawing & last}
        return {one["authority_id"] for one in self.rows["drawn_authorities"]
                if one["attempt_id"] in attempts and one["outside"] is None}  # fmt: skip

    def would_get(self, told, authority):
        """Whether a wave to come would write to an authority, as known at the moment shown."""
        day = day_of(self.now)
        if self.exception_stands(told, authority) or authority in told.drawn_elsewhere:
            return False
        is_reminder = bool(told.launched)
        if is_reminder and told.answers[authority]:
            return False
        schools, joined = self.concerned(told, authority, day, None)
        schools -= joined
        if not schools:
            return False
        for contact, limit in self.mailboxes(told, authority):
            theirs = schools if limit is None else schools & limit
            if theirs and self.is_usable(told, contact):
                return True
        return False

    def would_write(self, told, wave):
        """Whom a planned wave would write to, as known at the moment shown: a departure, of those that a draw gave it,
        the first of all that it gave to no later one."""
        meant, departure = self.meant_now(told), wave["departure"]
        if departure:
            given = self.given(told)
            meant = {key for key in meant if given.get(key, 1) == departure}
        if wave["added_reminder_id"] is not None:
            meant = {key for key in meant if self.is_silent(told, key)}
        return {key for key in meant if self.would_get(told, key)}

    def is_silent(self, told, authority):
        """Whether our relay took a letter to an authority, and neither an answer nor a joining of a school that one
        listed came since: whom a reminder that is added means."""
        if all(one["state"] != "accepted" for one in told.letters[authority]) or told.answers[authority]:
            return False
        firsts = self.first_days(told)
        listed = self.listed_to(told, authority)
        return not any(one in firsts and self.joined_after(told, one, firsts[one]) for one in listed)

    # -- classes

    def classes(self, told):
        """{authority: class} of whoever is targeted."""
        planned = [one for one in told.waves if one["state"] == "planned" and one["added_reminder_id"] is None]
        meant = {key for key, theirs in told.letters.items() if theirs}  # asking for a key adds it
        comes = set()
        if planned or not told.launched:
            meant_now = self.meant_now(told)
            meant |= meant_now
            comes = {key for key in meant_now if self.would_get(told, key)}
        is_to_come = bool(planned)
        if not told.launched and not planned:  # a draft: as its check says; nothing comes of what has ended
            over = bool(told.waves) and {one["state"] for one in told.waves} <= OVER
            if told.row["state"] in {"cancelled", "closed"} or (told.row["state"] == "approved" and over):
                return {}
            is_to_come = True
        return {key: self.class_of(told, key, key in comes and is_to_come) for key in meant}

    def class_of(self, told, authority, comes):  # noqa: PLR0911 - in the order of the classes
        """The first class that holds."""
        theirs = told.letters[authority]
        if any(has_left(one) for one in theirs):
            return "recipients"
        if comes or any(one["state"] == "queued" for one in theirs):
            return "to_come"
        if theirs:
            known_at = told.first(authority)
            day = day_of(known_at)
            first = [one for one in theirs if told.began[one["mailing_id"]] == known_at]
            rows, moment = told.latest_rows(authority), known_at
        else:
            known_at, day, first, rows, moment = None, day_of(self.now), [], [], None
        schools, joined = self.concerned(told, authority, day, known_at)
        if not schools:
            return "out_of_scope"
        if told.row["concerns"] == "open" and schools == joined:
            return "already_joined"
        reasons = {one["reason"] for one in rows}
        if not theirs and authority in told.drawn_elsewhere:
            return "excepted"
        if self.exception_stands(told, authority, moment) or EXCEPTED & (reasons | {one["reason"] for one in first}):
            return "excepted"
        if theirs and self.showed(told, authority, schools - joined) and not self.touched_before(told, authority):
            return "stopped"
        if theirs:
            return "no_address" if reasons <= NO_ADDRESS else "not_sent"
        boxes = self.mailboxes(told, authority)
        return "not_sent" if any(self.is_usable(told, contact) for contact, _ in boxes) else "no_address"

    def showed(self, told, authority, schools):
        """When an answer, or the joining of one of these schools, first became known after the launch; None: never.

        A record that a list brought and that was undone since showed nobody.
        """
        launch, strand, day = told.first(authority), told.row["strand_id"], day_of(self.now)
        moments = [one["given_at"] for one in told.answers[authority] if one["given_at"] > launch]
        # A joining says nothing where the letter is for who has joined, or corrects one whatever has come since.
        for school in schools if told.row["concerns"] == "open" else ():
            joined = [one for one in self.standing(school, strand, day) if one["status"] == "joined"]
            moments += [one["recorded_at"] for one in joined if one["recorded_at"] > launch]
        return min(moments, default=None)

    def touched_before(self, told, authority, school=None):
        """Whether this campaign had posted a letter to an authority, or called it, before it, or its school, showed."""
        schools, joined = self.concerned(told, authority, day_of(told.first(authority)), told.first(authority))
        showed = self.showed(told, authority, schools - joined if school is None else {school})
        if showed is None:
            return False
        for one in told.posted[authority]:
            if one.day < day_of(showed) or (one.day == day_of(showed) and one.noted_at <= showed):
                return True
        return any(call["recorded_at"] <= showed for call, _ in told.called[authority])

    # -- what became of letters, and whom the campaign reached

    def end_of_letters(self, letters):
        """handed_over, on_the_way or returned: the best of several letters."""
        if any(one["state"] == "accepted" for one in letters):
            return "handed_over"
        # One that was sent again out of a doubt and that our relay refused then is refused: that is its last word.
        waits = [one for one in letters if was_got(one) and one["state"] not in {"refused", "expired"}]
        return "on_the_way" if waits else "returned"

    def first_days(self, told):
        """{school: the day on which the first letter that lists it left, by mail or paper}."""
        if told.days is not None:
            return told.days
        days = told.days = {}
        for number, one in told.letter.items():
            if was_got(one):
                for school in told.listed[number]:
                    days[school] = min(days.get(school, left_on(one)), left_on(one))
        for theirs in told.posted.values():
            for one in theirs:
                for school in () if one.came_back else one.schools:
                    days[school] = min(days.get(school, one.day), one.day)
        return days

    def run(self, told, school):
        """The records since which a school stands as joined, without another status between; empty: it does not."""
        run = []
        for one in self.standing(school, told.row["strand_id"], day_of(self.now)):
            run = [*run, one] if one["status"] == "joined" else []
        return run

    def joinings(self, told):
        """{school: declared, joined_since or had_joined} of the schools that letters listed."""
        found = {}
        for school, first in self.first_days(told).items():
            run = self.run(told, school)
            confirmed = [one["effective_on"] for one in run if one["word"] == "confirmed"]
            if confirmed:
                found[school] = "joined_since" if min(confirmed) >= first else "had_joined"
            elif run:
                found[school] = "declared"
        return found

    def joined_after(self, told, school, first):
        """Whether a school stands as joined, on either word, since a day or later.

        By the record that holds: a list that comes late with an earlier day takes nobody from those who were reached.
        """
        run = self.run(told, school)
        return bool(run) and run[-1]["effective_on"] >= first

    def reacted(self, told, authority, of_class, school=None):
        """Whether a person of an authority showed, or of one of its schools: by an answer, a reply, a call, a joining
        after the letter, a click."""
        theirs = [one for one in told.letters[authority] if has_left(one)]
        if not theirs and not told.posted[authority] and not told.called[authority]:
            return False  # nothing was sent: nobody was reached
        answers = {one["id"] for one in told.answers[authority]}
        # An answer about a school is one, whoever gave it: it may stand elsewhere by now than where its letter went.
        if answers if school is None else told.about[school] or answers & told.of_no_school:
            return True
        if authority in told.replied or authority in told.clicked:
            return True
        if any(outcome == "reached" for _, outcome in told.called[authority]):
            return True
        firsts = self.first_days(told)
        listed = self.listed_to(told, authority) if school is None else {school}
        if any(one in firsts and self.joined_after(told, one, firsts[one]) for one in listed):
            return True
        return of_class in {"no_address", "not_sent"} and self.touched_before(told, authority, school)

    def silence(self, letters, posted, of_class):
        """presumed, unread, too_early or left, of letters by mail and paper; days since the latest of all."""
        today = day_of(self.now)
        mail = [left_on(one) for one in letters if one["state"] == "accepted"]
        paper = [one.day for one in posted if not one.came_back]
        if mail or paper:
            since = (today - max(mail + paper)).days
            if (mail and self.returns_read and since >= DAYS_OF_MAIL) or (paper and since >= DAYS_OF_PAPER):
                return "presumed"
            return "unread" if mail and since >= DAYS_OF_MAIL else "too_early"
        return "too_early" if of_class == "to_come" else "left"

    # -- the counts

    def told(self, campaign):
        """What its rows say."""
        if campaign not in self.read:
            self.read[campaign] = Told(self, campaign)
        return self.read[campaign]

    def counts(self, campaign, *, only=None, beside=False):  # noqa: C901, PLR0912 - two plain loops
        """Every key of a campaign's counts, of all authorities or of those with these keys alone.

        With `beside`, what pages show and programs do not get: `joined_all` counts authorities of which every listed
        school joined since, `silent` those to which a letter was handed over and that did not react.
        """
        if campaign not in self.classed:
            told = self.told(campaign)
            classes = self.classes(told)
            self.classed[campaign] = classes, self.classes_of_schools(told, classes)
        told, (classes, of_schools) = self.told(campaign), self.classed[campaign]
        if only is not None:
            classes = {key: of_class for key, of_class in classes.items() if key in only}
            of_schools = {key: of for key, of in of_schools.items() if of[1] in only}
        if told.joined is None:
            told.joined = self.joinings(told)
        joinings, later = told.joined, self.entered_later(told, classes)
        more, more_of_schools = dict.fromkeys(BESIDE_ON_PAGES, 0), dict.fromkeys(BESIDE_ON_PAGES, 0)
        found, schools = dict.fromkeys(KEYS, 0), dict.fromkeys(KEYS, 0)
        first, waiting = self.first_waves(told), self.given(told)
        for school, (of_class, authority, wave) in of_schools.items():
            self.add(schools, of_class)
            if of_class in TO_REACH:
                schools[self.reach_of_school(told, school, authority, of_class)] += 1
            if of_class == "recipients":
                end = self.end_of_letters(self.letters_about(told, school) or told.letters[authority])
                schools[end] += 1
                if end == "handed_over":
                    reach = self.reach_of_school(told, school, authority, of_class)
                    more_of_schools["silent"] += reach != "reached"
            schools["entered_later"] += bool(first) and wave not in first and authority not in waiting
            schools["answered"] += bool(told.about[school])
            if school in joinings:
                schools[joinings[school]] += 1
            more_of_schools["joined_all"] += joinings.get(school) == "joined_since"
        for authority, of_class in classes.items():
            self.add(found, of_class)
            if of_class in TO_REACH:
                found[self.reach_of(told, authority, of_class)] += 1
            if of_class == "recipients":
                found[self.end_of_letters(told.letters[authority])] += 1
            found["entered_later"] += authority in later
            found["answered"] += bool(told.answers[authority])
            found["to_verify"] += authority in told.to_verify
            listed = self.listed_to(told, authority)
            for kind in {joinings[one] for one in listed if one in joinings}:
                found[kind] += 1
            more["joined_all"] += bool(listed) and {joinings.get(one) for one in listed} == {"joined_since"}
            if of_class == "recipients" and self.end_of_letters(told.letters[authority]) == "handed_over":
                more["silent"] += self.reach_of(told, authority, of_class) != "reached"
        if told.row["concerns"] == "joined":
            found["joined_since"] = schools["joined_since"] = None
            more["joined_all"] = more_of_schools["joined_all"] = None
        if beside:
            found, schools = {**found, **more}, {**schools, **more_of_schools}
        return {**found, "schools": schools}

    def add(self, found, of_class):
        """Count a class, and the sums it is part of."""
        found[of_class] += 1
        found["targeted"] += 1
        found["concerned"] += of_class != "out_of_scope"
        found["to_reach"] += of_class in TO_REACH

    def listed_to(self, told, authority):
        """The schools that letters to an authority listed, by mail or paper."""
        listed = {school for one in told.letters[authority] if was_got(one) for school in told.listed[one["id"]]}
        return listed | {school for one in told.posted[authority] if not one.came_back for school in one.schools}

    def first_waves(self, told):
        """The first wave that was launched, by its mailing; of departures, all first ones."""
        if not told.launched:
            return set()
        if told.launched[0]["departure"]:
            return {one["mailing_id"] for one in told.launched if one["reminder"] == 0}
        return {told.launched[0]["mailing_id"]}

    def entered_later(self, told, classes):
        """Those whom the first wave did not mean; of departures, whoever waits for a later one was meant by it."""
        if not (first := self.first_waves(told)):
            return set()
        waiting = self.given(told)
        return {key for key in classes
                if key not in waiting and not any(one["mailing_id"] in first for one in told.letters[key])}  # fmt: skip

    def given(self, told):
        """Whom the draw that a campaign keeps gave to a departure, and to which."""
        number = told.row["id"]
        attempts = {one["id"] for one in self.rows["draw_attempts"]
                    if one["campaign_id"] == number and one["drawn_at"] is not None}  # fmt: skip
        attempts |= {one["attempt_id"] for one in self.rows["followed_draws"] if one["campaign_id"] == number}
        return {one["authority_id"]: one["departure"] for one in self.rows["drawn_authorities"]
                if one["attempt_id"] in attempts and one["departure"] is not None}  # fmt: skip

    def reach_of(self, told, authority, of_class):
        """The first of reached, presumed, unread, too_early and left that holds."""
        if self.reacted(told, authority, of_class):
            return "reached"
        return self.silence(told.letters[authority], told.posted[authority], of_class)

    def entries(self, told, classes):  # noqa: C901 - three plain loops
        """{school: (authority, known at, wave)}: the wave through which a campaign first meant it, and its owner then.

        Whoever no wave has a row for yet is meant as of the moment shown, by none; so is a school that its authority
        runs since, where a wave is to come, which means it.
        """
        found, to_come = {}, [one["added_reminder_id"] for one in told.waves if one["state"] == "planned"]
        for wave in told.launched:
            known_at = told.began[wave["mailing_id"]]
            for authority in classes:
                if wave["mailing_id"] in {one["mailing_id"] for one in told.letters[authority]}:
                    for school in self.owned(authority, day_of(known_at), known_at):
                        found.setdefault(school, (authority, known_at, wave["mailing_id"]))
        for authority in classes:
            theirs = told.letters[authority]
            # A reminder that is added means those alone whom a letter reached.
            if not theirs or None in to_come or (to_come and any(map(was_got, theirs))):
                for school in self.owned(authority, day_of(self.now)):
                    found.setdefault(school, (authority, None, None))
        for number, one in told.letter.items():  # of a correction, which lists what belongs elsewhere by now
            if has_left(one) and one["authority_id"] in classes:
                for school in told.listed[number]:
                    began = told.began[one["mailing_id"]]
                    found.setdefault(school, (one["authority_id"], began, one["mailing_id"]))
        return found

    def classes_of_schools(self, told, classes):
        """{school: (class, authority, wave)} of the schools of those targeted, each once."""
        found = {}
        for school, (authority, known_at, wave) in self.entries(told, classes).items():
            schools, joined = self.concerned(told, authority, day_of(known_at or self.now), known_at)
            if self.letters_about(told, school):
                theirs = "recipients"
            elif school not in schools:
                theirs = "out_of_scope"
            elif school in joined:
                theirs = "already_joined"
            else:
                theirs = classes[authority]
            found[school] = theirs, authority, wave
        return found

    def letters_about(self, told, school):
        """The letters that left and list a school, whoever got them."""
        return told.about_school[school]

    def reach_of_school(self, told, school, authority, of_class):
        """The same of a school: by what is about it; one that nothing lists is what its authority is."""
        letters = self.letters_about(told, school)
        posted = [one for one in told.posted[authority] if school in one.schools]
        if not letters and not posted:
            return self.reach_of(told, authority, of_class)
        if self.reacted(told, authority, of_class, school):
            return "reached"
        return self.silence(letters, posted, of_class)

    def of_wave(self, wave):
        """A wave's ledger: its letters by state, those withdrawn by reason."""
        row = next(one for one in self.rows["waves"] if one["id"] == wave)
        states, reasons = defaultdict(int), defaultdict(int)
        for one in self.rows["messages"]:
            if one["mailing_id"] == row["mailing_id"]:
                states[one["state"]] += 1
                if one["reason"] is not None:
                    reasons[one["reason"]] += 1
        return dict(states), dict(reasons)


def named(tree):
    """The mailings whose letters criteria ask for."""
    for word, wanted in tree.items():
        if word == "received":
            yield from wanted["mailings"]
        elif word in {"and", "or"}:
            for one in wanted:
                yield from named(one)
        elif word == "not":
            yield from named(wanted)


def faults(counts):
    """The identities that counts do not hold, in words."""
    wrong = []
    for name, of in (("", counts), ("schools.", counts["schools"])):
        sums = {
            "targeted": of["out_of_scope"] + of["concerned"],
            "concerned": sum(of[key] for key in CONCERNED) + of["to_reach"],
            "to_reach": sum(of[key] for key in TO_REACH),
            "recipients": sum(of[key] for key in OF_RECIPIENTS),
        }
        for key, is_sum in sums.items():
            if of[key] != is_sum:
                wrong.append(f"{name}{key} = {of[key]}, its parts {is_sum}")
        if sum(of[key] for key in REACHES) != of["to_reach"]:
            wrong.append(f"{name}to_reach = {of['to_reach']}, by reach {[of[key] for key in REACHES]}")
        if of["entered_later"] > of["targeted"] or of["answered"] > of["targeted"]:
            wrong.append(f"{name}more entered or answered than were targeted")
        unknown = {key for key in of if key not in KEYS and key != "schools"}
        if unknown:
            wrong.append(f"{name}unknown {unknown}")
    return wrong
