"""Proposals of federations, networks and answer pages: recorded, listed, accepted or refused by staff.

A letter's answer page reports schools that are the authority's no longer, and takes such a report back.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.campaigns.letter import LetterSnapshot, SenderIdentity
from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.tables import DATA, Column, Kind, On, QueryListing
from outreach.core.text import french
from outreach.core.text.addresses import Judgement
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import line_of_words
from outreach.delivery import outbox
from outreach.delivery.models import Message
from outreach.directory import authorities, confirmations, contacts, register
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.contacts import Particulars, subject_of
from outreach.directory.models import Authority, Contact, MailboxKind, Ownership, School
from outreach.directory.register import Fate, is_reported
from outreach.engagement.replies import actor_of
from outreach.staff import notifications
from outreach.staff.notifications import Said, StaffLetter


class ProposalKind(Labelled):
    """What is proposed: another address, that a school is its authority's no longer, that an address is nobody's, or
    that its reader is away for a time, which changes nothing."""

    ADDRESS = "address", "Adresse de courriel"
    SCHOOL = "school", "École qui n’est plus à ce PO"
    GONE = "gone", "Adresse qui n’est plus la bonne"
    AWAY = "away", "Absence annoncée"


class ProposalState(Labelled):
    """How far a proposal has come."""

    WAITING = "waiting", "En attente"
    ACCEPTED = "accepted", "Acceptée"
    REFUSED = "refused", "Refusée"
    WITHDRAWN = "withdrawn", "Reprise"


class Proposal(Base):
    """What somebody of a federation or a network proposes about a member. `said` is why, in that person's words.

    Or a school that is its authority's no longer, as a letter's answer page says: `message_id` is that letter, and
    `said` whose school it is now, or ''. Who sent the page may take it back while it waits.

    Or what somebody who has a letter asks of its mailbox, or an automatic answer to it says (`asked_addresses`): `said`
    is then how they have it.

    Of an address, `address` is the new one, and `contact_id` the one in its place, or None where it is one more. Of a
    school, `school_id` says which. `scope_kind` and `scope_code` say whose proposal it is (None and '' of a letter).
    Once decided, `answer` is what staff said of it. Personal data.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(kind = 'school') = (school_id IS NOT NULL)", name="about"),
        CheckConstraint("(scope_kind IS NULL) = (message_id IS NOT NULL)", name="whose"),
        Index("ix_proposals_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ProposalKind] = mapped_column(enum_of(ProposalKind, "proposal_kind"))
    state: Mapped[ProposalState] = mapped_column(
        enum_of(ProposalState, "proposal_state"), default=ProposalState.WAITING
    )
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("schools.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    said: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    scope_kind: Mapped[ScopeKind | None] = mapped_column(enum_of(ScopeKind, "scope_kind"))
    scope_code: Mapped[str] = mapped_column(String(60))
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(255))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(255))
    answer: Mapped[str] = mapped_column(Text, default="")

    authority: Mapped[Authority] = relationship(lazy="joined", innerjoin=True)
    contact: Mapped[Contact | None] = relationship(lazy="joined")
    school: Mapped[School | None] = relationship(lazy="joined")

    @property
    def title(self) -> str:
        """Whose it is, in French: of a federation or a network, or of the authority itself."""
        if self.scope_code:
            return f"Proposition de {self.scope_code}"
        if self.kind is ProposalKind.AWAY:
            return self.kind.label
        return "Signalement du PO" if self.school_id else "Demande au sujet d’une adresse"

    @property
    def proposes(self) -> str:
        """Who proposes, in French, before what is proposed."""
        if self.scope_code:
            return f"{self.scope_code} propose"
        verb = "annonce" if self.kind is ProposalKind.AWAY else "demande"
        return "Le PO signale, en répondant" if self.school_id else f"On {verb}, {self.said}"

    @property
    def source(self) -> str:
        """Who said so, in French, for what is recorded of it."""
        if self.scope_code:
            return f"proposé par {self.scope_code}"
        return "signalé par le PO, en répondant" if self.school_id else f"demandé {self.said}"

    @property
    def subject(self) -> str:
        """What is proposed, in a few French words."""
        if self.school is not None:
            return f"{self.school.display_name} n’est plus à ce PO"
        if self.kind is ProposalKind.GONE and self.contact is not None:
            return f"{self.contact.address} n’est plus la bonne adresse"
        if self.kind is ProposalKind.AWAY and self.contact is not None:
            return f"{self.contact.address} : absence"
        return f"{self.contact.address} devient {self.address}" if self.contact else f"{self.address} en plus"


LONGEST, MOST_A_DAY = 500, 50
BY_ABSENCE = "par une réponse automatique"  # how an absence note has a letter, before the day of return


class ProposalTarget:
    """What a proposal is about, as the scope sees it: raises NotFound for whatever is out of it."""

    def __init__(self, seen: Session, fase: int, *, contact: int | None = None, school: int | None = None) -> None:
        owner = authorities.authority_by_fase(seen, fase)
        held = contacts.contact(seen, owner, contact) if contact is not None else None
        one = register.school_of(seen, owner, school) if school is not None else None
        self.fase, self.authority = fase, owner.id
        self.contact: int | None = held.id if held else None
        self.contact_key: str = held.address_key if held else ""
        self.school: int | None = one.id if one else None
        self.school_fase: int = one.fase if one else 0


def propose(
    session: Session,
    target: ProposalTarget,
    scope: AccessScope,
    said: str,
    *,
    judged: Judgement | None = None,
    now: datetime,
    actor: str,
) -> Proposal:
    """Record a proposal on the ordinary connection: another address (`judged`), or that the target's school is gone.

    Raises InputError where it says nothing or too much, or proposes what is so already, and Refused where the same
    of this scope waits already or too many were made in a day.
    """
    said = line_of_words(" ".join(said.split()))
    if not said or len(said) > LONGEST:
        raise InputError(f"Dites comment vous le savez, en {LONGEST} caractères au plus.")
    if judged is not None and judged.key == target.contact_key:
        raise InputError("Cette adresse est déjà celle de ce PO.")
    take_lock(session, "proposals", actor)
    _refuse_floods(session, Proposal.proposed_by == actor, now)
    address = judged.address if judged else ""
    made = Proposal(
        kind=ProposalKind.ADDRESS if judged else ProposalKind.SCHOOL,
        state=ProposalState.WAITING,
        authority_id=target.authority,
        contact_id=target.contact if judged else None,
        school_id=None if judged else target.school,
        address=address,
        said=said,
        scope_kind=scope.kind,
        scope_code=scope.code,
        proposed_at=now,
        proposed_by=actor,
    )
    same = select(Proposal.id).where(
        Proposal.state == ProposalState.WAITING,
        Proposal.scope_kind == scope.kind,  # what another federation proposed is told to nobody but staff
        Proposal.scope_code == scope.code,
        Proposal.authority_id == made.authority_id,
        Proposal.address == address,
        Proposal.school_id.is_not_distinct_from(made.school_id),
    )
    if session.scalar(same) is not None:
        raise Refused("La même proposition attend déjà la réponse du service.")
    session.add(made)
    session.flush()
    what = f"école {target.school_fase} qui n’est plus à ce PO" if judged is None else f"adresse {address}"
    audit.record_entry(session, now, actor, f"{scope.code} propose : {what}.", f"authority:{target.fase}")
    return made


def report(session: Session, message: Message, schools: Iterable[int], to: str, *, now: datetime) -> None:
    """Record that schools are their authority's no longer, as the answer page of its letter says.

    `to` is whose they are now, or ''. What waits already of this mailbox stays as it is, and nothing is recorded of a
    test letter. Raises Refused where too many were reported in a day.
    """
    if message.authority_id is None or outbox.is_test(session, message):
        return
    take_lock(session, "proposals", message.authority_id)
    waiting = {made.school_id for made in reported(session, message)}
    if new := set(schools) - waiting:
        _refuse_floods(session, Proposal.message_id == message.id, now)
    actor = actor_of(session, message)
    for school in session.scalars(select(School).where(School.id.in_(new)).order_by(School.folded, School.id)):
        made = Proposal(kind=ProposalKind.SCHOOL, state=ProposalState.WAITING, authority_id=message.authority_id)
        made.message_id, made.school_id, made.address, made.said, made.scope_code = message.id, school.id, "", to, ""
        made.proposed_at, made.proposed_by = now, actor
        session.add(made)
        session.flush()
        said = f"École {school.fase} signalée, en répondant à un courriel, comme n’étant plus à ce PO."
        audit.record_entry(session, now, actor, said, subject_of(made.authority))


def reported(session: Session, message: Message) -> Sequence[Proposal]:
    """What the mailbox of a letter reported, from any letter, and staff have not decided."""
    same_box = (Message.authority_id == message.authority_id, Message.address_key == message.address_key)
    query = _reports().join(Message, Message.id == Proposal.message_id).where(*same_box)
    return session.scalars(query.where(Proposal.state == ProposalState.WAITING)).all()


def no_longer_asked(session: Session, message: Message) -> set[int]:
    """The keys of the schools that a letter's page does not ask about: reported by its mailbox, or to the register."""
    known = select(Ownership.school_id).where(
        Ownership.authority_id == message.authority_id, is_reported(Ownership.school_id, Ownership.authority_id)
    )
    return {made.school_id for made in reported(session, message) if made.school_id} | set(session.scalars(known))


def of_form(session: Session, message: Message, at: datetime | None = None) -> Sequence[Proposal]:
    """What a form from a letter's page reported at a moment, or the last one that did; without what was taken back."""
    theirs = (Proposal.message_id == message.id, Proposal.state != ProposalState.WITHDRAWN)
    last = select(func.max(Proposal.proposed_at)).where(*theirs).scalar_subquery()
    return session.scalars(_reports().where(*theirs, Proposal.proposed_at == (at or last))).all()


def take_back(session: Session, message: Message, at: datetime, *, now: datetime) -> None:
    """Take back what a form from a letter's page reported at a moment, unless staff have decided."""
    take_lock(session, "proposals", message.authority_id)
    actor = actor_of(session, message)
    for made in of_form(session, message, at):
        take_lock(session, "proposal", made.id)
        session.refresh(made)
        if made.state is ProposalState.WAITING and made.school is not None:
            made.state, made.decided_at, made.decided_by = ProposalState.WITHDRAWN, now, actor
            said = f"École {made.school.fase} : signalement repris par qui l’avait fait."
            audit.record_entry(session, now, actor, said, subject_of(made.authority))


def _reports() -> Select[Proposal]:
    return select(Proposal).join(School, School.id == Proposal.school_id).order_by(School.folded, Proposal.id)


def _refuse_floods(session: Session, theirs: ColumnElement[bool], now: datetime) -> None:
    recent = select(func.count(Proposal.id)).where(theirs, Proposal.proposed_at > now - timedelta(days=1))
    if (session.scalar(recent) or 0) >= MOST_A_DAY:
        raise Refused(f"Vous avez fait {MOST_A_DAY} propositions en un jour : attendez les réponses du service.")


COLUMNS: Sequence[Column[Proposal]] = (
    Column("proposed", "Proposition", lambda row: row.subject),
    Column("authority", "Pouvoir organisateur", lambda row: row.authority.display_name, sort=Authority.folded),
    Column("fase", "FASE", lambda row: row.authority.fase, on=DATA),
    Column("kind", "Sorte", lambda row: row.kind, sort=Proposal.kind, on=DATA),
    Column("said", "Motif", lambda row: row.said, on=DATA),
    Column("scope", "De", lambda row: row.scope_code or "PO", sort=Proposal.scope_code),
    Column("proposed_at", "Le", lambda row: row.proposed_at, Kind.MOMENT, sort=Proposal.proposed_at),
    Column("state", "État", lambda row: row.state, sort=Proposal.state),
    Column("answer", "Réponse du service", lambda row: row.answer, on=On.PAGE | On.FILE),
)


def listed(
    session: Session,
    scope: AccessScope | None = None,
    *,
    state: ProposalState | None = None,
    text: str = "",
    sort: str = "",
) -> QueryListing[Proposal]:
    """The proposals, the last first: of one scope, or all of them; of one state, or of all."""
    query = select(Proposal).join(Authority, Authority.id == Proposal.authority_id)
    if scope is not None:
        query = query.where(Proposal.scope_kind == scope.kind, Proposal.scope_code == scope.code)
    if state is not None:
        query = query.where(Proposal.state == state)
    return QueryListing(
        title="Propositions",
        columns=COLUMNS,
        sort=sort,
        usual="-proposed_at",
        session=session,
        query=authorities.narrow_by_name(query, text),
        order=(Proposal.proposed_at.desc(), Proposal.id.desc()),
    )


Told = tuple[StaffLetter, LetterSnapshot]

LONGEST_ANSWER = 500
PAGE = "/proposals"


def by_key(session: Session, key: int) -> Proposal:
    """The proposal with this number. Raises NotFound."""
    found = session.get(Proposal, key)
    if found is None:
        raise NotFound("Cette proposition n’existe pas.")
    return found


def waiting() -> Select[Proposal]:
    """Select the proposals that await staff, the oldest first."""
    query = select(Proposal).where(Proposal.state == ProposalState.WAITING)
    return query.order_by(Proposal.proposed_at, Proposal.id)


def answered(
    made: Proposal, *, accepts: bool, answer: str, sending: SenderIdentity, now: datetime, name: str, contact: str
) -> Told | None:
    """The mail that tells the answer to whoever proposed, by `name`, laid out to be posted; None where it is nobody of
    a federation or a network.

    It takes its time: no transaction that writes should be open. Raises InputError where a refusal says no reason.
    """
    answer = line_of_words(" ".join(answer.split()))
    if len(answer) > LONGEST_ANSWER or (made.scope_kind and not answer and not accepts):
        raise InputError(f"Dites pourquoi, en {LONGEST_ANSWER} caractères au plus : la personne le lira.")
    if made.scope_kind is None:
        return None
    verdict = "est acceptée" if accepts else "n’est pas retenue"
    because = f" : {answer.rstrip('.')}" if answer else ""
    about = f"Votre proposition sur {made.authority.display_name}, « {made.subject} », {verdict}{because}."
    subject = f"Votre proposition {verdict} : {made.authority.display_name}"
    letter = StaffLetter([made.proposed_by], subject, [Said(about, PAGE)], name, contact)
    return letter, notifications.write_mail(letter, sending, now=now)


def accept(
    session: Session,
    made: Proposal,
    answer: str,
    mail: Told | None,
    sending: SenderIdentity,
    *,
    judged: Judgement | None,
    today: date,
    now: datetime,
    actor: str,
) -> None:
    """Do what is proposed, as staff would by hand, and tell so. `judged` is the proposed address, judged again.

    Raises Refused where it was decided already, and what correcting an address or reporting a school raises.
    """
    _take(session, made)
    source = made.source
    if made.kind is ProposalKind.SCHOOL and made.school is not None:
        source = f"{source} : {made.said}"[: register.LONGEST] if made.said else source
        of, gone = made.school.fase, Fate.GONE
        register.report_school(
            session, made.authority, of, gone, day=today, source=source, now=now, today=today, actor=actor
        )
    elif made.kind is ProposalKind.GONE and made.contact is not None:
        contacts.retire(session, made.authority, made.contact, now=now, actor=actor)
    elif judged is not None:
        _correct(session, made, judged, source, now=now, actor=actor)
        outbox.vouch_for_address(session, judged.key, now=now, actor=actor)
        if made.scope_kind is None and not made.said.startswith(BY_ABSENCE):  # its own reader asks for it
            confirmations.confirm(session, made.authority_id, judged.key, ConfirmationWay.STAFF, at=now, actor=actor)
    _close(session, made, ProposalState.ACCEPTED, answer, now=now, actor=actor)
    if mail:
        notifications.post_mail(session, *mail, sending, now=now, actor=actor)


def _correct(session: Session, made: Proposal, judged: Judgement, source: str, *, now: datetime, actor: str) -> None:
    """Put the proposed address in the place of the one it corrects, or beside the others."""
    held = made.contact
    if made.scope_kind is None and contacts.held_at(session, made.authority, judged.key) is not None:
        if held is not None and held.retired_at is None:  # the address that is asked for is theirs already
            contacts.retire(session, made.authority, held, now=now, actor=actor)
        return
    if held is None:
        told, kind = Particulars(source=source), MailboxKind.IMPERSONAL
        contacts.add(session, made.authority, judged, now=now, actor=actor, particulars=told, kind=kind)
        return
    told = Particulars.of(held).but({"source": source})
    kind = held.mailbox_kind
    contacts.correct(session, made.authority, held, judged, now=now, actor=actor, particulars=told, kind=kind)


def refuse(
    session: Session,
    made: Proposal,
    answer: str,
    mail: Told | None,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> None:
    """Refuse a proposal, and tell why. Raises Refused where it was decided already."""
    _take(session, made)
    _close(session, made, ProposalState.REFUSED, answer, now=now, actor=actor)
    if mail:
        notifications.post_mail(session, *mail, sending, now=now, actor=actor)


def _take(session: Session, made: Proposal) -> None:
    take_lock(session, "proposal", made.id)
    session.refresh(made)
    if made.state is not ProposalState.WAITING and made.decided_at is not None:
        raise Refused(f"Cette proposition est déjà {made.state.label.lower()}, le {french.moment(made.decided_at)}.")


def _close(session: Session, made: Proposal, state: ProposalState, answer: str, *, now: datetime, actor: str) -> None:
    made.state, made.answer = state, line_of_words(" ".join(answer.split()))
    made.decided_at, made.decided_by = now, actor
    said = f"{made.title}, « {made.subject} » : {state.label.lower()}."
    audit.record_entry(session, now, actor, said, subject_of(made.authority))
