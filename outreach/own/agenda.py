"""What awaits a person today, in one list: why each thing is there, since when, and the one thing to do about it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple, Self
from urllib.parse import urlencode

from sqlalchemy import Select, select

from outreach import alerts, french
from outreach.accounts import colleagues
from outreach.adherence import programmes
from outreach.approvals import reading
from outreach.approvals.models import APPROVING, Decision, DecisionKind, Thing
from outreach.campaigns.models import Campaign, CampaignState
from outreach.campaigns.review import awaiting
from outreach.campaigns.schedule import closures
from outreach.campaigns.waves import receipts
from outreach.checks.shown import ShownAlert
from outreach.columns import Column, Held, Kind, On
from outreach.days import today
from outreach.db import Session
from outreach.directory.models import Level
from outreach.notes import recounting
from outreach.notes.requests import asking
from outreach.proposals import deciding as proposals
from outreach.proposals.models import Proposal
from outreach.reachability import follow_up, reach_list
from outreach.reachability.follow_up import NOBODY
from outreach.reachability.reach_list import FAULTS, ReachFilters, ReachRow
from outreach.responses import trays
from outreach.responses.models import Response
from outreach.roles import RoleName
from outreach.staff_mail import news

MOST_ANSWERS = 200  # of answers that the list names one by one; their own page has all
PEOPLE = 100  # whose count is kept as a statement


class AgendaKind(StrEnum):
    """Why something is on the list, the most urgent first."""

    ALERT = "alert", "Alertes"
    APPROVAL = "approval", "À valider"
    REQUEST = "request", "Notes demandées"
    CORRECTION = "correction", "Notes à corriger"
    PROPOSAL = "proposal", "Propositions reçues"
    RETURNED = "returned", "À corriger"
    UNPLANNED = "unplanned", "À planifier"
    RECALL = "recall", "À rappeler"
    ANSWER = "answer", "Réponses"
    MAILBOX = "mailbox", "Boîtes à corriger"

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """The value, which addresses of pages hold, and the French label."""
        kind = str.__new__(cls, value)
        kind._value_, kind.label = value, label
        return kind


RANKS = {kind: rank for rank, kind in enumerate(AgendaKind)}


class Whose(NamedTuple):
    """The person of a list, by address, with the roles that are held."""

    email: str
    roles: frozenset[RoleName]


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """A thing that awaits somebody: its name, why it is here, and the path of the page where one does `action`.

    `since` is the day from which it waits, None where nobody knows. `waits_long` says that this is longer than the
    service promises to authorities.
    """

    kind: AgendaKind
    title: str
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool = False


COLUMNS: Sequence[Column[AgendaLine]] = (
    Column("title", "Ce qui attend", lambda line: line.title, sort=True),
    Column("kind", "Sorte", lambda line: line.kind, sort=True, on=On.FILE),
    Column("reason", "Pourquoi", lambda line: line.reason),
    Column("since", "Depuis", lambda line: line.since, Kind.DAY, sort=True),
    Column("waits_long", "Attend trop longtemps", lambda line: line.waits_long, on=On.FILE),
    Column("action", "À faire", lambda line: line.action, sort=True),
)


@dataclass(frozen=True, kw_only=True)
class Agenda(Held[AgendaLine]):
    """The lines of a person, and how many there are of each kind before any filter.

    `more` counts the answers that no line names, because there are too many.
    """

    counts: Mapping[AgendaKind, int]
    more: int = 0


def count(session: Session, whose: Whose, *, now: datetime) -> int:
    """How much awaits a person, by one statement: every line of the list except those about mailboxes.

    Alerts of all the person's roles count.
    """
    counting = _counting(whose, today(now))
    return 0 if counting is None else sum(map(int, session.execute(counting).one()))


@lru_cache(maxsize=PEOPLE)  # every page counts, and to build the statement takes longer than to execute it
def _counting(whose: Whose, day: date) -> Select[*tuple[int, ...]] | None:
    counted = [*alerts.counted(whose.roles), *asking.counted(whose.roles)]
    if asking.HANDLERS & whose.roles:
        counted.append(recounting.counted(whose.email, whose.roles))
    if RoleName.AUTHOR in whose.roles:
        counted.append(proposals.counted())
        counted.append(follow_up.counted_due(whose.email, day))
    counted += awaiting.counted(whose.email, whose.roles, day)
    return select(*counted) if counted else None


def listed(
    session: Session,
    whose: Whose,
    alerts: Iterable[ShownAlert] = (),
    *,
    now: datetime,
    within: int,
    kind: AgendaKind | None = None,
    text: str = "",
    sort: str = "",
) -> Agenda:
    """What awaits a person, the most urgent kind first. What has waited more than `within` working days says so.

    `alerts` are those that the person may act on.
    """
    found = [*map(_alert, alerts), *_decisions(session, whose)]
    more = 0
    if RoleName.AUTHOR in whose.roles:
        found += map(_proposal, proposals.waiting(session))
        answers = trays.awaiting(session, whose.email, today(now))
        named = answers.page(1, MOST_ANSWERS)
        more = answers.count() - len(named) if len(named) == MOST_ANSWERS else 0
        names = programmes.names_among_several(session) if named else {}
        found += [_answer(response, names, today(now)) for response in named]
        found += _authorities(session, whose.email, now=now)
    lines = sorted(_timed(session, found, within, today(now)), key=lambda line: RANKS[line.kind])
    return Agenda(
        title="Aujourd’hui",
        columns=COLUMNS,
        rows=[line for line in lines if kind in {None, line.kind}],
        counts=Counter(line.kind for line in lines),
        more=more,
        text=text,
        sort=sort,
    )


def _timed(session: Session, lines: Iterable[AgendaLine], within: int, day: date) -> Iterator[AgendaLine]:
    """The lines, those marked that wait longer than so many working days."""
    added = closures.in_force(session)
    due_on = cache(lambda since: receipts.working_day(since, within, added))
    for line in lines:
        yield replace(line, waits_long=line.since is not None and due_on(line.since) < day)


def _alert(alert: ShownAlert) -> AgendaLine:
    where = f"/campaigns/{alert.campaign.id}/progress" if alert.campaign else "/"
    title = alert.campaign.title if alert.campaign else french.initial(alert.label)
    reason = f"{french.initial(alert.label)}. {alert.text}" if alert.campaign else alert.text
    return AgendaLine(AgendaKind.ALERT, title, reason, today(alert.since) if alert.since else None, "Voir", where)


def _decisions(session: Session, whose: Whose) -> Iterator[AgendaLine]:
    """What is to be approved, answered by a note, corrected or planned."""
    for submissions in reading.awaiting(session, whose.email, whose.roles).values():
        for made in submissions:
            yield _approval(session, made)
    for asked in asking.waiting(session, whose.roles):
        reason = f"{colleagues.name_of(session, asked.asked_by)} demande une note."
        path = f"/notes/requests/{asked.id}"
        yield AgendaLine(AgendaKind.REQUEST, asked.title, reason, today(asked.asked_at), "Répondre", path)
    for note in recounting.offered(session, whose.email, whose.roles) if asking.HANDLERS & whose.roles else ():
        reason = f"La note {note.approval.number if note.approval else ''} compte selon des définitions qui ont changé."
        yield AgendaLine(AgendaKind.CORRECTION, note.title, reason, None, "Comparer, corriger", f"/notes/{note.id}")
    found = awaiting.campaigns(session, whose.email, whose.roles)
    for campaign in found.get(CampaignState.DRAFT, []):
        yield _campaign(session, campaign, AgendaKind.RETURNED, (DecisionKind.SENT_BACK,), "Corriger")
    for campaign in found.get(CampaignState.APPROVED, []):
        yield _campaign(session, campaign, AgendaKind.UNPLANNED, APPROVING, "Planifier")


def _proposal(made: Proposal) -> AgendaLine:
    reason = f"{made.scope_code} propose : {made.subject}."
    path = f"/proposals/{made.id}"
    day = today(made.proposed_at)
    return AgendaLine(AgendaKind.PROPOSAL, made.authority.display_name, reason, day, "Accepter ou refuser", path)


def _approval(session: Session, made: Decision) -> AgendaLine:
    who, to = colleagues.name_of(session, made.actor), f", à {made.counted}" if made.counted else ""
    reason = f"{french.initial(made.thing.told)} attend votre validation, demandée par {who}{to}."
    path = news.page_of_decision(session, made)
    return AgendaLine(AgendaKind.APPROVAL, made.title, reason, today(made.at), "Lire et valider", path)


def _campaign(
    session: Session, campaign: Campaign, kind: AgendaKind, which: Sequence[DecisionKind], action: str
) -> AgendaLine:
    """A campaign that comes back to whoever has a hand in it, after the last decision of these kinds."""
    decisions = reading.history(session, [Thing.CAMPAIGN.subject(campaign.id)])
    made = next((each for each in decisions if each.kind in which), None)
    who = f" par {colleagues.name_of(session, made.actor)}" if made else ""
    if kind is AgendaKind.RETURNED:
        why = f" : {made.reason.rstrip('.')}" if made and made.reason else ""
        reason = f"Renvoyée{who}{why}."
    else:
        reason = f"Validée{who}, et aucune vague n’est planifiée : rien ne part encore."
    return AgendaLine(
        kind, campaign.title, reason, today(made.at) if made else None, action, f"/campaigns/{campaign.id}/check"
    )


def _answer(response: Response, names: Mapping[int, str], day: date) -> AgendaLine:
    schools = f", {french.plural(len(response.schools), 'école')}" if response.schools else ""
    of = programmes.of_programme(names.get(response.strand.programme_id, ""))
    answered = f"« {response.answer.label} », volet {response.strand.number}{of}{schools}"
    title, path = response.authority.display_name, f"/responses/{response.id}"
    action = response.answer.facts.action.facts.verb
    if response.recall_on is not None and response.recall_on <= day:
        reason = f"Vous deviez y revenir le {french.day(response.recall_on)} : {answered}."
        return AgendaLine(AgendaKind.RECALL, title, reason, response.recall_on, action, path)
    whose = "vous la suivez" if response.owner else "personne ne la suit"
    return AgendaLine(AgendaKind.ANSWER, title, f"{answered} : {whose}.", today(response.given_at), action, path)


def _authorities(session: Session, person: str, *, now: datetime) -> Iterator[AgendaLine]:
    """Authorities to come back to, and those that no letter reaches: one's own each, those of nobody together."""
    level = _level(session)
    rows = reach_list.listed(session, ReachFilters(level=level), now=now).rows
    for row in rows:
        recall_on = row.followed.recall_on
        if row.followed.owner == person and recall_on is not None and recall_on <= today(now):
            yield _call(row, recall_on)
        elif row.followed.owner == person and recall_on is None and row.state in FAULTS:
            yield AgendaLine(
                AgendaKind.MAILBOX, row.display_name, f"{_known(row)}.", row.faulty_since, "Corriger", _sheet(row)
            )
    if free := [row for row in rows if not row.followed.owner and row.state in FAULTS]:
        yield _faults(free, level)


def _level(session: Session) -> Level | None:
    """The level of schools that every programme is about, as addresses have it; None where they differ."""
    levels = {programme.level for programme in programmes.every(session)}
    return next(iter(levels)) if len(levels) == 1 else None


def _call(row: ReachRow, day: date) -> AgendaLine:
    reason = f"Vous deviez y revenir le {french.day(day)}. {french.initial(_known(row))}."
    return AgendaLine(AgendaKind.RECALL, row.display_name, reason, day, "Appeler", _sheet(row))


def _faults(rows: Sequence[ReachRow], level: Level | None) -> AgendaLine:
    """One line about all authorities with a mailbox at fault that nobody looks after."""
    states = Counter(row.state for row in rows)
    said = ", ".join(f"{state.label.lower()} : {french.number(states[state])}" for state in FAULTS if states[state])
    asked = [
        ("owner", NOBODY),
        *([("level", level.value)] if level else []),
        *(("state", state.value) for state in FAULTS),
    ]
    since = min((row.faulty_since for row in rows if row.faulty_since), default=None)
    title = (
        french.plural(len(rows), "pouvoir organisateur", "pouvoirs organisateurs") + " dont une boîte est à corriger"
    )
    reason = f"{french.initial(said)}. Personne ne les suit."
    return AgendaLine(
        AgendaKind.MAILBOX, title, reason, since, "Voir lesquels", f"/directory/reachability?{urlencode(asked)}"
    )


def _known(row: ReachRow) -> str:
    """What is known of an authority's mailboxes."""
    return " ; ".join(f"{held.address} : {held.said}" for held in row.mailboxes) or row.state.label.lower()


def _sheet(row: ReachRow) -> str:
    return f"/directory/{row.fase}/reachability"
