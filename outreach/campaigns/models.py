"""The tables of campaigns, waves, exceptions and letters on paper, their states, and the moves between these.

Each change of state is a row with its time and actor, here or in `approvals`. The column `state` repeats the last one.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.adherence.models import Strand
from outreach.campaigns.evidence import EscalationStep
from outreach.campaigns.segments import Boxes, Concerns, SegmentVersion
from outreach.core.db import Base, enum_of
from outreach.core.text import french
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Mailing, MessageClass
from outreach.directory.postal import PostalAddress
from outreach.engagement.tracking import TrackingMode


class CampaignState(Labelled):
    """The state of a campaign."""

    DRAFT = "draft", "Brouillon"
    TO_APPROVE = "to_approve", "À valider"
    APPROVED = "approved", "Validée"
    CLOSED = "closed", "Clôturée"
    CANCELLED = "cancelled", "Annulée"


ENDED = {CampaignState.CLOSED, CampaignState.CANCELLED}
CAMPAIGN_MOVES = {
    CampaignState.DRAFT: {CampaignState.TO_APPROVE, CampaignState.CANCELLED},
    CampaignState.TO_APPROVE: {CampaignState.APPROVED, CampaignState.DRAFT, CampaignState.CANCELLED},
    CampaignState.APPROVED: {CampaignState.DRAFT, CampaignState.CLOSED, CampaignState.CANCELLED},
    CampaignState.CLOSED: set(),
    CampaignState.CANCELLED: {CampaignState.DRAFT},
}


class WaveState(Labelled):
    """The state of a wave."""

    PLANNED = "planned", "Planifiée"
    RUNNING = "running", "En cours"
    PAUSED = "paused", "En pause"
    FINISHED = "finished", "Terminée"
    CANCELLED = "cancelled", "Annulée"
    MISSED = "missed", "Manquée"


WAVE_MOVES = {
    WaveState.PLANNED: {WaveState.RUNNING, WaveState.CANCELLED, WaveState.MISSED},
    WaveState.RUNNING: {WaveState.PAUSED, WaveState.FINISHED, WaveState.CANCELLED},
    WaveState.PAUSED: {WaveState.RUNNING, WaveState.CANCELLED},
    WaveState.FINISHED: {WaveState.RUNNING},
    WaveState.CANCELLED: set(),
    WaveState.MISSED: set(),
}
UNDER_WAY = {WaveState.RUNNING, WaveState.PAUSED}
ON_ITS_WAY = {WaveState.PLANNED, WaveState.RUNNING, WaveState.PAUSED}


class Colour(Labelled):
    """How urgent a message is to its recipient, in the colours that the ministry gives its circulars."""

    RED = "red", "Rouge : agir tout de suite"
    BLUE = "blue", "Bleu : échéance annuelle"
    GREEN = "green", "Vert : vie quotidienne"
    GREY = "grey", "Gris : information"

    @property
    def meaning(self) -> str:
        """What the colour means, in a sentence."""
        return self.label.partition(" : ")[2]


class Campaign(Base):
    """A letter, its audience, the schools it is about, its sender and its dates.

    `preheader` is what a list of letters shows after the subject; `circular_url` is the circular's own page. Both may
    be ''. `criteria` is JSON (`segments.to_json`). `boxes` says to which mailboxes it writes. The first wave is
    requested for `starts_at`. Each number in `reminders` ("14 24") is a reminder, so many days after the first wave.
    `ladder` are the rungs for those whom letters do not reach (`reach.ladder.rungs`). No
    wave leaves after `stops_on`. The first wave leaves in three departures drawn by lot, `departure_gap` days apart
    (14 or 21), or at once where that is 0. `first_come` is whether places or money are given first come, first served,
    which is asked where departures are drawn; None where nobody said. A letter's deadline is `deadline_on`, one day for
    all; without it, the first working day from `deadline_days` after its wave on. An approval is valid for the digest
    of all this: any change makes the campaign a DRAFT again. `calm_waived` repeats that an Exemption from the calm
    holds: it is no content. `letterhead_id` is the letterhead with which it was submitted: a later one changes nothing
    in what was approved. `replies_to` is where answers by mail go instead of to the contact, with a + where the
    letter's mark goes, or ''; it, too, is that of the submission. `asks_address`: its letters ask once a year
    whether a mailbox is the right one; those of what was submitted before they could never do. `first_wave_id` is the
    wave with which it was launched, None before: no foreign key, as waves lead to their campaign, and told in every
    scope, where a wave that wrote to no member is not.
    """

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[CampaignState] = mapped_column(enum_of(CampaignState, "campaign_state"))
    title: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(Text)
    colour: Mapped[Colour] = mapped_column(enum_of(Colour, "colour"))
    circular: Mapped[str] = mapped_column(String(40))
    circular_url: Mapped[str] = mapped_column(String(500), default="")
    message_class: Mapped[MessageClass] = mapped_column(enum_of(MessageClass, "campaign_class"))
    strand_id: Mapped[int] = mapped_column(ForeignKey("strands.id"), index=True)
    concerns: Mapped[Concerns] = mapped_column(enum_of(Concerns, "concerns"))
    boxes: Mapped[Boxes] = mapped_column(enum_of(Boxes, "boxes"))
    criteria: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text, default="")
    letter: Mapped[str] = mapped_column(Text)
    tracking: Mapped[TrackingMode] = mapped_column(enum_of(TrackingMode, "tracking_mode"))
    deadline_days: Mapped[int]
    deadline_on: Mapped[date | None]
    starts_at: Mapped[datetime | None]
    reminders: Mapped[str] = mapped_column(String(100), default="")
    ladder: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))
    departure_gap: Mapped[int] = mapped_column(default=0, server_default=text("'0'"))
    first_come: Mapped[bool | None]
    stops_on: Mapped[date | None]
    sender_name: Mapped[str] = mapped_column(String(200))
    sender_address: Mapped[str] = mapped_column(String(300))
    contact_name: Mapped[str] = mapped_column(String(200))
    contact_service: Mapped[str] = mapped_column(String(200))
    contact_phone: Mapped[str] = mapped_column(String(40))
    contact_email: Mapped[str] = mapped_column(String(320))
    replies_to: Mapped[str] = mapped_column(String(320), default="", server_default=text("''"))
    asks_address: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    calm_waived: Mapped[bool] = mapped_column(default=False)
    letterhead_id: Mapped[int | None] = mapped_column(ForeignKey("letterhead_versions.id"))
    first_wave_id: Mapped[int | None]

    strand: Mapped[Strand] = relationship(lazy="joined", innerjoin=True)
    waves: Mapped[list["Wave"]] = relationship(back_populates="campaign", order_by="Wave.number")

    @property
    def mailing_keys(self) -> list[int]:
        """The keys of the mailings of the waves whose launch has begun, whether or not these are complete."""
        return [wave.mailing_id for wave in self.waves if wave.mailing_id is not None]


class CampaignSegment(Base):
    """The version of a saved segment that a campaign took its criteria from. The campaign's own copy stays as it is."""

    __tablename__ = "campaign_segments"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("segment_versions.id"), index=True)

    version: Mapped[SegmentVersion] = relationship()


class ApprovedLetter(Base):
    """What a letter said when its campaign was approved. `digest` is that of the content that the approval is about."""

    __tablename__ = "approved_letters"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    letter: Mapped[str] = mapped_column(Text)


class CampaignTransition(Base):
    """A campaign that was closed, or taken back to draft: when, and by whom. All else is an `approvals` Decision."""

    __tablename__ = "campaign_transitions"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    state: Mapped[CampaignState] = mapped_column(enum_of(CampaignState, "reached_campaign_state"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    content_hash: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")

    @property
    def in_words(self) -> str:
        """What was done, in French."""
        return self.note or self.state.label.lower()

    @property
    def counted(self) -> str:
        """As of a decision: nothing is counted."""
        return ""


class ReminderState(Labelled):
    """The state of a reminder that was added to a campaign under way."""

    DRAFT = "draft", "Brouillon"
    TO_APPROVE = "to_approve", "À valider"
    APPROVED = "approved", "Validée"
    ABANDONED = "abandoned", "Abandonnée"


REMINDER_MOVES = {
    ReminderState.DRAFT: {ReminderState.TO_APPROVE, ReminderState.ABANDONED},
    ReminderState.TO_APPROVE: {ReminderState.APPROVED, ReminderState.DRAFT, ReminderState.ABANDONED},
    ReminderState.APPROVED: {ReminderState.DRAFT, ReminderState.ABANDONED},
    ReminderState.ABANDONED: set(),
}


class AddedReminder(Base):
    """A reminder added once its campaign had begun, with a letter of its own, for those who have not reacted.

    `asked_at` is when it should leave. It has its own approval, for the digest of its content and of the campaign's.
    Approving it plans its wave. Its rows are kept as long as the campaign's.
    """

    __tablename__ = "added_reminders"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    state: Mapped[ReminderState] = mapped_column(enum_of(ReminderState, "reminder_state"))
    subject: Mapped[str] = mapped_column(Text)
    letter: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))

    campaign: Mapped[Campaign] = relationship()


class Wave(Base):
    """One sending of a campaign. It starts between `due_at` and `latest_start`, or is missed.

    `number` counts every wave of the campaign. `reminder` is 0 for the first sending and 1 for the first reminder: it
    leaves out what was called off. The letters belong to its mailing. A pause sets the mailing's gate, which alone
    decides whether letters may leave.
    `answer_by` is the last day to answer that its letters state; None for a wave planned before revision 0047, where it
    is `deadline_days` after `due_at`.
    `drifted_from` is set when the audience had changed too much at the start: it is the approved number of authorities,
    and the wave is paused until an approver resumes it. `added_reminder` gives the letter of a wave that was added.
    `ranked_at` is when its audience was ranked for the launch. `is_staged` says that all of it has been staged.
    `departure` is 1, 2 or 3 where the campaign's departures are drawn by lot, of reminders too: what asks for waves
    before it then asks within its departure. `confirmed_authorities` and `confirmed_letters` are the audience of a
    departure's wave as an approver confirmed it since; None where nobody did.
    """

    __tablename__ = "waves"
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    number: Mapped[int]
    reminder: Mapped[int]
    state: Mapped[WaveState] = mapped_column(enum_of(WaveState, "wave_state"))
    due_at: Mapped[datetime] = mapped_column(index=True)
    latest_start: Mapped[datetime]
    answer_by: Mapped[date | None]
    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id"), unique=True)
    drifted_from: Mapped[int | None]
    added_reminder_id: Mapped[int | None] = mapped_column(ForeignKey("added_reminders.id"), index=True)
    ranked_at: Mapped[datetime | None]
    is_staged: Mapped[bool] = mapped_column(default=False)
    departure: Mapped[int | None]
    confirmed_authorities: Mapped[int | None]
    confirmed_letters: Mapped[int | None]

    campaign: Mapped[Campaign] = relationship(back_populates="waves")
    mailing: Mapped[Mailing | None] = relationship()
    added_reminder: Mapped[AddedReminder | None] = relationship()

    @property
    def name(self) -> str:
        """The wave in a sentence: "première vague", "relance 1", "relance 1 du départ 2"."""
        return french.wave(self.reminder, self.departure)


class StagedAuthority(Base):
    """An authority that a wave is for and whose letters it has not written yet; deleted as they are written.

    `letters` is how many it was to get when the audience was ranked, 0 where it is left out; `of_schools` of these are
    for mailboxes that answer for some schools only.
    """

    __tablename__ = "staged_authorities"

    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    letters: Mapped[int]
    of_schools: Mapped[int]


CLOCK = "automatique"  # the actor of what the service's own clock does


class WaveTransition(Base):
    """A state that a wave reached: when, by whom, and why."""

    __tablename__ = "wave_transitions"

    id: Mapped[int] = mapped_column(primary_key=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"), index=True)
    state: Mapped[WaveState] = mapped_column(enum_of(WaveState, "reached_wave_state"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")

    @property
    def in_words(self) -> str:
        """The transition in French: the state and the note, or the note alone when it begins with the state."""
        label = self.state.label.lower()
        if self.note.startswith(label):
            return self.note
        return f"{label} ({self.note})" if self.note else label


class ExemptionKind(StrEnum):
    """The rule that an approver let a campaign depart from."""

    HOURS = "hours"
    CALM = "calm"


class Exemption(Base):
    """A departure from a rule that an approver allowed: when, who and why. HOURS is for one wave, CALM for a campaign.

    Its rows are kept as long as the campaign's.
    """

    __tablename__ = "exemptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ExemptionKind] = mapped_column(enum_of(ExemptionKind, "exemption_kind"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("waves.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)

    withdrawal: Mapped["ExemptionWithdrawal | None"] = relationship(lazy="joined")


class ExemptionWithdrawal(Base):
    """An exemption holds no longer: since when, and by whom it was taken back."""

    __tablename__ = "exemption_withdrawals"

    exemption_id: Mapped[int] = mapped_column(ForeignKey("exemptions.id"), primary_key=True)
    withdrawn_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(255))


class ReceiptCopy(Base):
    """A letter's one copy of the receipt of an answer to it, and when it was asked for; never a second one."""

    __tablename__ = "receipt_copies"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), unique=True)
    asked_at: Mapped[datetime]


class AudienceException(Base):
    """Authorities left out of a campaign whose content and approval stay: when, who and why; kept as long as it."""

    __tablename__ = "audience_exceptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))


class ExceptedAuthority(Base):
    """An authority of such an exception, and how many letters of the next wave it would have got then."""

    __tablename__ = "excepted_authorities"

    exception_id: Mapped[int] = mapped_column(ForeignKey("audience_exceptions.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    letters: Mapped[int]


CODE_DIGEST_BYTES = 16


class PaperBatch(Base):
    """Letters on paper of a wave, made together: when, by whom, with a sheet for the reply behind each or without."""

    __tablename__ = "paper_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    letters: Mapped[int]
    has_sheet: Mapped[bool]

    campaign: Mapped[Campaign] = relationship()


class PaperLetter(Base):
    """A letter on paper, for a step of the ladder: to whom, where, about which schools, at which place of its batch.

    `code_digest` is the keyed digest of its code; the code itself is nowhere. `school_keys` are the keys of the schools
    that it lists. What becomes of it is the step's: printed, posted (tried), returned (failed). `content` is all that
    it says but its code, as it was made, so that its file can be had again; '' once emptied, None where none was kept.
    """

    __tablename__ = "paper_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("paper_batches.id"), index=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("reach_steps.id"), index=True)
    place: Mapped[int]
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(CODE_DIGEST_BYTES), unique=True)
    recipient: Mapped[str] = mapped_column(String(200))
    street: Mapped[str] = mapped_column(String(200))
    house_number: Mapped[str] = mapped_column(String(20))
    box: Mapped[str] = mapped_column(String(20))
    postcode: Mapped[str] = mapped_column(String(10))
    locality: Mapped[str] = mapped_column(String(100))
    school_keys: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(Text)

    batch: Mapped[PaperBatch] = relationship()
    step: Mapped[EscalationStep] = relationship()

    @property
    def address(self) -> PostalAddress:
        """Where it goes."""
        return PostalAddress(self.street, self.house_number, self.box, self.postcode, self.locality)

    @property
    def schools(self) -> tuple[int, ...]:
        """The keys of the schools that it lists."""
        return tuple(map(int, self.school_keys.split()))


class WrongCode(Base):
    """A code that led nowhere: when it was typed, not which it was, nor by whom."""

    __tablename__ = "wrong_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
