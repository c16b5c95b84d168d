"""A campaign's audience: whom it is for, how many they are, and the recipients of its mailings."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Row, Select, select, type_coerce
from sqlalchemy.orm import joinedload

from outreach.adherence import programmes, situation
from outreach.adherence.models import Strand
from outreach.adherence.situation import standing_of_schools
from outreach.campaigns import evidence, experiments, segments
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.models import UNDER_WAY, AudienceException, Campaign, ExceptedAuthority, Wave, WaveState
from outreach.campaigns.segments import (
    Audience,
    AudienceCounts,
    Boxes,
    Concerns,
    CriteriaContext,
    Criterion,
    ReactedTo,
    ReactionKind,
    context_at,
    from_store,
    listed_authorities,
)
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.settings import FrequencyCap
from outreach.core.text.dates import today
from outreach.core.text.french import all_of
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageClass
from outreach.delivery.outbox import Addressee
from outreach.directory.contacts import school_limits
from outreach.directory.models import Authority, Network
from outreach.engagement import replies
from outreach.engagement.tracking import Asked

MOST_OFFERED = 50
LACKS_LETTER = (
    "Un rectificatif va à ceux à qui un courriel est parti : ajoutez la condition « Réponses et vagues : Un courriel "
    "lui est parti »."
)


def criterion_of(campaign: Campaign) -> Criterion:
    """Whom a campaign is for."""
    return from_store(campaign.criteria)


def audience_of(campaign: Campaign, departure: int | None = None) -> Audience:
    """A campaign's audience. Once one of its mailings is complete, it is the audience of a reminder.

    The wave after one that was broken off completes it: it is for those for whom no letter of it has left. Of a
    `departure` drawn by lot, it holds those that the draw gave to it, and asks within it; all that the draw gave to no
    later one are in the first.
    """
    concerns = Concerns(campaign.concerns)
    own, completes = launched_mailings(campaign, departure), broken_off(campaign, departure)
    before = [mailing for mailing in own if mailing not in completes]
    return Audience(
        criterion_of(campaign),
        campaign.strand,
        concerns,
        campaign.message_class,
        boxes=Boxes(campaign.boxes),
        written=outbox.authorities_meant_by(before) if before else None,
        answered=replies.authorities_that_answered(own) if own else None,
        answered_mailboxes=evidence.mailboxes_answered(own) if own else None,
        completes=completes,
        excepted=excepted_of(campaign),
        only=experiments.assigned_to(campaign.id, departure) if departure and departure > 1 else None,
        later=experiments.assigned_to(campaign.id, *range(2, DEPARTURES + 1)) if departure == 1 else None,
    )


def excepted_of(campaign: Campaign) -> Select[int]:
    """The keys of the authorities that exceptions leave out of a campaign."""
    query = select(ExceptedAuthority.authority_id).join(AudienceException)
    return query.where(AudienceException.campaign_id == campaign.id, AudienceException.withdrawn_at.is_(None))


def unreacted_of(campaign: Campaign, *, now: datetime) -> Audience:
    """The audience of a reminder that is added to a campaign: those whom a letter of its waves reached, without those
    that have reacted."""
    asked = Asked(launched_mailings(campaign), today(now))
    reacted, boxes = segments.reactions_to(asked), segments.reactions_of_boxes(asked)
    return replace(audience_of(campaign), unreacted=reacted, unreacted_boxes=boxes)


def planned_of(wave: Wave, *, now: datetime) -> Audience:
    """The audience of a planned wave, if it were launched now."""
    if wave.added_reminder_id:
        return unreacted_of(wave.campaign, now=now)
    return audience_of(wave.campaign, wave.departure)


def unreacted_criterion(campaign: Campaign) -> Criterion:
    """Whom a letter of any wave of a campaign reached, later ones included, and who has not reacted, as a criterion."""
    return ReactedTo(mailings=tuple(launched_mailings(campaign)), reaction=ReactionKind.NONE, with_later=True)


def lacks_letter(concerns: Concerns, criterion: Criterion) -> bool:
    """Whether a letter would be about the schools that an earlier one listed, and no earlier one is named."""
    return concerns is Concerns.LISTED and not segments.corrected_mailings(criterion)


def closed_to(session: Session, concerns: Concerns, strand: Strand, day: date) -> str:
    """When a strand has closed, in words, for letters that invite to join it; '' where such letters may leave on a day.

    Whatever writes, plans or sends an invitation asks here.
    """
    if concerns is not Concerns.OPEN or not strand.is_closed(day):
        return ""
    return situation.closed_in_words(strand, programmes.name_among_several(session, strand.programme))


def corrects_another_strand(session: Session, concerns: Concerns, criterion: Criterion, strand: Strand) -> str:
    """Why a correction may not be about a strand, in a sentence; '' where each letter that it corrects is about it.

    A rule about « the letters of volet 1 » means the strand of that number of the same programme.
    """
    if concerns is not Concerns.LISTED:
        return ""
    letters = segments.corrected_mailings(criterion)
    mailings = [key for letter in letters for key in letter.mailings or ()]
    query = select(Campaign.strand_id).join(Wave, Wave.campaign_id == Campaign.id).where(Wave.mailing_id.in_(mailings))
    keys = set(session.scalars(query.distinct()))
    numbers = {letter.strand for letter in letters if letter.strand is not None}
    keys |= {one.id for one in strand.programme.strands if one.number in numbers}
    if keys <= {strand.id}:
        return ""
    names = programmes.strand_names(session)
    about = all_of(sorted(names[key] for key in keys))
    if len(keys) > 1:
        return f"Ce rectificatif corrige des courriels de volets différents ({about}) : faites-en un par volet."
    return f"Ce rectificatif corrige un courriel de « {about} » : choisissez ce programme et ce volet."


def boxes_corrected(session: Session, criterion: Criterion) -> Boxes:
    """To which mailboxes the letters went that a criterion asks for: those that a correction of them is for.

    Both, when these letters differ in that, or a criterion asks for none.
    """
    mailings = [key for letter in segments.corrected_mailings(criterion) for key in letter.mailings or ()]
    query = select(Campaign.boxes).join(Wave, Wave.campaign_id == Campaign.id).where(Wave.mailing_id.in_(mailings))
    chosen = set(session.scalars(query))
    return Boxes(chosen.pop()) if len(chosen) == 1 else Boxes.BOTH


def launched_mailings(campaign: Campaign, departure: int | None = None) -> list[int]:
    """The keys of a campaign's mailings that are complete: `filled_at` is set, so all recipients are known.

    With a `departure`, those of its waves only.
    """
    return [
        wave.mailing_id
        for wave in waves_of(campaign, departure)
        if wave.mailing_id and wave.mailing and wave.mailing.filled_at
    ]


def waves_of(campaign: Campaign, departure: int | None) -> list[Wave]:
    """The waves of a departure; all of the campaign where that is None."""
    return [wave for wave in campaign.waves if departure in (None, wave.departure)]


def broken_off(campaign: Campaign, departure: int | None = None) -> list[int]:
    """The keys of the mailings that a cancellation broke off and that no later wave has completed yet.

    With a `departure`, those of its waves only.
    """
    keys: list[int] = []
    for wave in reversed(waves_of(campaign, departure)):
        if wave.state is WaveState.CANCELLED and wave.mailing_id:
            keys.append(wave.mailing_id)
        elif wave.mailing and wave.mailing.filled_at:
            break
    return keys


def is_reminder(campaign: Campaign, departure: int | None = None) -> bool:
    """Whether the next wave to start, of this departure, is a reminder: an earlier one was launched that it does not
    complete."""
    completes, waves = broken_off(campaign, departure), waves_of(campaign, departure)
    return any(wave.mailing_id is not None and wave.mailing_id not in completes for wave in waves)


def context_of(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    leaves_at: datetime | None = None,
    strand: Strand | None = None,
) -> CriteriaContext:
    """The context of a campaign's criteria now, or as if it were about a `strand`. Its own letters do not count as
    written."""
    context = context_at(session, (strand or campaign.strand).programme_id, now=now)
    solicited, drawn = _solicited(session, campaign, now, leaves_at), _drawn(session, campaign, now, leaves_at)
    return replace(
        context, ignoring=tuple(launched_mailings(campaign)), series=series_of, solicited=solicited, drawn=drawn
    )


def _drawn(session: Session, campaign: Campaign, now: datetime, leaves_at: datetime | None) -> Select[int] | None:
    """Whom another campaign's draw keeps for itself while its departures leave; statutory and corrective letters do not
    wait."""
    is_awareness = campaign.message_class is MessageClass.AWARENESS and campaign.concerns is not Concerns.LISTED
    return experiments.awaiting_departure(session, campaign.id, leaves_at or now, now=now) if is_awareness else None


def series_of(mailings: Iterable[int]) -> Select[int]:
    """The keys of all mailings of the campaigns to which these belong, for `Scope.series`."""
    campaigns = select(Wave.campaign_id).where(Wave.mailing_id.in_(list(mailings)))
    theirs = select(type_coerce(Wave.mailing_id, Integer)).where(Wave.campaign_id.in_(campaigns))
    return theirs.where(Wave.mailing_id.is_not(None))


def waves_that_left(session: Session) -> Sequence[Wave]:
    """The newest waves whose recipients are known, with their campaigns; fifty at most."""
    query = select(Wave).join(Mailing, Mailing.id == Wave.mailing_id).where(Mailing.filled_at.is_not(None))
    newest = query.options(joinedload(Wave.campaign)).order_by(Mailing.filled_at.desc(), Wave.id.desc())
    return session.scalars(newest.limit(MOST_OFFERED)).all()


def solicited_by_others(session: Session, campaign: Campaign, *, now: datetime) -> Select[str] | None:
    """The mailboxes to which a campaign's letters may not leave again, as the calm counts other campaigns' letters."""
    rule = _calm_of(session, campaign)
    if rule is None:
        return None
    own = campaign.mailing_keys
    return outbox.mailboxes_solicited(now - timedelta(days=rule.days), rule.letters, ignoring=own)


def _calm_of(session: Session, campaign: Campaign) -> FrequencyCap | None:
    """The calm that a campaign has to keep; None when none is set, or an approver said why not."""
    is_free = campaign.message_class is MessageClass.STATUTORY or campaign.calm_waived
    return None if is_free else segments.rule_of(session)


def _solicited(session: Session, campaign: Campaign, now: datetime, leaves_at: datetime | None) -> Select[str] | None:
    """The mailboxes that the calm leaves out of a campaign's next wave, as far as is known now; None without a rule.

    Counted back from when that wave leaves: one that leaves in two weeks is not stopped by yesterday's letter.
    """
    rule = _calm_of(session, campaign)
    if rule is None:
        return None
    filling = [
        wave for wave in campaign.waves if wave.state in UNDER_WAY and not (wave.mailing and wave.mailing.filled_at)
    ]
    planned = [wave.due_at for wave in campaign.waves if wave.state is WaveState.PLANNED]
    first = campaign.starts_at if campaign.starts_at and not launched_mailings(campaign) else now
    leaves = filling[0].due_at if filling else leaves_at or min(planned, default=first)
    since = max(now, leaves) - timedelta(days=rule.days)
    return outbox.mailboxes_solicited(since, rule.letters, ignoring=[wave.mailing_id or 0 for wave in filling])


def count_campaign_audience(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    only_unreacted: bool = False,
    leaves_at: datetime | None = None,
    departure: int | None = None,
) -> AudienceCounts:
    """A campaign's audience, or that of a `departure`, counted; with `only_unreacted`, that of a reminder added to it,
    which `leaves_at` then."""
    chosen = campaign_audience(campaign, now, only_unreacted=only_unreacted, departure=departure)
    return segments.count_audience(session, chosen, context_of(session, campaign, now=now, leaves_at=leaves_at))


def networks_of(session: Session, campaign: Campaign, *, now: datetime) -> set[str]:
    """The networks (the register's values) of the authorities a campaign is for."""
    meant = listed_authorities(context_of(session, campaign, now=now), criterion_of(campaign))
    query = select(Network.code).join(Authority, Authority.network_id == Network.id).where(Authority.id.in_(meant))
    return set(session.scalars(query.distinct()))


def list_addressees(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    only_unreacted: bool = False,
    leaves_at: datetime | None = None,
) -> Sequence[Addressee]:
    """The recipients of a campaign: one entry for each mailbox of each authority, or one for an authority without any.

    An entry that is left out has a reason. With `only_unreacted`, those of a reminder added to it.
    """
    context = context_of(session, campaign, now=now, leaves_at=leaves_at)
    chosen = campaign_audience(campaign, now, only_unreacted=only_unreacted)
    mailboxes = session.execute(select(segments.audience_rows(chosen, context))).all()
    return _addressees(session, chosen, context, sorted({row.authority_id for row in mailboxes}), mailboxes)


def addressees_among(
    session: Session,
    campaign: Campaign,
    authorities: Sequence[int],
    *,
    now: datetime,
    only_unreacted: bool = False,
    departure: int | None = None,
) -> Sequence[Addressee]:
    """Like `list_addressees`, for the authorities with these keys, in the order of keys.

    What it costs depends on how many keys lie between the first and the last, not on how many authorities there are.
    """
    if not authorities:
        return []
    context = replace(context_of(session, campaign, now=now), between=(min(authorities), max(authorities)))
    chosen = campaign_audience(campaign, now, only_unreacted=only_unreacted, departure=departure)
    return _addressees(session, chosen, context, authorities, _mailboxes_among(session, chosen, context, authorities))


def addressees_elsewhere(
    session: Session, campaign: Campaign, mailing: int, authorities: Sequence[int], *, now: datetime
) -> Sequence[Addressee]:
    """The mailboxes of these authorities, whichever kind of them the campaign writes to, for which a mailing has no
    letter and to which one may leave now."""
    if not authorities:
        return []
    context = replace(context_of(session, campaign, now=now), between=(min(authorities), max(authorities)))
    chosen = replace(audience_of(campaign), boxes=Boxes.BOTH)
    mailboxes = _mailboxes_among(session, chosen, context, authorities)
    found = _addressees(session, chosen, context, authorities, mailboxes)
    of_mailing = select(Message.authority_id, Message.address_key).where(Message.mailing_id == mailing)
    written = {tuple(row) for row in session.execute(of_mailing.where(Message.authority_id.in_(authorities)))}
    return [one for one in found if one.reason is None and (one.authority_id, one.address_key) not in written]


def example_addressee(addressees: Sequence[Addressee]) -> Addressee | None:
    """The entry of an authority whose letter is shown as an example: the first that is written to, or lists schools."""
    return min(addressees, key=lambda addressee: (addressee.reason is not None, not addressee.schools), default=None)


def written_directly(addressees: Iterable[Addressee]) -> dict[int, int]:
    """By authority, how many schools the letters list that go to mailboxes which answer for some schools only."""
    schools: dict[int, set[int]] = {}
    for addressee in addressees:
        if addressee.is_limited and addressee.reason is None and addressee.authority_id is not None:
            schools.setdefault(addressee.authority_id, set()).update(addressee.schools)
    return {authority: len(listed) for authority, listed in schools.items()}


def campaign_audience(
    campaign: Campaign, now: datetime, *, only_unreacted: bool, departure: int | None = None
) -> Audience:
    """The audience of a campaign's next wave; with `only_unreacted`, that of a reminder added to it."""
    return unreacted_of(campaign, now=now) if only_unreacted else audience_of(campaign, departure)


def _mailboxes_among(
    session: Session, meant: Audience, context: CriteriaContext, keys: Sequence[int]
) -> Sequence[Row[Any]]:
    between = select(Authority.id).where(among(Authority.id, keys))
    return session.execute(select(segments.audience_rows(meant, context, among=between))).all()


def _addressees(
    session: Session, meant: Audience, context: CriteriaContext, keys: Sequence[int], mailboxes: Sequence[Row[Any]]
) -> Sequence[Addressee]:
    if not keys:
        return []
    schools, limits = _schools(session, meant, context, keys), school_limits(session, keys)
    # Sorted here, because with ORDER BY SQLite does not build its automatic index (3.4 s a slice instead of 0.1 s).
    ordered = sorted(mailboxes, key=lambda row: (row.authority_id, row.contact_id or 0))
    return [
        Addressee(
            authority_id=row.authority_id,
            address=row.address or "",
            address_key=row.address_key or "",
            address_ascii=row.address_ascii or "",
            schools=_within(limits.get((row.authority_id, row.address_key)), schools.get(row.authority_id, ()))
            if row.address
            else (),
            reason=segments.reason_of(row.rank),
            is_limited=bool(row.is_limited),
        )
        for row in ordered
    ]


def schools_meant(
    session: Session, campaign: Campaign, authorities: Sequence[int], *, now: datetime
) -> dict[int, tuple[int, ...]]:
    """The keys of the schools that a letter of the campaign would list now, by the key of their authority."""
    return _schools(session, audience_of(campaign), context_of(session, campaign, now=now), authorities)


def _within(limit: frozenset[int] | None, schools: tuple[int, ...]) -> tuple[int, ...]:
    """The schools that a mailbox's letter lists. `limit` holds those it answers for, or is None for all."""
    return schools if limit is None else tuple(school for school in schools if school in limit)


def _schools(
    session: Session, meant: Audience, context: CriteriaContext, keys: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    if meant.concerns is Concerns.LISTED:
        rows = segments.subjects_of(meant.criterion, context)
        query = select(rows.c.authority_id, rows.c.school_id).where(among(rows.c.authority_id, keys)).distinct()
    else:
        rows = standing_of_schools(context.day, [meant.strand])
        query = select(rows.c.authority_id, rows.c.school_id).where(
            among(rows.c.authority_id, keys), segments.is_concerned(rows.c.status, meant.concerns)
        )
    query = query.where(~segments.is_gone_from(rows))
    by_authority: dict[int, tuple[int, ...]] = {}
    for authority, school in session.execute(query.order_by(rows.c.authority_id, rows.c.school_id)):
        by_authority[authority] = (*by_authority.get(authority, ()), school)
    return by_authority
