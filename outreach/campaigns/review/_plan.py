"""The plan of a campaign before its first letter: what leaves when, to how many, and the answers to expect a day.

One pass over the calendar, the register and an earlier wave that was answered. It is no forecast: how campaigns differ
is not in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from outreach.campaigns.channels import RungForecast
from outreach.campaigns.evidence import RungWhen
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import launched_mailings
from outreach.campaigns.review._checks import Findings
from outreach.core.db import Session, UtcDateTime
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message
from outreach.engagement import tracking
from outreach.engagement.replies import Response
from outreach.engagement.tracking import AUTHORITY, Asked

ABOUT, AT_MOST = "environ", "au plus"
MOST_ASKED = 20
"""Earlier waves that are looked at, the newest first, until the days of one are over."""


@dataclass(frozen=True, slots=True)
class WaveBefore:
    """How an earlier campaign's first wave was answered, its reminders included, by the last day to answer.

    `answered` has how many of its `authorities` gave their first answer so many days after their letter, `left_out` how
    many a reminder would write to no more from so many days on: they answered, or all their schools had joined.
    """

    campaign: Campaign
    left_on: date
    last_day: date
    authorities: int
    answered: Mapping[int, int]
    left_out: Mapping[int, int]

    def remaining(self, count: int, days: int) -> int:
        """Of so many written to, how many a reminder so many days later would write to."""
        gone = sum(number for after, number in self.left_out.items() if after < days)
        return round(count * (1 - gone / self.authorities))

    @property
    def in_words(self) -> str:
        """The wave as a sentence names it: "la vague du 25 novembre 2026"."""
        return f"la vague du {french.day(self.left_on)}"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What leaves or begins on a day, and for how many authorities; `bound` says how sure that number is, '' exactly.

    `at` is the instant at which a wave leaves, None of a rung.
    """

    what: str
    day: date
    at: datetime | None
    authorities: int
    bound: str = ""
    note: str = ""

    @property
    def in_words(self) -> str:
        """How many, in French: "985 PO", "environ 812 PO", "au plus 985 PO"."""
        return french.typeset(f"{self.bound} {french.plural(self.authorities, 'PO', 'PO')}".lstrip())


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What leaves when, in order, and how many first answers come on which days; none where no wave tells it."""

    lines: Sequence[PlanLine]
    before: WaveBefore | None
    answers: Sequence[tuple[date, int]]

    @property
    def in_words(self) -> str:
        """The answers in French, with the wave that they stand on; or why there are none, and what that means."""
        if self.before is None:
            return french.typeset(
                "Aucune campagne de ce genre n’est arrivée à sa date limite : combien de PO répondront n’est pas "
                "connu, et chaque relance est comptée comme si personne ne répondait."
            )
        one, said = self.before, f"Si l’on répond comme à {self.before.in_words}"
        of = f"{french.number(sum(one.answered.values()))} PO sur {french.number(one.authorities)}"
        title, until = french.within_quotes(one.campaign.title), french.day(one.last_day)
        said += f", « {title} » ({of} au {until}, relances comprises)"
        if not self.answers:
            return french.typeset(f"{said}, aucune réponse n’arrive.")
        count, (busiest, most) = sum(each for _, each in self.answers), max(self.answers, key=lambda each: each[1])
        arrive = french.plural(count, "réponse arrive", "réponses arrivent")
        peak = f", dont {french.number(most)} le jour le plus chargé, le {french.weekday(busiest)}" if most > 1 else ""
        spared = " Une relance n’écrit plus aux PO qui ont répondu, ni à ceux dont chaque école a adhéré."
        return french.typeset(f"{said}, {arrive}{peak}.{spared}")


def plan_of(
    session: Session, campaign: Campaign, findings: Findings, rungs: Sequence[RungForecast], *, now: datetime
) -> CampaignPlan | None:
    """The plan of a campaign as it was checked; None without dates, or once a letter has left."""
    if campaign.mailing_keys or not findings.planned:
        return None
    before, sizes = wave_before(session, campaign, now=now), _sizes(findings)
    began, lines, expected = dict[int | None, date](), list[PlanLine](), Counter[date]()
    for wave in findings.planned:
        at, size, name = wave.at, sizes[wave.departure], french.initial(wave.name)
        day, is_first = today(at), wave.departure not in began
        days = (day - began.setdefault(wave.departure, day)).days
        if is_first:
            lines.append(PlanLine(name, day, at, size))
            for after, count in (before.answered if before else {}).items():
                expected[day + timedelta(days=after)] += count * size
        elif before is None:
            lines.append(PlanLine(name, day, at, size, AT_MOST))
        else:
            lines.append(PlanLine(name, day, at, before.remaining(size, days), ABOUT))
    lines += [_of_rung(one, min(began.values()), findings.counts.written, before) for one in rungs]
    answers = _rounded(expected, before.authorities) if before else []
    return CampaignPlan(sorted(lines, key=lambda line: line.day), before, answers)


def _sizes(findings: Findings) -> dict[int | None, int]:
    """How many authorities each departure writes to first; None names the only one where none are drawn.

    A stratum is dealt out one by one; who stays outside the draw leaves with the first departure.
    """
    if findings.draw is None:
        return {None: findings.counts.written}
    dealt = [len(stratum.fases) for stratum in findings.draw.strata.strata]
    later: dict[int | None, int] = {
        departure: sum(len(range(departure - 1, size, DEPARTURES)) for size in dealt)
        for departure in range(2, DEPARTURES + 1)
    }
    return {None: findings.counts.written, 1: findings.counts.written - sum(later.values()), **later}


def _of_rung(one: RungForecast, begins: date, written: int, before: WaveBefore | None) -> PlanLine:
    """A rung: whom letters do not reach as mailboxes stand, and, where it follows silence, who has not reacted then."""
    rung, failing = one.rung, sum(one.networks.values())
    day = begins + timedelta(days=rung.days)
    each = ", ".join(f"{name} {french.number(count)}" for name, count in one.networks.items())
    note = french.typeset(f"d’après les boîtes d’aujourd’hui : {each}") if each else ""
    bound, silent = ABOUT, 0
    if rung.when is RungWhen.SILENT and not rung.channel.facts.is_mail:
        bound = ABOUT if before else AT_MOST
        silent = before.remaining(written, rung.days) if before else written
    return PlanLine(french.typeset(rung.in_words), day, None, failing + silent, bound, note)


def _rounded(expected: Mapping[date, int], authorities: int) -> list[tuple[date, int]]:
    """The answers of each day that has any, in whole numbers that add up: each is what the sum rises by."""
    told, total, before = list[tuple[date, int]](), 0, 0
    for day in sorted(expected):
        total += expected[day]
        risen = round(total / authorities)
        told += [(day, risen - before)] if risen > before else []
        before = risen
    return told


def wave_before(session: Session, campaign: Campaign, *, now: datetime) -> WaveBefore | None:
    """The newest first wave that reached anybody and whose last day to answer has passed, of another campaign: of the
    same class of message, about schools that stand alike."""
    query = (
        select(Campaign)
        .join(Wave, Wave.id == Campaign.first_wave_id)
        .join(Mailing, Mailing.id == Wave.mailing_id)
        .where(
            Campaign.id != campaign.id,
            Campaign.message_class == campaign.message_class,
            Campaign.concerns == campaign.concerns,
            Mailing.filled_at.is_not(None),
        )
    )
    for other in session.scalars(query.order_by(Wave.due_at.desc(), Wave.id.desc()).limit(MOST_ASKED)).unique():
        last_day = _last_day(other)
        if last_day < today(now) and (found := _of_wave(session, other, last_day)):
            return found
    return None


def _last_day(campaign: Campaign) -> date:
    """The last day to answer that a letter of a campaign's launched waves states."""
    own = launched_mailings(campaign)
    return max(
        wave.answer_by or today(wave.due_at + timedelta(days=campaign.deadline_days))
        for wave in campaign.waves
        if wave.mailing_id in own
    )


def _of_wave(session: Session, campaign: Campaign, last_day: date) -> WaveBefore | None:
    own = launched_mailings(campaign)
    letters = (
        select(AUTHORITY.label("authority_id"), func.min(tracking.left_at(), type_=UtcDateTime()).label("left_at"))
        .where(Message.mailing_id.in_(own))
        .group_by(Message.authority_id)
        .subquery("letters")
    )
    answers = (
        select(Response.authority_id, func.min(Response.given_at, type_=UtcDateTime()).label("given_at"))
        .join(Message, Message.id == Response.message_id)
        .where(Message.mailing_id.in_(own), Response.is_a_reaction())
        .group_by(Response.authority_id)
        .subquery("answers")
    )
    joined = tracking.joined_of(Asked(own, last_day))
    query = (
        select(letters.c.left_at, answers.c.given_at, joined.c.all_confirmed, joined.c.joined_on)
        .select_from(letters)
        .outerjoin(answers, answers.c.authority_id == letters.c.authority_id)
        .outerjoin(joined, joined.c.authority_id == letters.c.authority_id)
        .where(letters.c.left_at.is_not(None))
    )
    answered, left_out, days = Counter[int](), Counter[int](), list[date]()
    for left_at, given_at, all_joined, joined_on in session.execute(query):
        left = today(left_at)
        days.append(left)
        answer, joining = given_at and today(given_at), joined_on if all_joined else None
        in_time = [day for day in (answer, joining) if day and day <= last_day]
        if answer in in_time:
            answered[max((answer - left).days, 0)] += 1
        if in_time:
            left_out[max((min(in_time) - left).days, 0)] += 1
    return WaveBefore(campaign, min(days), last_day, len(days), answered, left_out) if days else None
