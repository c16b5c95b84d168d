"""The rehearsal: letters of a campaign composed as they would leave now, and kept by nobody.

Preview, exact view, trial and the dry run before approval are all made here, by the renderer that sends.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row

from outreach.campaigns import audiences
from outreach.campaigns.letter.composing import Alike
from outreach.campaigns.letter.facts import Facts
from outreach.campaigns.letter.frozen import (
    Frozen,
    SenderIdentity,
    WrittenLetter,
    bare,
    compiled,
    freeze,
    shared_headers_of,
)
from outreach.campaigns.letter.merge_fields import KINDS
from outreach.campaigns.letter.recipient_facts import RecipientFacts
from outreach.campaigns.models import Campaign
from outreach.campaigns.schedule.planning import PlannedWave
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger.letters import Due
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import MessageClass
from outreach.directory.models import Authority
from outreach.mail import mime, tokens
from outreach.mail.letters import Filled, Filling, Letter, Value
from outreach.mail.marks import FieldKind, Slot
from outreach.mail.mime import Personal
from outreach.segments import audience

SLICE = 500
INLINE_STYLE = re.compile(r' style="[^"]*"')  # ours alone: a quotation mark in a value is escaped
NOBODY = "0" * 16
MOST = 100_000


@dataclass(frozen=True, slots=True)
class PreviewedLetter:
    """One recipient's letter: whom it is for, what it says, filled and as bytes."""

    address: str
    facts: Facts
    letter: Letter
    values: dict[str, Filling]
    flags: dict[str, bool]
    wire: bytes

    @property
    def subject(self) -> str:
        """The subject as words."""
        return self.letter.subject_for(self.values, self.flags)

    @property
    def html(self) -> str:
        """The HTML as a mail program shows it."""
        return self.letter.html_for(self.values, self.flags)

    @property
    def text(self) -> str:
        """The text as a mail program shows it."""
        return self.letter.text_for(self.values, self.flags)

    @property
    def highlighted(self) -> str:
        """The HTML for an editor: the values marked, and no inline style, which the policy of pages forbids."""
        shown = {place.key: self._marked(place.slot) for place in self.letter.places(self.flags)}
        return INLINE_STYLE.sub("", self.letter.html_for(shown, self.flags))

    def _marked(self, slot: Slot) -> Filling:
        value = self.values[slot.key]
        if KINDS[slot.field] in {FieldKind.BLOCK, FieldKind.LINK}:
            return value
        return Value(f"<mark>{value.html}</mark>", value.text)

    @property
    def missing(self) -> set[str]:
        """The fields that stand in this letter and say nothing."""
        places = self.letter.places(self.flags)
        words = [
            place for place in places if KINDS.get(place.slot.field) not in {None, FieldKind.BLOCK, FieldKind.LINK}
        ]
        return {place.slot.field for place in words if not self.values[place.key].text.strip()}


@dataclass
class DryRun:
    """All the letters composed: how many, which authorities lack a value for which field, the biggest HTML in bytes;
    and the subject of the first."""

    letters: int = 0
    subject: str = ""
    missing: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    biggest: int = 0


class Preview:
    """Composes a campaign's letters as for its first planned wave, or for a reminder (`wave` 2 and more)."""

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
    ) -> None:
        self.session, self.campaign, self.sending, self.now = session, campaign, sending, now
        at = planned[min(wave, len(planned)) - 1].at if planned else now
        written = WrittenLetter.of(campaign)
        self.frozen: Frozen = freeze(written, sending, at, is_reminder=wave > 1)
        self.letter = compiled(self.frozen.draft if has_layout else bare(written, sending))

    def of(self, authority: Authority) -> PreviewedLetter | None:
        """The letter one authority would get at its first mailbox; None when its letter would list no school."""
        found = audiences.addressees_among(self.session, self.campaign, [authority.id], now=self.now)
        best = min(found, key=lambda one: one.reason is not None, default=None)
        if best is None or not best.schools:
            return None
        return next(self.letters([best]))

    def recipients(self) -> Sequence[Row[Authority, int, int]]:
        """Those written to, by name: Authority, mailboxes, schools."""
        meant = audiences.audience_of(self.campaign)
        scope = audiences.scope_of(self.session, self.campaign, now=self.now)
        return audience.first(self.session, meant, scope, MOST)

    def letters(self, recipients: Sequence[Addressee]) -> Iterator[PreviewedLetter]:
        """The letters of these recipients, in order."""
        standing = shared_headers_of(WrittenLetter.of(self.campaign), self.sending, "essai")
        is_awareness = self.campaign.message_class is MessageClass.AWARENESS
        finder = RecipientFacts(
            self.sending, self.frozen, self.letter, self.campaign.strand_id, is_awareness, today(self.now)
        )
        for start in range(0, len(recipients), SLICE):
            due = [self._due(place, one) for place, one in enumerate(recipients[start : start + SLICE])]
            facts = finder.facts(self.session, due)
            for one in due:
                content = Alike(self.letter).content(facts[one.id])
                filled = self.letter.fill(content.values, content.flags)
                personal = self._personal(one, filled, facts[one.id])
                wire = mime.assemble(standing, personal, filled.text, filled.html)
                yield PreviewedLetter(one.address, facts[one.id], self.letter, content.values, content.flags, wire)

    def dry_run(self) -> DryRun:
        """Compose everybody's letter."""
        found = audiences.addressees(self.session, self.campaign, now=self.now)
        run = DryRun()
        for one in self.letters([addressee for addressee in found if addressee.reason is None]):
            run.letters += 1
            run.subject = run.subject or one.subject
            run.biggest = max(run.biggest, len(one.html.encode()))
            for name in one.missing:
                run.missing.setdefault(name, []).append((one.facts.fase, one.facts.name))
        return run

    def _personal(self, due: Due, filled: Filled, facts: Facts) -> Personal:
        to, mailto = due.recipient, self.sending.keys.make(tokens.TokenKind.MAILTO, bytes.fromhex(NOBODY))
        return Personal(NOBODY, to, self.now, filled.subject, facts.links.unsubscribing, mailto)

    def _due(self, place: int, one: Addressee) -> Due:
        return Due(
            id=place,
            mailing_id=0,
            recipient_kind=one.kind,
            recipient_id=one.id,
            address=one.address,
            address_ascii=one.address_ascii,
            public_id=NOBODY,
            dated_at=self.now,
            return_path="",
            revision=0,
            schools=one.schools,
            kept=None,
        )


def hard_cases(rows: Sequence[Row[Authority, int, int]]) -> list[tuple[str, int]]:
    """Recipients whose letters are likeliest to look wrong, each with why, by FASE number."""
    if not rows:
        return []
    cases = {
        "le plus d’écoles": max(rows, key=lambda row: row.schools),
        "le nom le plus long": max(rows, key=lambda row: len(row.Authority.name)),
        "une seule école": next((row for row in rows if row.schools == 1), None),
        "plusieurs écoles": next((row for row in rows if row.schools > 1), None),
    }
    found: dict[int, str] = {}
    for why, row in cases.items():
        if row is not None:
            found.setdefault(row.Authority.fase, why)
    return [(why, fase) for fase, why in found.items()]
