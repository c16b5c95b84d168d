"""Criteria about letters sent before: SQL finds whom a plain reading of random letters and reactions finds."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Status, Strand
from outreach.campaigns.segments import (
    And,
    Names,
    Not,
    ReactedTo,
    ReactionKind,
    ReceivedMailing,
    context_at,
    from_json,
    listed_authorities,
    sentence_of,
    to_json,
)
from outreach.core.db import Database
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageState, MessageSubject, Purpose, Reason
from outreach.directory.models import Authority, Contact, Network, Ownership, School
from outreach.engagement.replies import Answer, Response
from outreach.engagement.tracking import OPENING, Agent, BasisWithdrawal, Hit, HitClass, TrackingBasis
from outreach.engagement.tracking._bot_detection import VERSION, Why
from outreach.engagement.tracking._models import BasisKind
from tests import factories
from tests.conftest import NOW
from tests.factories import undone

EXAMPLES = settings.default.max_examples // 5
SERIES = (1, 1, 2)  # of three mailings, the first two belong together
ANSWERS = (Answer.INFORMED, Answer.HELP)
LEFT = {"accepted", "handing", "in_doubt", "resent"}
SINCE = NOW - timedelta(days=10)

letter = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["accepted", "accepted", *sorted(LEFT), "refused", "came back", "withdrawn", "test"]),
        "hour": st.integers(0, 5),
        "names": st.booleans(),
        "answers": st.lists(st.tuples(st.integers(0, 5), st.sampled_from(ANSWERS)), max_size=2),
        "hits": st.lists(st.tuples(st.sampled_from([OPENING, 1]), st.sampled_from(HitClass)), max_size=2),
    }
)
authority = st.fixed_dictionaries(
    {
        "letters": st.tuples(*(st.none() | letter for _ in SERIES)),
        "statuses": st.lists(st.sampled_from([Status.JOINED, Status.DECLINED]), max_size=2),
        "from_day": st.integers(-2, 0),
        "basis": st.sampled_from([None, "held", "withdrawn"]),
    }
)


def person(kind="accepted", *, answers=(), hits=(), others=None, statuses=(), from_day=0, basis=None):
    """An authority with one letter of the first mailing, named as random ones are."""
    own = {"kind": kind, "hour": 2, "names": True, "answers": list(answers), "hits": list(hits)}
    return {"letters": (own, others, None), "statuses": list(statuses), "from_day": from_day, "basis": basis}


def reminder(hour, answer):
    """A letter of the second mailing, answered in this hour."""
    return {"kind": "accepted", "hour": 3, "names": False, "answers": [(hour, answer)], "hits": []}


EACH_RULE = [  # one authority for each condition, as random ones meet it rarely
    person("in_doubt"),
    person("came back", answers=[(1, Answer.HELP)]),
    person(others=reminder(1, Answer.HELP)),
    person(others=reminder(4, Answer.HELP)),
    person(statuses=[Status.JOINED]),
    person(statuses=[Status.JOINED], from_day=-1),
    person(statuses=[Status.JOINED, Status.DECLINED]),
    person(hits=[(OPENING, HitClass.HUMAN)], basis="held"),
    person(hits=[(1, HitClass.MACHINE)], basis="held"),
    person(hits=[(1, HitClass.HUMAN)], basis="withdrawn"),
    person("test"),
    person("resent", statuses=[Status.JOINED]),
]
mailings = st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True).map(tuple)


@pytest.fixture
def ground(fresh_url):
    """A database with a strand; each example is written in a transaction that is undone."""
    database = Database(fresh_url)
    with database.writing() as session:
        programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor="x")
    yield database
    database.dispose()


def store(session, people):
    """Write random letters down; returns the keys of the mailings, the last one of test letters, and of authorities."""
    strand = session.scalars(select(Strand.id)).one()
    details = {"strand_id": strand, "stop_strand_id": strand, "gate": Gate.OPEN}
    made = [Mailing(**factories.mailing(NOW, **details)) for _ in SERIES]
    trial = Mailing(**factories.mailing(NOW, purpose=Purpose.TEST, **details))
    session.add_all([*made, trial])
    session.flush()
    batches = {mailing.id: Batch(mailing_id=mailing.id, number=1) for mailing in (*made, trial)}
    session.add_all(batches.values())
    session.flush()
    network, keys = session.scalars(select(Network).limit(1)).one(), []
    for number, person in enumerate(people):
        owner = Authority(**factories.authority(number, network=network))
        session.add(owner)
        session.flush()
        keys.append(owner.id)
        school = School(**factories.school(80001 + number, "École"))
        box = Contact(authority=owner, **factories.contact("box@po.example", added_at=NOW))
        session.add_all([school, box])
        session.flush()
        session.add(Ownership(school_id=school.id, authority_id=owner.id))
        for place, status in enumerate(person["statuses"]):
            at = {"status": status, "effective_on": SINCE.date() + timedelta(days=person["from_day"] + place)}
            session.add(AdherenceRecord(**factories.adherence_record(school.id, strand, SINCE, **at)))
        store_basis(session, box, person["basis"])
        for place, one in enumerate(person["letters"]):
            if one is not None:
                mailing = trial if one["kind"] == "test" else made[place]
                store_letter(session, batches[mailing.id], owner, school, place, one)
    session.flush()
    return [mailing.id for mailing in (*made, trial)], keys


def store_basis(session, box, basis):
    if basis is None:
        return
    said = {"kind": BasisKind.CONSENT, "given_by": "x", "wording": "x", "channel": "x", "taken_on": NOW.date()}
    session.add(stored := TrackingBasis(contact_id=box.id, recorded_at=SINCE, recorded_by="x", **said))
    session.flush()
    if basis == "withdrawn":
        session.add(BasisWithdrawal(basis_id=stored.id, withdrawn_at=NOW, withdrawn_by="x"))


def store_letter(session, batch, owner, school, place, one):
    at = SINCE + timedelta(hours=one["hour"])
    sent = {"fenced_at": at, "fence_id": "f", "settled_at": at}
    details = {
        "handing": {"state": MessageState.HANDING, **sent},
        "in_doubt": {"state": MessageState.IN_DOUBT, **sent},
        "resent": {"state": MessageState.QUEUED, "resent_at": at, **sent},
        "refused": {"state": MessageState.REFUSED, "settled_at": at, "reply_code": 550},
        "came back": {"state": MessageState.REFUSED, **sent},
        "withdrawn": {"state": MessageState.WITHDRAWN, "reason": Reason.SUPPRESSED, "settled_at": at},
    }.get(one["kind"], {"state": MessageState.ACCEPTED, "reply_code": 250, **sent})
    address = f"test{place}@po.example" if one["kind"] == "test" else "box@po.example"
    message = Message(
        mailing_id=batch.mailing_id, batch_id=batch.id, authority_id=owner.id, public_id=f"{owner.id:08x}{place:08x}",
        address=address, address_key=address, address_ascii=address, dated_at=at, return_path="", due_at=at, **details,
    )  # fmt: skip
    session.add(message)
    session.flush()
    if one["names"]:
        session.add(MessageSubject(message_id=message.id, school_id=school.id))
    for hour, answer in one["answers"]:
        given = SINCE + timedelta(hours=hour)
        session.add(Response(message_id=message.id, authority_id=owner.id, strand_id=1, answer=answer, given_at=given))
    for link, who in one["hits"]:
        seen = {"agent": Agent.BROWSER, "is_head": False, "why": Why.NOTHING_SUSPECT, "version": VERSION}
        session.add(Hit(message_id=message.id, link=link, at=at, hit_class=who, **seen))


def chosen(person, places: Iterable[int]):
    """The letters of these mailings to one authority, without test letters."""
    letters = (person["letters"][place] for place in places)
    return [one for one in letters if one is not None and one["kind"] != "test"]


def together(places):
    """The places of the mailings that belong together with these."""
    return [place for place, series in enumerate(SERIES) if series in {SERIES[each] for each in places}]


def has_answered(person, places, answers):
    first = min((one["hour"] for one in chosen(person, places) if one["kind"] == "accepted"), default=99)
    own = [answer for one in chosen(person, places) for _, answer in one["answers"]]
    later = [answer for one in chosen(person, together(places)) for hour, answer in one["answers"] if hour >= first]
    return any(not answers or answer in answers for answer in [*own, *later])


def has_joined(person, places):
    named = any(one["names"] and one["kind"] in LEFT for one in chosen(person, places))
    is_since = person["from_day"] + len(person["statuses"]) > 0
    return named and is_since and person["statuses"][-1:] == [Status.JOINED]


def was_seen(person, places, *, opening):
    seen = [hit for one in chosen(person, places) for hit in one["hits"]]
    kind = [who for link, who in seen if (link == OPENING) is opening and who is not HitClass.MACHINE]
    return person["basis"] == "held" and bool(kind)


def holds(reaction, person, places, answers=()):
    """The plain reading."""
    match reaction:
        case ReactionKind.NONE:
            accepted = any(one["kind"] == "accepted" for one in chosen(person, places))
            return accepted and not has_answered(person, places, ()) and not has_joined(person, places)
        case ReactionKind.ANSWERED:
            return has_answered(person, places, answers)
        case ReactionKind.JOINED:
            return has_joined(person, places)
        case ReactionKind.REPLIED:
            return False  # nobody writes back here
    return was_seen(person, places, opening=reaction is ReactionKind.OPENED)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(people=EACH_RULE, asked=(0,), later=False)
@example(people=EACH_RULE, asked=(1,), later=True)
@given(people=st.lists(authority, min_size=1, max_size=4), asked=mailings, later=st.booleans())
def test_sql_finds_whom_a_plain_reading_of_letters_finds(ground, people, asked, later):
    with undone(ground) as session:
        session.begin()
        (*made, trial), keys = store(session, people)
        series = dict(zip(made, SERIES, strict=True))

        def series_of(mailings):
            theirs = {series[key] for key in mailings}
            return select(Mailing.id).where(Mailing.id.in_([key for key in made if series[key] in theirs]))

        context = replace(context_at(session, 1, now=NOW), series=series_of)
        stated = {"mailings": tuple(made[place] for place in asked), "with_later": later}
        places = together(asked) if later else asked
        received = [any(one["kind"] in LEFT for one in chosen(person, places)) for person in people]
        expected = {ReceivedMailing(**stated): received}
        for reaction in ReactionKind:
            expected[ReactedTo(**stated, reaction=reaction)] = [holds(reaction, one, places) for one in people]
        said = [holds(ReactionKind.ANSWERED, one, places, ANSWERS[:1]) for one in people]
        expected[ReactedTo(**stated, reaction=ReactionKind.ANSWERED, answers=ANSWERS[:1])] = said
        strand = {"strand": 1}  # every letter that invited to it, whatever campaign it was of
        every = range(len(SERIES))
        expected[ReceivedMailing(**strand)] = [any(one["kind"] in LEFT for one in chosen(p, every)) for p in people]
        for reaction in ReactionKind:
            expected[ReactedTo(**strand, reaction=reaction)] = [holds(reaction, one, every) for one in people]
        for criterion, truths in expected.items():
            who = {key for key, held in zip(keys, truths, strict=True) if held}
            assert set(session.scalars(listed_authorities(context, criterion))) == who, sentence_of(criterion)
            assert set(session.scalars(listed_authorities(context, Not(criterion)))) == set(keys) - who, sentence_of(
                criterion
            )
            few = replace(context, between=(keys[0], keys[0]))
            assert set(session.scalars(listed_authorities(few, criterion))) == who & {keys[0]}
            assert from_json(to_json(criterion)) == criterion
        assert session.scalars(listed_authorities(context, ReceivedMailing(mailings=(trial,)))).all() == []
        session.rollback()


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        (ReceivedMailing(mailings=(3,)), "à qui est parti un courriel de « Invitation »"),
        (Not(ReceivedMailing(mailings=(3,))), "à qui n’est parti aucun courriel de « Invitation »"),
        (ReceivedMailing(mailings=(3, 4)), "à qui est parti un courriel d’une vague n° 3 ou 4"),
        (ReactedTo(mailings=(3,), reaction="none"), "n’a ni répondu ni adhéré après « Invitation »"),
        (ReactedTo(mailings=(3,), reaction="answered"), "a répondu à « Invitation »"),
        (
            ReactedTo(mailings=(3,), reaction="answered", answers=("help", "informed")),
            "a répondu « Besoin d’aide » ou « J’ai pris connaissance » à « Invitation »",
        ),
        (ReceivedMailing(strand=1), "à qui est parti un courriel qui invitait à adhérer au volet 1"),
        (Not(ReceivedMailing(strand=1)), "à qui n’est parti aucun courriel qui invitait à adhérer au volet 1"),
        (
            ReactedTo(strand=1, reaction="none"),
            "n’a ni répondu ni adhéré après un courriel qui invitait à adhérer au volet 1",
        ),
        (
            ReactedTo(mailings=(3,), reaction="opened"),
            "a ouvert « Invitation », là où un accord ou une décision permet de le savoir",
        ),
    ],
)
def test_a_sentence_names_the_mailing(criterion, words):
    names = Names(mailings={((3,), False): "« Invitation »"})
    assert sentence_of(And((criterion,)), names) == f"Pouvoirs organisateurs : {words}."
