"""The form of the answer page: what its numbers, ticks and choices mean, without a page."""

from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from outreach.adherence.models import Programme, Status, Strand, Word
from outreach.adherence.records import SchoolStandings, Standing
from outreach.core.text.errors import InputError
from outreach.directory.models import Authority, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Earlier, Given, Question
from outreach.web.public.answer_page.form import AnswerForm, BothChosen, SchoolList, place_of, places_of, recorded

NOTHING = Earlier([], {})
LISTED = "80001 80002 80003 80004 80005 80006"


def standing(status, word=None):
    return Standing(status, word, date(2026, 9, 1) if word else None)


def question(*stands):
    """Schools 80001, 80002… with keys 1, 2…: each where it stands, in two zones."""
    rows = [
        SchoolStandings(
            School(id=number, fase=80000 + number, name=f"École {number}", folded=f"ecole {number}", zone=zone),
            {1: at},
        )
        for number, (zone, at) in enumerate(zip(("Est", "Ouest") * len(stands), stands, strict=False), 1)
    ]
    return Question(Authority(), Programme(), Strand(number=1), rows)


SIX = question(*[standing(Status.NONE)] * 5, standing(Status.JOINED, Word.CONFIRMED))


def typed(**fields):
    return AnswerForm.of(
        MultiDict([(n, v) for n, vs in fields.items() for v in (vs if isinstance(vs, list) else [vs])])
    )


@pytest.mark.parametrize(
    ("numbers", "named"),
    [([], ""), ([3], "3"), ([1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"), (list(range(1, 148)), "1-147")],
)
def test_places_are_written_as_a_person_would_type_them(numbers, named):
    assert places_of(numbers) == named
    listed = " ".join(map(str, range(1, 148)))
    assert sorted(typed(numbers=named, listed=listed).ticked()) == numbers


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({"answer": "joined"}, dict.fromkeys(range(1, 6), Answer.JOINED)),
        ({"other": "declined", "pick": ["80002"]}, {2: Answer.DECLINED}),
        ({"other": "declined", "numbers": " 1 – 2; 4", "listed": LISTED}, dict.fromkeys((1, 2, 4), Answer.DECLINED)),
        ({"other": "declined", "range": ["2-3"], "listed": LISTED}, dict.fromkeys((2, 3), Answer.DECLINED)),
        (
            {"answer": "joined", "other": "declined", "pick": ["80005"]},
            {**dict.fromkeys(range(1, 5), Answer.JOINED), 5: Answer.DECLINED},
        ),
        ({"answer": "help", "other": "joined", "pick": "80001"}, {1: Answer.JOINED}),
        ({"school-80003": "joined", "school-80006": "joined", "school-9": "joined"}, {3: Answer.JOINED}),
    ],
    ids=str,
)
def test_an_answer_is_for_the_schools_that_it_names(fields, given):
    assert typed(**fields).given(SIX).answers == given


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({}, "answer", "Choisissez une réponse"),
        ({"answer": "joined", "pick": ["80001"]}, "other", "réponse des écoles cochées"),
        ({"other": "help", "pick": ["80001"]}, "other", "réponse des écoles cochées"),
        ({"answer": "joined", "other": "declined"}, "numbers", "Cochez les écoles"),
        ({"other": "declined", "pick": ["80006"]}, "numbers", "rechargez"),
        ({"other": "declined", "numbers": "7", "listed": LISTED}, "numbers", "va de 1 à 6"),
        ({"other": "declined", "numbers": "4-2", "listed": LISTED}, "numbers", "va de 1 à 6"),
        ({"other": "declined", "numbers": "deux", "listed": LISTED}, "numbers", "« deux »"),
        ({"other": "declined", "numbers": "1," * 1500, "listed": LISTED}, "numbers", "2000 caractères"),
    ],
    ids=str,
)
def test_what_is_unclear_is_asked_again_where_it_was_typed(fields, place, words):
    with pytest.raises(InputError, match=words) as refused:
        typed(**fields).given(SIX)
    assert refused.value.place == place


def test_the_button_for_the_schools_ticked_answers_for_no_other():
    chosen = {"answer": "joined", "other": "declined", "pick": ["80002"]}
    everything = {**dict.fromkeys(range(1, 6), Answer.JOINED), 2: Answer.DECLINED}
    assert typed(**chosen).sent(SIX, NOTHING).answers == everything
    with pytest.raises(BothChosen, match="vos 5 écoles"):
        typed(**chosen, ticked="1").sent(SIX, NOTHING)
    assert typed(**chosen, ticked="1", told="1").sent(SIX, NOTHING).answers == {2: Answer.DECLINED}
    before = Earlier([], dict.fromkeys(range(1, 6), Answer.JOINED))
    joined = question(*[standing(Status.JOINED, Word.DECLARED)] * 5)
    assert typed(**chosen, ticked="1").sent(joined, before).answers == {2: Answer.DECLINED}, "the others said so before"
    with pytest.raises(InputError, match="Cochez les écoles"):
        typed(answer="joined", ticked="1").sent(SIX, NOTHING)


def test_a_fault_is_marked_at_a_field_that_its_page_has():
    with pytest.raises(InputError) as gone:
        typed(other="declined", numbers="7", listed=LISTED).given(SIX)
    assert place_of(gone.value, SIX) == "answer-informed", "few schools have no list"
    assert place_of(gone.value, question(*[standing(Status.NONE)] * 11)) == "numbers"
    confirmed = question(standing(Status.JOINED, Word.CONFIRMED))
    with pytest.raises(InputError, match="Aucune de vos écoles") as refused:
        typed(answer="joined").given(confirmed)
    assert place_of(refused.value, confirmed) == "answer-help"


def test_schools_are_listed_by_status_and_zone_and_those_ticked_stay_in_sight():
    mixed = question(standing(Status.DECLINED, Word.DECLARED), *[standing(Status.NONE)] * 4)
    everything = SchoolList.of(mixed, NOTHING, typed())
    assert [(group.status, group.zone, group.places) for group in everything.groups] == [
        (Status.NONE, "Est", "1-2"),
        (Status.NONE, "Ouest", "3-4"),
        (Status.DECLINED, "Est", "5"),
    ]
    assert everything.listed == [80003, 80005, 80002, 80004, 80001]
    numbered = typed(zone="Ouest", numbers="5", listed=" ".join(map(str, everything.listed))).settled()
    shown = [row.number for group in SchoolList.of(mixed, NOTHING, numbered).groups for row in group.schools]
    assert (shown, numbered.numbers, numbered.picks) == ([3, 4, 5], "", {80001})
    wrong = typed(numbers="x", range="1-2", listed=LISTED).settled()
    assert (wrong.numbers, wrong.picks) == ("x", {80001, 80002})


def test_what_an_answer_for_all_would_replace_is_named_by_status():
    told = Word.DECLARED
    asked = question(
        *(standing(Status.NONE), standing(Status.DECLINED, told), standing(Status.INFORMED, told)),
        *(
            standing(Status.IN_PREPARATION, told),
            standing(Status.JOINED, told),
            standing(Status.JOINED, Word.CONFIRMED),
        ),
        *(standing(Status.IN_PREPARATION, Word.CONFIRMED), standing(Status.DECLINED, told)),
    )

    def named(form):
        return {group.status: [school.id for school in group.schools] for group in recorded(asked, form)}

    everything = {Status.IN_PREPARATION: [4, 7], Status.DECLINED: [2, 8], Status.JOINED: [5]}
    assert named(typed(answer="joined")) == everything
    assert list(named(typed())) == list(everything), "in the order of the list"
    labels = [group.label for group in recorded(asked, typed())]
    assert labels == ["En préparation", "Refus", "Adhésion déclarée"], "the service has not confirmed that one"
    own = typed(**{"answer": "joined", "school-80002": "declined", "school-80004": "", "pick": ["80005"]})
    assert named(own) == {Status.IN_PREPARATION: [4, 7], Status.DECLINED: [8]}, "those have an answer of their own"


def test_only_what_changes_is_recorded_again():
    asked = question(*[standing(Status.DECLINED, Word.DECLARED)] * 2, standing(Status.JOINED, Word.DECLARED))
    before = Earlier([], {1: Answer.DECLINED, 2: Answer.JOINED, 3: Answer.JOINED})
    same = {1: Answer.DECLINED, 3: Answer.JOINED}
    assert replies.changed_answers(asked, Given(same | {2: Answer.DECLINED}), before).answers == {2: Answer.DECLINED}
    assert replies.changed_answers(asked, Given(same | {2: Answer.JOINED}), before).answers == {2: Answer.JOINED}, (
        "not so now"
    )
    assert replies.changed_answers(asked, Given(same), before).answers == same, "given again as a whole"
    assert replies.changed_answers(asked, Given(same, Answer.HELP), before).answers == {}


def test_what_a_stranger_sends_costs_little():
    form = typed(range=["1-9999"] * 5000, listed=" ".join(["1"] * 50_000), other="joined")
    assert len(form.ranges) * len(form.listed) <= 1_000_000
    long = typed(range="1-2000 " * 10_000, listed=" ".join(["1"] * 2000), other="joined")
    with pytest.raises(InputError, match="rechargez"):
        long.ticked()
    assert long.settled().picks == frozenset()
    everybody = [str(place) for place in range(1, 2001, 2)]
    assert len(typed(range=", ".join(everybody), listed=" ".join(map(str, range(1, 2001)))).ticked()) == 1000
