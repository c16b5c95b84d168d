"""Who posted a letter on paper and when, and who said what in a call: what stands behind a proof of these kinds."""

from collections.abc import Collection, Sequence

from sqlalchemy import and_, select

from outreach import french
from outreach.accounts import colleagues
from outreach.db import Session
from outreach.db.in_list import among
from outreach.directory.calls import Call
from outreach.reach.models import CallOutcome, ReachCall, ReachChannel, ReachStep, ReachTransition, StepState

MOST_QUOTED = 160  # characters of a call's note; its whole text is on the authority's sheet


def details(
    session: Session, mailings: Sequence[int], authorities: Collection[int]
) -> dict[tuple[int, ReachChannel], str]:
    """In French, by authority and channel: "le 18 mai 2021, par Nadia Lambert"; one statement."""
    if not authorities:
        return {}
    query = (
        select(ReachStep, ReachTransition, Call)
        .join(ReachTransition, ReachTransition.step_id == ReachStep.id)
        .outerjoin(ReachCall, and_(ReachCall.step_id == ReachStep.id, ReachCall.outcome == CallOutcome.REACHED.value))
        .outerjoin(Call, and_(Call.id == ReachCall.call_id, Call.withdrawn_at.is_(None)))
        .where(ReachStep.mailing_id.in_(mailings), among(ReachStep.authority_id, sorted(authorities)))
        .where(ReachStep.state == StepState.TRIED, ReachTransition.state == StepState.TRIED)
        .where(ReachStep.channel.in_((ReachChannel.PAPER, ReachChannel.CALL)))
    )
    names: dict[str, str] = {}
    found: dict[tuple[int, ReachChannel], str] = {}
    for step, moved, call in session.execute(query.order_by(ReachStep.id)):
        name = names.setdefault(moved.actor, colleagues.name_of(session, moved.actor))
        said = f"le {french.day(moved.day or moved.at)}, par {name}"
        found[step.authority_id, step.channel] = french.typeset(f"{said}{_quoted(call)}")
    return found


def _quoted(call: Call | None) -> str:
    if call is None:
        return ""
    note = " ".join(call.note.split())
    told = note if len(note) <= MOST_QUOTED else f"{note[:MOST_QUOTED]}…"
    return f" ; {call.person} : « {told} »" if call.person else f" : « {told} »"
