"""Whom a campaign reached, with the proof of each: counts, the sentence, and the list that pages and files show."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, Subquery, and_, case, func, select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.ladder import tried
from outreach.campaigns.models import Campaign, Wave
from outreach.columns import DATA, Column, Kind, On, Queried
from outreach.days import today
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.directory import search
from outreach.directory.models import Authority, Network
from outreach.directory.names.display_names import shown
from outreach.reach import proof
from outreach.reach.models import OPEN, ReachChannel, StepReason, StepState
from outreach.reach.proof import PROOFS, WITHOUT, ProofKind, Without

BY_STEP = {ProofKind.POSTED: ReachChannel.PAPER, ProofKind.CALLED: ReachChannel.CALL}
MOST_ON_SHEET = 5  # campaigns of which an authority's sheet says whether they reached it


@dataclass(frozen=True, slots=True)
class Reached:
    """How many authorities a campaign is for, by the best proof of each; `open` counts the open steps of those without
    proof, by channel. `by` adds up to `proved`, and `proved` and `unproved` to `authorities`.

    Where mailboxes answer for some schools, one may be reached and another not: the proof of `partly` authorities is
    none for `schools` of their schools.
    """

    authorities: int
    by: Mapping[ProofKind, int]
    open: Mapping[ReachChannel, int]
    partly: int = 0
    schools: int = 0

    @property
    def proved(self) -> int:
        """How many were reached, with proof."""
        return sum(self.by.values())

    @property
    def unproved(self) -> int:
        """How many were not."""
        return self.authorities - self.proved

    @property
    def sentence(self) -> str:
        """The counts in French: "985 PO : 961 atteints avec preuve, 24 sans, dont 18 à appeler."."""
        total = french.plural(self.authorities, "PO", "PO")
        if not self.authorities:
            return "Aucun PO : rien n’est encore parti."
        if not self.unproved:
            return french.typeset(f"{total} : tous atteints avec preuve{self.but()}.")
        proved = french.plural(self.proved, "atteint avec preuve", "atteints avec preuve") + self.but()
        rest = f", dont {waiting}" if (waiting := self.waiting()) else ""
        return french.typeset(f"{total} : {proved}, {french.number(self.unproved)} sans{rest}.")

    def but(self, one: str = "PO", many: str = "PO") -> str:
        """The schools that the proof of their authority does not hold for: « (sauf pour 3 écoles de 2 PO) », or ''."""
        if not self.schools:
            return ""
        whose = french.plural(self.partly, one, many)
        return f" (sauf pour {french.plural(self.schools, 'école', 'écoles')} de {whose})"

    def waiting(self) -> str:
        """What is still to be done for those without proof, in French: « 18 à appeler », or ''."""
        todo = {ReachChannel.PAPER: "à écrire sur papier", ReachChannel.CALL: "à appeler"}
        return " et ".join(
            f"{french.number(self.open[one])} {words}" for one, words in todo.items() if self.open.get(one)
        )

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON, under fixed names; `by` has the proofs that there are."""
        by = {kind.value: count for kind, count in self.by.items() if count}
        return {"authorities": self.authorities, "proved": self.proved, "unproved": self.unproved, "by": by}


class ReachedRow(NamedTuple):
    """An authority of a campaign: the rank of its best proof, why it has none, its last step, and for how many of its
    schools the proof is none."""

    key: int
    fase: int
    name: str
    corrected_name: str
    network: str
    proof: int
    without: int
    channel: ReachChannel | None
    state: StepState | None
    reason: StepReason | None
    schools: int
    detail: str = ""  # of a letter that was posted, of a call: when, by whom, what was said

    @property
    def display_name(self) -> str:
        """The name as shown."""
        return shown(self.name, self.corrected_name)

    @property
    def kind(self) -> ProofKind | None:
        """The best proof, or None."""
        return PROOFS[self.proof - 1] if self.proof else None

    @property
    def why(self) -> Without | None:
        """Why there is no proof; None where there is one."""
        return None if self.proof else WITHOUT[self.without]

    @property
    def but(self) -> str:
        """The schools that the proof does not hold for, in French: « sauf pour 2 écoles », or ''."""
        return f"sauf pour {french.plural(self.schools, 'école', 'écoles')}" if self.schools else ""

    @property
    def rung(self) -> str:
        """The last rung in French: "Appel : à faire", or ''."""
        if self.channel is None or self.state is None:
            return ""
        why = f" ({self.reason.label})" if self.reason and self.state not in OPEN else ""
        return french.typeset(f"{self.channel.label} : {self.state.label.lower()}{why}")


COLUMNS: Sequence[Column[ReachedRow]] = (
    Column("fase", "FASE", lambda row: row.fase, Kind.NUMBER, sort=Authority.fase, on=DATA),
    Column("name", "Pouvoir organisateur", lambda row: row.display_name, sort=Authority.folded),
    Column("network", "Réseau", lambda row: row.network, sort=Network.label),
    Column("proof", "Preuve", lambda row: row.kind, sort="proof"),
    Column("detail", "Détail de la preuve", lambda row: row.detail, on=DATA),
    Column("schools", "Écoles sans preuve", lambda row: row.schools, Kind.NUMBER, on=DATA),
    Column("without", "Pourquoi aucune", lambda row: row.why, on=DATA),
    Column("rung", "Dernier échelon", lambda row: row.rung, on=On.PAGE | DATA),
)


def mailings_of(campaign: Campaign) -> list[int]:
    """The mailings of a campaign whose recipients are known."""
    return audiences.launched(campaign)


def of(session: Session, campaign: Campaign, *, now: datetime) -> Reached:
    """Whom a campaign reached, as of now."""
    return counted(session, mailings_of(campaign), now=now)


def counted(session: Session, mailings: Sequence[int], *, now: datetime) -> Reached:
    """Whom these mailings reached, by one statement."""
    return together(by_network(session, mailings, now=now).values())


def by_network(session: Session, mailings: Sequence[int], *, now: datetime) -> dict[str, Reached]:
    """Whom these mailings reached, by network's code in the usual order, by one statement."""
    each = proof.of_authorities(mailings, today(now), by_school=True)
    is_open = and_(each.c.proof == 0, each.c.state.in_(OPEN))
    channel = case((is_open, each.c.channel))
    partly = func.sum(case((each.c.schools > 0, 1), else_=0)), func.sum(each.c.schools)
    query = select(Network.code, each.c.proof, channel, func.count(), *partly).join(
        Authority, Authority.network_id == Network.id
    )
    query = query.join(each, each.c.authority_id == Authority.id).order_by(Network.position)
    found: dict[str, list[Reached]] = {}
    # By every column that is read: in a scope the table is a view, of which PostgreSQL knows no key.
    query = query.group_by(Network.code, Network.position, each.c.proof, channel)
    for code, rank, open_channel, count, *but in session.execute(query):
        by = {PROOFS[rank - 1]: count} if rank else {}
        waiting = {ReachChannel(open_channel): count} if open_channel is not None else {}
        found.setdefault(code, []).append(Reached(count, by, waiting, *map(int, but)))
    return {code: together(parts) for code, parts in found.items()}


def together(parts: Collection[Reached]) -> Reached:
    """The sum of some counts; `by` has every kind of proof."""
    total, by, waiting = 0, Counter[ProofKind](), Counter[ReachChannel]()
    for part in parts:
        total += part.authorities
        by.update(part.by)
        waiting.update(part.open)
    partly, schools = sum(part.partly for part in parts), sum(part.schools for part in parts)
    return Reached(total, {kind: by[kind] for kind in PROOFS}, dict(waiting), partly, schools)


def listed(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    kind: ProofKind | None = None,
    unproved: bool = False,
    text: str = "",
    sort: str = "",
) -> Queried[ReachedRow]:
    """The authorities of a campaign, those without proof first; with one proof only, or those without any."""
    mailings = mailings_of(campaign)
    each = proof.of_authorities(mailings, today(now), by_school=True)
    query = _rows(each)
    if unproved:
        query = query.where(each.c.proof == 0)
    elif kind is not None:
        query = query.where(each.c.proof == PROOFS.index(kind) + 1)
    return Queried(
        title="Atteints",
        columns=COLUMNS,
        sort=sort,
        session=session,
        query=query.where(search.is_named(text)) if text else query,
        order=(each.c.proof, Authority.folded, Authority.id),
        key=Authority.id,
        made=lambda rows: _made(session, mailings, rows),
    )


def of_authority(session: Session, campaign: Campaign, authority: Authority, *, now: datetime) -> ReachedRow | None:
    """How a campaign reached one authority; None where it is not for it."""
    mailings = mailings_of(campaign)
    each = proof.of_authorities(mailings, today(now), by_school=True)
    rows = session.execute(_rows(each).where(Authority.id == authority.id)).all()
    return next(iter(_made(session, mailings, rows)), None)


def of_sheet(session: Session, authority: Authority, *, now: datetime) -> list[tuple[Campaign, ReachedRow]]:
    """How each of the last campaigns for an authority reached it, the newest first; a statement a campaign."""
    theirs = select(Wave.campaign_id).join(Message, Message.mailing_id == Wave.mailing_id)
    query = select(Campaign).where(Campaign.id.in_(theirs.where(Message.authority_id == authority.id)))
    campaigns = session.scalars(query.order_by(Campaign.id.desc()).limit(MOST_ON_SHEET)).all()
    found = ((campaign, of_authority(session, campaign, authority, now=now)) for campaign in campaigns)
    return [(campaign, row) for campaign, row in found if row is not None]


def _made(session: Session, mailings: Sequence[int], rows: Iterable[Sequence[Any]]) -> list[ReachedRow]:
    """The rows, those of letters on paper and of calls with what stands behind their proof."""
    made = [ReachedRow(*row) for row in rows]
    by = {row.key: BY_STEP[row.kind] for row in made if row.kind in BY_STEP}
    told = tried.details(session, mailings, by.keys())
    return [row._replace(detail=told.get((row.key, by[row.key]), "")) if row.key in by else row for row in made]


def _rows(each: Subquery) -> Select[*tuple[Any, ...]]:
    columns = Authority.id, Authority.fase, Authority.name, Authority.corrected_name, Network.label
    last = each.c.proof, each.c.without, each.c.channel, each.c.state, each.c.reason, each.c.schools
    query = select(*columns, *last).join(each, each.c.authority_id == Authority.id)
    return query.join(Network, Network.id == Authority.network_id)
