"""Records what is proposed. The target is read through the scope first: nobody proposes about who is no member."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach import audit
from outreach.db import Session, take_turns
from outreach.directory import authority_sheet, contacts, name_corrections
from outreach.errors import InputError, Refused
from outreach.mail.addresses import Judgement
from outreach.proposals.models import Proposal, ProposalKind, ProposalState
from outreach.sight.scopes import Sight
from outreach.text import line_of_words

LONGEST, MOST_A_DAY = 500, 50


class Target:
    """What a proposal is about, as the scope sees it: raises NotFound for whatever is out of it."""

    def __init__(self, seen: Session, fase: int, *, contact: int | None = None, school: int | None = None) -> None:
        owner = authority_sheet.authority_by_fase(seen, fase)
        held = contacts.contact(seen, owner, contact) if contact is not None else None
        one = name_corrections.school_of(seen, owner, school) if school is not None else None
        self.fase, self.authority = fase, owner.id
        self.contact: int | None = held.id if held else None
        self.contact_key: str = held.address_key if held else ""
        self.school: int | None = one.id if one else None
        self.school_fase: int = one.fase if one else 0


def propose(
    session: Session,
    target: Target,
    sight: Sight,
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
    take_turns(session, "proposals", actor)
    recent = select(func.count(Proposal.id)).where(
        Proposal.proposed_by == actor, Proposal.proposed_at > now - timedelta(days=1)
    )
    if (session.scalar(recent) or 0) >= MOST_A_DAY:
        raise Refused(f"Vous avez fait {MOST_A_DAY} propositions en un jour : attendez les réponses du service.")
    address = judged.address if judged else ""
    made = Proposal(
        kind=ProposalKind.ADDRESS if judged else ProposalKind.SCHOOL,
        state=ProposalState.WAITING,
        authority_id=target.authority,
        contact_id=target.contact if judged else None,
        school_id=None if judged else target.school,
        address=address,
        said=said,
        scope_kind=sight.kind,
        scope_code=sight.code,
        proposed_at=now,
        proposed_by=actor,
    )
    same = select(Proposal.id).where(
        Proposal.state == ProposalState.WAITING,
        Proposal.scope_kind == sight.kind,  # what another federation proposed is told to nobody but staff
        Proposal.scope_code == sight.code,
        Proposal.authority_id == made.authority_id,
        Proposal.address == address,
        Proposal.school_id.is_not_distinct_from(made.school_id),
    )
    if session.scalar(same) is not None:
        raise Refused("La même proposition attend déjà la réponse du service.")
    session.add(made)
    session.flush()
    what = f"école {target.school_fase} qui n’est plus à ce PO" if judged is None else f"adresse {address}"
    audit.record(session, now, actor, f"{sight.code} propose : {what}.", f"authority:{target.fase}")
    return made
