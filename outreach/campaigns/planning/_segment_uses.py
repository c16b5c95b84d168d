"""Campaigns that took their audience from a saved segment: taken over as it was, and what has changed since.

A campaign has a copy of its own, so that an approved one does not change when the segment does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import joinedload

from outreach.adherence.models import Programme
from outreach.campaigns import segments
from outreach.campaigns.models import Campaign, CampaignSegment
from outreach.campaigns.planning._audiences import series_of
from outreach.campaigns.planning._lifecycle import revise_campaign
from outreach.campaigns.planning._wave_criteria import criteria_names
from outreach.campaigns.segments import (
    SavedSegment,
    SegmentVersion,
    context_at,
    from_store,
    sentence_of,
    simplify_criterion,
    to_json,
)
from outreach.campaigns.segments import listed_authorities as listed_keys
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, InMemoryListing, Kind
from outreach.core.text.errors import Refused

UseRow = Row[Campaign, SegmentVersion]


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """The version that a campaign took over, the latest one, and whether the campaign's own copy is still the same."""

    version: SegmentVersion
    latest: SegmentVersion
    is_same: bool

    @property
    def segment(self) -> SavedSegment:
        """The segment."""
        return self.version.segment

    @property
    def has_changed(self) -> bool:
        """Whether the segment says something else by now."""
        return self.latest.id != self.version.id


@dataclass(frozen=True, slots=True)
class ListedSegment:
    """A segment in use, whom its latest version means in a sentence, and how many campaigns took it over."""

    segment: SavedSegment
    latest: SegmentVersion
    audience: str
    campaigns: int


COLUMNS: Sequence[Column[ListedSegment]] = (
    Column("number", "Numéro", lambda row: row.segment.id, Kind.NUMBER, on=DATA),
    Column("name", "Segment", lambda row: row.segment.name, sort=True),
    Column("audience", "Public", lambda row: row.audience),
    Column("version", "Version", lambda row: row.latest.number, Kind.NUMBER, sort=True),
    Column("campaigns", "Campagnes", lambda row: row.campaigns, Kind.NUMBER, sort=True),
    Column("made_at", "Enregistré", lambda row: row.latest.made_at, Kind.MOMENT, on=DATA),
    Column("made_by", "Par", lambda row: row.latest.made_by, Kind.PERSON, on=DATA),
)


def list_segments(
    session: Session,
    people: Mapping[str, str],
    *,
    programme: Programme | None = None,
    text: str = "",
    sort: str = "",
) -> InMemoryListing[ListedSegment]:
    """The segments in use, by name. `people` are the names of persons, by address.

    Of a `programme`: those that its campaigns took over, as often as they did, and those that none took over yet.
    """
    taken = count_uses(session)
    counts = taken if programme is None else count_uses(session, programme)
    found = [
        (segment, version, version.criterion)
        for segment, version in segments.all_segments(session)
        if programme is None or segment.id in counts or segment.id not in taken
    ]
    names = criteria_names(session, [criterion for _, _, criterion in found])
    rows = [
        ListedSegment(segment, version, sentence_of(criterion, names), counts.get(segment.id, 0))
        for segment, version, criterion in found
    ]
    return InMemoryListing(
        title="Segments", columns=COLUMNS, sort=sort, usual="name", rows=rows, names=people, text=text
    )


def count_segment(session: Session, segment: SavedSegment, programme: Programme, *, now: datetime) -> int:
    """How many authorities the latest version of a segment means at a moment."""
    context = replace(context_at(session, programme.id, now=now), series=series_of)
    meant = listed_keys(context, segments.latest_version(session, segment).criterion)
    return session.scalar(select(func.count()).select_from(meant.subquery())) or 0


def use_of(session: Session, campaign: Campaign) -> SegmentUse | None:
    """The saved segment that a campaign's audience comes from; None without one. Two statements at most."""
    version = joinedload(CampaignSegment.version).joinedload(SegmentVersion.segment)
    use = session.get(CampaignSegment, campaign.id, options=[version])
    if use is None:
        return None
    is_same = to_json(simplify_criterion(from_store(campaign.criteria))) == use.version.criteria
    return SegmentUse(use.version, segments.latest_version(session, use.version.segment), is_same)


def list_uses(session: Session, segment: SavedSegment) -> Sequence[UseRow]:
    """The campaigns that took a segment over, the newest first, each with the version that it took."""
    query = (
        select(Campaign, SegmentVersion)
        .join(CampaignSegment, CampaignSegment.campaign_id == Campaign.id)
        .join(SegmentVersion, SegmentVersion.id == CampaignSegment.version_id)
        .where(SegmentVersion.segment_id == segment.id)
    )
    return session.execute(query.order_by(Campaign.id.desc())).all()


def count_uses(session: Session, programme: Programme | None = None) -> dict[int, int]:
    """How many campaigns, of one programme or of all, took each segment over, by the segment's key; one without any is
    not in it."""
    query = select(SegmentVersion.segment_id, func.count()).join(
        CampaignSegment, CampaignSegment.version_id == SegmentVersion.id
    )
    if programme is not None:
        query = query.join(Campaign, Campaign.id == CampaignSegment.campaign_id)
        query = query.where(Campaign.strand_id.in_(programme.strand_keys))
    return dict(session.execute(query.group_by(SegmentVersion.segment_id)).all())


def take_segment(session: Session, campaign: Campaign, segment: SavedSegment, *, now: datetime, actor: str) -> None:
    """Give a campaign the audience that a segment means now. An approved campaign becomes a draft if it changes.

    Raises Refused for a retired segment, and as `lifecycle.revise_campaign` does.
    """
    if segment.retired_at is not None:
        raise Refused("Ce segment est retiré : choisissez-en un autre.")
    version = segments.latest_version(session, segment)
    revise_campaign(session, campaign, {"criteria": version.criteria}, now=now, actor=actor)
    _link(session, campaign, version)


def keep_as(session: Session, campaign: Campaign, name: str, *, now: datetime, actor: str) -> SegmentVersion:
    """Save a campaign's audience as a segment of its own. Raises as `saved.save_segment` does."""
    version = segments.save_segment(session, name, from_store(campaign.criteria), now=now, actor=actor)
    _link(session, campaign, version)
    return version


def keep_in(
    session: Session, campaign: Campaign, segment: SavedSegment, *, now: datetime, actor: str
) -> SegmentVersion:
    """Save a campaign's audience as what a segment says from now on. Raises as `saved.revise_segment` does."""
    version = segments.revise_segment(session, segment, from_store(campaign.criteria), now=now, actor=actor)
    _link(session, campaign, version)
    return version


def _link(session: Session, campaign: Campaign, version: SegmentVersion) -> None:
    use = session.get(CampaignSegment, campaign.id)
    if use is None:
        session.add(CampaignSegment(campaign_id=campaign.id, version_id=version.id))
    else:
        use.version_id = version.id
    session.flush()
