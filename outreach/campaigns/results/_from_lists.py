"""Lists that become a campaign: the rule that a list is, or its authorities as a stored list; and what begins so."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from outreach.adherence.models import RollUp, Status, Strand
from outreach.adherence.situation import Bucket
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import AudienceRule, ClosingRule, Definition
from outreach.campaigns.results._account import Account, account_of
from outreach.campaigns.segments import (
    EVERYBODY,
    AmongAuthorities,
    And,
    Criterion,
    FederationCode,
    HasLevel,
    InFederation,
    InMunicipality,
    InNetwork,
    InProvince,
    InZone,
    Not,
    RolledUp,
    SchoolStatus,
    Unreachable,
    to_plain,
)
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text.french import within_quotes
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.models import Authority
from outreach.directory.reference import NetworkCode

if TYPE_CHECKING:
    from outreach.access.accounts import User


NOTICE = timedelta(days=2)  # for the approval, before the first wave that is proposed
LONGEST_NAME = 190


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A list to write to: what to call it, and its rule; or, where it is none, the keys of its authorities.

    `segment` is the saved segment whose rule it is, by key: the campaign is then one that took it over.
    """

    name: str
    rule: Criterion | None = None
    authorities: Collection[int] = ()
    segment: int | None = None


def rule_of_figure(strand: Strand, network: str, bucket: Bucket | None) -> Criterion | None:
    """The rule of the authorities behind a figure of today's situation: one of a network, or of all ('').

    None where criteria do not tell declared joinings from confirmed ones.
    """
    if bucket in {Bucket.JOINED, Bucket.DECLARED}:
        return None
    parts: list[Criterion] = [InNetwork((NetworkCode(network),))] if network else []
    parts.append(HasLevel(strand.levels))
    if bucket is not None:
        parts.append(SchoolStatus(strand=strand.number, statuses=(Status(bucket.value),)))
    return And(tuple(parts))


def rule_of_directory(filters: Filters) -> Criterion | None:
    """The rule of a filtered directory, or None where no criterion says the same.

    The directory asks level, zone, province and municipality of the same school, criteria each of any school. A filter
    that nothing here translates has no rule, as the one without it would be about more authorities than those listed.
    """
    of_schools = [filters.level, filters.zone, filters.province, filters.municipality]
    untranslated = replace(filters, networks=(), federation="", reach=None, standings=(), chosen=None)
    untranslated = replace(untranslated, level=None, zone="", province="", municipality="")
    has_no_words = filters.reach in {ReachFilter.BOUNCED, ReachFilter.NO_ADDRESS} or sum(map(bool, of_schools)) > 1
    if has_no_words or untranslated != type(filters)():
        return None
    parts: list[Criterion] = []
    if filters.networks:
        parts.append(InNetwork(tuple(NetworkCode(code) for code in filters.networks)))
    if filters.level:
        parts.append(HasLevel((filters.level,)))
    if filters.federation:
        if filters.federation not in set(FederationCode):
            return None
        parts.append(InFederation((FederationCode(filters.federation),)))
    if filters.zone:
        parts.append(InZone((filters.zone,)))
    if filters.province:
        parts.append(InProvince((filters.province,)))
    if filters.municipality:
        parts.append(InMunicipality((filters.municipality,)))
    parts += [RolledUp(strand=number, states=(RollUp(state),)) for number, state in filters.standings]
    if filters.reach:
        parts.append(Not(Unreachable()) if filters.reach is ReachFilter.REACHABLE else Unreachable())
    return And(tuple(parts))


def name_for_list(written: WrittenList) -> str:
    """What a campaign for a list is called at first: sentences say it between « »."""
    return within_quotes(written.name)[:LONGEST_NAME]


def begin_from_list(
    session: Session, written: WrittenList, stated: Definition, *, now: datetime, author: "User", title: str = ""
) -> Campaign:
    """Create a draft like `stated` for a list, under a title or the list's name, with a first date proposed: an open
    one in two days at least. A list that is no rule is stored. Raises InputError when nobody is on it, Refused for a
    segment that was retired.
    """
    name, rule = name_for_list(written), written.rule
    if rule is None:
        made = segments.make_list(session, name, written.authorities, now=now, actor=author.email)
        rule = AmongAuthorities(list=made.id)
    like = _for_rule(stated, rule).model_copy(update={"title": title or name})
    campaign = planning.create_campaign(session, like, now=now, author=author)
    if written.segment is not None:
        segment = segments.segment_numbered(session, written.segment)
        planning.take_segment(session, campaign, segment, now=now, actor=author.email)
    campaign.starts_at = _proposed(session, campaign, now)
    return campaign


def account_for(
    session: Session, stated: Definition, written: WrittenList | None = None, *, now: datetime, author: "User"
) -> Account:
    """Whom a campaign like `stated` would write to, or one for a list, if it began now. Raises as `begin_from_list`
    does."""
    keys = None if written is None or written.rule else written.authorities
    if written is not None:
        stated = _for_rule(stated, written.rule or EVERYBODY)
    draft = planning.draft_of(session, stated, now=now, author=author)
    draft.starts_at = None if written is None else _proposed(session, draft, now)
    meant, context = planning.audience_of(draft), planning.context_of(session, draft, now=now)
    if keys is not None:
        meant = replace(meant, only=select(Authority.id).where(among(Authority.id, keys)))
    return account_of(session, meant, context)


def _for_rule(stated: Definition, rule: Criterion) -> Definition:
    return stated.model_copy(update={"segment": AudienceRule(criteria=to_plain(rule))})


def _proposed(session: Session, campaign: Campaign, now: datetime) -> datetime:
    return ClosingRule.of(session, campaign, now=now).first(_next_half_hour(now + NOTICE)).at


def _next_half_hour(at: datetime) -> datetime:
    """The first full or half hour from an instant on."""
    begun = at.replace(minute=at.minute - at.minute % 30, second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(minutes=30)
