"""Letters by hand: refused where they are not welcome, approved as merged, sent once, and in ledger and history."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import func, select, update

from outreach.access import approvals
from outreach.access.approvals import DecisionKind, Thing
from outreach.campaigns import correspondence, results
from outreach.campaigns.correspondence import ServiceLetter, ServiceReply, TextUse, Writer
from outreach.campaigns.correspondence import _replies as replies
from outreach.campaigns.correspondence import _reply_templates as reply_templates
from outreach.campaigns.segments._context import KEY
from outreach.core.settings import FrequencyCap
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageClass, Purpose, SuppressionReason
from outreach.directory.models import Authority, Contact
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, approved, launch, settle
from tests.conftest import NOW
from tests.delivery.letters.linter import faults

NADIA = Writer("Nadia Lambert", AUTHOR)
TEXT = "Objet : Rendez-vous – FASE ((fase_po))\n\nBonjour **((nom_po))**,\n\nÀ lundi.\n\n((contact))"
READY = TEXT.replace("Rendez-vous", "Notre appel")
BOX = "po009001@adm.fwb.example"


@pytest.fixture
def authority(database, people):
    """The key of an authority with one mailbox."""
    (key,) = settle(database, 1)
    return key


def write(database, authority, text=TEXT, key="a" * 32, now=NOW, actor=AUTHOR, address=""):
    with database.reading() as session:
        held = session.get_one(Authority, authority)
        to = correspondence.get_mailbox(session, held, address)
        prepared = correspondence.prepare_letter(
            session, held, to, text, Writer("Nadia Lambert", actor), SENDING, now=now
        )
    with database.writing() as session:
        held = session.get_one(Authority, authority)
        letter, is_new = correspondence.write_letter(
            session, held, to, text, prepared, SENDING, key, now=now, actor=actor
        )
        return letter.id, is_new


def approve(database, number, actor=APPROVER, now=NOW):
    with database.reading() as session:
        letter, _ = correspondence.letter_numbered(session, number)
        prepared = correspondence.prepared_again(session, letter, SENDING, now=now)
    with database.writing() as session:
        letter, _ = correspondence.letter_numbered(session, number)
        correspondence.approve_letter(session, letter, prepared, SENDING, now=now, actor=actor)


def make_ready(database):
    """Have a text of letters approved."""
    with database.writing() as session:
        reply_templates.write_template(session, TextUse.AFTER_CALL, READY, now=NOW, actor=AUTHOR)
        held = reply_templates.current_template(session, TextUse.AFTER_CALL)
        reply_templates.approve_template(session, TextUse.AFTER_CALL, held.row.id, now=NOW, actor=APPROVER)


def queued(database):
    """How many letters by hand are in the outbox."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Mailing).where(Mailing.purpose == Purpose.LETTER))


def carry(database, now=NOW):
    with database.writing() as session:
        post = Post(session, SENDING, now=now, refusals={})
        post.carry(now)
        post.close(now)
        return [posted.wire for posted in post.posted]


@pytest.mark.postgresql
def test_an_approved_text_unchanged_leaves_at_once_as_awareness_and_in_the_history(database, authority):
    make_ready(database)
    number, is_new = write(database, authority, READY)
    assert (is_new, queued(database)) == (True, 1)
    (wire,) = carry(database)
    assert faults(wire) == []
    message = message_from_bytes(wire, policy=default)
    assert (message["To"], message["Subject"]) == (BOX, "Notre appel – FASE 9001")
    assert AUTHOR in message["Reply-To"]
    assert "sensibilisation@courriel.example" in message["From"]
    assert "https://courriel.example/u/" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Bonjour PO 0" in message.get_body(("plain",)).get_content()
    with database.reading() as session:
        (mailing,) = session.scalars(select(Mailing))
        assert (mailing.message_class, mailing.stop_strand_id) == (MessageClass.AWARENESS, None)
        told = results.letter_events(session, session.get_one(Authority, authority), now=NOW)
        (event,) = [event for event in told if "Courriel du service" in event.sentence]
        assert (event.actor, event.sentence.startswith(f"Courriel du service, à {BOX} : ")) == (AUTHOR, True)
        assert "Objet : Notre appel – FASE 9001" in [line.replace("\xa0", " ") for line in event.details]
        assert approvals.last_decision(session, Thing.LETTER.subject(number)) is None, "nobody was asked"


def test_any_other_text_waits_for_a_second_person_who_approves_it_as_merged(database, authority):
    make_ready(database)
    number, _ = write(database, authority, READY.replace("lundi", "mardi"))
    assert queued(database) == 0
    with pytest.raises(Refused, match="revient à une autre personne"):
        approve(database, number, actor=AUTHOR)
    with database.writing() as session:
        session.execute(update(Authority).values(corrected_name="Commune d’Ailleurs"))
    with pytest.raises(Refused, match="a changé depuis sa soumission"):
        approve(database, number)
    with database.writing() as session:
        session.execute(update(Authority).values(corrected_name=None))
    approve(database, number)
    assert queued(database) == 1
    with pytest.raises(Refused, match="n’attend pas de validation"):
        approve(database, number)
    with database.reading() as session:
        (reply,) = session.scalars(select(ServiceReply))
        assert (reply.sent_by, reply.letter_id, reply.response_id) == (AUTHOR, number, None)
    assert len(carry(database)) == 1


def test_a_letter_sent_twice_from_one_page_is_one_letter_and_a_second_one_waits_for_the_first(database, authority):
    assert write(database, authority) == (1, True)
    assert write(database, authority) == (1, False)
    with pytest.raises(Refused, match="attend déjà la validation"):
        write(database, authority, key="b" * 32)
    end(database, 1, DecisionKind.WITHDRAWN)
    assert write(database, authority, key="b" * 32)[1]


def end(database, number, kind, actor=AUTHOR, reason=""):
    with database.writing() as session:
        letter, _ = correspondence.letter_numbered(session, number)
        correspondence.end_letter(session, letter, kind, now=NOW, actor=actor, reason=reason)


def test_a_letter_is_refused_with_a_reason_by_a_second_person_and_withdrawn_by_who_wrote_it(database, authority):
    number, _ = write(database, authority)
    with pytest.raises(Refused, match="cette personne seule le retire"):
        end(database, number, DecisionKind.WITHDRAWN, actor=APPROVER)
    with pytest.raises(InputError, match="Dites pourquoi"):
        end(database, number, DecisionKind.REFUSED, actor=APPROVER)
    with pytest.raises(Refused, match="revient à une autre personne"):
        end(database, number, DecisionKind.REFUSED, reason="x")
    end(database, number, DecisionKind.REFUSED, actor=APPROVER, reason="Appelez plutôt.")
    for again in (DecisionKind.WITHDRAWN, DecisionKind.REFUSED):
        with pytest.raises(Refused, match="n’attend plus"):
            end(database, number, again, actor=AUTHOR if again is DecisionKind.WITHDRAWN else APPROVER, reason="x")
    with pytest.raises(Refused):
        approve(database, number)
    assert queued(database) == 0


@pytest.mark.parametrize(
    ("reason", "said"),
    [(SuppressionReason.UNSUBSCRIBED, "s’est désinscrite"), (SuppressionReason.STAFF, "est exclue")],
)
def test_no_letter_leaves_for_a_mailbox_that_unsubscribed_or_is_excluded_not_even_at_the_fence(
    database, authority, reason, said
):
    make_ready(database)
    waiting, _ = write(database, authority)
    (other,) = settle(database, 1)
    write(database, other, READY, key="c" * 32)
    with database.writing() as session:
        for address in (BOX, "po009002@adm.fwb.example"):
            outbox.suppress_address(session, address, reason, now=NOW, actor=AUTHOR)
    with pytest.raises(Refused, match=said):
        approve(database, waiting)
    end(database, waiting, DecisionKind.WITHDRAWN)
    with pytest.raises(Refused, match=said):
        write(database, authority, READY, key="b" * 32)
    assert (queued(database), carry(database)) == (1, [])


@pytest.mark.long
def test_the_calm_stops_a_letter_and_counts_it(database, authority, strand):
    make_ready(database)
    database.info[KEY] = FrequencyCap(1, 7)
    write(database, authority, READY)
    with pytest.raises(Refused, match="le plus que le calme permet"):
        write(database, authority, READY, key="b" * 32, now=NOW + timedelta(days=1))
    launch(database, approved(database), NOW + timedelta(hours=1))
    with database.reading() as session:
        rows = session.execute(select(Mailing.purpose, Message.reason).join(Message, Message.mailing_id == Mailing.id))
        assert sorted(map(tuple, rows), key=str) == [(Purpose.CAMPAIGN, "solicited"), (Purpose.LETTER, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bonjour", "objet du courriel"),
        ("Objet : \n\nBonjour", "objet du courriel"),
        ("Objet : x\n", r"10\s000 caractères"),
        ("Objet : x\n\n[À compléter : y]", "Complétez"),
        ("Objet : x\n\n((écoles))", "écoles"),
        ("Objet : x\n\n((circulaire))", "circulaire"),
        ("Objet : ((écoles))\n\nBonjour", "écoles"),
        (f"Objet : {'x' * 151}\n\nBonjour", "150 caractères"),
    ],
)
def test_a_text_that_cannot_leave_is_refused_and_keeps_nothing(database, authority, text, said):
    with pytest.raises(InputError, match=said):
        write(database, authority, text)
    with database.reading() as session:
        assert session.scalars(select(ServiceLetter)).all() == []


def test_an_authority_without_a_usable_mailbox_gets_no_letter(database, authority):
    with database.writing() as session:
        session.execute(update(Contact).values(bounced_at=NOW))
    with pytest.raises(Refused, match="Aucune boîte utilisable"):
        write(database, authority)


def test_one_person_writes_so_many_in_an_hour(database, authority, monkeypatch):
    monkeypatch.setattr(replies, "MOST_AN_HOUR", 1)
    write(database, authority)
    end(database, 1, DecisionKind.WITHDRAWN)
    with pytest.raises(Refused, match="attendez avant le suivant"):
        write(database, authority, key="b" * 32)
    assert write(database, authority, key="b" * 32, now=NOW + timedelta(hours=2))[1]


def test_a_prepared_text_with_a_gap_asks_for_no_approval(database, people):
    with database.writing() as session:
        reply_templates.write_template(
            session, TextUse.PRESENT, reply_templates.FIRST[TextUse.PRESENT], now=NOW, actor=AUTHOR
        )
        held = reply_templates.current_template(session, TextUse.PRESENT)
        assert (held.is_to_approve, approvals.last_decision(session, reply_templates.content_of(held.row).subject)) == (
            False,
            None,
        )
        reply_templates.write_template(session, TextUse.PRESENT, TEXT, now=NOW, actor=AUTHOR)
        held = reply_templates.current_template(session, TextUse.PRESENT)
        assert (
            approvals.last_decision(session, reply_templates.content_of(held.row).subject).kind
            is DecisionKind.SUBMITTED
        )
