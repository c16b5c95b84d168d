"""One list of what awaits a person: what its lines say, what the bar counts, what leaves it, who is led there."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event, select

from outreach.adherence import programmes
from outreach.campaigns import planning, waves
from outreach.core.text.roles import RoleName
from outreach.delivery import deliverability, received
from outreach.delivery.models import Message
from outreach.delivery.received import ReceivedMail
from outreach.delivery.received._models import AttachedBy
from outreach.directory import authorities
from outreach.directory.models import Authority, Level
from outreach.engagement import mailboxes, replies
from outreach.engagement.mailboxes import ReachFilters
from outreach.engagement.replies import Answer, Given, Tray
from outreach.operations.alerts import AlertKind
from outreach.operations.health import ShownAlert
from outreach.operations.tasks import TaskKind, Whose, group_tasks
from outreach.operations.tasks import _tasks as tasks
from tests import factories
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.pages import links, text_of
from tests.programmes import PROGRAMME

WRITES = Whose(AUTHOR, frozenset({RoleName.AUTHOR}))
APPROVES = Whose(APPROVER, frozenset({RoleName.APPROVER}))
DAY = timedelta(days=1)
BY = {"now": NOW, "actor": AUTHOR}


@pytest.fixture
def session(launched_sample):
    with launched_sample.writing() as opened:
        yield opened


@pytest.fixture
def helped(session):
    """Requests for help of three authorities, which wait."""
    letters = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id).limit(3)).all()
    return [
        response
        for letter in letters
        for response in replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
    ]


def lines(session, whose, *, now=NOW, alerts=(), **asked):
    session.flush()
    return list(tasks.list_tasks(session, whose, alerts, now=now, within=5, **asked).tasks)


def of_kind(session, kind, whose=WRITES, **asked):
    return [line for line in lines(session, whose, **asked) if line.kind is kind]


def test_a_mail_of_a_person_waits_where_the_campaign_stands_until_somebody_decides(session):
    letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
    wrote = {"received_at": NOW, "sender": "x", "sender_key": "x", "sender_name": "", "subject": "", "folded": ""}
    about = {"authority_id": letter.authority_id, "message_id": letter.id, "attached_by": AttachedBy.MARK, "text": ""}
    mails = [ReceivedMail(digest=str(one), is_automatic=one, **wrote, **about) for one in (False, True)]
    session.add_all(mails)
    for whose in (WRITES, APPROVES):
        (line,) = of_kind(session, TaskKind.REPLY, whose)
        assert (line.action, line.path, line.since) == (
            "Lire et décider",
            f"/responses/mails/{mails[0].id}",
            NOW.date(),
        )
    received.settle_mail(session, mails[0].id, now=NOW, actor=AUTHOR)
    assert of_kind(session, TaskKind.REPLY) == []


def test_a_mail_awaits_whoever_took_it_and_after_ten_working_days_administrators_too(session):
    wrote = {"received_at": NOW, "sender": "x@y.be", "sender_key": "x@y.be", "sender_name": "", "subject": ""}
    session.add(mail := ReceivedMail(digest="x", is_automatic=False, folded="", text="", **wrote))
    session.flush()
    manages = Whose("a@fwb.example", frozenset({RoleName.ADMINISTRATOR}))
    (line,) = of_kind(session, TaskKind.REPLY)
    assert (line.action, line.title) == ("Rattacher", "x@y.be")
    assert of_kind(session, TaskKind.REPLY, manages) == []
    received.take_mail(session, mail.id, now=NOW, actor=APPROVER)
    assert of_kind(session, TaskKind.REPLY) == []
    assert len(of_kind(session, TaskKind.REPLY, APPROVES)) == 1
    tenth, after = NOW + 16 * DAY, NOW + 17 * DAY  # of a Saturday, with Whit Monday between
    assert waves.working_day(NOW.date(), 10) == tenth.date()
    for day, count in ((tenth, 0), (after, 1)):
        assert len(of_kind(session, TaskKind.REPLY, manages, now=day)) == count
        assert tasks.count_tasks(session, manages, now=day) == count
    received.settle_mail(session, mail.id, now=NOW, actor=APPROVER)
    assert of_kind(session, TaskKind.REPLY, manages, now=after) == []


@pytest.mark.long
def test_answers_of_ones_own_and_of_nobody_stay_until_they_are_handled(session, helped):
    mine, _, free = helped
    replies.take_response(session, mine, **BY)
    named = [line.title for line in of_kind(session, TaskKind.ANSWER)]
    assert set(named) == {each.authority.display_name for each in helped}
    (line,) = (line for line in of_kind(session, TaskKind.ANSWER) if line.title == mine.authority.display_name)
    assert line.reason == f"« Besoin d’aide », volet {mine.strand.number} : vous la suivez."
    assert (line.action, line.path, line.since) == ("Aider", f"/responses/{mine.id}", NOW.date())
    replies.set_response_aside(session, free, **BY)
    assert len(of_kind(session, TaskKind.ANSWER)) == 2
    assert of_kind(session, TaskKind.ANSWER, APPROVES) == [], "an approver handles none"


@pytest.mark.long
def test_an_answer_put_off_leaves_the_list_and_the_bar_until_its_day(session, helped):
    count = tasks.count_tasks(session, WRITES, now=NOW)
    replies.recall_response(session, helped[0], day=NOW.date() + 3 * DAY, **BY)
    assert len(of_kind(session, TaskKind.ANSWER)) == 2
    assert tasks.count_tasks(session, WRITES, now=NOW) == count - 1
    assert of_kind(session, TaskKind.RECALL) == []
    (line,) = of_kind(session, TaskKind.RECALL, now=NOW + 3 * DAY)
    assert line.reason.startswith("Vous deviez y revenir le 18 mai 2021 : « Besoin d’aide »")
    assert tasks.count_tasks(session, WRITES, now=NOW + 3 * DAY) == count


def test_what_waits_longer_than_the_service_promises_says_so(session, helped):
    assert not any(line.waits_long for line in of_kind(session, TaskKind.ANSWER, now=NOW + 5 * DAY))
    assert all(line.waits_long for line in of_kind(session, TaskKind.ANSWER, now=NOW + 20 * DAY))


def test_an_authority_to_call_back_counts_and_a_fault_of_nobody_is_one_line_with_the_others(session):
    authority = authorities.authority_by_fase(session, 9300)
    (faults,) = of_kind(session, TaskKind.MAILBOX)
    assert faults.path.startswith("/directory/reachability?owner=nobody")
    assert "Personne ne les suit." in faults.reason
    count = tasks.count_tasks(session, WRITES, now=NOW)
    deliverability.set_recall(session, authority, day=NOW.date(), **BY)
    (call,) = of_kind(session, TaskKind.RECALL)
    assert (call.title, call.action) == (authority.display_name, "Appeler")
    assert call.path == "/directory/9300/reachability"
    assert tasks.count_tasks(session, WRITES, now=NOW) == count + 1
    deliverability.set_recall(session, authority, day=NOW.date() + DAY, **BY)
    assert of_kind(session, TaskKind.RECALL) == []
    assert tasks.count_tasks(session, WRITES, now=NOW) == count
    deliverability.set_recall(session, authority, day=NOW.date(), **BY)
    deliverability.release_follow_up(session, authority, **BY)
    assert tasks.count_tasks(session, WRITES, now=NOW) == count, "nobody is to come back to it"


def test_an_authority_of_another_level_is_called_back_too_and_the_bar_counts_what_the_list_has(session):
    at_level = {
        row.key for row in mailboxes.list_mailbox_health(session, ReachFilters(level=Level.SECONDARY), now=NOW).rows
    }
    other = session.scalars(select(Authority).where(Authority.id.not_in(at_level)).order_by(Authority.id)).first()
    deliverability.set_recall(session, other, day=NOW.date(), **BY)
    found = lines(session, WRITES)
    (call,) = (task for task in found if task.kind is TaskKind.RECALL)
    assert (call.title, call.reason) == (other.display_name, "Vous deviez y revenir le 15 mai 2021.")
    assert tasks.count_tasks(session, WRITES, now=NOW) == sum(task.kind is not TaskKind.MAILBOX for task in found)


@pytest.mark.long
def test_what_is_done_in_the_same_way_is_one_row_that_opens_as_many_answers(session, helped):
    replies.recall_response(session, helped[0], day=NOW.date(), **BY)
    rows = [row for row in group_tasks(lines(session, WRITES)) if row.kind is not TaskKind.MAILBOX]
    assert [(row.kind, row.count, row.title, row.others) for row in rows] == [
        (TaskKind.RECALL, 1, "demande d’aide, à reprendre", 0),
        (TaskKind.ANSWER, 2, "demandes d’aide", 0),
    ]
    assert rows[0].path == f"/responses/{helped[0].id}", "a thing alone opens itself"
    assert sum(row.count for row in rows) == tasks.count_tasks(session, WRITES, now=NOW)
    replies.recall_response(session, helped[1], day=NOW.date() + DAY, **BY)
    rows = [row for row in group_tasks(lines(session, WRITES)) if row.kind is TaskKind.ANSWER]
    assert sum(row.count for row in rows) == 1, "what is put off is no task"
    listed = replies.awaiting_responses(session, AUTHOR, NOW.date(), tray=Tray.HELP)
    assert {row.id for row in listed.page(1)} == {helped[0].id, helped[2].id}, "the one to come back to, too"
    assert replies.count_trays(session, owner=AUTHOR, on=NOW.date())[Tray.HELP] == 2


def test_a_campaign_goes_from_list_to_list(session):
    def of(whose):
        return [(line.kind, line.action) for line in lines(session, whose) if line.title == "À nous"]

    campaign = factories.campaign(session, factories.invitation(title="À nous"), NOW)
    assert (of(WRITES), of(APPROVES)) == ([], [])
    planning.submit_campaign(session, campaign, **BY)
    assert (of(WRITES), of(APPROVES)) == ([], [(TaskKind.APPROVAL, "Lire et valider")])
    (asked,) = of_kind(session, TaskKind.APPROVAL, APPROVES)
    assert asked.reason.startswith("La campagne attend votre validation, demandée par Nadia Lambert")
    planning.send_back(session, campaign, now=NOW, actor=APPROVER, reason="Trop long.")
    assert (of(WRITES), of(APPROVES)) == ([(TaskKind.RETURNED, "Corriger")], [])
    (returned,) = of_kind(session, TaskKind.RETURNED)
    assert returned.reason == "Renvoyée par Marc Dethier : Trop long."


def test_an_alert_stands_first_and_leads_to_where_it_is_seen(session, helped):
    alert = ShownAlert(AlertKind.LETTERS_IN_DOUBT.label, "Des courriels sont en doute.", None, NOW - DAY)
    first, *_ = lines(session, WRITES, alerts=[alert])
    assert (first.title, first.path, first.since) == ("Courriels en doute", "/", date(2021, 5, 14))


def test_more_answers_than_the_list_names_are_counted(session, helped, monkeypatch):
    monkeypatch.setattr(tasks, "MOST_ANSWERS", 2)
    found = tasks.list_tasks(session, WRITES, now=NOW, within=5)
    assert (sum(task.kind is TaskKind.ANSWER for task in found.tasks), found.more) == (2, 1)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("role", "home"), [("author", "/today"), ("approver", "/today"), ("reader", "/"), ("administrator", "/")]
)
def test_sign_in_leads_those_who_write_or_approve_to_their_list(signed_in, role, home):
    person = signed_in(role)
    assert person.get("/sign-in").location == home
    assert person.get("/sign-in?next=/directory").location == "/directory"
    assert bool(links(person.get("/directory"), "/today")) is (home == "/today")
    assert person.get("/today").status_code == (200 if home == "/today" else 403)


def test_the_page_says_what_awaits_and_that_nothing_does(author, launched_sample):
    text = text_of(author.get("/today"))
    assert "1 pouvoir organisateur dont une boîte est à corriger" in text
    assert "rien ne vous attend." in text
    assert "Rien ne part cette semaine." in text


def test_the_bar_costs_one_statement(launched_sample):
    seen = []
    with launched_sample.reading() as session:
        event.listen(launched_sample.engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
        tasks.count_tasks(session, Whose(AUTHOR, frozenset(RoleName)), now=NOW)
        tasks.count_tasks(session, Whose(AUTHOR, frozenset({RoleName.READER})), now=NOW)
    assert len([one for one in seen if one.startswith("SELECT")]) == 1


def test_where_several_programmes_are_loaded_an_answer_says_of_which_it_is(session, helped):
    programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
    reasons = {line.reason.replace("\u00a0", " ") for line in of_kind(session, TaskKind.ANSWER)}
    assert all("volet 1 du programme « Mes outils numériques »" in reason for reason in reasons), reasons
