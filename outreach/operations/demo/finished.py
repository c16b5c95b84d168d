"""A demonstration's second programme: two campaigns whose departures were drawn by lot, one of which had an effect.

Who joins follows the draw, so that the effect is known: `EFFECT` of those written to join within the window beyond the
few that join anyway, spread over the strata of the draw. The other campaign has none. Some schools of every network
joined before, by a trial. Both have letters and answers of their own. A third campaign, of the first programme, is a
draft to come, whose plan stands on them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from operator import itemgetter

from sqlalchemy import select

from outreach.access import accounts
from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import Coverage, Programme, Strand
from outreach.adherence.situation import all_eligible
from outreach.campaigns import experiments, planning, review, waves
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import Audiences, ClosingRule, Definition, moment_of
from outreach.core import tables
from outreach.core.db import Session
from outreach.core.tables import open_import
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Authority, School
from outreach.engagement import replies
from outreach.engagement.replies import Given, Response
from outreach.operations.demo import people, sample
from outreach.operations.demo.story import JOINS, READING_LINES, Post

EFFECT, ANYWAY = 0.15, 0.02
"""Shares that join within a window: beyond those that would have anyway, and these."""
GAP = 14
RULE = ClosingRule(frozenset(Audiences), urgent=False, deadline_days=30)
CODE = "plan-lecture"
INVITATION = "invitation-volet-1"
COLUMNS = "fase;volet;statut;date;source;motif"
STARTS, MINUTE, DAY = time(9, 30), timedelta(minutes=1), timedelta(days=1)
FRIDAY = 5
ROUNDS, JOINED = 1, 4  # how often the lines are said, and how many say that they join, of each campaign
ANSWERS = (time(11, 5), time(9, 40), time(14, 20), time(15, 55))
LETTERS = ("invitation-plan-lecture-volet-1", "invitation-plan-lecture-volet-2")
PROGRAMME = """
code = "plan-lecture"
name = "Plan lecture"
page = "https://plan-lecture.cfwb.example"
[[strands]]
number = 1
name = "Bibliothèques de classe"
circular = "7102"
opened_on = {opened}
levels = ["secondary"]
[[strands]]
number = 2
name = "Lectures partagées"
circular = "7103"
opened_on = {opened}
levels = ["secondary"]
"""


def load(session: Session, *, now: datetime) -> None:
    """Load the programme, before any letter is composed: each names its own among several."""
    author = people.person_for(RoleName.AUTHOR).email
    begins = starts_before(today(now))[0] - 30 * DAY
    programmes.load_programme(session, PROGRAMME.format(opened=today(begins).isoformat()), now=begins, actor=author)


def tell(session: Session, sending: SenderIdentity, *, now: datetime) -> None:
    """Add the two campaigns of the programme with their effects, and a campaign to come."""
    programme = programmes.get_programme(session, CODE)
    early, late = starts_before(today(now))
    _try_out(session, programme, early - 20 * DAY)
    for letter, starts, effect in zip(LETTERS, (late, early), (EFFECT, 0.0), strict=True):
        campaign = _sent(session, sending, planning.get_definition(letter, planning.DEMONSTRATED), starts)
        _join(session, sending, programme, campaign, effect, now)
    _to_come(session, now)


def starts_before(day: date) -> tuple[datetime, datetime]:
    """When the two campaigns start that are over on a day: the second, whose days a list covers by then, a week or more
    after the last departure of the first."""
    late = _start_of_over(day - timedelta(days=95), day - timedelta(days=30))
    return _start_of_over(today(late) - timedelta(days=60), today(late) - timedelta(days=8)), late


def _start_of_over(day: date, over_on: date) -> datetime:
    """The start of the last campaign that is planned for a day, or weeks before, and whose last departure leaves by
    another: holidays move departures, in summer by two months."""
    for weeks in count():
        first = _start(day - timedelta(weeks=weeks))
        last = first
        for _ in range(1, DEPARTURES):
            last = _start(today(last) + timedelta(days=GAP))
        if today(last) <= over_on:
            return first
    raise AssertionError("weeks go on")


def _start(day: date) -> datetime:
    """The morning of a day, or of the next open one."""
    return RULE.first(moment_of(datetime.combine(day, STARTS)).at).at


def _sent(session: Session, sending: SenderIdentity, stated: Definition, starts: datetime) -> Campaign:
    """A campaign to the secondary schools of all networks, drawn, approved, and sent in three departures."""
    author = accounts.user_named(session, people.person_for(RoleName.AUTHOR).email)
    approver = people.person_for(RoleName.APPROVER).email
    written = starts - 4 * DAY
    stated = stated.model_copy(update={"departure_gap": GAP, "first_come": False})
    campaign = planning.create_campaign(session, stated, now=written, author=author)
    planning.revise_campaign(session, campaign, {"starts_at": starts}, now=written + MINUTE, actor=author.email)
    asked = written + 60 * MINUTE
    judged = review.review_campaign(session, campaign, sending, now=asked)
    written_to = judged.counts.written
    review.ask_approval(session, campaign, sending, now=asked, actor=author.email, confirmed=written_to, judged=judged)
    seen = judged.overlap.shared if judged.overlap else 0
    review.give_approval(session, campaign, sending, now=asked + DAY, actor=approver, overlap=seen)
    planning.schedule_campaign(session, campaign, None, now=asked + DAY + MINUTE, actor=author.email)
    for wave in sorted(campaign.waves, key=lambda one: one.due_at):
        at = wave.due_at
        while waves.advance_wave(session, wave.id, sending, now=at):
            pass
        post = Post(session, sending, now=at, refusals={})
        post.carry(at)
        post.close(at + MINUTE)
        waves.finish_waves(session, now=at + 5 * MINUTE)
    return campaign


def _try_out(session: Session, programme: Programme, at: datetime) -> None:
    """Have schools of every network and zone join before any letter: one of each for the first strand, one of every
    second for the next.

    Most authorities are of one network, so that those who join after a letter nearly all are, too.
    """
    day, sent = today(at), list[str]()
    for every, strand in enumerate(programme.strands, 1):
        for number in _one_of_each(session, strand, day)[::every]:
            sent.append(f"{number};{strand.number};adhéré;{day - (1 + number % 5) * DAY:%d/%m/%Y};Essai;")
    rows = open_import("\r\n".join([COLUMNS, *sent]).encode(), HEADERS)
    author = people.person_for(RoleName.AUTHOR).email
    tables.take_over(session, JoiningLists(day), rows, now=at, actor=author, programme_id=programme.id)


def _one_of_each(session: Session, strand: Strand, day: date) -> list[int]:
    """A school of each network and zone that a strand is open to: none that a letter is answered for (`_schools`)."""
    rows = all_eligible([day], [strand])
    query = select(Authority.network_id, School.zone, Authority.fase, School.fase).select_from(rows)
    query = query.join(Authority, Authority.id == rows.c.authority_id).join(School, School.id == rows.c.school_id)
    found = session.execute(query.order_by(School.fase)).all()
    count, seen, of = Counter(owner for _, _, owner, _ in found), set[int](), dict[tuple[int, str], int]()
    for network, zone, owner, number in found:
        if owner in seen or count[owner] == 1:
            of[network, zone] = number
        seen.add(owner)
    return [of[each] for each in sorted(of)]


def _join(
    session: Session, sending: SenderIdentity, programme: Programme, campaign: Campaign, effect: float, now: datetime
) -> None:
    """Have authorities answer, and join by their departure; tell it by a list that covers the days; freeze."""
    author, lock = people.person_for(RoleName.AUTHOR).email, experiments.lock_of(session, campaign)
    attempt, until = lock.attempt, lock.until
    if attempt is None or until is None:
        return
    drawn = experiments.order_of(session, attempt)
    departed = [[fase for one in drawn for fase in one.departures[place]] for place in range(DEPARTURES)]
    joined: dict[int, date] = {}
    for window, written in enumerate((0, 1)):
        for place in range(window, DEPARTURES):
            waiting = [fase for fase in departed[place] if fase not in joined]
            share = ANYWAY + (effect if place == written else 0.0)
            for rank, fase in enumerate(_spread(waiting, round(share * len(waiting)))):
                joined[fase] = lock.left[window] + timedelta(days=2 + rank % 10)
    schools = _schools(session, campaign)
    lines = [f"{schools[fase][1]};{campaign.strand.number};adhéré;{joined[fase]:%d/%m/%Y};Plateforme;"
             for fase in sorted(joined.keys() & schools.keys())]  # fmt: skip
    waiting_answers = _answer(session, sending, campaign, schools, joined)
    networks = frozenset(one.id for one in experiments.networks_drawn(session, attempt))
    told_at = min(moment_of(datetime.combine(until + DAY, STARTS)).at, now)
    sent = open_import("\r\n".join([COLUMNS, *lines]).encode(), HEADERS)
    facts = {"programme_id": programme.id, "coverage": Coverage(until, networks)}
    tables.take_over(session, JoiningLists(today(told_at)), sent, now=told_at, actor=author, **facts)
    for response in waiting_answers:
        replies.set_response_aside(
            session, response, now=told_at, actor=author, note="Dite par la liste de la plateforme."
        )
    opened_lock = experiments.lock_of(session, campaign)
    outcome = experiments.compute_effect(session, campaign, opened_lock)
    experiments.freeze_effect(session, campaign, opened_lock, outcome, now=told_at + 60 * MINUTE, actor=author)


def _spread(waiting: Sequence[int], number: int) -> list[int]:
    """So many of a departure, as far apart as they stand in it: stratum after stratum, each in the order drawn."""
    most = min(number, len(waiting))
    return [waiting[(2 * rank + 1) * len(waiting) // (2 * most)] for rank in range(most)]


def _answer(
    session: Session,
    sending: SenderIdentity,
    campaign: Campaign,
    schools: Mapping[int, tuple[int, int]],
    joined: Mapping[int, date],
) -> list[Response]:
    """Give the answers of some authorities, each a day or more after its letter, those that join on the day of joining.

    What is asked of the service is handled the day after. Returns what awaits the list that confirms it.
    """
    actor, given = people.person_for(RoleName.AUTHOR).email, list[tuple[datetime, Message, Given]]()
    letters = _letters(session, campaign)
    known = [fase for fase in letters if fase in schools]
    joining = [fase for fase in known if fase in joined and today(letters[fase].dated_at) < joined[fase]]
    for fase in _spread(joining, JOINED):
        at = datetime.combine(joined[fase], ANSWERS[0], BRUSSELS)
        given.append((at, letters[fase], Given({schools[fase][0]: JOINS.answer}, None)))
    others = [fase for fase in known if fase not in joined]
    for rank, fase in enumerate(_spread(others, ROUNDS * len(READING_LINES))):
        line = READING_LINES[rank % len(READING_LINES)]
        day = today(letters[fase].dated_at) + (1 + rank % 4) * DAY
        while day.isoweekday() > FRIDAY:
            day += DAY
        at = datetime.combine(day, ANSWERS[rank % len(ANSWERS)], BRUSSELS)
        said = {schools[fase][0]: line.answer} if line.answer.status else {}
        given.append((at, letters[fase], Given(said, None if said else line.answer, line.comment)))
    waiting, post = [], Post(session, sending, now=min(at for at, _, _ in given), refusals={})
    for at, letter, what in sorted(given, key=itemgetter(0)):
        for response in waves.receive_answer(session, letter, what, sending, now=at):
            if response.answer is JOINS.answer:
                waiting.append(response)
            elif response.answer.awaits_staff:
                replies.act_on_response(session, response, now=at + DAY, actor=actor)
        post.carry(at + MINUTE / 4)
    post.close(max(at for at, _, _ in given) + MINUTE)
    return waiting


def _letters(session: Session, campaign: Campaign) -> dict[int, Message]:
    """A letter of each authority written to, by FASE number."""
    sent = select(Authority.fase, Message).join(Authority, Authority.id == Message.authority_id)
    sent = sent.join(Wave, Wave.mailing_id == Message.mailing_id).where(Wave.campaign_id == campaign.id)
    accepted = sent.where(Message.state == MessageState.ACCEPTED).order_by(Message.id.desc())
    return dict(session.execute(accepted).all())


def _schools(session: Session, campaign: Campaign) -> dict[int, tuple[int, int]]:
    """The first school of each authority that the strand is open to, its key and its number, by the authority's."""
    rows = all_eligible([today(campaign.created_at)], [campaign.strand])
    query = select(Authority.fase, School.id, School.fase).select_from(rows)
    query = query.join(Authority, Authority.id == rows.c.authority_id).join(School, School.id == rows.c.school_id)
    return {fase: (key, number) for fase, key, number in session.execute(query.order_by(School.fase.desc()))}


def _to_come(session: Session, now: datetime) -> None:
    """A draft with dates, whose plan is read on its last step."""
    author = accounts.user_named(session, people.person_for(RoleName.AUTHOR).email)
    stated = planning.get_definition(INVITATION, planning.READY_MADE)
    values = {"title": "Invitation de printemps", "programme": sample.CODE, "reminders": (14, 24)}
    stated = stated.model_copy(update=values)
    campaign = planning.create_campaign(session, stated, now=now - 80 * MINUTE, author=author)
    starts = next(
        planned[0].at
        for weeks in count(8)
        if (
            planned := planning.plan_waves(
                session, campaign, now=now, start=_start(today(now) + timedelta(weeks=weeks))
            )
        )
    )
    planning.revise_campaign(session, campaign, {"starts_at": starts}, now=now - 75 * MINUTE, actor=author.email)
