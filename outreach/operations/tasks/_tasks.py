"""Tasks: what awaits a person, why, since when, and where it is done; counted by one statement."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Select, func, select

from outreach.access import approvals, colleagues
from outreach.access.approvals import APPROVING, Decision, DecisionKind, Thing
from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.campaigns import correspondence, planning, review, waves
from outreach.campaigns.models import AddedReminder, Campaign, CampaignState
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName
from outreach.delivery import deliverability
from outreach.delivery.deliverability import NOBODY
from outreach.delivery.received import ReceivedMail
from outreach.directory.models import Authority, Level
from outreach.engagement import mailboxes, replies
from outreach.engagement.mailboxes import FAULTS, ReachFilters, ReachRow
from outreach.engagement.replies import Response
from outreach.operations import alerts
from outreach.operations.health import ShownAlert
from outreach.reports import notes
from outreach.reports.notes import AskedNote, Note
from outreach.staff import notifications, proposals
from outreach.staff.proposals import Proposal, ProposalKind


class TaskKind(Labelled):
    """Why something awaits somebody, the most urgent first."""

    ALERT = "alert", "Alertes"
    APPROVAL = "approval", "À valider"
    REQUEST = "request", "Notes demandées"
    CORRECTION = "correction", "Notes à corriger"
    REVISION = "revision", "Notes dont des chiffres sont révisés"
    PROPOSAL = "proposal", "Propositions reçues"
    RETURNED = "returned", "À corriger"
    UNPLANNED = "unplanned", "À planifier"
    REPLY = "reply", "Courriels reçus"
    RECALL = "recall", "À rappeler"
    ANSWER = "answer", "Réponses"
    MAILBOX = "mailbox", "Boîtes à corriger"


MOST_NAMED = 2
_TO_HANDLE = {  # by what is done about them: one, several, their tray
    "Confirmer": ("adhésion à confirmer", "adhésions à confirmer", "joined"),
    "Aider": ("demande d’aide", "demandes d’aide", "help"),
    "Corriger l’adresse": ("adresse à corriger", "adresses à corriger", "wrong_contact"),
    "Prendre acte": ("refus dont prendre acte", "refus dont prendre acte", "refused"),
}
TOGETHER = {  # groups of tasks that have a page with all of them: one, several, its path
    **{
        (TaskKind.ANSWER, action): ((one, several), f"/responses?tray={tray}&owner=todo")
        for action, (one, several, tray) in _TO_HANDLE.items()
    },
    **{
        (TaskKind.RECALL, action): (
            (f"{one}, à reprendre", f"{several}, à reprendre"),
            f"/responses?tray={tray}&owner=me&recall=any",
        )
        for action, (one, several, tray) in _TO_HANDLE.items()
    },
    (TaskKind.RECALL, "Appeler"): (
        ("pouvoir organisateur à rappeler", "pouvoirs organisateurs à rappeler"),
        "/directory/reachability?owner=me&recall=1",
    ),
    (TaskKind.MAILBOX, "Corriger"): (
        ("pouvoir organisateur que vous suivez", "pouvoirs organisateurs que vous suivez"),
        "/directory/reachability?owner=me",
    ),
    (TaskKind.REPLY, "Lire et décider"): (
        ("courriel reçu à lire", "courriels reçus à lire"),
        "/responses/mails?state=to_decide&owner=todo",
    ),
    (TaskKind.REPLY, "Rattacher"): (
        ("courriel reçu à rattacher", "courriels reçus à rattacher"),
        "/responses/mails?state=to_attach&owner=todo",
    ),
    (TaskKind.PROPOSAL, "Accepter ou refuser"): (("proposition reçue", "propositions reçues"), "/proposals"),
}
RANKS = {kind: rank for rank, kind in enumerate(TaskKind)}


class Whose(NamedTuple):
    """The person whom tasks await, by address, with the roles that are held."""

    email: str
    roles: frozenset[RoleName]


@dataclass(frozen=True, slots=True)
class Task:
    """A thing that awaits somebody: its name, why it does, and the path of the page where one does `action`.

    `since` is the day from which it waits, None where nobody knows; one to come is in the person's calendar alone, as
    `key`. `about` is the strand, with its programme, where there are several. `waits_long` says that this is
    longer than the service promises to authorities.
    """

    kind: TaskKind
    title: str
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool = False
    key: str = ""
    about: str = ""

    @property
    def group(self) -> tuple[TaskKind, str]:
        """What is done in the same way: the kind, and the one thing to do about it."""
        return self.kind, self.action


@dataclass(frozen=True, slots=True)
class Todo:
    """Things that await somebody and are done in the same way, as one row: what they are without their number, which is
    `count_tasks`, the names of the first, why where there is one, and the page where one does `action`.

    `since` is the day of the oldest, None where nobody knows.
    """

    kind: TaskKind
    count: int
    title: str
    names: Sequence[str]
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool

    @property
    def others(self) -> int:
        """How many it does not name."""
        return self.count - len(self.names)


def group_tasks(tasks: Iterable[Task]) -> list[Todo]:
    """Tasks as rows, in their order: those of a group that has a page of its own together, each other one by itself."""
    groups: dict[object, list[Task]] = {}
    for number, task in enumerate(tasks):
        groups.setdefault(task.group if task.group in TOGETHER else number, []).append(task)
    return [_row(group) for group in groups.values()]


def _row(tasks: Sequence[Task]) -> Todo:
    first, count = tasks[0], len(tasks)
    together = TOGETHER.get(first.group)
    title = first.title if together is None else together[0][count > 1]
    return Todo(
        first.kind,
        count,
        title,
        names=[task.title for task in tasks[:MOST_NAMED]] if together else (),
        reason=first.reason if count == 1 else "",
        since=min((task.since for task in tasks if task.since), default=None),
        action=first.action,
        path=together[1] if together and count > 1 else first.path,
        waits_long=any(task.waits_long for task in tasks),
    )


MOST_ANSWERS = 200  # of answers that the list names one by one; their own page has all
PEOPLE = 100  # whose count is kept as a statement
AUTHOR, APPROVER = RoleName.AUTHOR, RoleName.APPROVER


class TaskSource(NamedTuple):
    """Where tasks come from: the roles that have them, the statement of what awaits a person on a day, each as a task.

    Without `as_task`, whoever asks for the list hands them over.
    """

    roles: tuple[RoleName, ...]
    rows: Callable[[Whose, date], Select[*tuple[Any, ...]]]
    as_task: Callable[[Session, Any], Task] | None = None


class TaskList(NamedTuple):
    """The tasks of a person. `more` counts the answers that no task names, because there are too many."""

    tasks: Sequence[Task]
    more: int = 0


def count_tasks(session: Session, whose: Whose, *, now: datetime) -> int:
    """How much awaits a person, by one statement: every task of the list except those about mailboxes."""
    counting = _counting(whose, today(now))
    return 0 if counting is None else sum(map(int, session.execute(counting).one()))


@lru_cache(maxsize=PEOPLE)  # every page counts, and to build the statement takes longer than to execute it
def _counting(whose: Whose, day: date) -> Select[*tuple[int, ...]] | None:
    counted = [_counted(source.rows(whose, day)).scalar_subquery() for source in _of(whose)]
    return select(*counted) if counted else None


def _counted(rows: Select[*tuple[Any, ...]]) -> Select[int]:
    return rows.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)


def _of(whose: Whose) -> list[TaskSource]:
    return [source for source in SOURCES if not whose.roles.isdisjoint(source.roles)]


def list_tasks(
    session: Session,
    whose: Whose,
    shown: Iterable[ShownAlert] = (),
    *,
    now: datetime,
    within: int,
    programme: Programme | None = None,
) -> TaskList:
    """What awaits a person, the most urgent kind first. What has waited more than `within` working days says so.

    `shown` are the alerts that the person may act on. With a `programme`, what is about another one is left out.
    """

    there = dict(programmes.programme_codes(session))

    def of_programme(about: object, task: Task) -> Iterator[Task]:
        code = _programme_of(session, about) if len(there) > 1 else None
        if programme is None or code in {None, programme.code}:
            said = f" Programme « {there.get(code, code)} »." if code else ""
            yield replace(task, reason=f"{task.reason}{said}")

    day, more = today(now), 0
    found = [task for alert in shown for task in of_programme(alert.campaign, _alert(alert))]
    for source in _of(whose):
        if source.as_task:
            for row in session.scalars(source.rows(whose, day)).unique():
                found += of_programme(row, source.as_task(session, row))
    if AUTHOR in whose.roles:
        answers = replies.awaiting_responses(session, whose.email, day, programme)
        named = answers.page(1, MOST_ANSWERS)
        more = answers.count() - len(named) if len(named) == MOST_ANSWERS else 0
        names = programmes.names_among_several(session) if named else {}
        found += [_answer(response, names, day) for response in named]
        found += _authorities(session, whose.email, now=now)
    return TaskList(sorted(_timed(session, found, within, day), key=lambda task: RANKS[task.kind]), more)


def to_come(session: Session, person: str) -> list[Task]:
    """What a person is to come back to on a day, of the past or to come: authorities, and answers."""
    calls = [_call(authority, day) for authority, day in session.execute(deliverability.recalls_of(person)) if day]
    answers = replies.list_responses(session, None, owner=person, recalled=True).every()
    names = programmes.names_among_several(session)
    return [*calls, *(_answer(response, names, None) for response in answers)]


def _programme_of(session: Session, about: object) -> str | None:
    """The code of the programme that something is about; None where it is of none."""
    if isinstance(about, Decision):
        kinds: Mapping[Thing, type[Campaign | AddedReminder | Note]]
        kinds = {Thing.CAMPAIGN: Campaign, Thing.REMINDER: AddedReminder, Thing.NOTE: Note}
        about = session.get_one(kinds[about.thing], about.key) if about.thing in kinds else None
    match about:
        case AddedReminder():
            return about.campaign.strand.programme.code
        case Campaign():
            return about.strand.programme.code
        case Note():
            return about.programme.code
        case ReceivedMail():
            campaign = correspondence.campaign_of(session, about)
            return campaign.strand.programme.code if campaign else None
        case AskedNote():
            return notes.request_of(about).programme or None
    return None


def _timed(session: Session, tasks: Iterable[Task], within: int, day: date) -> Iterator[Task]:
    """The tasks, those marked that wait longer than so many working days."""
    added = planning.in_force(session)
    due_on = cache(lambda since: waves.working_day(since, within, added))
    for task in tasks:
        yield replace(task, waits_long=task.since is not None and due_on(task.since) < day)


def _alert(alert: ShownAlert) -> Task:
    where = f"/campaigns/{alert.campaign.id}/progress" if alert.campaign else "/"
    title = alert.campaign.title if alert.campaign else french.initial(alert.label)
    reason = f"{french.initial(alert.label)}. {alert.text}" if alert.campaign else alert.text
    return Task(TaskKind.ALERT, title, reason, today(alert.since) if alert.since else None, "Voir", where)


def _approval(session: Session, made: Decision) -> Task:
    who, to = colleagues.name_of(session, made.actor), f", à {made.counted}" if made.counted else ""
    reason = f"{french.initial(made.thing.label)} attend votre validation, demandée par {who}{to}."
    path = notifications.page_of_decision(session, made)
    return Task(TaskKind.APPROVAL, made.title, reason, today(made.at), "Lire et valider", path)


def _request(session: Session, asked: AskedNote) -> Task:
    reason = f"{colleagues.name_of(session, asked.asked_by)} demande une note."
    path = f"/notes/requests/{asked.id}"
    return Task(TaskKind.REQUEST, asked.title, reason, today(asked.asked_at), "Répondre", path)


def _correction(_session: Session, note: Note) -> Task:
    reason = f"La note {note.approval.number if note.approval else ''} compte selon des définitions qui ont changé."
    return Task(TaskKind.CORRECTION, note.title, reason, None, "Comparer, corriger", f"/notes/{note.id}")


def _revision(session: Session, note: Note) -> Task:
    held = notes.figures_state(session, note)
    number = note.approval.number if note.approval else ""
    reason = f"Note {number}. {notes.revised_days(note)} : {'; '.join(held.words.splitlines()) if held else ''}."
    day = today(held.at) if held else None
    return Task(
        TaskKind.REVISION, note.title, french.typeset(reason), day, "Rectifier ou garder", f"/notes/{note.id}#revised"
    )


def _proposal(_session: Session, made: Proposal) -> Task:
    reason, path = f"{made.proposes} : {made.subject}.", f"/proposals/{made.id}"
    title, day = made.authority.display_name, today(made.proposed_at)
    does = "Noter ou non" if made.kind is ProposalKind.AWAY else "Accepter ou refuser"
    return Task(TaskKind.PROPOSAL, title, reason, day, does, path)


def _campaign(session: Session, campaign: Campaign) -> Task:
    """A campaign that comes back to whoever has a hand in it, after the last decision that sent it back or approved."""
    is_returned = campaign.state is CampaignState.DRAFT
    which = (DecisionKind.SENT_BACK,) if is_returned else APPROVING
    decisions = approvals.decision_history(session, [Thing.CAMPAIGN.subject(campaign.id)])
    made = next((each for each in decisions if each.kind in which), None)
    who = f" par {colleagues.name_of(session, made.actor)}" if made else ""
    since, path = today(made.at) if made else None, f"/campaigns/{campaign.id}/check"
    if is_returned:
        why = f" : {made.reason.rstrip('.')}" if made and made.reason else ""
        return Task(TaskKind.RETURNED, campaign.title, f"Renvoyée{who}{why}.", since, "Corriger", path)
    reason = f"Validée{who}, et aucune vague n’est planifiée : rien ne part encore."
    return Task(TaskKind.UNPLANNED, campaign.title, reason, since, "Planifier", path)


def _mail(_session: Session, mail: ReceivedMail) -> Task:
    """A mail that a person wrote back: somebody decides about it, or says whose it is."""
    path, day = f"/responses/mails/{mail.id}", today(mail.received_at)
    if mail.authority is None:
        reason = "A écrit, et rien ne prouve pour quel pouvoir organisateur : rien n’est retenu."
        return Task(TaskKind.REPLY, mail.sender_name or mail.sender or "Inconnu", reason, day, "Rattacher", path)
    reason = "A répondu par courriel : relances, lettres et appels attendent qu’on décide."
    return Task(TaskKind.REPLY, mail.authority.display_name, reason, day, "Lire et décider", path)


SOURCES = (
    TaskSource((AUTHOR, APPROVER, RoleName.ADMINISTRATOR), lambda whose, _day: alerts.awaiting(whose.roles)),
    TaskSource((APPROVER,), lambda whose, _day: approvals.awaiting_approval(whose.email), _approval),
    TaskSource((AUTHOR,), lambda _whose, _day: notes.waiting_requests(), _request),
    TaskSource(
        (AUTHOR, APPROVER), lambda whose, _day: notes.offered_corrections(whose.email, whose.roles), _correction
    ),
    TaskSource((AUTHOR, APPROVER), lambda whose, _day: notes.revised_notes(whose.email, whose.roles), _revision),
    TaskSource((AUTHOR,), lambda _whose, _day: proposals.waiting(), _proposal),
    TaskSource((AUTHOR,), lambda whose, _day: review.awaiting_campaigns(whose.email), _campaign),
    TaskSource(
        (AUTHOR, APPROVER, RoleName.ADMINISTRATOR),
        lambda whose, day: correspondence.awaiting_mails(whose.email, whose.roles, day),
        _mail,
    ),
    TaskSource((AUTHOR,), lambda whose, day: replies.rows_for(whose.email, day)),
    TaskSource((AUTHOR,), lambda whose, day: deliverability.recalls_of(whose.email, day)),
)


def _answer(response: Response, names: Mapping[int, str], day: date | None) -> Task:
    """A response; of a day of recall that is come, or, without `day`, of any."""
    schools = f", {french.plural(len(response.schools), 'école')}" if response.schools else ""
    of = programmes.of_programme(names.get(response.strand.programme_id, ""))
    answered = f"« {response.answer.label} », volet {response.strand.number}{of}{schools}"
    title, path, key = response.authority.display_name, f"/responses/{response.id}", f"recall-answer-{response.id}"
    is_named = of and day is None  # its day in a calendar says no more than its title
    about = programmes.strand_in_words(names[response.strand.programme_id], response.strand.number) if is_named else ""
    action, on = response.answer.facts.action.facts.verb, response.recall_on
    if on is not None and (day is None or on <= day):
        reason = f"Vous deviez y revenir le {french.day(on)} : {answered}."
        return Task(TaskKind.RECALL, title, reason, on, action, path, key=key, about=about)
    whose = "vous la suivez" if response.owner else "personne ne la suit"
    return Task(TaskKind.ANSWER, title, f"{answered} : {whose}.", today(response.given_at), action, path)


def _call(authority: Authority, day: date, row: ReachRow | None = None) -> Task:
    known = f" {french.initial(_known(row))}." if row else ""
    reason, path = f"Vous deviez y revenir le {french.day(day)}.{known}", _sheet(authority.fase)
    return Task(TaskKind.RECALL, authority.display_name, reason, day, "Appeler", path, key=f"recall-{authority.id}")


def _sheet(fase: int) -> str:
    return f"/directory/{fase}/reachability"


def _authorities(session: Session, person: str, *, now: datetime) -> Iterator[Task]:
    """Authorities to come back to, and those that no letter reaches: one's own each, those of nobody together."""
    level = _level(session)
    rows = {row.key: row for row in mailboxes.list_mailbox_health(session, ReachFilters(level=level), now=now).rows}
    for authority, day in session.execute(deliverability.recalls_of(person, today(now))):
        if day:
            yield _call(authority, day, rows.get(authority.id))
    for row in rows.values():
        if row.followed.owner == person and row.followed.recall_on is None and row.state in FAULTS:
            said, since = f"{_known(row)}.", row.faulty_since
            yield Task(TaskKind.MAILBOX, row.display_name, said, since, "Corriger", _sheet(row.fase))
    if free := [row for row in rows.values() if not row.followed.owner and row.state in FAULTS]:
        yield _faults(free, level)


def _level(session: Session) -> Level | None:
    """The level of schools that every programme is about, as addresses have it; None where they differ."""
    levels = {programme.level for programme in programmes.all_programmes(session)}
    return next(iter(levels)) if len(levels) == 1 else None


def _faults(rows: Sequence[ReachRow], level: Level | None) -> Task:
    """One task about all authorities with a mailbox at fault that nobody looks after."""
    states = Counter(row.state for row in rows)
    said = ", ".join(f"{state.label.lower()} : {french.number(states[state])}" for state in FAULTS if states[state])
    of_level = [("level", level.value)] if level else []
    asked = [("owner", NOBODY), *of_level, *(("state", state.value) for state in FAULTS)]
    since = min((row.faulty_since for row in rows if row.faulty_since), default=None)
    count = french.plural(len(rows), "pouvoir organisateur", "pouvoirs organisateurs")
    title, reason = f"{count} dont une boîte est à corriger", f"{french.initial(said)}. Personne ne les suit."
    path = f"/directory/reachability?{urlencode(asked)}"
    return Task(TaskKind.MAILBOX, title, reason, since, "Voir lesquels", path)


def _known(row: ReachRow) -> str:
    """What is known of an authority's mailboxes."""
    return " ; ".join(f"{held.address} : {held.said}" for held in row.mailboxes) or row.state.label.lower()
