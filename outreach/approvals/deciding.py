"""Records decisions, and says who may decide: an approver who neither wrote, changed nor submitted the subject.

Whoever calls it has taken the subject's turn (`db.take_turns`), so two persons at once decide one after the other.
"""

from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from sqlalchemy import or_, select

from outreach import audit, french
from outreach.accounts import colleagues
from outreach.approvals import reading
from outreach.approvals.models import AFTER, BY_ANOTHER, NOWHERE, Content, Decision, DecisionKind, Extent, Thing
from outreach.db import Session
from outreach.errors import Refused
from outreach.roles import RoleName

_DONE = {
    DecisionKind.WRITTEN: "a changé",
    DecisionKind.APPROVED: "a validé",
    DecisionKind.CONFIRMED: "a validé",
    DecisionKind.SENT_BACK: "a renvoyé",
    DecisionKind.REFUSED: "a refusé",
    DecisionKind.WITHDRAWN: "a retiré",
}


def may_decide(session: Session, person: str, *subjects: str) -> bool:
    """Whether a person may decide about subjects: an approver who neither wrote, changed nor submitted any of them.

    Sending one back is not a change.
    """
    hands = [reading.has_a_hand(subject, person) for subject in subjects]
    return colleagues.holds(session, person, RoleName.APPROVER) and not session.scalar(select(or_(*hands)))


def require_second_person(session: Session, person: str, *subjects: str, what: str = "La validation") -> None:
    """Raises Refused, with the reason, where `may_decide` says no; `what` is asked for."""
    if not may_decide(session, person, *subjects):
        things = " ou ".join(Thing.of(subject).label for subject in subjects)
        raise Refused(
            f"{what} revient à une autre personne que celle qui a écrit ou soumis {things}, "
            f"et qui a le rôle « {RoleName.APPROVER.label} »."
        )


def refuse_another(content: Content, version: str | None) -> None:
    """Raises Refused where a thing differs from the version (a digest) that a person read. None skips the check."""
    if version not in {None, content.digest}:
        told = french.initial(content.told)
        raise Refused(f"{told} a changé depuis l’ouverture de la page : relisez, puis recommencez.")


def refuse_unawaited(session: Session, content: Content, kind: DecisionKind, actor: str) -> None:
    """Raises Refused where a decision of this kind is not awaited: the sentence names who decided before.

    So it does where an approval or a refusal is of another content than the submission, or the actor may not decide.
    """
    held = reading.last(session, content.subject)
    if kind in AFTER and (held is None or held.kind not in AFTER[kind]):
        raise Refused(_before(session, content, held))
    if kind in BY_ANOTHER:
        require_second_person(session, actor, content.subject)
        if held is not None and held.digest != content.digest:
            raise Refused(f"{french.initial(content.told)} a changé depuis sa soumission : à soumettre de nouveau.")


class Told(TypedDict):
    """What a person says of a decision: when, who, why, and how many the thing would reach."""

    now: datetime
    actor: str
    reason: NotRequired[str]
    extent: NotRequired[Extent]


def decide(
    session: Session, content: Content, kind: DecisionKind, sentence: str | None = None, **told: Unpack[Told]
) -> Decision:
    """Keep what a person did about a thing, exactly as it stands, and what the audit says of it.

    That is `sentence`, nothing where it is '', or the usual one. Raises Refused as `refuse_unawaited` does.
    """
    now, actor, extent = told["now"], told["actor"], told.get("extent", NOWHERE)
    refuse_unawaited(session, content, kind, actor)
    made = Decision(
        subject=content.subject,
        title=content.title,
        kind=kind,
        digest=content.digest,
        authorities=extent.authorities,
        letters=extent.letters,
        at=now,
        actor=actor,
        reason=told.get("reason", ""),
    )
    session.add(made)
    session.flush()
    if sentence is None:
        sentence = f"{content.named} {made.told}."
    if sentence:
        audit.record(session, now, actor, sentence, content.filed or content.subject)
    return made


def _before(session: Session, content: Content, held: Decision | None) -> str:
    """Why no decision is awaited: nobody has submitted the thing, or somebody was first."""
    thing = french.initial(content.told)
    if held is None or held.kind not in _DONE:
        return f"{thing} n’attend pas de validation."
    first = f"{colleagues.name_of(session, held.actor)} {_DONE[held.kind]} {content.told} le {french.moment(held.at)}"
    why = f" ({held.reason})" if held.reason else ""
    return f"{thing} n’attend pas de validation : {first}{why}. Rechargez la page."
