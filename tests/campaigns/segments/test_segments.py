"""Segments: SQL says what a plain reading of random directories says, and everybody left out has the first reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, RollUp, Status, Strand, Word
from outreach.adherence.situation import roll_up
from outreach.adherence.statuses import CLOSED_TO_REMINDERS
from outreach.campaigns import segments
from outreach.campaigns.segments import (
    ORDER,
    AmongAuthorities,
    And,
    Audience,
    Boxes,
    Concerns,
    FederationCode,
    HasLevel,
    InFederation,
    InMunicipality,
    InNetwork,
    InProvince,
    InZone,
    Not,
    ReactedTo,
    RolledUp,
    SchoolStatus,
    Unreachable,
    context_at,
    criterion_leaves,
    from_json,
    listed_authorities,
    sentence_of,
    to_json,
)
from outreach.campaigns.segments._criteria import ConfirmedWithin, HasSize, NeverAnswered, NotWrittenSince, Or, Which
from outreach.campaigns.segments._stored_lists import AuthorityList, AuthorityListMember
from outreach.core.db import Database
from outreach.core.text.errors import InputError
from outreach.delivery import outbox
from outreach.delivery.models import (
    Batch,
    Gate,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Purpose,
    Reason,
    Suppression,
    SuppressionReason,
)
from outreach.directory import confirmations
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.models import (
    Authority,
    Contact,
    ContactSchool,
    EducationType,
    Federation,
    Level,
    Membership,
    Network,
    Ownership,
    School,
    Teaching,
)
from outreach.directory.register import SchoolReport
from tests import factories
from tests.conftest import NOW
from tests.factories import undone
from tests.statements import asked

EXAMPLES = settings.default.max_examples * 3 // 10

PROGRAMME = """
code = "mon"
name = "Mes outils numériques"
[[strands]]
number = 1
name = "Volet 1"
opened_on = 2020-11-16
[[strands]]
number = 2
name = "Volet 2"
opened_on = 2020-11-16
level = "primary"
"""
NETWORKS = ("WBE", "COCOF", "Libre confessionnel")
ZONES = ("Namur", "Huy-Waremme")
PROVINCES, MUNICIPALITIES = ("Namur", "Bruxelles"), ("Dinant", "Huy")
ON_LIST = (0, 2)  # the numbers of the authorities on the stored list
TYPES = (EducationType.SECONDARY_ORDINARY, EducationType.PRIMARY_ORDINARY)

school = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(ZONES),
        "province": st.sampled_from([*PROVINCES, None]),
        "municipality": st.sampled_from(MUNICIPALITIES),
        "types": st.lists(st.sampled_from(TYPES), max_size=2, unique=True),
        "listed": st.sampled_from([True, True, True, False]),
        "reported": st.sampled_from([False, False, False, True]),
        "records": st.lists(
            st.tuples(st.sampled_from([1, 2]), st.sampled_from(Status), st.sampled_from(Word)), max_size=2
        ),
    }
)
mailbox = st.tuples(
    st.sampled_from(["good", "good", "retired", "bounced", "unreviewed", "unsubscribed", "staff"]),
    st.none() | st.sets(st.integers(0, 2), min_size=1),  # the only schools it answers for, by their place
)
authority = st.fixed_dictionaries(
    {
        "network": st.sampled_from(NETWORKS),
        "federations": st.lists(st.sampled_from(FederationCode), max_size=2, unique=True),
        "schools": st.lists(school, max_size=3),
        "mailboxes": st.lists(mailbox, max_size=3),
        "written": st.sampled_from([None, None, 3, 40]),
        "confirmed": st.sampled_from([None, 3, 40]),  # its first mailbox
        "trial": st.booleans(),
    }
)
directory = st.lists(authority, min_size=1, max_size=5).map(
    lambda people: [{**person, "number": number} for number, person in enumerate(people)]
)
some = lambda values: st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)  # noqa: E731
leaf = st.one_of(
    some(NETWORKS).map(InNetwork),
    some(list(Level)).map(HasLevel),
    some(ZONES).map(InZone),
    st.builds(SchoolStatus, strand=st.sampled_from([1, 2]), statuses=some(list(Status)), which=st.sampled_from(Which)),
    st.builds(RolledUp, strand=st.sampled_from([1, 2]), states=some(list(RollUp))),
    st.builds(NeverAnswered, strand=st.sampled_from([1, 2])),
    st.builds(NotWrittenSince, days=st.sampled_from([1, 7, 100])),
    st.just(Unreachable()),
    st.builds(ConfirmedWithin, days=st.sampled_from([1, 7, 100])),
    some(list(FederationCode)).map(InFederation),
    some(PROVINCES).map(InProvince),
    some(MUNICIPALITIES).map(InMunicipality),
    st.builds(HasSize, at_least=st.sampled_from([1, 2])),
    st.builds(HasSize, at_most=st.sampled_from([1, 2])),
    some([9001, 9002, 9004]).map(lambda fase: AmongAuthorities(fase=fase)),
    st.just(AmongAuthorities(list=1)),
)
criterion = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda several: And(tuple(several))),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: Or(tuple(several))),
        inner.map(Not),
    ),
    max_leaves=6,
)


def store(session, people):
    """Write a random directory down; returns the keys of its authorities."""
    emptied = (SchoolReport, MessageSubject, Message, Batch, Mailing, Suppression, ContactSchool, Contact)
    for table in (*emptied, Teaching, Ownership, Membership, AuthorityListMember, AuthorityList):
        session.execute(delete(table))
    session.execute(delete(School))
    session.execute(delete(Authority))
    networks = {one.code: one for one in session.scalars(select(Network))}
    strands = {one.number: one.id for one in session.scalars(select(Strand))}
    federations = {one.code: one.id for one in session.scalars(select(Federation))}
    session.add(AuthorityList(id=1, name="Liste", made_by="x", made_at=NOW))
    keys = []
    for number, person in enumerate(people):
        made = Authority(**factories.authority(number, network=networks[person["network"]]))
        session.add(made)
        session.flush()
        keys.append(made.id)
        session.add_all(
            Membership(authority_id=made.id, federation_id=federations[code], level=Level.PRIMARY)
            for code in person["federations"]
        )
        if number in ON_LIST:
            session.add(AuthorityListMember(list_id=1, authority_id=made.id))
        schools = [
            store_school(session, made, 80001 + 10 * number + place, one, strands)
            for place, one in enumerate(person["schools"])
        ]
        for place, (kind, limit) in enumerate(person["mailboxes"]):
            held = store_mailbox(session, made, f"{kind}{place}@po{number}.example", kind)
            if place == 0 and person["confirmed"] is not None:
                at = NOW - timedelta(days=person["confirmed"])
                confirmations.add(session, held, ConfirmationWay.STAFF, at=at, actor="x")
            rows = [{"contact_id": held, "school_id": schools[one]} for one in limited(person, limit) or ()]
            if rows:
                session.execute(insert(ContactSchool), rows)
        store_letter(session, made, Purpose.CAMPAIGN, person["written"])
        store_letter(session, made, Purpose.TEST, 1 if person["trial"] else None)
    session.flush()
    return keys


def store_school(session, owner, fase, one, strands):
    places = {name: one[name] for name in ("zone", "province", "municipality")}
    made = School(**factories.school(fase, f"École {fase}", **places))
    session.add(made)
    session.flush()
    until = None if one["listed"] else NOW.date() - timedelta(days=9)
    session.add(Ownership(school_id=made.id, authority_id=owner.id, until=until))
    session.add_all(Teaching(school_id=made.id, education_type=kind) for kind in one["types"])
    if one["reported"]:
        session.add(SchoolReport(**factories.school_report(made.id, owner.id, NOW)))
    session.add_all(
        AdherenceRecord(
            **factories.adherence_record(
                made.id, strands[strand], NOW, status=status, word=word, recorded_at=NOW + timedelta(seconds=place)
            )
        )
        for place, (strand, status, word) in enumerate(one["records"])
    )
    return made.id


def store_mailbox(session, owner, address, kind):
    details = {
        "retired": {"retired_at": NOW, "retired_by": "x"},
        "bounced": {"bounced_at": NOW},
        "unreviewed": {"review_asked_at": NOW},
    }
    made = Contact(authority=owner, **factories.contact(address, added_at=NOW, **details.get(kind, {})))
    session.add(made)
    session.flush()
    reasons = {"unsubscribed": SuppressionReason.UNSUBSCRIBED, "staff": SuppressionReason.STAFF}
    if kind in reasons:
        outbox.suppress_address(session, address, reasons[kind], now=NOW, actor="x")
    return made.id


def store_letter(session, owner, purpose, days):
    if days is None:
        return
    mailing = Mailing(**factories.mailing(NOW, purpose=purpose, gate=Gate.OPEN))
    session.add(mailing)
    session.flush()
    batch = Batch(mailing_id=mailing.id, number=1)
    session.add(batch)
    session.flush()
    at = NOW - timedelta(days=days)
    session.add(
        Message(
            mailing_id=mailing.id, batch_id=batch.id, authority_id=owner.id,
            address="a@b.example", address_key="a@b.example", address_ascii="a@b.example",
            public_id=f"{owner.id:08x}{mailing.id:08x}", dated_at=at, return_path="", state=MessageState.ACCEPTED,
            due_at=at, fenced_at=at, fence_id="f", settled_at=at, reply_code=250,
        )
    )  # fmt: skip


def taught(person):
    return [one for one in person["schools"] if one["listed"]]


def eligible(person, strand):
    level = {1: Level.SECONDARY, 2: Level.PRIMARY}[strand]
    return [one for one in taught(person) if any(kind.level is level for kind in one["types"])]


def stands(one, strand):
    return next(((s, w) for n, s, w in reversed(one["records"]) if n == strand), (Status.NONE, None))


def usable(person):
    return [kind for kind, _ in person["mailboxes"] if kind not in {"retired", "bounced", "unreviewed"}]


def limited(person, limit):
    """The places of the only schools a mailbox answers for, or None: a school that is not there limits nothing."""
    return sorted(place for place in limit or () if place < len(person["schools"])) or None


def holds(asked, person):  # noqa: C901, PLR0911, PLR0912 - one line a criterion reads better than a table
    """The plain reading."""
    match asked:
        case And():
            return all(holds(one, person) for one in asked.all)
        case Or():
            return any(holds(one, person) for one in asked.any)
        case Not():
            return not holds(asked.negated, person)
        case InNetwork():
            return person["network"] in asked.root
        case HasLevel():
            return any(kind.level in asked.root for one in taught(person) for kind in one["types"])
        case InZone():
            return any(one["zone"] in asked.root for one in taught(person))
        case SchoolStatus():
            found = [stands(one, asked.strand)[0] in asked.statuses for one in eligible(person, asked.strand)]
            return any(found) if asked.which is Which.ANY else bool(found) and all(found)
        case RolledUp():
            found = [stands(one, asked.strand) for one in eligible(person, asked.strand)]
            return bool(found) and roll_up(found) in asked.states
        case NeverAnswered():
            words = [(n, w) for one in taught(person) for n, _, w in one["records"]]
            return (asked.strand, Word.DECLARED) not in words
        case NotWrittenSince():
            return person["written"] is None or person["written"] >= asked.days
        case Unreachable():
            return not usable(person)
        case ConfirmedWithin():
            first = person["mailboxes"][:1]
            is_usable = bool(usable({"mailboxes": first}))
            return is_usable and person["confirmed"] is not None and person["confirmed"] <= asked.days
        case InFederation():
            return any(code in asked.root for code in person["federations"])
        case InProvince():
            return any(one["province"] in asked.root for one in taught(person))
        case InMunicipality():
            return any(one["municipality"] in asked.root for one in taught(person))
        case HasSize():
            return (
                (asked.at_least or 1) <= len(taught(person)) <= (asked.at_most or 99)
            )  # without a school, none is listed
        case AmongAuthorities():
            return person["number"] in ON_LIST if asked.list else 9001 + person["number"] in asked.fase


def chosen(person, boxes):
    """The mailboxes of the kind that a campaign writes to."""
    in_use = [box for box in person["mailboxes"] if box[0] != "retired"]
    own = [box for box in in_use if limited(person, box[1]) is None]
    of_schools = [box for box in in_use if box not in own]
    return {Boxes.AUTHORITY: own or of_schools, Boxes.SCHOOLS: of_schools, Boxes.BOTH: in_use}[boxes]


def reasons(person, concerns, boxes):
    """The plain reading of who is left out: the reason of each mailbox, or of the whole."""
    mailboxes = chosen(person, boxes) or [(None, None)]
    return [
        _reason(
            kind,
            about(person, limit, concerns),
            [stands(one, 1)[0] for _, one in asked_about(person, limit)],
            is_reported=bool(about(person, limit, concerns, reported=True)),
        )
        for kind, limit in mailboxes
    ]


def asked_about(person, limit):
    """The eligible schools that a mailbox answers for, with their places."""
    places, own = limited(person, limit), eligible(person, 1)
    schools = enumerate(person["schools"])
    return [(at, one) for at, one in schools if any(one is mine for mine in own) and (places is None or at in places)]


def about(person, limit, concerns, *, reported=False):
    """The places of the schools that a letter to such a mailbox lists; `reported`, of those it would, if they were not
    reported as gone."""
    is_listed = {
        Concerns.OPEN: lambda status: status not in CLOSED_TO_REMINDERS,
        Concerns.JOINED: lambda status: status is Status.JOINED,
    }[concerns]
    asked = [(place, one) for place, one in asked_about(person, limit) if one["reported"] is reported]
    return {place for place, one in asked if is_listed(stands(one, 1)[0])}


def _reason(kind, about, found, *, is_reported):
    if not about and is_reported:
        return Reason.REPORTED
    if not about:
        return Reason.JOINED if Status.JOINED in found else Reason.NOT_CONCERNED
    named = {None: Reason.NO_ADDRESS, "bounced": Reason.BOUNCED, "unreviewed": Reason.UNREVIEWED}
    if kind in {"unsubscribed", "staff"}:
        return Reason.SUPPRESSED
    return named.get(kind)


@pytest.fixture
def ground(fresh_url):
    """A database whose strands are loaded; each example is written in a transaction that is undone."""
    database = Database(fresh_url)
    with database.writing() as session:
        programmes.load_programme(session, PROGRAMME, now=NOW, actor="x")
    yield database
    database.dispose()


def in_a_draft(database, people):
    session = undone(database)
    session.begin()
    return session, store(session, people)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=directory, asked=st.lists(criterion, min_size=1, max_size=4))
def test_sql_finds_whom_a_plain_reading_finds(ground, people, asked):
    session, keys = in_a_draft(ground, people)
    with session:
        context = context_at(session, 1, now=NOW)
        for one in asked:
            found = set(session.scalars(listed_authorities(context, one)))
            expected = {key for key, person in zip(keys, people, strict=True) if taught(person) and holds(one, person)}
            assert found == expected, sentence_of(one)
            assert set(session.scalars(listed_authorities(context, And((one,) * 9)))) == expected, "as a large tree"
            last, some = max(keys, default=0), set()
            for start in range(1, last + 1, 2):
                narrowed = replace(context, between=(start, start + 1))
                part = set(session.scalars(listed_authorities(narrowed, one)))
                assert part <= {start, start + 1}
                some |= part
            assert some == expected, sentence_of(one)
        session.rollback()


@settings(max_examples=EXAMPLES * 2 // 3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=directory,
    asked=criterion,
    concerns=st.sampled_from([Concerns.OPEN, Concerns.JOINED]),
    boxes=st.sampled_from(Boxes),
)
def test_everybody_meant_is_written_to_or_left_out_with_the_first_reason_and_it_adds_up(
    ground, people, asked, concerns, boxes
):
    session, keys = in_a_draft(ground, people)
    with session:
        context = context_at(session, 1, now=NOW)
        meant = Audience(asked, context.strand(1), concerns, MessageClass.AWARENESS, boxes=boxes)
        rows = session.execute(select(segments.audience_rows(meant, context))).all()
        counts = segments.count_audience(session, meant, context)
        expected = {
            key: sorted(map(str, reasons(person, concerns, boxes)))
            for key, person in zip(keys, people, strict=True)
            if taught(person) and holds(asked, person)
        }
        found = {}
        for row in rows:
            found.setdefault(row.authority_id, []).append(str(segments.reason_of(row.rank)))
        assert {key: sorted(several) for key, several in found.items()} == expected
        assert counts.authorities == len(expected) == counts.written + sum(counts.left_out.values())
        assert list(counts.left_out) == [reason for reason in ORDER if reason in counts.left_out]
        listing = {
            key: set().union(
                *(
                    about(person, limit, concerns)
                    for kind, limit in chosen(person, boxes)
                    if kind == "good" and about(person, limit, concerns)
                )
            )
            for key, person in zip(keys, people, strict=True)
        }
        assert counts.schools == sum(len(listing[key]) for key, several in expected.items() if "None" in several)
        assert counts.addresses == sum(several.count("None") for several in expected.values())
        assert counts.of_schools == sum(
            kind == "good" and limited(person, limit) is not None and bool(about(person, limit, concerns))
            for key, person in zip(keys, people, strict=True)
            for kind, limit in chosen(person, boxes)
            if key in expected
        )
        concerned = sum(len(about(people[keys.index(key)], None, concerns)) for key in expected)
        assert counts.silent == (concerned - counts.schools if boxes is Boxes.SCHOOLS else 0)
        first = segments.first_authorities(session, meant, context, 10)
        assert {row.Authority.id for row in first} == {key for key, several in expected.items() if "None" in several}
        assert sum(row.mailboxes for row in first) == counts.addresses
        assert sum(row.schools for row in first) == counts.schools
        for reason in ORDER:
            there = segments.first_authorities(session, meant, context, 10, reason=reason)
            assert len(there) == counts.left_out.get(reason, 0)
        for key in keys:
            why = segments.explain_authority(session, meant, context, session.get_one(Authority, key))
            assert why.is_meant == (key in expected)
            assert why.is_written == ("None" in expected.get(key, []))
            assert [held for _, held in why.criteria] == [
                holds(one, people[keys.index(key)]) for one in criterion_leaves(asked)
            ]
        session.rollback()


@given(criterion)
def test_the_written_forms_give_the_criterion_back(asked):
    assert from_json(to_json(asked)) == asked
    assert sentence_of(asked).endswith(".")


def test_a_value_is_bound_and_never_read_as_sql(ground):
    with ground.reading() as session:
        context = context_at(session, 1, now=NOW)
        for zone in ("' OR 1=1--", "%", "_", "\\"):
            assert session.scalars(listed_authorities(context, InZone((zone,)))).all() == []


def test_a_strand_that_does_not_exist_is_said(ground):
    with ground.reading() as session, pytest.raises(InputError, match="volet 9"):
        listed_authorities(context_at(session, 1, now=NOW), NeverAnswered(strand=9))


def test_a_sentence_reads_as_french():
    asked = And(
        (
            InNetwork(("Libre confessionnel", "WBE")),
            SchoolStatus(strand=1, statuses=("none", "informed", "in_preparation", "tender_launched", "declined")),
            Not(Or((NotWrittenSince(days=30), Unreachable()))),
        )
    )
    assert sentence_of(asked) == (
        "Pouvoirs organisateurs : libre confessionnel ou WBE, au moins une école concernée sans adhésion au volet 1, "
        "sauf (aucun courriel envoyé depuis 30 jours ou sans adresse valable)."
    )
    assert sentence_of(Not(RolledUp(strand=1, states=(RollUp.NONE,)))) == (
        "Pouvoirs organisateurs : sauf ceux dont aucune école concernée n’a adhéré (volet 1)."
    )
    assert sentence_of(And()) == "Tous les pouvoirs organisateurs."


def test_an_audience_is_counted_in_two_statements_whatever_it_asks(ground):
    whom = And((HasSize(at_least=1), AmongAuthorities(list=1), ReactedTo(mailings=(1, 2), reaction="none")))
    with ground.reading() as session:
        context = context_at(session, 1, now=NOW)
        meant = Audience(whom, context.strand(1), Concerns.OPEN, MessageClass.AWARENESS)
        with asked(ground) as statements:
            segments.count_audience(session, meant, context)
    assert len(statements) == 2


def test_where_the_schools_stand_is_read_once_for_all_criteria_of_a_strand(ground):
    asked = [SchoolStatus(strand=1, statuses=(status,), which=which) for status in Status for which in Which]
    with ground.reading() as session:
        statement = listed_authorities(context_at(session, 1, now=NOW), And((*asked, Not(Or(tuple(asked))))))
        assert str(statement.compile(session.get_bind())).count("row_number() OVER") == 1
        session.execute(statement).all()
