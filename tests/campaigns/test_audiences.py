"""Letters sent before are named by campaign and wave outside, by mailing inside; sentences have titles and names."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Wave
from outreach.campaigns.planning import AudienceRule, Definition
from outreach.campaigns.segments import Concerns, from_plain, listed_authorities, to_json
from outreach.core.settings import ROOT
from outreach.core.text.errors import InputError
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason, SuppressionReason
from outreach.directory.models import Contact
from outreach.engagement.replies import Answer, Response
from outreach.operations.demo.story import Post
from tests import factories
from tests.campaigns.conftest import AUTHOR, SENDING, advance, approved, draft, launch, owned, settle
from tests.conftest import NOW, state_from

ALL, ONE = {"received": {"campaign": 1}}, {"received": {"campaign": 1, "wave": 1}}
SILENT = {"reacted": {"campaign": 1, "reaction": "none", "answers": []}}
HOUR = timedelta(hours=1)
FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}


@state_from("programmed")
def three_written(database, _settings):
    """Campaign 1 has sent its first wave to three authorities; the letters of the first two were accepted."""
    made = list(settle(database, 3))
    launch(database, approved(database, reminders=(14,)))
    accept(database, Message.authority_id.in_(made[:2]))


@pytest.fixture
def sent(three_written):
    """The keys of these authorities."""
    return list(owned(three_written))


def accept(database, which):
    with database.writing() as session:
        session.execute(update(Message).where(which).values(state=MessageState.ACCEPTED, **FENCED))


@pytest.mark.one_example
@pytest.mark.parametrize("plain", [ALL, ONE, SILENT, {"and": [{"network": ["WBE"]}, {"not": ONE}, {"or": [SILENT]}]}])
def test_campaigns_and_waves_are_kept_as_mailings(database, sent, plain):
    with database.reading() as session:
        criterion = planning.read_criterion(session, plain)
        assert "mailings" in to_json(criterion)
        assert "campaign" not in to_json(criterion)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"received": {"campaign": 2}}, "La campagne 2 n’a encore rien envoyé"),
        ({"received": {"campaign": 1, "wave": 4}}, "La vague 4 de la campagne 1 n’est pas encore partie"),
        ({"received": {"campaign": True}}, "received.campaign"),
        ({"received": {"campaign": 1, "wave": ["x"]}}, "received.wave"),
        ({"received": {"campaign": 1, "mailings": [1]}}, "sans « mailings »"),
        ({"reacted": {"campaign": 1}}, "reacted.reaction"),
        ({"received": [1]}, "« received"),
        ({"received": {}}, "« received"),
        ({"received": {"campaign": 1, "strand": 1}}, "« received"),
        ({"reacted": {"strand": 1, "with_later": True, "reaction": "none"}}, "« reacted"),
    ],
)
def test_letters_that_cannot_be_named_are_refused(database, sent, plain, words):
    with database.reading() as session, pytest.raises(InputError, match=words):
        planning.read_criterion(session, plain)


@pytest.mark.long
def test_without_a_wave_the_later_ones_are_meant_as_well(database, sent):
    with database.reading() as session:
        every, first = planning.read_criterion(session, ALL), planning.read_criterion(session, ONE)
        due_at = session.scalars(select(Wave.due_at).where(Wave.number == 2)).one()
    assert meant(database, every) == meant(database, first) == set(sent[:2])
    advance(database, 2, due_at)
    accept(database, Message.mailing_id == 2)
    assert meant(database, every) == set(sent)
    assert meant(database, first) == set(sent[:2])


def meant(database, criterion):
    with database.reading() as session:
        context = planning.context_of(session, planning.campaign_numbered(session, 1), now=NOW)
        return set(session.scalars(listed_authorities(context, criterion)))


def test_a_correction_goes_to_those_who_received_the_wrong_letter(database, sent):
    number = draft(database, segment=AudienceRule(criteria=ONE))
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        assert {one.authority_id for one in planning.list_addressees(session, campaign, now=NOW)} == set(sent[:2])
        again = planning.definition_of(session, campaign).segment.criteria
        assert planning.read_criterion(session, again) == planning.criterion_of(campaign)


@pytest.mark.long
def test_a_correction_reaches_exactly_those_of_wave_1_also_who_joined_or_answered_since(database, sent, strand):
    """Its letters list the schools of the wrong ones, wherever they stand, and joining meanwhile stops none."""
    wrong = listed_schools(database, mailing=1, kept=sent[:2])
    with database.writing() as session:
        letter = session.scalars(select(Message.id).where(Message.authority_id == sent[1])).one()
        about = {"message_id": letter, "authority_id": sent[1], "strand_id": strand}
        session.add(Response(answer=Answer.NOT_CONCERNED, given_at=NOW, **about))
        session.add(Contact(authority_id=sent[1], **factories.contact("refus@adm.fwb.example", added_at=NOW)))
        session.add(AdherenceRecord(**factories.adherence_record(wrong[sent[0]][0], strand, NOW)))
        outbox.suppress_address(session, "refus@adm.fwb.example", SuppressionReason.STAFF, now=NOW, actor=AUTHOR)
    ready = planning.ready_made(ROOT / "campaigns")["rectificatif"].model_copy(update={"letter": "((liste_écoles))"})
    stated = planning.to_those_who_received(ready, 1, 1)
    launch(database, approved(database, **{name: getattr(stated, name) for name in Definition.model_fields}))
    assert listed_schools(database, mailing=2, kept=sent) == wrong
    with database.writing() as session:
        session.add(AdherenceRecord(**factories.adherence_record(wrong[sent[1]][0], strand, NOW)))
        session.flush()
        Post(session, SENDING, now=NOW + HOUR, refusals={}).carry(NOW + HOUR)
        ends = session.execute(select(Message.state, Message.reason).where(Message.mailing_id == 2)).all()
    assert sorted(map(tuple, ends)) == [(MessageState.ACCEPTED, None)] * 2 + [
        (MessageState.WITHDRAWN, Reason.SUPPRESSED)
    ]


def test_a_correction_without_the_letter_that_it_corrects_is_refused(database, sent):
    with pytest.raises(InputError, match="Réponses et vagues : Un courriel lui est parti"):
        draft(database, concerns=Concerns.LISTED)
    with pytest.raises(InputError, match="Réponses et vagues : Un courriel lui est parti"):
        draft(database, concerns=Concerns.LISTED, segment=AudienceRule(criteria={"not": ONE}))


def listed_schools(database, *, mailing, kept):
    """The schools that the letters of a mailing to some authorities list, of letters that may leave or have left."""
    query = select(Message.authority_id, MessageSubject.school_id).join(MessageSubject)
    query = query.where(Message.mailing_id == mailing, Message.authority_id.in_(kept), Message.reason.is_(None))
    with database.reading() as session:
        listed_ones = {}
        for authority, school in session.execute(query.order_by(MessageSubject.school_id)):
            listed_ones.setdefault(authority, []).append(school)
        return listed_ones


def test_a_sentence_has_the_titles_of_campaigns_and_the_names_of_lists(database, sent):
    with database.writing() as session:
        made = segments.make_list(session, "Écoles pilotes", sent[:1], now=NOW, actor=AUTHOR)
        plain = {"and": [ONE, {"not": SILENT}, {"not": {"authorities": {"list": made.id}}}]}
        criterion = planning.read_criterion(session, plain)
        title = planning.campaign_numbered(session, 1).title
        said = planning.criterion_sentence(session, criterion)
    assert said == (
        f"Pouvoirs organisateurs : à qui est parti un courriel de « {title} » (première vague), "
        f"sauf (n’a ni répondu ni adhéré après « {title} »), "
        "sauf la liste « Écoles pilotes »."
    )
    draft(database, segment=AudienceRule(criteria=plain))
    with database.reading() as session:
        assert said in [row.audience for row in planning.list_campaigns(session).page(1)]


def test_a_mailing_of_no_campaign_keeps_its_number(database, sent):
    with database.reading() as session:
        criterion = from_plain({"received": {"mailings": [1, 99]}})
        assert (
            planning.criterion_sentence(session, criterion)
            == "Pouvoirs organisateurs : à qui est parti un courriel d’une vague n° 1 ou 99."
        )
