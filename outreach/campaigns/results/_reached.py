"""Whom a campaign means and reached, and how sure that is: the sentence, the list, the files.

Whom a campaign means, and whom it reached: the sentence, and the one list that pages and files show.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from outreach.access import colleagues
from outreach.campaigns import counting
from outreach.campaigns.counting import Class, Counts, Handing, Reach, sum_counts
from outreach.campaigns.evidence import (
    AUTHORITY,
    BY_HAND,
    OPEN,
    CallOutcome,
    EscalationStep,
    Evidence,
    ReachCall,
    ReachChannel,
    ReachTransition,
    StepReason,
    StepState,
)
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.results._figures import Figure, is_counted
from outreach.campaigns.results._reactions import OpeningFilter, asked_of, is_seen
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.tables import DATA, Column, Kind, On, QueryListing
from outreach.core.text import french
from outreach.delivery.models import Message, Reason
from outreach.delivery.outbox import LetterOutcome, has_outcome
from outreach.directory.authorities import Call, is_named
from outreach.directory.display_names import shown
from outreach.directory.models import Authority, Network
from outreach.engagement import tracking
from outreach.engagement.replies import Answer, Response
from outreach.engagement.tracking import Asked, Reaction

MOST_QUOTED = 160  # characters of a call's note; its whole text is on the authority's sheet


def details(
    session: Session, mailings: Sequence[int], authorities: Collection[int]
) -> dict[tuple[int, ReachChannel], str]:
    """In French, by authority and channel: "le 18 mai 2021, par Nadia Lambert"; one statement."""
    if not authorities:
        return {}
    query = (
        select(EscalationStep, ReachTransition, Call)
        .join(ReachTransition, ReachTransition.step_id == EscalationStep.id)
        .outerjoin(
            ReachCall, and_(ReachCall.step_id == EscalationStep.id, ReachCall.outcome == CallOutcome.REACHED.value)
        )
        .outerjoin(Call, and_(Call.id == ReachCall.call_id, Call.withdrawn_at.is_(None)))
        .where(EscalationStep.mailing_id.in_(mailings), among(EscalationStep.authority_id, sorted(authorities)))
        .where(EscalationStep.state == StepState.TRIED, ReachTransition.state == StepState.TRIED)
        .where(EscalationStep.channel.in_(BY_HAND))
    )
    names: dict[str, str] = {}
    found: dict[tuple[int, ReachChannel], str] = {}
    for step, moved, call in session.execute(query.order_by(EscalationStep.id)):
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


MOST_ON_SHEET = 5  # campaigns of which an authority's sheet says whether they reached it
WORDS = {
    Reach.REACHED: ("a réagi", "ont réagi"),
    Reach.PRESUMED: ("présumé atteint", "présumés atteints"),
    Reach.UNREAD: ("remis au serveur d’envoi, retours non lus", "remis au serveur d’envoi, retours non lus"),
    Reach.TOO_EARLY: ("il est trop tôt pour le dire", "il est trop tôt pour"),
    Reach.LEFT: ("à atteindre encore", "à atteindre encore"),
}
_TO_SHEET = {
    Class.RECIPIENTS: "destinataire",
    Class.TO_COME: "un courriel est à venir",
    Class.OUT_OF_SCOPE: "hors cible : aucune école concernée ce jour-là",
    Class.ALREADY_JOINED: "avait adhéré ou le déclarait",
    Class.EXCEPTED: "excepté",
    Class.STOPPED: "s’est manifesté avant le courriel",
    Class.NO_ADDRESS: "sans adresse utilisable",
    Class.NOT_SENT: "non envoyé",
}
APART = {  # of those concerned, the classes beside the recipients
    Class.ALREADY_JOINED: ("avait adhéré ou le déclarait", "avaient adhéré ou le déclaraient"),
    Class.EXCEPTED: ("excepté", "exceptés"),
    Class.STOPPED: ("s’est manifesté avant le courriel", "se sont manifestés avant le courriel"),
    Class.NO_ADDRESS: ("sans adresse utilisable", "sans adresse utilisable"),
    Class.NOT_SENT: ("non envoyé", "non envoyés"),
    Class.TO_COME: ("recevra", "recevront"),
}
_HANDINGS = {
    Handing.HANDED_OVER: "remis à notre serveur d’envoi",
    Handing.ON_THE_WAY: "en chemin ou en doute",
    Handing.RETURNED: "revenu",
}


def sentence(counts: Counts) -> str:
    """Whom a campaign reached, in French: « 284 PO à atteindre : 52 ont réagi, 227 présumés atteints, 5 à atteindre
    encore. »"""
    whole = counts["to_reach"]
    if not whole:
        return "Aucun PO à atteindre."
    return french.typeset(f"{french.plural(whole, 'PO', 'PO')} à atteindre : {', '.join(parts_of(counts).values())}.")


def parts_of(counts: Counts) -> dict[Reach, str]:
    """How many of those to be reached were, in French, by how sure it is; without those that are none."""
    return {key: _part(key, counts[key]) for key in WORDS if counts[key]}


def still_to_do(counts: Counts, waiting: Mapping[ReachChannel, int]) -> str:
    """What the sentence says after those that are left, of whom `count_open_steps` counts the open steps: « , dont 3
    à appeler » or ''."""
    todo = [f"{french.number(waiting[one])} {one.facts.todo}" for one in BY_HAND if waiting.get(one)]
    return f", dont {french.all_of(todo)}" if todo and counts["left"] else ""


def _part(key: Reach, count: int) -> str:
    one, several = WORDS[key]
    return f"{several} {french.number(count)}" if key is Reach.TOO_EARLY else french.plural(count, one, several)


class ReachedRow(NamedTuple):
    """An authority of a campaign: its class, what became of its letters, whether it was reached and by what, why it
    gets no letter, and its last step on the ladder. `detail` is of a letter posted or a call: when, by whom."""

    key: int
    fase: int
    name: str
    corrected_name: str
    network: str
    network_code: str
    kind: Class
    handing: Handing | None
    reach: Reach | None
    evidence: Evidence | None
    reason: Reason | None
    channel: ReachChannel | None
    state: StepState | None
    step_reason: StepReason | None
    detail: str = ""

    @property
    def display_name(self) -> str:
        """The name as shown."""
        return shown(self.name, self.corrected_name)

    @property
    def stands(self) -> str:
        """Whether it was reached, or what it is where it was not to be."""
        return Figure(self.reach or self.kind).label

    @property
    def proof(self) -> str:
        """What proves it, or ''."""
        return self.evidence.label if self.evidence and self.reach is Reach.REACHED else ""

    @property
    def why(self) -> str:
        """What became of its letters, or why there is none, in French."""
        if self.handing:
            return _HANDINGS[self.handing]
        return self.reason.label if self.reason else "" if self.kind is Class.STOPPED else _TO_SHEET[self.kind]

    @property
    def in_words(self) -> str:
        """How it stands, in French, as its own sheet says it after the campaign's title."""
        first = self.proof or (WORDS[self.reach][0] if self.reach else _TO_SHEET[self.kind])
        why = self.why if self.reach is not Reach.REACHED else ""
        told = " ; ".join(filter(None, (first[:1].lower() + first[1:], why if why != first else "", self.detail)))
        return french.typeset(told)

    @property
    def rung(self) -> str:
        """The last rung in French: "Appel : à faire", or ''."""
        if self.channel is None or self.state is None:
            return ""
        why = f" ({self.step_reason.label})" if self.step_reason and self.state not in OPEN else ""
        return french.typeset(f"{self.channel.label} : {self.state.label.lower()}{why}")


@dataclass(frozen=True, slots=True)
class ReachedFilters:
    """What the list keeps of those whom a campaign means; an empty filter keeps all.

    `network` is a network's code, `wave` a wave's number. An authority stays when one of its letters (of that wave) has
    the outcome, when it gave the answer, and when one of its measured letters was opened, clicked, or neither. `reason`
    is why such a letter was withdrawn, or without wave and outcome why no letter is for it.
    """

    figure: Figure = Figure.TARGETED
    network: str = ""
    wave: int | None = None
    outcome: LetterOutcome | None = None
    reason: Reason | None = None
    answer: Answer | None = None
    reaction: Reaction | None = None
    opening: OpeningFilter | None = None
    text: str = ""

    @property
    def keep_a_figure(self) -> bool:
        """Whether they keep all that a figure counts, of all networks or of one."""
        return self == ReachedFilters(self.figure, self.network)

    @property
    def letters(self) -> list[ColumnElement[bool]]:
        """What holds of the letters to those kept."""
        told = [has_outcome(self.outcome)] if self.outcome else []
        return [*told, Message.reason == self.reason] if self.reason and (self.wave or told) else told

    def asked(self, campaign: Campaign, now: datetime) -> Asked:
        """The letters that are read. Raises NotFound for a wave that has none."""
        return asked_of(campaign, now=now, wave=self.wave)

    def kept(self, session: Session, asked: Asked, each: CTE) -> Iterator[ColumnElement[bool]]:
        """The conditions, on rows of authorities, their networks and `each` of `classes.Classified`."""
        yield is_counted(each, self.figure)
        own = Message.mailing_id.in_(asked.mailings)
        letters = select(AUTHORITY).where(own)
        if self.network:
            yield Network.code == self.network
        if self.wave or self.outcome:
            yield Authority.id.in_(letters.where(*self.letters))
        elif self.reason:
            yield each.c.reason == self.reason.value
        if self.answer:
            given = select(Response.authority_id).join(Message, Message.id == Response.message_id)
            yield Authority.id.in_(given.where(own, Response.is_a_reaction(), Response.answer == self.answer))
        if self.reaction:
            yield Authority.id.in_(tracking.reacting_authorities(asked, self.reaction))
        if self.opening:
            yield Authority.id.in_(letters.where(is_seen(session, asked, self.opening)))
        if self.text:
            yield is_named(self.text)


COLUMNS: Sequence[Column[ReachedRow]] = (
    Column("fase", "FASE", lambda row: row.fase, Kind.NUMBER, sort=Authority.fase, on=DATA),
    Column("name", "Pouvoir organisateur", lambda row: row.display_name, sort=Authority.folded),
    Column("network", "Réseau", lambda row: row.network, sort=Network.label, on=DATA),
    Column("network_code", "Réseau au registre", lambda row: row.network_code, on=DATA),
    Column("stands", "Où il en est", lambda row: row.stands),
    Column("proof", "Preuve", lambda row: row.proof, on=DATA),
    Column("detail", "Détail", lambda row: row.detail, on=DATA),
    Column("why", "Courriel", lambda row: row.why, on=On.PAGE | DATA),
    Column("answered", "Réponse", lambda _: "", on=On.PAGE),
    Column("rung", "Dernier échelon", lambda row: row.rung, on=On.PAGE | DATA),
)


def list_reached(
    session: Session, campaign: Campaign, filters: ReachedFilters, *, now: datetime, sort: str = ""
) -> QueryListing[ReachedRow]:
    """The authorities of a campaign that the filters keep, each with how it stands, those left to be reached first."""
    mailings, each = _of(session, campaign, now)
    return QueryListing(
        title="Pouvoirs organisateurs",
        columns=COLUMNS,
        sort=sort,
        session=session,
        query=_rows(each, mailings).where(*filters.kept(session, filters.asked(campaign, now), each)),
        order=(each.c.reach, Authority.folded, Authority.id),
        key=Authority.id,
        made=lambda rows: _made(session, mailings, rows),
    )


def count_letters(session: Session, campaign: Campaign, filters: ReachedFilters, *, now: datetime) -> int:
    """How many letters to those that the filters keep are as they say."""
    theirs = list_reached(session, campaign, filters, now=now).query.with_only_columns(Authority.id)
    own = Message.mailing_id.in_(filters.asked(campaign, now).mailings), AUTHORITY.in_(theirs)
    return session.scalar(select(func.count()).select_from(Message).where(*own, *filters.letters)) or 0


def of_authority(session: Session, campaign: Campaign, authority: Authority, *, now: datetime) -> ReachedRow | None:
    """How a campaign reached one authority; None where it does not mean it."""
    mailings, each = _of(session, campaign, now)
    rows = session.execute(_rows(each, mailings).where(Authority.id == authority.id)).all()
    return next(iter(_made(session, mailings, rows)), None)


def of_sheet(session: Session, authority: Authority, *, now: datetime) -> list[tuple[Campaign, ReachedRow]]:
    """How each of the last campaigns for an authority reached it, the newest first; a statement a campaign."""
    theirs = select(Wave.campaign_id).join(Message, Message.mailing_id == Wave.mailing_id)
    query = select(Campaign).where(Campaign.id.in_(theirs.where(Message.authority_id == authority.id)))
    campaigns = session.scalars(query.order_by(Campaign.id.desc()).limit(MOST_ON_SHEET)).all()
    found = ((campaign, of_authority(session, campaign, authority, now=now)) for campaign in campaigns)
    return [(campaign, row) for campaign, row in found if row is not None]


def count_open_steps(session: Session, campaign: Campaign) -> dict[ReachChannel, int]:
    """How many steps of a campaign are open, by channel."""
    query = select(EscalationStep.channel, func.count()).where(EscalationStep.mailing_id.in_(campaign.mailing_keys))
    return dict(session.execute(query.where(EscalationStep.state.in_(OPEN)).group_by(EscalationStep.channel)).all())


def _of(session: Session, campaign: Campaign, now: datetime) -> tuple[list[int], CTE]:
    return campaign.mailing_keys, counting.classify_campaign(session, campaign, now=now).authorities


def _made(session: Session, mailings: Sequence[int], rows: Iterable[Sequence[Any]]) -> list[ReachedRow]:
    """The rows, those of letters posted and of calls with when, by whom and what was said."""
    made = [_row(row) for row in rows]
    by = {row.key: row.channel for row in made if row.channel in BY_HAND and row.state is StepState.TRIED}
    told = details(session, mailings, by.keys())
    return [
        row._replace(detail=told.get((row.key, row.channel), "")) if row.channel and row.key in by else row
        for row in made
    ]


def _row(row: Sequence[Any]) -> ReachedRow:
    *who, kind, handing, reach, evidence, reason, channel, state, why = row
    told = (
        Class(kind),
        Handing(handing) if handing else None,
        Reach(reach) if reach else None,
        Evidence(evidence) if evidence else None,
        Reason(reason) if reason else None,
    )
    key, fase, name, corrected_name, network, code = who
    return ReachedRow(key, fase, name, corrected_name, network, code, *told, channel, state, why)


def _rows(each: CTE, mailings: Sequence[int]) -> Select[*tuple[Any, ...]]:
    columns = Authority.id, Authority.fase, Authority.name, Authority.corrected_name, Network.label, Network.code
    kinds = (each.c[name] for name in ("class", "handing", "reach", "evidence", "reason"))
    newest = (
        select(func.max(EscalationStep.id))
        .where(EscalationStep.mailing_id.in_(mailings))
        .group_by(EscalationStep.authority_id)
    )
    step = aliased(EscalationStep)
    last = select(step).where(step.id.in_(newest)).subquery("last_step")
    query = select(*columns, *kinds, last.c.channel, last.c.state, last.c.reason)
    query = query.join(each, each.c.authority_id == Authority.id).join(Network, Network.id == Authority.network_id)
    return query.outerjoin(last, last.c.authority_id == Authority.id)


MOST_TOLD = 12  # campaigns, the latest: each costs a statement over its letters
KEYS = ("to_reach", *(one.value for one in Reach))


@dataclass(frozen=True, slots=True)
class CampaignReach:
    """Whom a campaign reached, by network's code. `part` says that it counts some networks alone, or is ''."""

    campaign: int
    title: str
    strand: int
    networks: Mapping[str, Counts]
    part: str = ""

    @property
    def total(self) -> Counts:
        """The numbers of all its networks."""
        return sum_counts(self.networks.values())

    @property
    def short(self) -> str:
        """The numbers in French, without the campaign's name."""
        return sentence(self.total)

    @property
    def sentence(self) -> str:
        """The numbers in French, as notes have them: « À ce jour, des 284 pouvoirs organisateurs à atteindre par « … »,
        52 ont réagi… »."""
        total = self.total
        whole = total["to_reach"]
        if whole == 1:
            (part,) = parts_of(total).values()
            whom = f"le seul pouvoir organisateur à atteindre par « {self.title} »{self.part}"
            return french.typeset(f"À ce jour, {whom} : {part}.")
        whom = f"des {french.number(whole)} pouvoirs organisateurs à atteindre par « {self.title} »{self.part}"
        return french.typeset(f"À ce jour, {whom} : {', '.join(parts_of(total).values())}.")

    def among(self, codes: Collection[str]) -> "CampaignReach | None":
        """The numbers of these networks alone, which the sentence says where there are others; None without any."""
        these = {code: counts for code, counts in self.networks.items() if code in codes}
        if not sum_counts(these.values())["to_reach"]:
            return None
        words = " dans ces réseaux" if len(set(codes)) > 1 else " dans ce réseau"
        return replace(self, networks=these, part=words if len(these) < len(self.networks) else "")

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON, under fixed names, in all and by network."""
        networks = {code: numbers_of(counted) for code, counted in self.networks.items()}
        named = {"campaign": self.campaign, "title": self.title, "strand": self.strand}
        return {**named, **numbers_of(self.total), "networks": networks}


def numbers_of(counted: Counts) -> dict[str, int]:
    """How many were to be reached, and how many of these were, by how sure it is."""
    return {key: counted[key] for key in KEYS}


def of_campaigns(session: Session, campaigns: Sequence[Campaign], *, now: datetime) -> list[CampaignReach]:
    """Whom these campaigns reached, as of now, in this order, without those that had nobody to reach."""
    found = (
        CampaignReach(
            one.id,
            one.title,
            one.strand.number,
            {part.code: part.authorities for part in counting.of_authorities(session, one, now=now).networks},
        )
        for one in campaigns
    )
    return [one for one in found if one.total["to_reach"]]
