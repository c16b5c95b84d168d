"""Random histories: some weeks of a service, played through the product's own functions at moments of their own.

A history is made of choices alone (`random.Random`, or Hypothesis's, which makes a failing one small). What the product
refuses is no part of it. `told` says what was done, for whoever reads a failure.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import select

from outreach.access.approvals import Extent
from outreach.adherence import programmes, records
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import Status, Word
from outreach.campaigns import channels, planning, review
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import CallOutcome, EscalationStep, ReachChannel, StepState
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import (
    AddedReminder,
    AudienceException,
    Campaign,
    CampaignState,
    PaperBatch,
    Wave,
    WaveState,
)
from outreach.campaigns.planning import AudienceRule
from outreach.campaigns.segments import from_plain, to_json
from outreach.campaigns.waves import add_reminder as add_reminder_of_waves
from outreach.campaigns.waves import (
    advance_wave,
    approve_reminder,
    call_off_waves,
    due_waves,
    finish_waves,
    receive_answer,
    resend_doubts,
    retry_failures,
    submit_reminder,
)
from outreach.core import tables
from outreach.core.settings import ROOT
from outreach.core.tables import open_import
from outreach.core.text.addresses import judge
from outreach.core.text.dates import today
from outreach.core.text.errors import OutreachError
from outreach.delivery import bounces, outbox, sending
from outreach.delivery.letters import Keys
from outreach.delivery.models import Message, MessageState, Suppression, SuppressionReason
from outreach.delivery.outbox import Settled
from outreach.delivery.smtp import AttemptResult, Reply, Verdict
from outreach.directory import contacts, register
from outreach.directory.models import Authority, MailboxKind, School
from outreach.directory.register import Fate, SchoolReport
from outreach.engagement import replies
from outreach.engagement.replies import REQUESTS, Answer, Given, Response
from outreach.operations.demo.story import Post
from tests import factories
from tests.delivery.bounces import returns
from tests.directory import editions
from tests.factories import APPROVER, AUTHOR

SENDING = SenderIdentity("courriel.example", "https://courriel.example", Keys((b"k" * 32,)))
START = datetime(2021, 2, 23, 8, 0, tzinfo=UTC)  # a Tuesday, in weeks that no holiday closes
HOUR, DAY, MINUTE, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
UNKNOWN_BOX, FULL_BOX = Reply(550, ("5.1.1 No such mailbox",)), Reply(552, ("5.2.2 Mailbox full",))
LIKELY = ("Libre confessionnel",) * 4 + ("Subventionné communal",) * 3
NETWORKS = (*LIKELY, "WBE", "Libre non confessionnel", "Subventionné provincial")
KINDS = ("Secondaire ordinaire",) * 3 + ("Primaire ordinaire", "Secondaire spécialisé")
PLACES = (("1070", "Bruxelles"), ("5000", "Namur"), ("4000", "Liège"), ("7000", "Hainaut-Centre"), ("9600", ""))
OF_STRANDS = tuple(  # of the campaign's programme
    {"school_status": {"strand": strand, "statuses": ["joined"], "which": which}}
    for strand, which in ((1, "any"), (2, "all"))
)
WORDS = {"subject": "FASE ((fase_po)) – Encore un mot", "letter": "Bonjour ((nom_po)),\n\n((liste_écoles))\n"}
# Two programmes whose strands bear the same numbers: one opens in the course of a history, one closes.
OTHERS = (
    """
code = "mon"
name = "Mes outils numériques"
[[strands]]
number = 1
name = "Volet 1"
circular = "7831"
opened_on = 2020-11-16
[[strands]]
number = 2
name = "Volet 2"
circular = "7832"
opened_on = 2021-03-03
levels = ["primary"]
""",
    """
code = "plan-lecture"
name = "Plan lecture"
[[strands]]
number = 1
name = "Bibliothèques de classe"
circular = "7102"
opened_on = 2020-12-01
levels = ["primary"]
[[strands]]
number = 2
name = "Lectures partagées"
circular = "7103"
opened_on = 2021-01-04
closed_on = 2021-04-01
""",
)
LADDERS = ("", "", "paper:3:failed call:6:failed", "paper:2:always", "call:4:failed")


class Nothing(Exception):
    """There is nothing of a kind to do something with."""


class Doubting(Post):
    """A relay of which some dots get no answer."""

    doubts: frozenset[int] = frozenset()

    def _round(self, letters, refusals, now):
        doubted = {one.id for one in letters if one.id % 7 in self.doubts} - set(refusals)
        super()._round([one for one in letters if one.id not in doubted], refusals, now)
        left = [one for one in letters if one.id in doubted]
        if not left:
            return
        fence_id = f"{now.timestamp():.0f}{left[0].id}"[:32]
        passed = sending.pass_through(
            self.session, left, fence_id=fence_id, worker_id=self.worker_id, now=now, day=today(now)
        )
        unclear = AttemptResult(Verdict.UNKNOWN, 0, "", "")
        settled = [Settled(identity, fence_id, unclear) for identity in sorted(passed)]
        outbox.record_outcomes(self.session, settled, now=now, again_at=now)


@dataclass
class History:
    """A database in which people work, by turns that chance chooses; on one programme of one strand, or `several`."""

    database: object
    random: object
    several: bool = False
    now: datetime = START
    told: list[str] = field(default_factory=list)
    rows: dict[int, dict[str, object]] = field(default_factory=dict)  # the register as it is by now, by school
    fresh: count = field(default_factory=lambda: count(60))
    notices: count = field(default_factory=count)
    reads_returns: bool = False

    # -- how it goes on

    def begin(self, authorities=24):
        """The register's first edition, some joinings, some mailboxes that are missing or excluded."""
        with self.database.writing() as session:
            for stated in OTHERS if self.several else (factories.PROGRAMME,):
                programmes.load_programme(session, stated, now=self.now - 60 * DAY, actor=AUTHOR)
        self.reads_returns = self.random.random() < 0.5
        for number in range(authorities):
            network = self.random.choice(NETWORKS)
            for _ in range(self.random.choice((1, 1, 1, 2, 3))):
                self.add_school(9001 + number, network)
        self.edition(self.now - 50 * DAY)
        for _ in range(6 if self.several else 3):
            self.attempt(History.joining_list)
        for _ in range(3):
            self.attempt(History.change_mailbox)
        self.told.clear()
        return self

    def play(self, turns):
        """So many turns."""
        while self.campaigns() < (2 if self.several else 1):
            self.attempt(History.campaign)
        for _ in range(turns):
            self.turn()
        return self

    def campaigns(self):
        """How many there are."""
        with self.database.reading() as session:
            return len(session.scalars(select(Campaign.id)).all())

    def programme(self, session):
        """One of the programmes."""
        return (
            self.random.choice(programmes.all_programmes(session))
            if self.several
            else programmes.get_programme(session)
        )

    def strand(self, session):
        """A strand; of several, one that the fewest campaigns are about."""
        strands = [strand for programme in programmes.all_programmes(session) for strand in programme.strands]
        if not self.several:
            return strands[0]
        about = Counter(session.scalars(select(Campaign.strand_id)))
        fewest = min(about[strand.id] for strand in strands)
        return self.random.choice([strand for strand in strands if about[strand.id] == fewest])

    def turn(self):
        """Some hours or days go by, what is due leaves or waits, and somebody does something."""
        then = self.now + self.random.choice((2 * HOUR, 5 * HOUR, DAY, 2 * DAY, 4 * DAY, 8 * DAY))
        for due in self.due(then):
            if self.random.random() < 0.9:  # the service was stopped at that hour
                self.now = max(self.now, due)
                self.clock()
        self.now = max(self.now, then)
        self.clock()
        self.now += SECOND  # of what is of the same moment as a launch, rows do not tell which came first
        act = self.random.choice(ACTS)
        self.attempt(act)
        self.now += MINUTE

    def due(self, until):
        """When waves leave until a moment."""
        with self.database.reading() as session:
            query = select(Wave.due_at).where(Wave.state == WaveState.PLANNED, Wave.due_at <= until)
            return session.scalars(query.order_by(Wave.due_at)).all()

    def attempt(self, act):
        """Do something; the product may refuse it."""
        try:
            said = act(self)
        except Nothing as error:
            said = f"no {error}"
        except OutreachError as error:
            said = f"refused: {error}"
        self.told.append(f"{self.now:%m-%d %H:%M} {act.__name__}: {said}")

    def clock(self):
        """What the service does by itself: waves begin and end, letters leave, rungs open and close."""
        with self.database.reading() as session:
            due = due_waves(session, now=self.now)
        for wave in due:
            going = True
            while going:
                with self.database.writing() as session:
                    going = advance_wave(session, wave, SENDING, now=self.now)
        if self.random.random() < 0.25:  # a relay that rests: letters wait
            return
        with self.database.writing() as session:
            keys = [one for one in session.scalars(select(Authority.id)) if one % 9 in self.refusing()]
            post = Doubting(
                session,
                SENDING,
                now=self.now,
                refusals=dict.fromkeys(keys, self.random.choice((UNKNOWN_BOX, FULL_BOX))),
            )
            post.doubts = frozenset({3}) if self.random.random() < 0.3 else frozenset()
            post.carry(self.now)
            post.close(self.now)
        with self.database.writing() as session:
            finish_waves(session, now=self.now)
            if self.reads_returns and self.random.random() < 0.8:
                bounces.note_box_read(session, now=self.now)
        if self.random.random() < 0.3:
            self.climb()

    def refusing(self):
        return {self.random.randrange(9)} if self.random.random() < 0.5 else set()

    def climb(self):
        """Rungs that are due no longer are stopped, and those whose day has come open."""
        with self.database.reading() as session:
            waves, due = channels.open_steps(session, now=self.now), channels.due_rungs(session, now=self.now)
        for wave, numbers in waves.items():
            with self.database.writing() as session:
                channels.stop_steps(session, wave, numbers, now=self.now)
        for wave, rung in due:
            with self.database.writing() as session:
                keys, _ = channels.due_candidates(session, wave, rung, after=0, now=self.now)
                channels.open_due_steps(session, wave, rung, keys, SENDING, now=self.now)

    # -- the register

    def add_school(self, authority, network):
        number = next(self.fresh)
        postcode, zone = self.random.choice(PLACES)
        self.rows[80000 + number] = {
            "school": 80000 + number,
            "site": 70000 + number,
            "authority": authority,
            "network": network,
            "kind": self.random.choice(KINDS),
            "school_name": f"École {number}",
            "authority_name": f"Pouvoir organisateur {authority}",
            "company": "",
            "postcode": postcode,
            "zone": zone or "Namur",
        }

    def edition(self, at):
        with self.database.writing() as session:
            content = editions.edition(*(editions.row(**one) for one in self.rows.values()))
            editions.apply(session, content, at, today(at), actor=AUTHOR)

    def change_register(self):
        """A school moves, closes or opens; an authority is taken over by another, or is new."""
        one = self.random.choice(list(self.rows.values()))
        others = [row for row in self.rows.values() if row["network"] == one["network"]]
        other = self.random.choice(others)
        kind = self.random.choice(("move", "merge", "close", "school", "authority", "authority"))
        taking = {"authority": other["authority"], "authority_name": other["authority_name"]}
        if kind == "move":
            one.update(taking)
        elif kind == "merge":
            for row in self.rows.values():
                if row["authority"] == one["authority"]:
                    row.update(taking)
        elif kind == "close" and len(self.rows) > 3:
            del self.rows[one["school"]]
        elif kind == "school":
            self.add_school(one["authority"], one["network"])
        else:
            self.add_school(9001 + next(self.fresh), one["network"])
        self.edition(self.now)
        return f"{kind} {one['school']} {other['authority']}"

    def report_school(self):
        """A school is reported as gone, or a report is taken back."""
        with self.database.writing() as session:
            if self.random.random() < 0.3:
                made = self.one(session, select(SchoolReport).where(SchoolReport.withdrawn_at.is_(None)))
                if made is None:
                    return "none"
                authority, fase = (
                    session.get_one(Authority, made.authority_id),
                    session.get_one(School, made.school_id).fase,
                )
                register.withdraw_report(session, authority, fase, now=self.now, actor=AUTHOR)
                return f"withdrawn {fase}"
            row = self.random.choice(list(self.rows.values()))
            authority = session.scalars(select(Authority).where(Authority.fase == row["authority"])).one()
            fields = {"day": today(self.now), "source": "Appel", "now": self.now, "today": today(self.now)}
            register.report_school(
                session, authority, row["school"], self.random.choice(list(Fate)), **fields, actor=AUTHOR
            )
            return row["school"]

    # -- mailboxes

    def change_mailbox(self):
        """An address is retired, added, excluded or readmitted."""
        with self.database.writing() as session:
            authority = self.one(session, select(Authority))
            used = [one for one in contacts.contacts_of(session, authority) if one.retired_at is None]
            kind = self.random.choice(("retire", "add", "exclude", "lift"))
            if kind == "add" or not used:
                address = judge(f"direction{next(self.fresh)}@po.example")
                contacts.add(session, authority, address, now=self.now, actor=AUTHOR, kind=MailboxKind.IMPERSONAL)
                return f"{authority.fase} has {address.address}"
            if kind == "retire":
                contacts.retire(session, authority, used[0], now=self.now, actor=AUTHOR)
            elif kind == "exclude":
                reason = SuppressionReason.STAFF
                outbox.suppress_address(session, used[0].address_key, reason, now=self.now, actor=AUTHOR, detail="x")
            else:
                made = self.one(session, select(Suppression).where(Suppression.lifted_at.is_(None)))
                if made is not None:
                    outbox.lift_suppression(
                        session, made.address_key, made.reason, now=self.now, actor=AUTHOR, because="x"
                    )
            return f"{kind} {authority.fase}"

    # -- where schools stand

    def joining_list(self):
        """A list of the service: joinings of these days, or of months ago; some other statuses."""
        with self.database.reading() as session:
            programme = self.programme(session)
            numbers = [strand.number for strand in programme.strands]
        known = list(self.rows)
        lines = []
        for school in self.random.sample(known, min(len(known), self.random.randint(1, 4))):
            status = self.random.choice(("adhéré",) * 5 + ("non concerné", "en préparation"))
            ago = self.random.choice((0, 1, 3, 20, 60))
            number = self.random.choice(numbers) if self.several else 1
            lines.append(f"{school};{number};{status};{today(self.now) - ago * DAY:%d/%m/%Y};Liste;")
        content = "\r\n".join(["fase;volet;statut;date;source;motif", *lines]).encode()
        with self.database.writing() as session:
            sent, kind = open_import(content, HEADERS), JoiningLists(today(self.now))
            tables.take_over(session, kind, sent, now=self.now, actor=AUTHOR, programme_id=programme.id)
        return f"{programme.code} {lines}" if self.several else lines

    def undo_list(self):
        """The last list is undone."""
        with self.database.writing() as session:
            return tables.undo_import(session, JoiningLists(today(self.now)), now=self.now, actor=AUTHOR).id

    def record(self):
        """A colleague records a status by hand, or withdraws one."""
        with self.database.writing() as session:
            programme = self.programme(session)
            strand = self.random.choice(programme.strands) if self.several else programme.strands[0]
            row = self.random.choice(list(self.rows.values()))
            authority = session.scalars(select(Authority).where(Authority.fase == row["authority"])).one()
            made = records.of_authority(session, authority, programme)
            standing = [one for one in made if one.withdrawn_at is None]
            if standing and self.random.random() < 0.5:
                records.withdraw_hand_record(
                    session, authority, programme, standing[0].number, now=self.now, actor=AUTHOR
                )
                return f"withdrawn {standing[0].number}"
            school = session.scalars(select(School).where(School.fase == row["school"])).one()
            day = today(self.now) - self.random.choice((0, 2, 30)) * DAY
            status = self.random.choice((Status.JOINED, Status.JOINED, Status.IN_PREPARATION, Status.NOT_CONCERNED))
            word = self.random.choice(list(Word))
            said = {"status": status, "word": word, "effective_on": day, "source": "Appel"}
            records.record_adherence(session, authority, programme, strand, [school], **said,
                           now=self.now, today=today(self.now), actor=AUTHOR)  # fmt: skip
            return f"{school.fase} {programme.code} {strand.number} {status} {word} {day}"

    # -- campaigns

    def campaign(self):
        """A campaign is written and approved; it is planned, as a rule."""
        with self.database.writing() as session:
            if len(session.scalars(select(Campaign.id)).all()) >= (5 if self.several else 3):
                return "enough"
            kind = self.random.choice(("invitation",) * 4 + ("thanks", "correction"))
            made = self.written(session, kind)
            if made is None:
                return "nothing to correct"
            if self.random.random() < 0.1:
                return f"draft {made.id}"
            planning.submit_campaign(session, made, now=self.now, actor=AUTHOR)
            self.approve(session, made)
            return f"{kind} {made.id} {programmes.strand_in_words(made.strand.programme.name, made.strand.number)}"

    def written(self, session, kind):
        criteria = self.random.choice(
            (
                *({"and": []},) * 3,
                {"level": ["secondary"]},
                {"network": ["Libre confessionnel", "WBE"]},
                {"or": [{"zone": ["Bruxelles"]}, {"not": {"province": ["Liège"]}}]},
                {"federation": ["SeGEC", "CECP"]},
                *(OF_STRANDS * 3 if self.several else ()),
            )
        )
        about = self.strand(session)
        changes = {"segment": AudienceRule.model_validate({"criteria": criteria}), "departure_gap": 0}
        changes |= {"programme": about.programme.code, "strand": about.number}
        if kind == "thanks":
            stated = planning.get_definition("merci-et-suite", ROOT / "campaigns")
            return factories.campaign(session, stated.model_copy(update=changes), self.now)
        changes["reminders"] = self.random.choice(((), (7,), (14,), (7, 14)))
        changes["ladder"] = self.random.choice(LADDERS)
        if kind == "correction":
            begun = self.one(session, select(Wave).where(Wave.mailing_id.is_not(None)))
            if begun is None:
                return None
            received = {"received": {"mailings": [begun.mailing_id], "with_later": False}}
            changes |= {"concerns": "listed", "ladder": "", "reminders": ()}
            about = begun.campaign.strand
            changes |= {"programme": about.programme.code, "strand": about.number}
            made = factories.campaign(session, factories.invitation(**changes), self.now)
            made.criteria = to_json(from_plain(received))
            session.flush()
            return made
        return factories.campaign(session, factories.invitation(**changes), self.now)

    def approve(self, session, made):
        written = planning.count_campaign_audience(session, made, now=self.now).written
        planning.approve_campaign(session, made, now=self.now, actor=APPROVER, extent=Extent(written))
        if self.random.random() < 0.9:
            at = self.now + self.random.choice((MINUTE, DAY, 3 * DAY))
            planning.schedule_campaign(session, made, at, now=self.now, actor=AUTHOR)

    def move_campaign(self):  # noqa: PLR0911 - a way for each state
        """A campaign is paused, resumed, cancelled, taken back to draft, approved again or closed."""
        with self.database.writing() as session:
            chosen = self.some(session, select(Campaign))
            made = planning.in_turn(session, chosen.id)
            states = {wave.state for wave in made.waves}
            if made.state is CampaignState.CANCELLED:
                planning.restore_campaign(session, made, now=self.now, actor=AUTHOR)
                return f"restored {made.id}"
            if made.state is CampaignState.DRAFT:
                planning.submit_campaign(session, made, now=self.now, actor=AUTHOR)
                self.approve(session, made)
                return f"approved {made.id}"
            if WaveState.PAUSED in states:
                planning.resume_campaign(session, made, now=self.now, actor=APPROVER, may_approve=True)
                return f"resumed {made.id}"
            if WaveState.RUNNING in states and self.random.random() < 0.7:
                planning.pause_campaign(session, made, now=self.now, actor=AUTHOR)
                return f"paused {made.id}"
            if self.random.random() < 0.4:
                planning.cancel_campaign(session, made, now=self.now, actor=AUTHOR)
                return f"cancelled {made.id}"
            planned = [wave.number for wave in made.waves if wave.state is WaveState.PLANNED]
            if planned:
                call_off_waves(session, made, planned[-1], now=self.now, actor=AUTHOR)
                return f"called off {made.id}, {planned[-1]}"
            if self.random.random() < 0.3:
                planning.close_campaign(session, made, now=self.now, actor=AUTHOR)
                return f"closed {made.id}"
            return "nothing"

    def pause_before_leaving(self):
        """A wave begins and is paused before any letter has left."""
        with self.database.reading() as session:
            waiting = session.scalars(select(Wave).where(Wave.state == WaveState.PLANNED).order_by(Wave.due_at)).first()
            if waiting is None:
                return "none"
            self.now, number, campaign = max(self.now, waiting.due_at), waiting.id, waiting.campaign_id
        going = True
        while going:
            with self.database.writing() as session:
                going = advance_wave(session, number, SENDING, now=self.now)
        with self.database.writing() as session:
            planning.pause_campaign(session, planning.in_turn(session, campaign), now=self.now, actor=AUTHOR)
        return f"wave {number}"

    def leave_out(self):
        """Authorities are left out with a reason, or an exception is taken back."""
        with self.database.writing() as session:
            going = Campaign.state.in_((CampaignState.DRAFT, CampaignState.APPROVED))
            made = planning.in_turn(session, self.some(session, select(Campaign).where(going)).id)
            standing = select(AudienceException).where(
                AudienceException.campaign_id == made.id, AudienceException.withdrawn_at.is_(None)
            )
            old = self.one(session, standing)
            if old is not None and self.random.random() < 0.5:
                review.take_back(session, made, old.id, now=self.now, actor=AUTHOR)
                return f"taken back {old.id}"
            keys = session.scalars(select(Authority.id).order_by(Authority.id)).all()
            chosen = self.random.sample(list(keys), self.random.randint(1, 4))
            review.leave_out(session, made, chosen, "Pas cette fois", now=self.now, actor=AUTHOR)
            return f"{made.id}: {chosen}"

    def add_reminder(self):
        """A reminder is added and approved."""
        with self.database.writing() as session:
            made = planning.in_turn(session, self.some(session, select(Campaign)).id)
            asked = self.now + self.random.choice((DAY, 3 * DAY, 10 * DAY))
            key = add_reminder_of_waves(session, made, **WORDS, asked_at=asked, now=self.now, actor=AUTHOR).id
            added = session.get_one(AddedReminder, key)
            many = planning.count_campaign_audience(session, made, now=self.now, only_unreacted=True).written
            submit_reminder(session, added, now=self.now, actor=AUTHOR, extent=Extent(many))
            approve_reminder(session, added, now=self.now, actor=APPROVER, extent=Extent(many))
            return made.id

    def send_again(self):
        """Failures of a wave are tried again, or its doubts."""
        with self.database.writing() as session:
            wave = self.some(session, select(Wave).where(Wave.mailing_id.is_not(None)))
            made = planning.in_turn(session, wave.campaign_id)
            again = self.random.choice((retry_failures, resend_doubts))
            return f"{again.__name__} {again(session, made, wave.number, now=self.now, actor=AUTHOR)}"

    # -- what authorities do

    def letter(self, session):
        """A letter of a campaign that somebody may have received."""
        of_waves = select(Wave.mailing_id).where(Wave.mailing_id.is_not(None))
        query = select(Message).where(Message.mailing_id.in_(of_waves), Message.state == MessageState.ACCEPTED)
        return self.some(session, query)

    def answer(self):
        """An authority answers from a letter."""
        with self.database.writing() as session:
            letter = self.letter(session)
            question = replies.question_of(session, letter, now=self.now)
            waiting = [school.id for school in question.open()]
            chosen = self.random.choice((Answer.JOINED, Answer.JOINED, *Answer))
            named = self.random.choice(({}, {"name": "Anne Dupont"}, {"comment": "Bientôt."}))
            if chosen in REQUESTS or not waiting:
                given = Given({}, self.random.choice([one for one in REQUESTS if not one.is_wrong_mailbox]), **named)
            else:
                some = self.random.sample(waiting, self.random.randint(1, len(waiting)))
                given = Given(dict.fromkeys(some, chosen), **named)
            receive_answer(session, letter, given, SENDING, now=self.now)
            return f"{letter.authority_id} {chosen} {sorted(given.answers)} {named}"

    def confirm(self):
        """A colleague does what a response asks for."""
        with self.database.writing() as session:
            waiting = self.some(session, select(Response).where(Response.waits()))
            replies.act_on_response(session, waiting, now=self.now, actor=AUTHOR)
            return f"{waiting.id} {waiting.answer}"

    def come_back(self):
        """A letter comes back by mail, or a person writes back to it."""
        with self.database.writing() as session:
            letter = self.letter(session)
            kind = self.random.choice(("postfix", "postfix", "human", "absence-fr"))
            content = returns.notice(kind, identity=letter.public_id, address=letter.address)
            content += f"\r\nX-{next(self.notices)}".encode()
            bounces.take_notice(session, bounces.read_notice(content, returns.KEYS), now=self.now)
            return f"{kind} {letter.authority_id}"

    def unsubscribe(self):
        """A mailbox wants no more."""
        with self.database.writing() as session:
            letter = self.letter(session)
            outbox.unsubscribe_letter(session, letter, now=self.now, detail="lien")
            return letter.authority_id

    # -- paper and calls

    def print_paper(self):
        """Letters on paper are made, and posted as a rule."""
        self.climb()
        with self.database.writing() as session:
            due = EscalationStep.channel == ReachChannel.PAPER, EscalationStep.state == StepState.DUE
            step = self.some(session, select(EscalationStep).where(*due))
            wave = session.scalars(select(Wave).where(Wave.mailing_id == step.mailing_id)).one()
            made = channels.make_batch(session, wave.campaign, wave, SENDING, sheet=True, now=self.now, actor=AUTHOR)
            if made.batch is None:
                return "nobody"
            if self.random.random() < 0.8:
                day = today(self.now)
                channels.note_posted(session, made.batch, on=day, today=day, now=self.now, actor=AUTHOR)
            return made.batch.letters

    def paper_returns(self):
        """A letter on paper comes back, or is answered by its code."""
        with self.database.writing() as session:
            tried = (EscalationStep.channel == ReachChannel.PAPER, EscalationStep.state == StepState.TRIED)
            step = self.some(session, select(EscalationStep).where(*tried))
            authority = session.get_one(Authority, step.authority_id)
            if self.random.random() < 0.5:
                for batch in session.scalars(select(PaperBatch).where(PaperBatch.mailing_id == step.mailing_id)):
                    try:
                        channels.came_back(
                            session, batch, [authority.fase], on=today(self.now), now=self.now, actor=AUTHOR
                        )
                    except OutreachError:
                        continue
                    return f"back {authority.fase}"
                return "not in a batch"
            message = session.get_one(Message, step.message_id)
            question = replies.question_of(session, message, now=self.now)
            waiting = [school.id for school in question.open()]
            if not waiting:
                return "nothing to answer"
            given = Given(dict.fromkeys(waiting, Answer.JOINED), is_by_code=True)
            receive_answer(session, message, given, SENDING, now=self.now, step=step.id)
            return f"answered {authority.fase}"

    def call(self):
        """Somebody calls."""
        with self.database.writing() as session:
            due = (EscalationStep.channel == ReachChannel.CALL, EscalationStep.state == StepState.DUE)
            step = self.some(session, select(EscalationStep).where(*due))
            wave = session.scalars(select(Wave).where(Wave.mailing_id == step.mailing_id)).one()
            channels.take_call(session, wave.campaign, step.id, now=self.now, actor=AUTHOR)
            if step.state is not StepState.DUE:
                return "over"
            outcome = self.random.choice((CallOutcome.REACHED, CallOutcome.NOT_REACHED, CallOutcome.WRONG_NUMBER))
            answer = Answer.HELP if outcome is CallOutcome.REACHED and self.random.random() < 0.5 else None
            noted = NotedCall(outcome, "Appel.", "le secrétariat", answer=answer)
            channels.note_call(session, wave.campaign, step.id, noted, SENDING, now=self.now, actor=AUTHOR)
            return f"{step.authority_id} {outcome} {answer}"

    def some(self, session, query):
        """One of the rows of a query, by chance. Raises Nothing where it has none."""
        if (found := self.one(session, query)) is None:
            raise Nothing(query.column_descriptions[0]["name"])
        return found

    def one(self, session, query):
        """The same; None where it has none."""
        (entity,) = (column["entity"] for column in query.column_descriptions)
        found = session.scalars(query.order_by(entity.id)).all()
        return self.random.choice(found) if found else None


ACTS = (
    *(History.campaign,) * 2,
    *(History.joining_list,) * 4,
    *(History.undo_list, History.report_school, History.unsubscribe),
    *(History.record,) * 2,
    *(History.change_register,) * 2,
    *(History.change_mailbox,) * 2,
    *(History.move_campaign,) * 3,
    *(History.pause_before_leaving,) * 2,
    *(History.leave_out,) * 2,
    *(History.add_reminder, History.send_again),
    *(History.answer,) * 4,
    *(History.confirm,) * 2,
    *(History.come_back,) * 2,
    *(History.print_paper,) * 3,
    *(History.paper_returns, History.call, History.call),
)
