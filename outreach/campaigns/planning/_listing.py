"""The list of campaigns: the stage, the audience and the next wave of each."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from outreach.access.approvals import APPROVING, Decision
from outreach.adherence import programmes
from outreach.adherence.models import Programme, Strand
from outreach.adherence.programmes import ProgrammeFile
from outreach.campaigns.models import Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.planning._audiences import criterion_of
from outreach.campaigns.planning._wave_criteria import criteria_names
from outreach.campaigns.segments import Concerns, sentence_of
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, Kind, On, QueryListing
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Message
from outreach.directory.reference import fold
from outreach.engagement.tracking import HAS_LEFT


class Stage(Labelled):
    """The stage of a campaign: its state, combined with the states of its waves."""

    DRAFT = "draft", "Brouillon", "Brouillons"
    TO_APPROVE = "to_approve", "À valider", "À valider"
    APPROVED = "approved", "Validée, pas planifiée", "Validées, pas planifiées"
    PLANNED = "planned", "Planifiée", "Planifiées"
    RUNNING = "running", "En cours", "En cours"
    PAUSED = "paused", "En pause", "En pause"
    OVER = "over", "Terminée", "Terminées"
    CANCELLED = "cancelled", "Annulée", "Annulées"

    @property
    def several(self) -> str:
        """The stage of several campaigns, in the interface."""
        return self.words


@dataclass(frozen=True, slots=True)
class CampaignStanding:
    """The stage of one campaign, and how many of its waves have left whole; `waves` leaves out those cancelled."""

    stage: Stage
    left: int
    waves: int

    @property
    def label(self) -> str:
        """The stage in the interface, with the waves that have left: "En cours : 1 vague sur 3 partie"."""
        if self.stage not in {Stage.RUNNING, Stage.PAUSED} or not self.left:
            return self.stage.label
        left = "partie" if self.left == 1 else "parties"
        return french.typeset(f"{self.stage.label} : {french.plural(self.left, 'vague')} sur {self.waves} {left}")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A row of the list. `about` names its strand, `programme` is the code of its programme. `audience` is a sentence;
    `next_at` is None when no wave is planned.

    `came` are its numbers in authorities (`results.overall.Overall`), None where nobody asked for them. `waves` are
    its own, `approved_for` how many authorities one that is planned was approved for last.
    """

    campaign: Campaign
    standing: CampaignStanding
    audience: str
    next_at: datetime | None
    about: str
    programme: str
    came: Any = None
    waves: Sequence[Wave] = ()
    approved_for: int | None = None

    @property
    def next_wave(self) -> Wave | None:
        """The wave of `next_at`."""
        planned = [wave for wave in self.waves if wave.state is WaveState.PLANNED]
        return min(planned, key=lambda wave: wave.due_at, default=None)

    @property
    def departures(self) -> list[datetime]:
        """When its waves left."""
        return sorted(wave.due_at for wave in self.waves if wave.mailing_id)


SHOWN = On.PAGE | On.FILE
COLUMNS: Sequence[Column[CampaignRow]] = (
    Column("campaign", "Numéro", lambda row: row.campaign.id, sort=Campaign.id, on=DATA),
    Column("title", "Campagne", lambda row: row.campaign.title),
    Column("progression", "Progression", lambda row: row.standing.label, on=On.PAGE),
    Column("programme_name", "Programme", lambda row: row.campaign.strand.programme.name, on=On.FILE),
    Column("programme", "Code du programme", lambda row: row.programme, on=DATA),
    Column("strand", "Volet", lambda row: row.campaign.strand.number, on=DATA),
    Column("circular", "Circulaire", lambda row: row.campaign.circular, on=On.FILE),
    Column("author", "Auteur", lambda row: row.campaign.created_by, Kind.PERSON, on=On.FILE),
    Column("audience", "Public", lambda row: row.audience, on=On.FILE),
    Column("next_at", "Prochaine date", lambda row: row.next_at, Kind.MOMENT, sort="next_at", on=SHOWN),
    Column("recipients", "Destinataires", lambda row: row.came and row.came.recipients, Kind.NUMBER, on=On.FILE),
    Column("answered", "Ont répondu", lambda row: row.came and row.came.answered, Kind.NUMBER, on=On.FILE),
    Column(
        "joined_since", "Adhésions confirmées", lambda row: row.came and row.came.joined_since, Kind.NUMBER, on=On.FILE
    ),
    Column("standing", "État", lambda row: row.standing.label, on=SHOWN),
    Column("state", "État", lambda row: row.campaign.state, on=On.JSON),
    Column("stage", "Étape", lambda row: row.standing.stage, on=On.JSON),
)


def matching_campaigns(
    session: Session, text: str, colleagues: Mapping[str, str], programme: Programme | None = None
) -> list[int] | None:
    """The numbers of the campaigns whose name, circular or author has all the words of a text, of one programme or of
    all; None without words and for all.

    `colleagues` has the authors' names by address.
    """
    words = fold(text).split()
    if not words and programme is None:
        return None
    query = select(Campaign.id, Campaign.title, Campaign.circular, Campaign.created_by)
    if programme is not None:
        query = query.where(Campaign.strand_id.in_(programme.strand_keys))
    rows = session.execute(query)
    values = {number: fold(f"{title} {circular} {colleagues[by]}") for number, title, circular, by in rows}
    return [number for number, said in values.items() if all(word in said for word in words)]


def count_stages(session: Session, among: Sequence[int] | None = None) -> dict[Stage, int]:
    """How many campaigns are at each stage; with `among`, of those with these numbers."""
    query = select(_stage().label("stage"), func.count()).group_by("stage")
    if among is not None:
        query = query.where(Campaign.id.in_(among))
    counted = {Stage(stage): count for stage, count in session.execute(query)}
    return {stage: counted.get(stage, 0) for stage in Stage}


def in_preparation(session: Session, programme: Programme) -> dict[int, dict[Stage, int]]:
    """How many campaigns of a programme have no date yet, by the number of their strand and by stage."""
    early = Stage.DRAFT, Stage.TO_APPROVE, Stage.APPROVED
    query = select(Strand.number, _stage().label("stage"), func.count()).join(Strand, Strand.id == Campaign.strand_id)
    query = query.where(Strand.programme_id == programme.id, _stage().in_([stage.value for stage in early]))
    found: dict[int, dict[Stage, int]] = {}
    for number, stage, count in session.execute(query.group_by(Strand.number, "stage")):
        found.setdefault(number, {})[Stage(stage)] = count
    return found


def by_strand(session: Session, programme: Programme) -> dict[int, int]:
    """How many campaigns there are about each strand of a programme, by its number."""
    query = select(Strand.number, func.count(Campaign.id)).join(Campaign, Campaign.strand_id == Strand.id)
    return dict(session.execute(query.where(Strand.programme_id == programme.id).group_by(Strand.number)).all())


def stopped_by(session: Session, stated: ProgrammeFile) -> list[str]:
    """How many planned waves would not leave, as they invite to join a strand after the last day that a programme's
    file gives it: a French sentence for each strand.
    """
    closings = {strand.number: strand.closed_on for strand in stated.strands if strand.closed_on}
    query = select(Strand.number, Wave.due_at).join(Programme, Programme.id == Strand.programme_id)
    query = query.join(Campaign, Campaign.strand_id == Strand.id).join(Wave, Wave.campaign_id == Campaign.id)
    query = query.where(Programme.code == stated.code)
    planned = session.execute(query.where(Wave.state == WaveState.PLANNED, Campaign.concerns == Concerns.OPEN))
    stopped = Counter(number for number, at in planned if number in closings and today(at) > closings[number])
    waves = ("vague planifiée après sa fermeture ne partirait", "vagues planifiées après sa fermeture ne partiraient")
    return [f"Volet {number} : {french.plural(count, *waves)} pas." for number, count in sorted(stopped.items())]


def stage_of(session: Session, campaign: Campaign) -> Stage:
    """The stage of a campaign."""
    return standing_of(session, campaign).stage


def standing_of(session: Session, campaign: Campaign) -> CampaignStanding:
    """The stage of a campaign, with the waves that have left."""
    stage, left, waves = session.execute(select(*_standing()).where(Campaign.id == campaign.id)).one()
    return CampaignStanding(Stage(stage), left, waves)


def list_campaigns(
    session: Session,
    stage: Stage | None = None,
    among: Sequence[int] | None = None,
    *,
    figures: Callable[[Sequence[int]], Mapping[int, Any]] = lambda _: {},
    sort: str = "",
) -> QueryListing[CampaignRow]:
    """Campaigns, by their next date, then those without one, then those that are over; of one stage, or of all; with
    `among`, of those with these numbers.

    `figures` gives what came of them, by number.
    """
    planned = (
        select(func.min(Wave.due_at))
        .where(Wave.campaign_id == Campaign.id, Wave.state == WaveState.PLANNED)
        .scalar_subquery()
    )
    left_last = select(func.max(Wave.due_at)).where(Wave.campaign_id == Campaign.id, Wave.mailing_id.is_not(None))
    last = left_last.scalar_subquery()
    is_over = case((_stage().in_([Stage.OVER.value, Stage.CANCELLED.value]), 1), else_=0)
    at, left, waves = _standing()
    told = planned.label("next_at"), at.label("stage")
    query = select(Campaign, *told, left, waves, *programmes.columns_of(Campaign.strand_id))
    if stage is not None:
        query = query.where(_stage() == stage)
    if among is not None:
        query = query.where(Campaign.id.in_(among))
    return QueryListing(
        title="Campagnes",
        columns=COLUMNS,
        sort=sort,
        usual="next_at",
        session=session,
        query=query,
        order=(is_over, planned.is_(None), planned, last.is_(None), last.desc(), Campaign.id.desc()),
        made=partial(_rows, session, figures),
        numbered=(Campaign.id, lambda row: row.campaign.id),
    )


def _rows(
    session: Session, figures: Callable[[Sequence[int]], Mapping[int, Any]], found: Sequence[Any]
) -> list[CampaignRow]:
    criteria, keys = [criterion_of(row[0]) for row in found], [row[0].id for row in found]
    names, waves = criteria_names(session, criteria), _waves(session, keys)
    left = [key for key in keys if any(wave.mailing_id for wave in waves.get(key, ()))]
    came = figures(left) if left else {}
    approved = _approved(session, [key for key in keys if key in waves and key not in left])
    return [
        CampaignRow(
            *(campaign, CampaignStanding(Stage(at), *counted), sentence_of(criterion, names), next_at),
            *(programmes.strand_in_words(name, campaign.strand.number), code),
            came.get(campaign.id),
            waves.get(campaign.id, ()),
            approved.get(f"campaign:{campaign.id}"),
        )
        for criterion, (campaign, next_at, at, *counted, code, name) in zip(criteria, found, strict=True)
    ]


def _waves(session: Session, campaigns: Sequence[int]) -> dict[int, list[Wave]]:
    """The waves of campaigns, in one statement."""
    found: dict[int, list[Wave]] = {}
    for wave in session.scalars(select(Wave).where(Wave.campaign_id.in_(campaigns)).order_by(Wave.number)):
        found.setdefault(wave.campaign_id, []).append(wave)
    return found


def _approved(session: Session, campaigns: Sequence[int]) -> dict[str, int]:
    """For how many authorities campaigns were approved last, by subject, in one statement; in none without any."""
    if not campaigns:
        return {}
    query = select(Decision.subject, Decision.authorities).where(Decision.kind.in_(APPROVING))
    query = query.where(Decision.subject.in_([f"campaign:{key}" for key in campaigns]))
    return dict(session.execute(query.order_by(Decision.id)).all())


def is_at(stage: Stage) -> ColumnElement[bool]:
    """The condition that a campaign is at a stage."""
    return _stage() == stage.value


def _standing() -> tuple[ColumnElement[str], ColumnElement[int], ColumnElement[int]]:
    def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return select(func.count()).where(Wave.campaign_id == Campaign.id, condition).scalar_subquery()

    return _stage(), counted(Wave.state == WaveState.FINISHED), counted(Wave.state != WaveState.CANCELLED)


def _stage() -> ColumnElement[str]:
    def has(*states: WaveState) -> ColumnElement[bool]:
        return exists().where(Wave.campaign_id == Campaign.id, Wave.state.in_(states)).correlate(Campaign)

    broke_off = and_(Wave.state == WaveState.CANCELLED, Message.mailing_id == Wave.mailing_id, HAS_LEFT)
    has_written = exists().where(Wave.campaign_id == Campaign.id, broke_off).correlate(Campaign)
    return case(
        (Campaign.state == CampaignState.DRAFT, Stage.DRAFT.value),
        (Campaign.state == CampaignState.TO_APPROVE, Stage.TO_APPROVE.value),
        (Campaign.state == CampaignState.CANCELLED, Stage.CANCELLED.value),
        (Campaign.state == CampaignState.CLOSED, Stage.OVER.value),
        (has(WaveState.RUNNING), Stage.RUNNING.value),
        (has(WaveState.PAUSED), Stage.PAUSED.value),
        (and_(has(WaveState.PLANNED), or_(has(WaveState.FINISHED), has_written)), Stage.RUNNING.value),
        (has(WaveState.PLANNED), Stage.PLANNED.value),
        (has(WaveState.FINISHED), Stage.OVER.value),
        else_=Stage.APPROVED.value,
    )
