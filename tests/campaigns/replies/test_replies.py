"""Replies to a response: in the thread of the letter answered, sent once, and in no count."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import Status, Word
from outreach.campaigns import results
from outreach.campaigns.correspondence import ServiceReply, TextUse, Writer
from outreach.campaigns.correspondence import _replies as replies
from outreach.campaigns.correspondence import _reply_templates as reply_templates
from outreach.campaigns.letter import Composer
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Batch, Mailing, Message, Purpose, SuppressionReason
from outreach.delivery.outbox import due_in
from outreach.directory.models import Authority, School
from outreach.engagement.replies import EffectChanged, StepKind, effect_of, response_numbered, steps_of
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.engagement.replies.test_answers import LATER, give, letters, people, stands, strand, three_asked

__all__ = ["letters", "people", "strand", "three_asked"]
NADIA = Writer("Nadia Lambert", AUTHOR)
TEXT = "Bonjour **((nom_po))**,\n\nAppelez-moi.\n\n((contact))"


def reply(database, key, page="a" * 32, text=TEXT, now=LATER):
    with database.writing() as session:
        response = response_numbered(session, key)
        prepared = replies.prepare_reply(session, response, text, NADIA, SENDING, now=now)
        return replies.send_reply(session, response, prepared, SENDING, page, now=now, actor=AUTHOR)


def wires(database):
    """The messages that replies make, in order."""
    made = []
    with database.reading() as session:
        for mailing in session.scalars(select(Mailing).where(Mailing.purpose == Purpose.REPLY).order_by(Mailing.id)):
            batch = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).one()
            due = due_in(session, batch, now=LATER + timedelta(days=90))
            made += [one.wire for one in Composer(SENDING, lambda: LATER)(session, mailing, due).values()]
    return made


def test_a_reply_follows_the_letter_answered_and_the_replies_before_it(database, letters):
    (key,) = give(database, letters[0], "help")
    assert reply(database, key)
    assert reply(database, key, page="b" * 32, text="Encore un mot.")
    with database.reading() as session:
        answered = session.get_one(Message, letters[0])
        first = session.scalars(select(ServiceReply).order_by(ServiceReply.id)).first()
        names = [f"<{one.public_id}@courriel.example>" for one in (answered, first.message)]
    one, two = (message_from_bytes(wire, policy=default) for wire in wires(database))
    assert (one["In-Reply-To"], one["References"]) == (names[0], names[0])
    assert (two["In-Reply-To"], str(two["References"]).split()) == (names[1], names)
    assert one["Subject"].startswith("Re: ")
    assert one["To"] == answered.address
    assert AUTHOR in one["Reply-To"]
    assert "List-Unsubscribe" not in one
    for wire in wires(database):
        assert faults(wire) == []


def test_a_reply_sent_twice_from_one_page_leaves_once_and_is_in_the_history_and_in_no_count(database, letters):
    (key,) = give(database, letters[0], "help")
    assert [reply(database, key), reply(database, key)] == [True, False]
    with database.reading() as session:
        response = response_numbered(session, key)
        assert [(step.step, step.actor) for step in steps_of(session, response)] == [
            (StepKind.TAKEN, AUTHOR), (StepKind.REPLIED, AUTHOR),
        ]  # fmt: skip
        assert len(session.scalars(outbox.authorities_written_since(NOW)).all()) == 3
        told = results.letter_events(session, session.get_one(Authority, response.authority_id), now=LATER)
        (event,) = [event for event in told if "en réponse" in event.sentence]
        assert (event.at, event.actor) == (LATER, AUTHOR)
        assert "Appelez-moi." in event.details
        assert not any("((" in line for line in event.details)
    assert len(wires(database)) == 1


def test_unsubscribing_stops_no_reply_and_an_excluded_address_gets_none_even_at_the_fence(database, letters):
    (key,) = give(database, letters[0], "help")
    suppress(database, letters[0], SuppressionReason.UNSUBSCRIBED)
    assert reply(database, key)
    assert [b"In-Reply-To" in wire for wire in carry(database)].count(True) == 1
    assert reply(database, key, page="c" * 32)
    suppress(database, letters[0], SuppressionReason.STAFF)
    assert [wire for wire in carry(database) if b"In-Reply-To" in wire] == []
    with pytest.raises(InputError, match="liste d’exclusion"):
        reply(database, key, page="b" * 32)


def carry(database):
    """The messages that pass the commit gate now."""
    with database.writing() as session:
        post = Post(session, SENDING, now=LATER, refusals={})
        post.carry(LATER)
        post.close(LATER)
        return [posted.wire for posted in post.posted]


def suppress(database, letter, reason):
    with database.writing() as session:
        address = session.get_one(Message, letter).address_key
        outbox.suppress_address(session, address, reason, now=LATER, actor=AUTHOR)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Vos écoles : ((écoles))", "écoles"),
        ("((boutons_réponse))", "boutons_réponse"),
        ("(% if rappel %)x(% endif %)", "rappel"),
        (reply_templates.FIRST[TextUse.HELP], "À compléter"),
        (" \n", "texte"),
    ],
)
def test_a_reply_has_no_field_without_a_value_and_nothing_left_to_complete(text, words):
    with pytest.raises(InputError, match=words):
        reply_templates.refuse_unfinished(text, SENDING.schemes)


def test_thirty_replies_an_hour_are_many(database, letters, monkeypatch):
    monkeypatch.setattr(replies, "MOST_AN_HOUR", 1)
    (key,) = give(database, letters[0], "help")
    reply(database, key)
    with pytest.raises(Refused, match="en une heure"):
        reply(database, key, page="b" * 32)


def write(database, text=reply_templates.FIRST[TextUse.JOINED], approver=APPROVER):
    """Write the text of a confirmed joining, and have it approved."""
    with database.writing() as session:
        reply_templates.write_template(session, TextUse.JOINED, text, now=NOW, actor=AUTHOR)
        held = reply_templates.current_template(session, TextUse.JOINED)
        if approver:
            reply_templates.approve_template(session, TextUse.JOINED, held.row.id, now=NOW, actor=approver)


def confirm(database, key, news):
    with database.writing() as session:
        response = response_numbered(session, key)
        seen = effect_of(session, response, now=LATER).version
        replies.confirm_joining(session, response, news, SENDING, now=LATER, actor=AUTHOR, seen=seen)


def news_of(database, key):
    with database.reading() as session:
        response = response_numbered(session, key)
        return replies.prepare_news(session, response, NADIA, SENDING, now=LATER)


@pytest.mark.long
def test_a_confirmed_joining_is_told_in_the_approved_text_with_its_schools(database, letters):
    (key,) = give(database, letters[0], "joined")
    with database.writing() as session:
        school = response_numbered(session, key).schools[0]
        session.execute(update(School).where(School.id == school.id).values(name="((contact)) *St* [x](y) & <b>"))
    assert news_of(database, key) is None
    write(database)
    news = news_of(database, key)
    assert "((contact)) *St* [x](y) &amp; &lt;b&gt; (FASE" in news.html
    assert "au volet 1" in news.html
    confirm(database, key, news)
    assert stands(database, letters[0]) == [(Status.JOINED, Word.CONFIRMED)] * 2
    (wire,) = wires(database)
    assert faults(wire) == []
    with pytest.raises(Refused, match="a changé"):
        confirm(database, key, news)
    assert len(wires(database)) == 1


def test_no_news_leaves_and_nothing_is_confirmed_once_its_text_or_its_schools_changed(database, letters):
    (key,) = give(database, letters[0], "joined")
    write(database)
    news = news_of(database, key)
    write(database, text=f"Bonjour,\n\n{reply_templates.SCHOOLS}\n", approver="")
    assert news_of(database, key) is None  # nobody approved it yet
    with pytest.raises(EffectChanged):
        confirm(database, key, news)
    assert stands(database, letters[0]) == [(Status.JOINED, Word.DECLARED)] * 2
    assert wires(database) == []


def test_a_text_is_approved_by_somebody_else_once_and_as_it_was_read(database, people):
    write(database, approver="")
    with database.writing() as session:
        number = reply_templates.current_template(session, TextUse.JOINED).row.id
        with pytest.raises(Refused, match="autre personne"):
            reply_templates.approve_template(session, TextUse.JOINED, number, now=NOW, actor=AUTHOR)
        reply_templates.approve_template(session, TextUse.JOINED, number, now=NOW, actor=APPROVER)
        with pytest.raises(Refused, match="Marc Dethier a validé la version du texte"):
            reply_templates.approve_template(session, TextUse.JOINED, number, now=NOW, actor=APPROVER)
        reply_templates.write_template(
            session, TextUse.JOINED, f"x\n\n{reply_templates.SCHOOLS}", now=NOW, actor=AUTHOR
        )
        assert not reply_templates.current_template(session, TextUse.JOINED).is_usable
        with pytest.raises(Refused, match="a changé"):
            reply_templates.approve_template(session, TextUse.JOINED, number, now=NOW, actor=APPROVER)
        with pytest.raises(InputError, match="seul sur une ligne"):
            reply_templates.refuse_unfit(TextUse.JOINED, "Aucune école.", SENDING.schemes)
        with pytest.raises(Refused, match="a changé ce texte"):
            reply_templates.write_template(session, TextUse.JOINED, "y", now=NOW, actor=AUTHOR, seen=number)
