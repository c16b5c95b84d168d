"""The list of proposals: all of them for staff, its own for a federation or a network."""

from collections.abc import Sequence

from sqlalchemy import select

from outreach.columns import DATA, Column, Kind, On, Queried
from outreach.db import Session
from outreach.directory import search
from outreach.directory.models import Authority
from outreach.proposals.models import Proposal, ProposalState
from outreach.sight.scopes import Sight

COLUMNS: Sequence[Column[Proposal]] = (
    Column("proposed", "Proposition", lambda row: row.subject),
    Column("authority", "Pouvoir organisateur", lambda row: row.authority.display_name, sort=Authority.folded),
    Column("fase", "FASE", lambda row: row.authority.fase, on=DATA),
    Column("kind", "Sorte", lambda row: row.kind, sort=Proposal.kind, on=DATA),
    Column("said", "Motif", lambda row: row.said, on=DATA),
    Column("scope", "De", lambda row: row.scope_code, sort=Proposal.scope_code),
    Column("proposed_at", "Le", lambda row: row.proposed_at, Kind.MOMENT, sort=Proposal.proposed_at),
    Column("state", "État", lambda row: row.state, sort=Proposal.state),
    Column("answer", "Réponse du service", lambda row: row.answer, on=On.PAGE | On.FILE),
)


def listed(
    session: Session,
    sight: Sight | None = None,
    *,
    state: ProposalState | None = None,
    text: str = "",
    sort: str = "",
) -> Queried[Proposal]:
    """The proposals, the last first: of one scope, or all of them; of one state, or of all."""
    query = select(Proposal).join(Authority, Authority.id == Proposal.authority_id)
    if sight is not None:
        query = query.where(Proposal.scope_kind == sight.kind, Proposal.scope_code == sight.code)
    if state is not None:
        query = query.where(Proposal.state == state)
    return Queried(
        title="Propositions",
        columns=COLUMNS,
        sort=sort,
        usual="-proposed_at",
        session=session,
        query=search.narrowed(query, text),
        order=(Proposal.proposed_at.desc(), Proposal.id.desc()),
    )
