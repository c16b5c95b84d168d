"""The class of each authority and school of a campaign, as subqueries: one row each, which counts and lists stand on.

The class of an authority is the first of `Class` that holds, in the order of the enumeration; so is its reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.adherence.situation import joined_schools
from outreach.campaigns import planning
from outreach.campaigns.counting import _entries as entries
from outreach.campaigns.counting._entries import CampaignAuthority, CampaignSchool, EntryStanding
from outreach.campaigns.evidence import (
    AUTHORITY,
    EscalationStep,
    Evidence,
    ReachTransition,
    answers_since,
    is_done,
    paper_and_calls,
    paper_posted_on,
    proved_clicks,
)
from outreach.campaigns.models import UNDER_WAY, Campaign, CampaignState, PaperLetter, Wave, WaveState
from outreach.campaigns.segments import Audience, Concerns, CriteriaContext
from outreach.core.db import Session, UtcDateTime, once_a_reading
from outreach.core.db.local_days import brussels_day
from outreach.core.text.dates import today
from outreach.delivery import bounces
from outreach.delivery.letters import FormKind
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.engagement.replies import Response, ResponseSchool, to_verify
from outreach.engagement.tracking import HAS_LEFT, LEFT_AT, replied

ARRIVES_WITHIN, IS_POSTED_WITHIN = timedelta(days=7), timedelta(days=10)
ADDRESS = (Reason.NO_ADDRESS, Reason.BOUNCED, Reason.UNREVIEWED, Reason.SUPPRESSED)
IS_TRIED = or_(Message.state.not_in((MessageState.WITHDRAWN, MessageState.QUEUED)), Message.resent_at.is_not(None))
IS_WAITING = and_(Message.state == MessageState.QUEUED, Message.resent_at.is_(None))
IS_ACCEPTED = Message.state == MessageState.ACCEPTED
IS_ON_THE_WAY = or_(
    Message.state.in_((MessageState.HANDING, MessageState.IN_DOUBT)),
    and_(Message.state.in_((MessageState.QUEUED, MessageState.WITHDRAWN)), Message.resent_at.is_not(None)),
)
LATER = aliased(Message)


class Class(StrEnum):
    """What became of an authority, or of a school, in a campaign: the first that holds."""

    RECIPIENTS = "recipients"
    TO_COME = "to_come"
    OUT_OF_SCOPE = "out_of_scope"
    ALREADY_JOINED = "already_joined"
    EXCEPTED = "excepted"
    STOPPED = "stopped"
    NO_ADDRESS = "no_address"
    NOT_SENT = "not_sent"


TO_REACH = (Class.NO_ADDRESS, Class.NOT_SENT, Class.TO_COME, Class.RECIPIENTS)


class Handing(StrEnum):
    """What became of the letters to a recipient: the best of them."""

    HANDED_OVER = "handed_over"
    ON_THE_WAY = "on_the_way"
    RETURNED = "returned"


class Reach(StrEnum):
    """How sure it is that whoever is to be reached was: the first that holds."""

    REACHED = "reached"
    PRESUMED = "presumed"
    UNREAD = "unread"
    TOO_EARLY = "too_early"
    LEFT = "left"


OF_JOININGS = ("declared", "joined_since", "joined_all", "had_joined")
FLAGS = ("entered_later", "answered", *OF_JOININGS, "to_verify")
"""Columns of 1 or 0 beside the class. `joined_all`: all schools that it was written about joined since."""


@dataclass(frozen=True, slots=True)
class Classified:
    """The authorities and the schools of a campaign at an instant, one row each.

    Columns of `authorities`: authority_id, class, handing and reach (NULL where they do not apply), evidence (what
    proves that it was reached, or NULL), reason (why no letter of the last wave is for it; NULL where one is), eligible
    (how many schools of the level) and `FLAGS`.
    Columns of `schools`: school_id, authority_id, class, handing, reach and `FLAGS`.
    Columns of `listed`, one row for each school that a letter listed: authority_id, school_id, effective_on (the day of
    the joining that holds, or NULL), and 1 or 0 as declared, joined_since, had_joined and has_reacted.
    """

    authorities: CTE
    schools: Subquery
    listed: CTE


@once_a_reading
def classify_campaign(session: Session, campaign: Campaign, *, now: datetime) -> Classified:
    """The classes of a campaign now, as statements; writing them costs as much as one of them takes."""
    return _Counting(session, campaign, now).classified()


def as_if_launched(audience: Audience, context: CriteriaContext) -> Subquery:
    """The class of each authority that an audience means, and why no letter is for it, as if a wave were launched now:
    columns authority_id, class, reason and concerned (how many schools)."""
    each = entries.entries(audience, context).authorities.subquery("entries")
    kind = case(
        (each.c.reason.is_(None), Class.TO_COME.value),
        (each.c.standing != EntryStanding.TO_REACH.value, each.c.standing),
        (each.c.reason.in_(ADDRESS), Class.NO_ADDRESS.value),
        else_=Class.NOT_SENT.value,
    )
    return select(each.c.authority_id, kind.label("class"), each.c.reason, each.c.concerned).subquery("as_if_launched")


class _Counting:
    """What the statements of one campaign share."""

    def __init__(self, session: Session, campaign: Campaign, now: datetime) -> None:
        self.session, self.campaign, self.now, self.day = session, campaign, now, today(now)
        self.mailings = campaign.mailing_keys
        self.own = Message.mailing_id.in_(self.mailings)
        self.planned = self._planned()
        self.comes_later = literal(int(campaign.first_wave_id is not None))  # whoever has no row yet
        self.presumes = Reach.PRESUMED if bounces.are_read(session, now=now) else Reach.UNREAD

    def classified(self) -> Classified:
        listed = self._listed()
        authorities = self._authorities(listed)
        return Classified(authorities, self._schools(authorities, listed), listed)

    # Whom waves to come would mean

    def _planned(self) -> list[entries.Entries]:
        """Whom the waves to come mean now; of waves with the same audience, the first to leave."""
        campaign, states = self.campaign, CampaignState
        if campaign.state in (states.CLOSED, states.CANCELLED):
            return []
        to_come = sorted(filter(_is_to_come, campaign.waves), key=lambda wave: (wave.due_at, wave.number))
        if campaign.first_wave_id is None:
            if not to_come and campaign.waves and campaign.state is states.APPROVED:
                return []
            leaves_at = to_come[0].due_at if to_come else None
            return [self._meant(planning.audience_of(campaign), leaves_at)]
        found: dict[tuple[bool, int | None], entries.Entries] = {}
        for wave in to_come:
            key = wave.added_reminder_id is not None, wave.departure
            if key not in found:
                found[key] = self._meant(planning.planned_of(wave, now=self.now), wave.due_at)
        return list(found.values())

    def _meant(self, audience: Audience, leaves_at: datetime | None) -> entries.Entries:
        context = planning.context_of(self.session, self.campaign, now=self.now, leaves_at=leaves_at)
        return entries.entries(audience, context)

    # Authorities

    def _authorities(self, listed: CTE) -> CTE:
        base, letters, last = self._base(), self._letters(Message.authority_id), self._last_reasons()
        answers, steps = answers_since(self.mailings), paper_and_calls(self.mailings)
        learned = self._learned(CampaignSchool.authority_id)
        joined, clicks, unsure = _joined(listed), proved_clicks(self.mailings), self._to_verify()
        replies = replied(self.mailings)
        no_address = func.coalesce(last.c.no_address, case((base.c.reason.in_(ADDRESS), 1), else_=0)) == 1
        kind = case(
            (letters.c.is_tried == 1, Class.RECIPIENTS.value),
            (or_(letters.c.is_waiting == 1, base.c.would_receive == 1), Class.TO_COME.value),
            (base.c.standing != EntryStanding.TO_REACH.value, base.c.standing),
            (last.c.is_excepted == 1, Class.EXCEPTED.value),
            (_is_stopped((learned.c.at, answers.c.at), steps), Class.STOPPED.value),
            (no_address, Class.NO_ADDRESS.value),
            else_=Class.NOT_SENT.value,
        )
        has_answered, has_clicked = answers.c.authority_id.is_not(None), clicks.c.authority_id.is_not(None)
        evidence = case(
            (has_answered, Evidence.ANSWERED.value),
            (replies.c.authority_id.is_not(None), Evidence.REPLIED.value),
            (or_(joined.c.has_reacted == 1, _joins_after_a_step(kind, learned)), Evidence.JOINED.value),
            (steps.c.evidence.is_not(None), steps.c.evidence),
            (has_clicked, Evidence.CLICKED.value),
            else_=null(),
        )
        has_letter = kind.in_((Class.RECIPIENTS.value, Class.TO_COME.value))
        query = select(
            base.c.authority_id,
            kind.label("class"),
            _handing(letters).label("handing"),
            self._reach(kind, evidence.is_not(None), letters.c.last_at, steps.c.posted_on).label("reach"),
            evidence.label("evidence"),
            case((has_letter, null()), else_=func.coalesce(last.c.reason, base.c.reason)).label("reason"),
            base.c.eligible,
            *_flags(base, joined, has_answered, unsure.c.authority_id.is_not(None)),
        ).select_from(base)
        for part in (letters, last, answers, replies, steps, learned, joined, clicks, unsure):
            query = query.outerjoin(part, part.c.authority_id == base.c.authority_id)
        return query.cte("authorities_classed").prefix_with("MATERIALIZED")

    def _base(self) -> Subquery:
        """Whom the campaign means: those written down at a launch, and whom waves to come mean besides."""
        kept = select(
            CampaignAuthority.authority_id,
            cast(CampaignAuthority.standing, String).label("kept_standing"),
            cast(null(), String).label("planned_standing"),
            cast(CampaignAuthority.reason, String).label("kept_reason"),
            cast(null(), String).label("planned_reason"),
            CampaignAuthority.eligible.label("kept_eligible"),
            cast(null(), Integer).label("planned_eligible"),
            _flag(CampaignAuthority.wave_id != self.campaign.first_wave_id).label("entered_later"),
            literal(0).label("would_receive"),
        ).where(CampaignAuthority.campaign_id == self.campaign.id)
        planned = (
            select(each.authority_id, null(), each.standing, null(), each.reason, null(), each.eligible)
            .add_columns(null(), _flag(each.reason.is_(None)))
            .select_from(part)
            for part in (one.authorities.subquery() for one in self.planned)
            for each in (part.c,)
        )
        rows = union_all(kept, *planned).subquery("kept_and_planned").c
        query = select(
            rows.authority_id,
            func.coalesce(func.min(rows.kept_standing), func.min(rows.planned_standing)).label("standing"),
            func.coalesce(func.max(rows.planned_reason), func.max(rows.kept_reason)).label("reason"),
            func.coalesce(func.max(rows.kept_eligible), func.max(rows.planned_eligible)).label("eligible"),
            func.coalesce(func.max(rows.entered_later), self.comes_later).label("entered_later"),
            func.max(rows.would_receive).label("would_receive"),
        )
        return query.group_by(rows.authority_id).subquery("base")

    def _letters(self, *by: Any, listed: bool = False) -> Subquery:
        """What became of the letters to each authority, or of those that list each school."""
        columns = {
            "is_tried": _flag(IS_TRIED),
            "is_waiting": _flag(IS_WAITING),
            "is_accepted": _flag(IS_ACCEPTED),
            "is_on_the_way": _flag(IS_ON_THE_WAY),
        }
        last = func.max(case((IS_ACCEPTED, LEFT_AT)), type_=UtcDateTime()).label("last_at")
        query = select(*by, *(func.max(flag).label(name) for name, flag in columns.items()), last).where(self.own)
        if listed:
            query = query.join(MessageSubject, MessageSubject.message_id == Message.id)
        return query.group_by(*by).subquery("letters_by_school" if listed else "letters")

    def _last_reasons(self) -> Subquery:
        """Why the letters of the last wave that has some for an authority were withdrawn; whether those of the first or
        the last were as it is excepted: a person may leave it out of a paused wave that a later one overtook."""

        def is_of(number: ColumnElement[int]) -> ColumnElement[bool]:
            waves = select(number).join(LATER, LATER.mailing_id == Wave.mailing_id)
            waves = waves.where(LATER.authority_id == Message.authority_id, Wave.campaign_id == self.campaign.id)
            return Wave.number == waves.correlate(Message).scalar_subquery()

        is_first, is_last = is_of(func.min(Wave.number)), is_of(func.max(Wave.number))
        is_address = func.coalesce(Message.reason.in_(ADDRESS), literal(value=False))
        return (
            select(
                AUTHORITY.label("authority_id"),
                func.min(case((is_last, _flag(is_address)))).label("no_address"),
                func.max(_flag(Message.reason.in_(entries.EXCEPTING))).label("is_excepted"),
                func.max(case((is_last, cast(Message.reason, String)))).label("reason"),
            )
            .join(Wave, Wave.mailing_id == Message.mailing_id)
            .where(self.own, or_(is_first, is_last), Message.state == MessageState.WITHDRAWN)
            .group_by(Message.authority_id)
            .subquery("last_reasons")
        )

    def _learned(self, by: InstrumentedAttribute[int]) -> Subquery:
        """When a joining became known, after it entered, of each school, or of a school of each authority, that was
        then to be reached, and entered with it; one that another status followed since counts as well. No joining stops
        a letter to who has joined, nor a correction."""
        record, school = AdherenceRecord, CampaignSchool
        query = select(by, func.min(record.recorded_at, type_=UtcDateTime()).label("at"))
        query = query.join(record, record.school_id == school.school_id)
        entered = CampaignAuthority
        with_it = entered.campaign_id == school.campaign_id, entered.authority_id == school.authority_id
        query = query.join(entered, and_(*with_it, entered.wave_id == school.wave_id))
        is_own = school.campaign_id == self.campaign.id, school.standing == EntryStanding.TO_REACH
        is_joined = record.strand_id == self.campaign.strand_id, record.status == Status.JOINED, record.stands()
        is_new = record.effective_on <= self.day, record.recorded_at > school.entered_at
        query = query.where(*is_own, *is_joined, *is_new, literal(self.campaign.concerns is Concerns.OPEN))
        return query.group_by(by).subquery("learned")

    def _known(self) -> Subquery:
        """The joinings of the campaign's strand that hold now."""
        return joined_schools(select(literal(self.campaign.strand_id)), self.day)

    def _to_verify(self) -> Subquery:
        """Of whom a form waits to be confirmed."""
        waits = to_verify(self.mailings, FormKind.ANSWER).subquery("waiting_forms")
        return select(waits.c.authority_id).distinct().subquery("unsure")

    def _reach(
        self,
        kind: ColumnElement[str],
        has_reacted: ColumnElement[bool],
        last_at: ColumnElement[datetime],
        posted_on: ColumnElement[date],
    ) -> ColumnElement[str | None]:
        """How sure it is that whoever is to be reached was, in days since the latest letter, by mail or on paper."""
        mailed_on = brussels_day(last_at)
        latest = case(
            (or_(posted_on.is_(None), mailed_on > posted_on), mailed_on), else_=func.coalesce(posted_on, mailed_on)
        )
        has_mail, has_paper = mailed_on.is_not(None), posted_on.is_not(None)
        return case(
            (kind.not_in([one.value for one in TO_REACH]), null()),
            (has_reacted, Reach.REACHED.value),
            (and_(has_paper, latest <= self.day - IS_POSTED_WITHIN), Reach.PRESUMED.value),
            (and_(has_mail, latest <= self.day - ARRIVES_WITHIN), self.presumes.value),
            (or_(has_mail, has_paper, kind == Class.TO_COME.value), Reach.TOO_EARLY.value),
            else_=Reach.LEFT.value,
        )

    # Joinings of listed schools

    def _listed(self) -> CTE:
        """The schools that a letter listed, by mail or posted.

        The bound is the day on which the first letter that listed the school left.
        """
        by_mail = (
            select(
                AUTHORITY.label("authority_id"),
                MessageSubject.school_id,
                brussels_day(func.min(LEFT_AT, type_=UtcDateTime())).label("day"),
            )
            .join(MessageSubject, MessageSubject.message_id == Message.id)
            .where(self.own, HAS_LEFT)
            .group_by(Message.authority_id, MessageSubject.school_id)
        )
        each = union_all(by_mail, self._posted()).subquery("each_listed")
        # A school that moved has one bound, whichever of its authorities got the first letter.
        day = func.min(func.min(each.c.day, type_=Date())).over(partition_by=each.c.school_id).label("day")
        pairs = each.c.authority_id, each.c.school_id
        first = select(*pairs, day).group_by(*pairs).subquery("first_listed")
        known = self._known()
        is_since, is_confirmed = known.c.effective_on >= first.c.day, known.c.word == Word.CONFIRMED
        flags = {
            "declared": known.c.word == Word.DECLARED,
            "joined_since": and_(is_confirmed, is_since),
            "had_joined": and_(is_confirmed, ~is_since),
            "has_reacted": known.c.stated_on >= first.c.day,
        }
        columns = [_flag(is_so).label(name) for name, is_so in flags.items()]
        query = select(first.c.authority_id, first.c.school_id, known.c.effective_on, *columns)
        query = query.outerjoin(known, known.c.school_id == first.c.school_id)
        return query.cte("listed").prefix_with("MATERIALIZED")

    def _posted(self) -> Select[int, int, date]:
        """The schools that letters on paper listed, and the days on which these were posted."""
        query = posted_schools().where(CampaignSchool.campaign_id == self.campaign.id)
        return query.where(EscalationStep.mailing_id.in_(self.mailings))

    # Schools

    def _schools(self, authorities: CTE, listed: CTE) -> Subquery:
        """A school that no letter listed stands as its authority does, unless it had joined or is out of scope."""
        base, letters = self._base_of_schools(), self._letters(MessageSubject.school_id, listed=True)
        answers, requests = self._answered_schools(), self._requests()
        steps, clicks, replies = (
            paper_and_calls(self.mailings),
            proved_clicks(self.mailings),
            replied(self.mailings),
        )
        posted, unsure, own = self._posted().subquery("posted"), self._unsure_schools(), authorities
        last_posted = (
            select(posted.c.school_id, func.max(posted.c[2], type_=Date()).label("posted_on"))
            .group_by(posted.c.school_id)
            .subquery("last_posted")
        )
        joined, is_listed = _joined(listed, by="school_id"), letters.c.is_tried == 1
        learned = self._learned(CampaignSchool.school_id)
        kind = case(
            (is_listed, Class.RECIPIENTS.value),
            (base.c.standing != EntryStanding.TO_REACH.value, base.c.standing),
            else_=own.c["class"],
        )
        has_answered = answers.c.school_id.is_not(None)
        has_reacted = or_(
            has_answered,
            joined.c.has_reacted == 1,
            _joins_after_a_step(kind, learned),
            steps.c.evidence.is_not(None),
            *(part.c.authority_id.is_not(None) for part in (requests, clicks, replies)),
        )
        reach = self._reach(kind, has_reacted, letters.c.last_at, last_posted.c.posted_on)
        is_alone = and_(~func.coalesce(is_listed, literal(value=False)), last_posted.c.school_id.is_(None))
        of_authority = and_(is_alone, kind == own.c["class"])
        query = select(
            base.c.school_id,
            base.c.authority_id,
            kind.label("class"),
            case((of_authority, own.c.handing), else_=_handing(letters)).label("handing"),
            case((of_authority, own.c.reach), else_=reach).label("reach"),
            *_flags(base, joined, has_answered, unsure.c.school_id.is_not(None)),
        ).select_from(base)
        query = query.outerjoin(own, own.c.authority_id == base.c.authority_id)
        for part in (letters, answers, last_posted, learned, joined, unsure):
            query = query.outerjoin(part, part.c.school_id == base.c.school_id)
        for part in (requests, steps, clicks, replies):
            query = query.outerjoin(part, part.c.authority_id == base.c.authority_id)
        return query.subquery("schools_classed")

    def _base_of_schools(self) -> Subquery:
        kept = select(
            CampaignSchool.school_id,
            CampaignSchool.authority_id.label("kept_authority_id"),
            cast(null(), Integer).label("planned_authority_id"),
            cast(CampaignSchool.standing, String).label("kept_standing"),
            cast(null(), String).label("planned_standing"),
            _flag(CampaignSchool.wave_id != self.campaign.first_wave_id).label("entered_later"),
        ).where(CampaignSchool.campaign_id == self.campaign.id)
        planned = (
            select(each.school_id, null(), each.authority_id, null(), each.standing, null()).select_from(part)
            for part in (one.schools.subquery() for one in self.planned)
            for each in (part.c,)
        )
        rows = union_all(kept, *planned).subquery("kept_and_planned_schools").c
        query = select(
            rows.school_id,
            func.coalesce(func.min(rows.kept_authority_id), func.min(rows.planned_authority_id)).label("authority_id"),
            func.coalesce(func.min(rows.kept_standing), func.min(rows.planned_standing)).label("standing"),
            func.coalesce(func.max(rows.entered_later), self.comes_later).label("entered_later"),
        )
        return query.group_by(rows.school_id).subquery("base_of_schools")

    def _answered_schools(self) -> Subquery:
        """The schools that answers name."""
        query = select(ResponseSchool.school_id).join(Response, Response.id == ResponseSchool.response_id)
        query = query.join(Message, Message.id == Response.message_id).where(self.own, Response.is_a_reaction())
        return query.distinct().subquery("answered_schools")

    def _requests(self) -> Subquery:
        """The authorities that asked the service for something, without naming a school."""
        names_one = exists().where(ResponseSchool.response_id == Response.id)
        query = select(Response.authority_id).join(Message, Message.id == Response.message_id)
        return query.where(self.own, Response.is_a_reaction(), ~names_one).distinct().subquery("requests")

    def _unsure_schools(self) -> Subquery:
        """The schools that letters list of which a form waits to be confirmed."""
        query = to_verify(self.mailings, FormKind.ANSWER)
        query = query.join(MessageSubject, MessageSubject.message_id == Message.id)
        return query.with_only_columns(MessageSubject.school_id).distinct().subquery("unsure_schools")


def posted_schools() -> Select[int, int, date]:
    """The schools that letters on paper listed, among those of the campaigns: the authority, the school and the day of
    the posting."""
    lists = literal(" ").concat(PaperLetter.school_keys).concat(" ")
    is_listed = lists.like(literal("% ").concat(cast(CampaignSchool.school_id, String)).concat(" %"))
    return (
        select(EscalationStep.authority_id, CampaignSchool.school_id, paper_posted_on())
        .join(PaperLetter, PaperLetter.step_id == EscalationStep.id)
        .join(ReachTransition, ReachTransition.step_id == EscalationStep.id)
        .join(CampaignSchool, CampaignSchool.authority_id == EscalationStep.authority_id)
        .where(is_done(), is_listed)
    )


def _joined(listed: CTE, *, by: str = "authority_id") -> Subquery:
    """What joinings of listed schools say of each authority, or of each school."""
    key = listed.c[by]
    columns = {
        "declared": func.max(listed.c.declared),
        "joined_since": func.max(listed.c.joined_since),
        "joined_all": func.min(listed.c.joined_since),
        "had_joined": func.max(listed.c.had_joined),
        "has_reacted": func.max(listed.c.has_reacted),
    }
    query = select(key, *(column.label(name) for name, column in columns.items()))
    return query.group_by(key).subquery(f"joined_by_{by}")


def _flags(
    base: Subquery, joined: Subquery, has_answered: ColumnElement[bool], waits: ColumnElement[bool]
) -> list[ColumnElement[int]]:
    """The columns of `FLAGS`; `waits`: a form of it waits to be confirmed."""
    joinings = (func.coalesce(joined.c[name], 0) for name in OF_JOININGS)
    columns = (base.c.entered_later, _flag(has_answered), *joinings, _flag(waits))
    return [column.label(name) for name, column in zip(FLAGS, columns, strict=True)]


def _handing(letters: Subquery) -> ColumnElement[str | None]:
    return case(
        (func.coalesce(letters.c.is_tried, 0) == 0, null()),
        (letters.c.is_accepted == 1, Handing.HANDED_OVER.value),
        (letters.c.is_on_the_way == 1, Handing.ON_THE_WAY.value),
        else_=Handing.RETURNED.value,
    )


def _is_stopped(known: Iterable[ColumnElement[datetime]], steps: Subquery) -> ColumnElement[bool]:
    """Whether a joining or an answer became known before a letter on paper was posted, and before any call."""

    def was_first(at: ColumnElement[datetime]) -> ColumnElement[bool]:
        on, posted = brussels_day(at), steps.c.first_posted_on
        was_called = and_(steps.c.called_at.is_not(None), steps.c.called_at <= at)
        was_posted = and_(posted.is_not(None), or_(posted < on, and_(posted == on, steps.c.posted_at <= at)))
        return and_(at.is_not(None), ~was_called, ~was_posted)

    return or_(*map(was_first, known))


def _joins_after_a_step(kind: ColumnElement[str], learned: Subquery) -> ColumnElement[bool]:
    """Whether a joining became known of whoever gets no letter by mail: a letter on paper or a call came before it, as
    it would have stopped otherwise."""
    return and_(kind.in_((Class.NO_ADDRESS.value, Class.NOT_SENT.value)), learned.c.at.is_not(None))


def _is_to_come(wave: Wave) -> bool:
    """Whether letters of a wave are still to be written: it is planned, or its launch is under way."""
    is_filling = wave.state in UNDER_WAY and wave.mailing is not None and wave.mailing.filled_at is None
    return wave.state is WaveState.PLANNED or is_filling


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
