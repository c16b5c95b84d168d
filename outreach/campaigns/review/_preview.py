"""A campaign's letters composed as they would leave now: previewed, or sent to oneself as a test.

The preview, the exact view and the dry run before approval come from here. They use the renderer of real letters.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, select

from outreach.access import accounts
from outreach.campaigns import experiments, planning, segments, waves
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.letter import (
    KINDS,
    Alike,
    Facts,
    LetterSnapshot,
    RecipientFacts,
    SenderIdentity,
    WrittenLetter,
    asked_about_themselves,
    bare_letter,
    compile_snapshot,
    freeze_letter,
    had_letter_of,
    head_of,
    sample_values,
    shared_headers_of,
)
from outreach.campaigns.models import AddedReminder, Campaign
from outreach.campaigns.planning import ClosingRule, PlannedWave, addressees_among, example_addressee, subject_of
from outreach.campaigns.waves import send_one
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.site import Letterhead
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.letters import (
    INERT,
    LONGEST_SUBJECT,
    FieldKind,
    Filling,
    Letter,
    Personal,
    SharedHeaders,
    Slot,
    Value,
    assemble_message,
)
from outreach.delivery.models import MessageClass, Purpose
from outreach.delivery.outbox import Addressee, Due
from outreach.delivery.smtp import Guard
from outreach.directory.models import Authority

SLICE = 1000
INLINE_STYLE = re.compile(r' style="[^"]*"')  # matches only styles of ours: quotation marks in values are escaped
NOBODY = "0" * 16
MOST = 100_000


@dataclass(frozen=True, slots=True)
class PreviewedLetter:
    """One recipient's letter: its address and facts, its content, and how its message is assembled."""

    address: str
    facts: Facts
    letter: Letter
    values: dict[str, Filling]
    flags: dict[str, bool]
    standing: SharedHeaders
    personal: Personal
    frozen: LetterSnapshot
    head: Letterhead

    @property
    def wire(self) -> bytes:
        """The bytes of the message."""
        filled = self.letter.fill(self.values, self.flags)
        return assemble_message(self.standing, self.personal, filled.text, filled.html, self.frozen.logo)

    @property
    def subject(self) -> str:
        """The subject as text, with the recipient's values."""
        return self.letter.subject_for(self.values, self.flags)

    @property
    def preheader(self) -> str:
        """The preheader as text, with the recipient's values, or ''."""
        return self.letter.preheader_for(self.values, self.flags)

    @property
    def html(self) -> str:
        """The HTML as a mail program shows it."""
        return self.letter.html_for(self.values, self.flags)

    @property
    def in_browser(self) -> str:
        """The HTML as a browser shows it."""
        return self.frozen.in_browser(self.html)

    @property
    def text(self) -> str:
        """The text as a mail program shows it."""
        return self.letter.text_for(self.values, self.flags)

    @property
    def highlighted(self) -> str:
        """The HTML for an editor: values are marked, inline styles removed because our pages' policy forbids them."""
        shown = {place.key: self._marked(place.slot) for place in self.letter.places(self.flags)}
        return INLINE_STYLE.sub("", self.letter.html_for(shown, self.flags))

    @property
    def samples(self) -> dict[str, str]:
        """What fields say to this recipient, for the chips of an editor."""
        return sample_values(self.facts)

    def _marked(self, slot: Slot) -> Filling:
        value = self.values[slot.key]
        if KINDS.get(slot.field, FieldKind.BLOCK) in {FieldKind.BLOCK, FieldKind.LINK}:
            return value
        return Value(f"<mark>{value.html}</mark>", value.text)

    @property
    def missing(self) -> set[str]:
        """The fields of this letter that have no value for this recipient."""
        places = self.letter.places(self.flags)
        words = [
            place for place in places if KINDS.get(place.slot.field) not in {None, FieldKind.BLOCK, FieldKind.LINK}
        ]
        return {place.slot.field for place in words if not self.values[place.key].text.strip()}


@dataclass
class DryRun:
    """The outcome of composing all letters: `letters` is their number, and `subject`, `preheader` and `text` are those
    of the first one.

    `missing` lists by field the authorities (FASE number, name) without a value; `biggest` is the largest HTML, in
    bytes; `longest_preheader` is in characters. `asking` of them ask whether the mailbox is the right one.
    `long_subjects` are those of whose letters mailboxes cut the subject.
    """

    letters: int = 0
    asking: int = 0
    subject: str = ""
    preheader: str = ""
    text: str = ""
    missing: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    biggest: int = 0
    longest_preheader: int = 0
    long_subjects: list[tuple[int, str]] = field(default_factory=list)


class Preview:
    """Composes a campaign's letters as for its first planned wave, or as for a reminder (`wave` from 2).

    With a `reminder` that is added to the campaign, its letter to those to whom it would go.
    """

    def __init__(
        self,
        session: Session,
        campaign: Campaign,
        sending: SenderIdentity,
        planned: Sequence[PlannedWave],
        *,
        now: datetime,
        wave: int = 1,
        has_layout: bool = True,
        reminder: AddedReminder | None = None,
    ) -> None:
        self.session, self.campaign, self.sending, self.now = session, campaign, sending, now
        self.only_unreacted, self.written = (
            reminder is not None,
            waves.written_by(session, campaign, reminder),
        )
        alike = planning.like_first(planned) if planned else []
        shown = alike[min(wave, len(alike)) - 1] if alike else None
        self.at = shown.at if shown else now
        deadline = (shown.deadline if shown else ClosingRule.of(session, campaign, now=now).deadline(now)).day
        is_reminder = wave > 1 or self.only_unreacted
        self.head = head_of(session, campaign)
        self.frozen: LetterSnapshot = freeze_letter(
            self.written, sending, deadline, is_reminder=is_reminder, head=self.head
        )
        self.letter = compile_snapshot(self.frozen.draft if has_layout else bare_letter(self.written, sending))

    def of(self, authority: Authority) -> PreviewedLetter | None:
        """The letter to an authority's first mailbox; None when it would list no school."""
        asked = self.session, self.campaign, [authority.id]
        addressees = planning.addressees_among(*asked, now=self.now, only_unreacted=self.only_unreacted)
        best = planning.example_addressee(addressees)
        return next(self.letters([best], among=addressees)) if best is not None and best.schools else None

    def first(self) -> tuple[Authority, PreviewedLetter] | None:
        """The first recipient by name and the letter; None when there is none."""
        first = next((row.Authority for row in self.recipients()), None)
        letter = self.of(first) if first else None
        return (first, letter) if first and letter else None

    def paper(self, authority: Authority) -> PreviewedLetter | None:
        """The letter to an authority as it would be printed; None when it would list no school."""
        meant = planning.schools_meant(self.session, self.campaign, [authority.id], now=self.now)
        schools = meant.get(authority.id, ())
        to = Addressee(authority.id, "", "", "", schools)
        return next(self.letters([to], on_paper=True)) if schools else None

    def recipients(self) -> Sequence[Row[Authority, int, int]]:
        """The authorities written to, by name. Columns Authority, mailboxes and schools (counts)."""
        meant = planning.audience_of(self.campaign)
        if self.only_unreacted:
            meant = planning.unreacted_of(self.campaign, now=self.now)
        leaves_at = self.at if self.only_unreacted else None
        context = planning.context_of(self.session, self.campaign, now=self.now, leaves_at=leaves_at)
        return segments.first_authorities(self.session, meant, context, MOST)

    def letters(
        self, recipients: Sequence[Addressee], *, among: Sequence[Addressee] | None = None, on_paper: bool = False
    ) -> Iterator[PreviewedLetter]:
        """The letters of these recipients, in order. `among` are all of whom letters speak, if there are more.

        `on_paper`: with the passages of paper, without those of mail.
        """
        standing = shared_headers_of(self.written, self.sending, "essai")
        is_awareness = self.campaign.message_class is MessageClass.AWARENESS
        strand, day = self.campaign.strand_id, today(self.now)
        together = planning.written_directly(recipients if among is None else among)
        finder = RecipientFacts(
            self.sending,
            self.frozen,
            self.letter,
            strand,
            is_awareness,
            day,
            leads_nowhere=True,
            together=together,
            on_paper=on_paper,
            reminded=self._reminded(),
            asked=asked_about_themselves(self.at),
        )
        alike = Alike(self.letter)
        for start in range(0, len(recipients), SLICE):
            due = [self._due(place, addressee) for place, addressee in enumerate(recipients[start : start + SLICE])]
            facts = finder.facts(self.session, due)
            for letter in due:
                content = alike.content(facts[letter.id])
                subject = self.letter.subject_for(content.values, content.flags)
                leaving = facts[letter.id].links.unsubscribing
                personal = Personal(NOBODY, letter.recipient, self.now, subject, leaving, INERT, INERT)
                yield PreviewedLetter(
                    letter.address,
                    facts[letter.id],
                    self.letter,
                    content.values,
                    content.flags,
                    standing,
                    personal,
                    self.frozen,
                    self.head,
                )

    def _reminded(self) -> Select[int] | None:
        """The authorities to which a reminder would not be the first letter: those that had one, and those whose
        departure has not left yet. None where nothing has left, and so for all."""
        left = planning.launched_mailings(self.campaign)
        if not left:
            return None
        ahead = set(range(1, DEPARTURES + 1)) - set(planning.begun_departures(self.campaign))
        to_come = experiments.assigned_to(self.campaign.id, *ahead)
        either = had_letter_of(left).union_all(to_come).subquery("reminded")
        return select(either.c.authority_id)

    def dry_run(self, recipients: Sequence[Addressee]) -> DryRun:
        """Compose the letter of each of these."""
        run = DryRun()
        for letter in self.letters(recipients):
            run.letters += 1
            run.asking += letter.facts.asks_address
            run.text = run.text or letter.text
            run.subject, run.preheader = run.subject or letter.subject, run.preheader or letter.preheader
            html, who = letter.html, (letter.facts.fase, letter.facts.name)
            run.biggest = max(run.biggest, len(html.encode()))
            run.longest_preheader = max(run.longest_preheader, len(letter.preheader))
            for name in letter.missing:
                run.missing.setdefault(name, []).append(who)
            if len(letter.subject) > LONGEST_SUBJECT:
                run.long_subjects.append(who)
        return run

    def _due(self, place: int, addressee: Addressee) -> Due:
        return Due(
            id=place,
            mailing_id=0,
            authority_id=addressee.authority_id,
            address=addressee.address,
            address_key=addressee.address_key,
            address_ascii=addressee.address_ascii,
            public_id=NOBODY,
            dated_at=self.now,
            return_path="",
            revision=0,
            schools=addressee.schools,
            kept=None,
        )


def hard_cases(rows: Sequence[Row[Authority, int, int]]) -> list[tuple[str, int]]:
    """The recipients whose letters are most likely to look wrong: the reason and the FASE number of each."""
    if not rows:
        return []
    cases = {
        "le plus d’écoles": max(rows, key=lambda row: row.schools),
        "le nom le plus long": max(rows, key=lambda row: len(row.Authority.display_name)),
        "une seule école": next((row for row in rows if row.schools == 1), None),
        "plusieurs écoles": next((row for row in rows if row.schools > 1), None),
    }
    reasons: dict[int, str] = {}
    for why, row in cases.items():
        if row is not None:
            reasons.setdefault(row.Authority.fase, why)
    return [(why, fase) for fase, why in reasons.items()]


MARK = "[TEST] "
MOST_AN_HOUR = 20


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test letter that is not queued yet: the letter, frozen, and the keys of the schools that it lists."""

    written: WrittenLetter
    frozen: LetterSnapshot
    schools: tuple[int, ...]


def prepare_test(
    session: Session, campaign: Campaign, sending: SenderIdentity, authority: Authority, *, now: datetime
) -> PreparedTest:
    """Prepare the letter that an authority would get, with "[TEST]" before its subject.

    It asks who is in the audience, which may take seconds, so do it before the transaction that writes. `campaign` may
    hold unsaved changes. Raises InputError when the letter cannot be read.
    """
    first = example_addressee(addressees_among(session, campaign, [authority.id], now=now))
    rule = ClosingRule.of(session, campaign, now=now)
    planned = rule.waves(campaign)
    deadline = planned[0].deadline if planned else rule.deadline(now)
    written = WrittenLetter.of(session, campaign)
    frozen = freeze_letter(
        written, sending, deadline.day, is_reminder=False, mark=MARK, head=head_of(session, campaign)
    )
    return PreparedTest(written, frozen, tuple(first.schools) if first else ())


def send_test(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    authority: Authority,
    to: Judgement,
    allowed: Guard,
    *,
    now: datetime,
    actor: str,
    prepared: PreparedTest | None = None,
) -> None:
    """Queue the letter that an authority would get, addressed to `to`.

    `prepared` is what `prepare_test` made before; without it the letter is prepared here. A test goes to active
    accounts and to those `allowed` lets through, and a person sends 20 an hour. Raises InputError as `prepare_test`
    does, or when the address may not get a test or is on the suppression list; Refused when the person has to wait.
    """
    if not accounts.is_active(session, to.address) and allowed.stops(to.address):
        raise InputError(
            f"Un essai ne part qu’à un compte actif du service ou à une adresse prévue pour les essais : {to.address} "
            "n’en est pas. Demandez à la personne qui exploite le service de l’ajouter (OUTREACH_ALLOWED_RECIPIENTS)."
        )
    take_lock(session, "test letters", actor)
    if outbox.opened_by(session, actor, Purpose.TEST, since=now - timedelta(hours=1)) >= MOST_AN_HOUR:
        raise Refused(f"Vous avez envoyé {MOST_AN_HOUR} essais en une heure : attendez avant le suivant.")
    if outbox.suppressed_among(session, [to.key], campaign.message_class):
        raise InputError(f"L’adresse {to.address} est sur la liste d’exclusion : rien ne lui est envoyé.")
    if prepared is None:
        prepared = prepare_test(session, campaign, sending, authority, now=now)
    written, frozen = prepared.written, prepared.frozen
    addressee = Addressee(authority.id, to.address, to.key, to.ascii, prepared.schools)
    send_one(session, written, frozen, sending, addressee, Purpose.TEST, "essai", now=now, actor=actor)
    said = f"Campagne « {campaign.title} » : essai envoyé à {to.address}."
    audit.record_entry(session, now, actor, said, subject_of(campaign))
