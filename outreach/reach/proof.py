"""Proof that a campaign reached an authority: the best one of each, or why there is none.

Pages, files, the command, notes and the criterion stand on `of_authorities`. What mail counts of itself stays as it is.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, Integer, Select, Subquery, and_, case, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from outreach.adherence.standing import joined_schools
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject, Reason
from outreach.directory.models import Contact
from outreach.measuring import bases
from outreach.measuring.machines import OPENING
from outreach.measuring.models import Hit
from outreach.measuring.reactions import CAME_BACK, HAS_LEFT
from outreach.reach.models import ReachChannel, ReachStep, StepReason, StepState
from outreach.responses.models import Response, ResponseSchool

AUTHORITY = type_coerce(Message.authority_id, Integer)  # never None: the letters of waves go to authorities
Mailings = Sequence[int] | Select[int]


class ProofKind(StrEnum):
    """What proves that an authority was reached, the best first. Openings count with agreement only."""

    ANSWERED = "answered"
    JOINED = "joined"
    OPENED = "opened"
    ACCEPTED = "accepted"
    POSTED = "posted"
    CALLED = "called"

    @property
    def label(self) -> str:
        """The proof as the interface names it."""
        return _LABELS[self]


_LABELS = {
    ProofKind.ANSWERED: "A répondu",
    ProofKind.JOINED: "A adhéré",
    ProofKind.OPENED: "A ouvert, avec accord",
    ProofKind.ACCEPTED: "Courriel accepté par le serveur du destinataire",
    ProofKind.POSTED: "Lettre postée",
    ProofKind.CALLED: "Joint par téléphone",
}
PROOFS = tuple(ProofKind)  # a proof's rank is its place from 1; 0 is none


class Without(StrEnum):
    """Why nothing proves that an authority was reached, as its letters say it; the first that holds is told."""

    WAITING = "waiting"
    IN_DOUBT = "in_doubt"
    CAME_BACK = "came_back"
    REFUSED = "refused"
    EXPIRED = "expired"
    EXCLUDED = "excluded"
    NO_ADDRESS = "no_address"
    LEFT_OUT = "left_out"
    OTHERWISE = "otherwise"

    @property
    def label(self) -> str:
        """The reason as the interface names it."""
        return _WITHOUT_LABELS[self]


_WITHOUT_LABELS = {
    Without.WAITING: "courriel en attente",
    Without.IN_DOUBT: "courriel en doute",
    Without.CAME_BACK: "courriel revenu",
    Without.REFUSED: "courriel refusé",
    Without.EXPIRED: "courriel expiré",
    Without.EXCLUDED: "boîte sur la liste d’exclusion",
    Without.NO_ADDRESS: "aucune adresse utilisable",
    Without.LEFT_OUT: "exception à cette campagne",
    Without.OTHERWISE: "écarté de l’envoi",
}
WITHOUT = tuple(Without)


def of_authorities(mailings: Mailings, day: date, *, by_school: bool = False) -> Subquery:
    """One row for each authority that these mailings are for, those left out included: columns authority_id, proof (the
    rank of the best in PROOFS, 0 for none), without (the rank in WITHOUT), and channel, state and reason of its last
    step, or NULL.

    `by_school` adds the column schools: of an authority with proof, how many schools it is no proof for.
    """
    base, steps, last = _letters(mailings), _steps(mailings), _last_step(mailings)
    answered, joined, opened = _answered(mailings), _joined(mailings, day), _opened(mailings)
    has = {
        ProofKind.ANSWERED: answered.c.authority_id.is_not(None),
        ProofKind.JOINED: or_(joined.c.authority_id.is_not(None), base.c.joined > 0, steps.c.joined > 0),
        ProofKind.OPENED: opened.c.authority_id.is_not(None),
        ProofKind.ACCEPTED: base.c.accepted > 0,
        ProofKind.POSTED: steps.c.posted > 0,
        ProofKind.CALLED: steps.c.called > 0,
    }
    proof = case(*((has[kind], rank) for rank, kind in enumerate(PROOFS, 1)), else_=0)
    columns = base.c.authority_id, proof.label("proof"), base.c.without, last.c.channel, last.c.state, last.c.reason
    parts, query = [answered, joined, opened, steps, last], select(*columns)
    if by_school:
        parts.append(missing := _without_proof(mailings, day))
        # A letter on paper and a call go to the authority, about all schools that no mail reached.
        is_of_mail = and_(proof > 0, func.coalesce(steps.c.posted, 0) == 0, func.coalesce(steps.c.called, 0) == 0)
        query = query.add_columns(case((is_of_mail, func.coalesce(missing.c.schools, 0)), else_=0).label("schools"))
    for part in parts:
        query = query.outerjoin(part, part.c.authority_id == base.c.authority_id)
    return query.subquery("reached")


def proved(mailings: Mailings, day: date) -> Select[int]:
    """The keys of the authorities that these mailings reached, with proof."""
    each = of_authorities(mailings, day)
    return select(each.c.authority_id).where(each.c.proof > 0)


def meant(mailings: Mailings) -> Select[int]:
    """The keys of the authorities that these mailings are for, those left out included."""
    return select(AUTHORITY).where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None))


def _letters(mailings: Mailings) -> Subquery:
    """What came of the letters to each authority."""

    def withdrawn(*reasons: Reason) -> ColumnElement[bool]:
        return Message.reason.in_(reasons)

    said = {
        Without.WAITING: Message.state.in_((MessageState.QUEUED, MessageState.HANDING)),
        Without.IN_DOUBT: Message.state == MessageState.IN_DOUBT,
        Without.CAME_BACK: CAME_BACK,
        Without.REFUSED: Message.state == MessageState.REFUSED,
        Without.EXPIRED: Message.state == MessageState.EXPIRED,
        Without.EXCLUDED: withdrawn(Reason.SUPPRESSED),
        Without.NO_ADDRESS: withdrawn(Reason.NO_ADDRESS, Reason.BOUNCED, Reason.UNREVIEWED),
        Without.LEFT_OUT: withdrawn(Reason.LEFT_OUT),
    }
    rank = case(*((said[why], place) for place, why in enumerate(WITHOUT) if why in said), else_=len(WITHOUT) - 1)
    return (
        select(
            AUTHORITY.label("authority_id"),
            func.max(case((Message.state == MessageState.ACCEPTED, 1), else_=0)).label("accepted"),
            func.max(case((Message.reason == Reason.JOINED, 1), else_=0)).label("joined"),
            func.min(rank).label("without"),
        )
        .where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None))
        .group_by(Message.authority_id)
        .subquery("letters")
    )


def _answered(mailings: Mailings) -> Subquery:
    query = select(Response.authority_id).join(Message, Message.id == Response.message_id)
    query = query.where(Message.mailing_id.in_(mailings), Response.is_a_reaction())
    return query.distinct().subquery("answered")


def _joined(mailings: Mailings, day: date) -> Subquery:
    """The authorities of which a school that a letter listed has joined since it left."""
    strands = select(Mailing.stop_strand_id).where(Mailing.id.in_(mailings))
    known = joined_schools(strands, day)
    same = and_(known.c.school_id == MessageSubject.school_id, known.c.strand_id == Mailing.stop_strand_id)
    query = (
        select(AUTHORITY.label("authority_id"))
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, same)
        .where(Message.mailing_id.in_(mailings), HAS_LEFT)
        .group_by(Message.authority_id)
    )
    return query.having(func.count(known.c.school_id) > 0).subquery("joined_since")


def _without_proof(mailings: Mailings, day: date) -> Subquery:
    """By authority, how many schools are in no letter that was accepted, have not joined, and are in no answer."""
    listed = (
        select(AUTHORITY.label("authority_id"), MessageSubject.school_id)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None))
        .group_by(Message.authority_id, MessageSubject.school_id)
        .having(func.max(case((Message.state == MessageState.ACCEPTED, 1), else_=0)) == 0)
        .subquery("unaccepted")
    )
    said = select(ResponseSchool.school_id).join(Response, Response.id == ResponseSchool.response_id)
    said = said.join(Message, Message.id == Response.message_id)
    said = said.where(Message.mailing_id.in_(mailings), Response.is_a_reaction())
    known = joined_schools(select(Mailing.stop_strand_id).where(Mailing.id.in_(mailings)), day)
    query = select(listed.c.authority_id, func.count().label("schools"))
    query = query.where(listed.c.school_id.not_in(said), listed.c.school_id.not_in(select(known.c.school_id)))
    return query.group_by(listed.c.authority_id).subquery("missing")


def _opened(mailings: Mailings) -> Subquery:
    """The authorities of which a mailbox with a basis in force opened its letter, as far as can be told."""
    in_force = Contact.id.in_(bases.mailboxes_in_force())
    query = bases.with_basis().join(Hit, Hit.message_id == Message.id)
    seen = query.where(Message.mailing_id.in_(mailings), Hit.link == OPENING, Hit.is_a_reader_s(), in_force)
    return seen.with_only_columns(AUTHORITY.label("authority_id")).distinct().subquery("opened")


def _steps(mailings: Mailings) -> Subquery:
    """What the steps of each authority brought."""
    tried = ReachStep.state == StepState.TRIED
    flags = {
        "posted": and_(tried, ReachStep.channel == ReachChannel.PAPER),
        "called": and_(tried, ReachStep.channel == ReachChannel.CALL),
        "joined": and_(ReachStep.state == StepState.STOPPED, ReachStep.reason == StepReason.JOINED),
    }
    kinds = [func.max(case((flag, 1), else_=0)).label(name) for name, flag in flags.items()]
    query = select(ReachStep.authority_id, *kinds).where(ReachStep.mailing_id.in_(mailings))
    return query.group_by(ReachStep.authority_id).subquery("steps")


def _last_step(mailings: Mailings) -> Subquery:
    newest = select(func.max(ReachStep.id)).where(ReachStep.mailing_id.in_(mailings)).group_by(ReachStep.authority_id)
    step = aliased(ReachStep)
    return (
        select(step.authority_id, step.channel, step.state, step.reason)
        .where(step.id.in_(newest))
        .subquery("last_step")
    )
