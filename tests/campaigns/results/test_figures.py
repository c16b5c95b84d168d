"""What came of a campaign: each figure against a small directory whose truth is known, whatever its size."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.campaigns import planning, results, waves
from outreach.campaigns.counting import Counts, Reach
from outreach.campaigns.counting import _counts as counts
from outreach.campaigns.results import Figure, Overall, ReachedFilters, overall_figures
from outreach.campaigns.results import _reached as reached
from outreach.campaigns.segments import Concerns
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.replies import Acknowledgement, Answer, Respondent, Response
from outreach.engagement.tracking import Agent, Hit, HitClass
from outreach.engagement.tracking._bot_detection import VERSION, Why
from tests import factories
from tests.campaigns.conftest import AUTHOR, approved, launch, move, owned, settle
from tests.conftest import NOW, state_from
from tests.statements import asked

S, F = MessageState, Figure
LATER = NOW + timedelta(days=2)
FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}


def become(database, states):
    """Give the letters of authorities, in order, these states."""
    with database.writing() as session:
        for key, state in zip(session.scalars(select(Message.id).order_by(Message.id)).all(), states, strict=False):
            reason = Reason.CANCELLED if state is S.WITHDRAWN else None
            code = 550 if state is S.REFUSED else None
            values = {"state": state, "reason": reason, "reply_code": code, **FENCED}
            session.execute(update(Message).where(Message.id == key).values(values))


def record(database, strand, school, word=Word.CONFIRMED, status=Status.JOINED, **details):
    with database.writing() as session:
        details = {"status": status, "word": word, **details}
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, LATER, **details)))


def answer(database, strand, authority, said, **told):
    with database.writing() as session:
        message = session.scalars(
            select(Message.id).where(Message.authority_id == authority).order_by(Message.id)
        ).first()
        details = {"message_id": message, "authority_id": authority, "strand_id": strand, "given_at": LATER}
        session.add(Response(answer=said, **details, **told))


def found(database, number=1):
    with database.reading() as session:
        return results.campaign_results(session, planning.campaign_numbered(session, number), now=LATER)


def behind(database, number=1):
    """The keys of the authorities that each figure counts."""
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        return {
            each: set(reached.list_reached(session, campaign, ReachedFilters(each), now=LATER).keys())
            for each in Figure
        }


@state_from("programmed")
def seven_sent(database, _settings):
    """A campaign to seven authorities (the last of WBE), each letter with its own end."""
    settle(database, 6, schools=2)
    settle(database, 1, schools=2, network="WBE")
    launch(database, approved(database))
    become(database, [S.ACCEPTED, S.ACCEPTED, S.ACCEPTED, S.IN_DOUBT, S.REFUSED, S.WITHDRAWN, S.ACCEPTED])


@pytest.fixture
def sent(seven_sent):
    """{authority: schools} of these."""
    return owned(seven_sent)


@pytest.mark.long
def test_each_figure_counts_authorities_by_what_became_of_them(database, strand, sent):
    one, two, three, doubtful, refused, withdrawn, wbe = sent
    for school in (*sent[one], sent[two][0], *sent[refused], sent[wbe][0]):
        record(database, strand, school)
    record(database, strand, sent[three][0], Word.DECLARED)
    record(database, strand, sent[doubtful][0], status=Status.IN_PREPARATION)
    answer(database, strand, one, Answer.JOINED)
    answer(database, strand, one, Answer.HELP)
    answer(database, strand, two, Answer.JOINED)
    came, all_of = found(database), set(sent)
    left = {doubtful, refused, withdrawn}
    expected = {
        **dict.fromkeys((F.TARGETED, F.CONCERNED, F.TO_REACH), all_of),
        F.RECIPIENTS: all_of - {withdrawn},
        F.NOT_SENT: {withdrawn},
        F.HANDED_OVER: {one, two, three, wbe},
        F.ON_THE_WAY: {doubtful},
        F.RETURNED: {refused},
        F.REACHED: all_of - left,
        F.LEFT: left,
        F.ANSWERED: {one, two},
        F.DECLARED: {three},
        F.JOINED_SINCE: {one, two, wbe},
        F.JOINED_ALL: {one},
    }
    assert behind(database) == {figure: expected.get(figure, set()) for figure in Figure}
    assert {figure: came.total.count(figure) for figure in Figure} == {
        figure: len(expected.get(figure, ())) for figure in Figure
    }
    assert {answer.value: count for answer, count in came.answers.items() if count} == {"joined": 2, "help": 1}
    assert [(row.label, row.count(F.JOINED_SINCE), row.count(F.RECIPIENTS)) for row in came.rows] == [
        ("WBE", 1, 1),
        ("Libre confessionnel", 2, 5),
    ]


@pytest.mark.long
@pytest.mark.parametrize("said", [{}, {"comment": "Bien reçu."}, {"name": "Paul Maes"}], ids=["alone", "words", "name"])
def test_to_have_read_the_letter_is_an_answer_of_a_person_by_their_words_or_name_alone(database, strand, sent, said):
    """A machine that follows the links and sends the form may reach this answer."""
    one = next(iter(sent))
    named = {"respondent": Respondent(name=said["name"], function="")} if "name" in said else {}
    answer(database, strand, one, Answer.INFORMED, comment=said.get("comment", ""), **named)
    if not said:
        with database.writing() as session:
            session.add(Acknowledgement(response_id=session.scalars(select(Response.id)).one()))
    figures_of_it = {figure for figure, keys in behind(database).items() if one in keys}
    assert {F.ANSWERED, F.REACHED} & figures_of_it == ({F.ANSWERED, F.REACHED} if said else set())
    came = found(database)
    assert (came.answers[Answer.INFORMED], came.acknowledged) == ((1, 0) if said else (0, 1))
    with database.reading() as session:
        assert overall_figures(session, [1], now=LATER)[1].answered == bool(said)


@pytest.mark.long
def test_whoever_answered_on_paper_alone_is_of_those_of_whom_answers_are_a_part(database, strand, sent):
    """The letter of who has no address was never sent: its code is on paper."""
    *_, withdrawn, _ = sent
    answer(database, strand, withdrawn, Answer.JOINED)
    one, of_figures = found(database), behind(database)
    assert withdrawn in of_figures[F.ANSWERED]
    for figure in (F.ANSWERED, F.DECLARED, F.JOINED_SINCE, F.JOINED_ALL, F.HAD_JOINED):
        assert of_figures[figure] <= of_figures[figure.base]
        assert one.total.whole(figure) == len(of_figures[figure.base])


@pytest.mark.long
def test_the_list_of_campaigns_has_the_figures_of_each_of_them(database, strand, sent):
    one, two, three, *_ = sent
    for school, word in ((sent[one][0], Word.CONFIRMED), (sent[three][0], Word.DECLARED)):
        record(database, strand, school, word)
    answer(database, strand, two, Answer.JOINED)
    settle(database, 1, schools=1)
    launch(database, approved(database))
    with database.reading() as session:
        counted = overall_figures(session, [1, 2, 99], now=LATER)
        total = results.campaign_results(session, planning.campaign_numbered(session, 1), now=LATER).total
        names = F.RECIPIENTS, F.ANSWERED, F.JOINED_SINCE
        assert counted == {1: Overall(*(total.count(name) for name in names))}, "nothing of 2 has left"
    assert counted[1] == Overall(6, 1, 1)


@pytest.mark.long
def test_what_came_back_was_sent_and_is_not_handed_over(database, sent):
    one, *_ = sent
    with database.writing() as session:
        letter = session.scalars(select(Message).where(Message.authority_id == one)).one()
        outbox.come_back(session, letter, status="5.1.1", said="unknown", now=LATER, actor="automatique")
    came = behind(database)
    assert one in came[F.RECIPIENTS] & came[F.RETURNED] & came[F.LEFT]
    assert one not in came[F.HANDED_OVER]


@pytest.mark.long
def test_an_authority_counts_once_however_many_waves_it_had(database, strand, sent):
    with database.writing() as session:
        session.execute(update(Message).where(Message.state == S.QUEUED).values(state=S.ACCEPTED, **FENCED))
        (wave,) = planning.campaign_numbered(session, 1).waves
        wave.state = "finished"
    launch(database, 1, NOW + timedelta(days=1))
    came = found(database).total
    assert (came.count(F.TARGETED), came.count(F.RECIPIENTS), came.count(F.TO_COME)) == (len(sent), len(sent) - 1, 1)


@pytest.mark.long
def test_a_school_that_a_letter_did_not_list_proves_nothing(database, strand, sent):
    first = next(iter(sent))
    with database.writing() as session:
        session.execute(
            update(MessageSubject)
            .where(MessageSubject.school_id == sent[first][0])
            .values(school_id=sent[list(sent)[5]][0])
        )
    record(database, strand, sent[first][0])
    assert found(database).total.count(F.JOINED_SINCE) == 0


@pytest.mark.long
def test_the_lists_behind_the_figures_add_up_by_network(database, strand, sent):
    came = found(database)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        for figure in Figure:
            listed = reached.list_reached(session, campaign, ReachedFilters(figure), now=LATER)
            assert (
                listed.count()
                == len(listed.keys())
                == came.total.count(figure)
                == sum(row.count(figure) for row in came.rows)
            )
            by_network = reached.list_reached(session, campaign, ReachedFilters(figure, "WBE"), now=LATER)
            assert by_network.count() == sum(row.count(figure) for row in came.rows if row.network == "WBE")


@pytest.mark.long
def test_a_campaign_about_schools_that_joined_counts_no_joinings(database, people, strand):
    made = settle(database, 1)
    (school,) = next(iter(made.values()))
    with database.writing() as session:
        details = {"source": "", "reason": "", "recorded_by": AUTHOR, "effective_on": NOW.date(), "recorded_at": NOW}
        details |= {"school_id": school, "strand_id": strand, "status": Status.JOINED, "word": Word.CONFIRMED}
        session.add(AdherenceRecord(**details))
    launch(database, approved(database, concerns=Concerns.JOINED))
    become(database, [S.ACCEPTED])
    came = found(database)
    told = came.counts.as_json()
    assert (told["handed_over"], told["already_joined"], told["joined_since"]) == (1, 0, None)
    assert told["schools"]["joined_since"] is None
    assert not {F.JOINED_SINCE, F.JOINED_ALL} & {*came.figures}


@pytest.mark.long
def test_a_campaign_that_has_not_left_says_to_whom_it_would_write_and_nothing_else(database, people, strand):
    settle(database, 2)
    approved(database)
    came = found(database).counts.as_json()
    told = {"targeted", "concerned", "to_reach", "to_come", "too_early"}
    assert {key for key in counts.KEYS if came[key]} == told
    assert {came[key] for key in told} == {2}


@pytest.mark.long
def test_the_statements_are_as_many_whatever_the_size(database, people, strand):
    statements = []
    for size in (2, 40):
        settle(database, size, schools=2)
        number = approved(database)
        launch(database, number)
        become(database, [S.ACCEPTED] * 1000)
        with asked(database) as seen:
            found(database, number)
        statements.append(len(seen))
    assert statements[0] == statements[1] <= 10


@pytest.mark.long
def test_a_letter_sent_again_changes_nothing_and_one_queued_again_is_to_come(database, strand, sent):
    with database.writing() as session:
        refused = Message.state == S.REFUSED
        answered = {"reply_code": 550, "fence_id": None, "fenced_at": None, "worker_id": None}
        session.execute(update(Message).where(refused).values(answered))
        waves.finish_waves(session, now=NOW)
    _one, _two, _three, doubtful, failed, *_ = sent
    record(database, strand, sent[doubtful][0])
    before = behind(database)
    move(database, 1, waves.retry_failures, 1, now=LATER)
    move(database, 1, waves.resend_doubts, 1, now=LATER)
    with database.reading() as session:
        assert list(session.scalars(select(Message.state))).count(S.QUEUED) == 2
    after = behind(database)
    assert {figure: before[figure] ^ after[figure] for figure in Figure if before[figure] != after[figure]} == (
        {key: {failed} for key in (F.TO_COME, F.TOO_EARLY, F.RECIPIENTS, F.RETURNED, F.LEFT)}
    )
    assert failed in after[F.TO_COME] & after[F.TOO_EARLY]


@pytest.mark.long
@pytest.mark.parametrize(
    ("hit_class", "reached"), [(HitClass.HUMAN, 1), (HitClass.UNDETERMINED, 0), (HitClass.MACHINE, 0)]
)
def test_a_click_that_may_be_a_machines_proves_nothing(sent, database, hit_class, reached):
    said = {"given_by": "x", "taken_on": NOW.date(), "wording": "x", "channel": "x"}
    with database.writing() as session:
        for contact in session.scalars(select(Contact)).all():
            tracking.record_consent(session, contact, **said, now=NOW, actor=AUTHOR)
        seen = {"agent": Agent.BROWSER, "is_head": False, "why": Why.NOTHING_SUSPECT, "version": VERSION}
        session.add(Hit(message_id=1, link=1, at=LATER, hit_class=hit_class, **seen))
    assert found(database).total.count(F.REACHED) == reached


@pytest.mark.parametrize("count", [1, 2])
def test_the_sentence_of_whom_a_campaign_reached_agrees_with_one_and_with_several(count):
    reach = reached.sentence(Counts({"to_reach": 5 * count, **dict.fromkeys(map(str, Reach), count)}))
    assert f", il est trop tôt pour {count}, {count} à atteindre encore." in reach.replace("\xa0", " ")
