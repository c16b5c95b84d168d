"""The tray « Courriels reçus »: what people wrote back is read, taken, decided about and attached by hand."""

import json
from datetime import timedelta
from email.message import EmailMessage
from functools import partial

import pytest
from sqlalchemy import func, select, update

from outreach.core.audit import AuditEntry, Event
from outreach.core.settings import Settings
from outreach.core.text import french
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import received
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from outreach.delivery.received import ReceivedFile, ReceivedMail, Trust
from outreach.delivery.received._models import AttachedBy, MailStep
from outreach.directory import authorities, confirmations
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.models import Authority, Contact
from outreach.engagement.replies import Answer, Response
from outreach.operations.demo import people
from outreach.staff import asked_addresses, proposals
from outreach.staff.asked_addresses import AskedAddress
from outreach.staff.proposals import Proposal, ProposalKind, ProposalState
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.commands import invoke
from tests.conftest import NOW
from tests.delivery.received.corpus import mail
from tests.pages import elements, links, text_of
from tests.web.test_scoped_pages import signed_in as signed_in_of_scope

LIST = "/responses/mails"
QUOTED = "\n\nLe 25/11/2020 à 9:30, Le service <s@fwb.example> a écrit :\n> Madame, Monsieur"


@pytest.fixture
def letter(launched_sample):
    """A letter of a launched wave that left: its key, its public name and its authority's key and number."""
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
    with launched_sample.writing() as session:
        one = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        session.execute(update(Message).where(Message.id == one.id).values(left))
        return one.id, one.public_id, one.authority_id, session.get_one(Authority, one.authority_id).fase


@pytest.fixture
def write(app, launched_sample, letter):
    """Write a mail to the mailbox of replies, with the mark of the letter unless it is `stray`; returns its number."""
    keys = Keys(app.extensions["outreach.settings"].signing_keys)

    def written(text="Nous adhérons.", *, stray=False, **named):
        mark = "" if stray else f"+{keys.make(TokenKind.REPLY, bytes.fromhex(letter[1]))}"
        content = mail(text, **{"sender": "x@y.example", **named}, to=f"reponses{mark}@fwb.example")
        received.take_in(launched_sample, content, keys, Trust(), now=NOW)
        with launched_sample.reading() as session:
            return session.scalars(select(ReceivedMail.id).order_by(ReceivedMail.id.desc())).first()

    return written


def confirmed(database, authority):
    """The addresses of an authority that are confirmed, and how."""
    with database.reading() as session:
        known = confirmations.latest(session, Contact.authority_id == authority)
        return [(key, last.way) for (_, key), last in known.items()]


def kept(database, number):
    with database.reading() as session:
        mail = session.get_one(ReceivedMail, number)
        assert (mail.owner, mail.authority, mail.steps) is not None
        return mail


def tabs(page):
    return [text_of(tab) for tab in elements(page, "nav[@aria-label='Filtrer les courriels reçus']//li")]


def holds(database):
    with database.reading() as session:
        return len(session.scalars(select(ReceivedMail.id).where(received.holds_letters())).all())


@pytest.mark.journey
def test_a_mail_is_found_read_taken_decided_about_and_opened_again(author, write, launched_sample):
    number = write("Nous\n<b>adhérons</b>." + QUOTED, name="Anne <i>Dumont")
    write("Je suis absente.", Auto_Submitted="auto-replied")
    page = author.get("/responses")
    assert [text_of(link) for link in elements(page, f"a[@href='{LIST}']")] == ["Courriels reçus (1)"]
    page = author.get(LIST)
    assert tabs(page) == ["En attente (1)", "À décider (1)", "À rattacher (0)", "Traités (1)"]
    address = f"{LIST}/{number}"
    assert address in dict(links(page))
    page = author.get(address)
    assert "&lt;b&gt;adhérons&lt;/b&gt;" in page.text
    assert "<b>adhérons" not in page.text
    (folded,) = elements(page, "details[@class='sites']")
    assert "Madame, Monsieur" in text_of(folded)
    assert folded.get("open") is None
    author.send(f"{address}/owner", page=address)
    assert kept(launched_sample, number).owner
    assert holds(launched_sample) == 1, "who looks after a mail has not decided"
    author.send(f"{address}/decision", {"decision": "nothing"}, page=address)
    assert holds(launched_sample) == 0
    author.send(f"{address}/reopening", page=address)
    mail = kept(launched_sample, number)
    assert [step.step.value for step in mail.steps] == ["taken", "nothing", "reopened", "taken"]
    assert holds(launched_sample) == 1
    with launched_sample.reading() as session:
        said = session.scalars(select(AuditEntry.sentence).where(AuditEntry.sentence.contains("Courriel reçu"))).all()
    assert said == [
        f"Courriel reçu {number} : pris en charge.",
        f"Courriel reçu {number} : traité, rien à faire : ce qu’il retenait repart.",
        f"Courriel reçu {number} : rouvert.",
    ]


def test_a_mail_is_handed_to_a_named_colleague_who_decides_about_mails(author, signed_in, write, launched_sample):
    first, second = write(subject="Re: Volet 1"), write("Non.", sender="z@y.example")
    here = f"{LIST}/{first}"
    page = author.get(here)
    assert "Volet 1" not in text_of(elements(page, "h1")[0])
    (beside,) = elements(page, "nav[@aria-label='Courriels de la liste']")
    assert [link.get("href") for link in beside.iter("a")] == [f"{LIST}/{first}", f"{LIST}/{second}"]
    offered = {option.get("value") for option in elements(page, "select[@name='to']/option")}
    approver, reader = people.person_for("approver").email, people.person_for("reader").email
    assert approver in offered
    assert reader not in offered
    author.send(f"{here}/colleague", {"to": approver}, page=here)
    assert kept(launched_sample, first).owner == approver
    assert author.send(f"{here}/colleague", {"to": reader}, page=here).status_code == 400
    assert kept(launched_sample, first).owner == approver
    assert holds(launched_sample) == 2


@pytest.mark.journey
def test_a_letter_by_hand_that_answers_a_mail_decides_about_it_once_it_leaves(
    author, signed_in, write, letter, launched_sample
):
    number, sheet_of = write(), f"/directory/{letter[3]}/letter"
    (way,) = [to for to, _ in links(author.get(f"{LIST}/{number}")) if to.startswith(sheet_of)]
    with launched_sample.reading() as session:
        held = select(Contact.address).where(Contact.authority_id == letter[2], Contact.retired_at.is_(None))
        typed = {"to": session.scalars(held).first(), "subject": "Votre courriel", "letter": "Merci."}
    page = author.get(way)
    typed["mail"] = elements(page, "input[@name='mail']")[0].get("value")
    page = author.send(f"{sheet_of}/preview", typed, page=way)
    hidden = {name: elements(page, f"input[@name='{name}']")[0].get("value") for name in ("key", "mail")}
    written = author.send(f"{sheet_of}/sending", typed | hidden, page=way).location
    assert holds(launched_sample) == 1, "it waits for a second person"
    signed_in(RoleName.APPROVER).send(f"{written}/approval", page=written)
    assert holds(launched_sample) == 0
    assert [step.step.value for step in kept(launched_sample, number).steps] == ["answered"]
    with launched_sample.reading() as session:
        (headers,) = session.scalars(select(Mailing.headers).where(Mailing.purpose == Purpose.LETTER))
    assert json.loads(headers)["references"] == kept(launched_sample, number).ident != "", (
        "it stays in the thread of its mail"
    )


def test_a_mail_from_the_address_of_another_authority_than_its_letter_s_says_so(author, write, letter, launched_sample):
    with launched_sample.writing() as session:
        other = session.scalars(select(Authority).where(Authority.id != letter[2])).first()
        session.add(Contact(authority_id=other.id, **factories.contact("autre@ecole.example", added_at=NOW)))
        told = f"L’annuaire connaît cette adresse chez {other.display_name}"
    assert told in text_of(author.get(f"{LIST}/{write(sender='autre@ecole.example')}"))
    assert "L’annuaire connaît" not in text_of(author.get(f"{LIST}/{write('Oui.')}"))
    with launched_sample.writing() as session:
        session.add(Contact(authority_id=letter[2], **factories.contact("autre@ecole.example", added_at=NOW)))
    assert "L’annuaire connaît" not in text_of(author.get(f"{LIST}/{write('Non.', sender='autre@ecole.example')}"))


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("RE: AW: Volet 1", "Re: Volet 1"),
        ("Volet 1", "Re: Volet 1"),
        ("Votre lettre : oui", "Re: Votre lettre : oui"),
        ("Oui (%nom%)", "Re: Oui ( %nom%)"),
    ],
)
def test_an_answer_begins_with_the_subject_of_the_mail_and_goes_to_the_mailbox_that_wrote(
    author, write, letter, launched_sample, subject, answered
):
    with launched_sample.writing() as session:
        session.add(Contact(authority_id=letter[2], **factories.contact("second@ecole.example", added_at=NOW)))
    number = write(subject=subject, sender="second@ecole.example")
    page = author.get(f"/directory/{letter[3]}/letter?mail={number}")
    assert elements(page, "input[@name='subject']")[0].get("value") == answered
    (chosen,) = elements(page, "select[@name='to']/option[@selected]")
    assert chosen.get("value") == "second@ecole.example"
    other = author.get(f"/directory/{letter[3]}/letter?mail={number}&text=present")
    assert elements(other, "input[@name='subject']")[0].get("value") != answered, "a prepared text has its own"


@pytest.mark.one_example
@pytest.mark.parametrize("decision", ["recorded", "taken", "x", ""])
def test_a_decision_that_no_button_offers_is_refused(author, write, launched_sample, decision):
    address = f"{LIST}/{write()}"
    assert author.send(f"{address}/decision", {"decision": decision}, page=address).status_code == 400
    assert holds(launched_sample) == 1


def test_who_only_reads_sees_a_mail_and_decides_nothing(signed_in, write, launched_sample):
    address, reader = f"{LIST}/{write()}", signed_in(RoleName.READER)
    page = reader.get(address)
    assert "Nous adhérons." in page.text
    assert not elements(page, "main//form")
    assert reader.post(f"{address}/decision", data={"decision": "nothing"}).status_code in {400, 403}
    assert holds(launched_sample) == 1


def test_a_mail_that_is_not_there_is_not_found(author, letter):
    assert author.get(f"{LIST}/999").status_code == 404


@pytest.mark.journey
def test_the_list_is_narrowed_to_a_campaign_to_whom_it_awaits_and_to_whose_it_is(author, signed_in, write):
    number = write()
    other = signed_in(RoleName.APPROVER)
    other.send(f"{LIST}/{number}/owner", page=f"{LIST}/{number}")
    for asked, count in (("campaign=1", 1), ("owner=todo", 0), ("owner=me", 0), ("owner=x&state=x", 1)):
        assert tabs(author.get(f"{LIST}?{asked}"))[0] == f"En attente ({count})", asked
    assert tabs(other.get(f"{LIST}?owner=me"))[0] == "En attente (1)"
    assert author.get(f"{LIST}?campaign=999").status_code == 404


@pytest.mark.journey
def test_the_thread_and_the_history_have_what_was_written_and_a_federation_that_a_reply_came(
    app, author, write, letter, launched_sample
):
    first, second = write("Première réponse.", subject="Un mot"), write("Seconde réponse.", subject="Autre mot")
    page = author.get(f"{LIST}/{second}")
    (thread,) = elements(page, "section[@aria-labelledby='thread']")
    assert "Réponse par courriel : « Un mot »." in text_of(thread).replace("\xa0", " ")
    assert "Première réponse." not in text_of(thread)
    assert {f"{LIST}/{first}", f"/campaigns/1/letters/{letter[0]}"} <= {to for to, _ in links(page)}
    page = author.get(f"/directory/{letter[3]}/history")
    assert {f"{LIST}/{first}", f"{LIST}/{second}"} <= {to for to, _ in links(page)}
    said = f"Dernier courriel reçu : le {french.day(NOW)}"
    assert said in text_of(author.get(f"/directory/{letter[3]}")).replace("\xa0", " ")
    with launched_sample.reading() as session:
        authority = session.get_one(Authority, letter[2])
        federation = authorities.represented_by(session, authority)[0][0].code
    page = signed_in_of_scope(app, "federation", federation).get(f"/directory/{letter[3]}")
    assert said in text_of(page).replace("\xa0", " ")
    assert "mot" not in [word for word in text_of(page).split() if word == "mot"]


def test_a_federation_opens_neither_the_list_nor_a_mail(app, write):
    number, client = write(), signed_in_of_scope(app, "federation", "SeGEC")
    for address in (LIST, f"{LIST}/{number}", f"{LIST}/export.csv"):
        response = client.get(address)
        assert response.status_code == 403, address
        assert "Nous adhérons" not in response.text


@pytest.mark.journey
def test_opening_the_list_its_file_and_a_mail_writes_nothing(author, write, launched_sample):
    address = f"{LIST}/{write()}"

    def rows():
        with launched_sample.reading() as session:
            tables = (ReceivedMail, MailStep, Response, AuditEntry, Message)
            return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    before = rows()
    for one in (LIST, f"{LIST}/export.csv", f"{LIST}?state=decided", address):
        assert author.get(one).status_code == 200, one
    assert rows() == before
    assert holds(launched_sample) == 1


@pytest.mark.journey
def test_what_a_mail_says_is_recorded_for_some_schools_and_then_for_others(author, write, letter, launched_sample):
    number = write("Nous adhérons pour une école.")
    address = f"{LIST}/{number}"
    page = author.get(address)
    choices = [option.get("value") for option in elements(page, "select[@name='answer']/option")]
    assert choices == ["", *Answer]
    first, *others = [tick.get("value") for tick in elements(page, "input[@name='schools']")] or [""]
    told = {"answer": "joined"} | ({"schools": first} if first else {})
    author.send(f"{address}/answer", told, page=address)
    assert holds(launched_sample) == 0, "recording decides"
    if others:
        author.send(f"{address}/answer", {"answer": "in_preparation"}, page=address)
    with launched_sample.reading() as session:
        given = session.scalars(select(Response).order_by(Response.id)).all()
        assert [one.answer.value for one in given] == ["joined", "in_preparation"][: len(given)]
        assert [one.message_id for one in given] == [letter[0]] * len(given)
        assert [str(school.fase) for school in given[0].schools] == [first] or not first
        assert session.scalars(select(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION)).all() == []
        mail = session.get_one(ReceivedMail, number)
        assert [step.step.value for step in mail.steps] == ["recorded"]
        response = given[0].id
    page = author.get(f"/responses/{response}")
    assert "Par courriel, notée par un collègue" in text_of(page)
    assert f"/responses/{response}" in dict(links(author.get(address)))
    for one in given:
        assert holds(launched_sample) == 0
        author.send(f"{address}/answer/withdrawal", {"response": str(one.id)}, page=address)
    assert holds(launched_sample) == 1, "without an answer it waits again"
    again = author.send(f"{address}/answer/withdrawal", {"response": str(response)}, page=address)
    assert again.status_code == 404
    with launched_sample.reading() as session:
        assert session.scalars(select(Response).where(Response.stands())).all() == []


def test_a_mail_that_names_no_letter_answers_the_last_one_that_left(author, write, letter, launched_sample):
    number = write(stray=True)
    with launched_sample.writing() as session:
        by = {"authority_id": letter[2], "attached_by": AttachedBy.SENDER}
        session.execute(update(ReceivedMail).where(ReceivedMail.id == number).values(by))
    author.send(f"{LIST}/{number}/answer", {"answer": "help"}, page=f"{LIST}/{number}")
    with launched_sample.reading() as session:
        (given,) = session.scalars(select(Response)).all()
        assert (given.answer, given.message_id) == (Answer.HELP, letter[0])


@pytest.mark.journey
def test_a_mail_of_nobody_is_attached_by_hand_holds_then_and_is_detached(author, write, letter, launched_sample):
    with launched_sample.reading() as session:
        held = session.scalars(select(Contact).where(Contact.authority_id == letter[2])).first()
        owner, address = letter[3], held.address
        other = session.scalars(select(Authority).where(Authority.id != letter[2]).order_by(Authority.id)).first().fase
    number = write(f"Bonjour, pour le PO (FASE n° {other}).", stray=True, sender=address)
    page = author.get(f"{LIST}?state=to_attach")
    assert tabs(page)[2] == "À rattacher (1)"
    assert f"{LIST}/{number}" in {to.partition("?")[0] for to, _ in links(page)}
    here = f"{LIST}/{number}"
    page = author.get(here)
    offered = [
        field.get("value") for field in elements(page, "section[@aria-labelledby='attach']//input[@type='hidden']")
    ]
    assert [value for value in offered if value.isdecimal()][:2] == [str(owner), str(other)]
    assert "a, ou a eu, cette adresse" in text_of(page)
    for typed in ("", "x", "999999"):
        assert author.send(f"{here}/authority", {"fase": typed}, page=here).status_code == 422
    assert holds(launched_sample) == 0
    author.send(f"{here}/authority", {"fase": str(owner)}, page=here)
    assert holds(launched_sample) == 1
    assert kept(launched_sample, number).attached_by is AttachedBy.HAND
    assert confirmed(launched_sample, letter[2]) == [(held.address_key, ConfirmationWay.MAIL)]
    author.send(f"{here}/detachment", page=here)
    assert confirmed(launched_sample, letter[2]) == []
    assert holds(launched_sample) == 0
    assert [step.step.value for step in kept(launched_sample, number).steps] == ["attached", "detached"]
    with launched_sample.reading() as session:
        of_replies = select(Event).where(Event.kind.startswith("reply.")).order_by(Event.id)
        told = [(one.kind.value, one.subject, json.loads(one.data)) for one in session.scalars(of_replies)]
    data = {"mail": number, "authority": owner, "campaign": None}
    assert told == [(f"reply.{kind}", f"authority:{owner}", data) for kind in ("received", "detached")]
    author.send(f"{here}/decision", {"decision": "nothing"}, page=here)
    assert tabs(author.get(LIST)) == ["En attente (0)", "À décider (0)", "À rattacher (0)", "Traités (1)"]


def test_a_domain_that_everybody_has_suggests_nobody(launched_sample, write):
    with launched_sample.writing() as session:
        held = session.scalars(select(Contact)).first()
        held.address = held.address_key = held.address_ascii = "po@gmail.com"
    strange = write(stray=True, sender="autre@gmail.com")
    with launched_sample.reading() as session:
        assert received.suggest_authorities(session, session.get_one(ReceivedMail, strange)) == []


def test_a_mail_that_is_proved_is_not_detached_and_one_that_is_attached_not_attached_again(write, launched_sample):
    number = write()
    with launched_sample.writing() as session:
        authority = session.scalars(select(Authority)).first()
        for act in (received.detach_mail, partial(received.attach_mail, authority=authority)):
            with pytest.raises(Refused):
                act(session, number, now=NOW, actor="x")
        with pytest.raises(NotFound):
            received.detach_mail(session, number + 1, now=NOW, actor="x")
        with pytest.raises(Refused):
            received.reopen_mail(session, number, now=NOW, actor="x")


def test_an_absence_that_names_who_takes_over_is_proposed_once_and_answered_by_nothing(
    author, write, letter, launched_sample
):
    with launched_sample.reading() as session:
        held = session.scalars(select(Contact).where(Contact.authority_id == letter[2])).first().address
    away = {"sender": held, "Auto_Submitted": "auto-replied"}
    write("Mme Dumont a quitté ses fonctions. Écrivez désormais à direction@ecole.be.", **away)
    for _ in range(2):
        asked_addresses.propose_absences(launched_sample, now=NOW)
    with launched_sample.reading() as session:
        (made,) = session.scalars(select(Proposal)).all()
        assert (made.contact.address, made.address) == (held, "direction@ecole.be")
        assert not session.scalars(select(Mailing.id).where(Mailing.purpose == Purpose.CONFIRMATION)).all()
    page = f"/proposals/{made.id}"
    assert "par une réponse automatique" in text_of(author.get(page)).replace("\xa0", " ")
    author.send(f"{page}/acceptance", {"answer": ""}, page=page)
    with launched_sample.reading() as session:
        theirs = Contact.authority_id == letter[2], Contact.retired_at.is_(None)
        assert "direction@ecole.be" in session.scalars(select(Contact.address).where(*theirs)).all()
    assert confirmed(launched_sample, letter[2]) == [], "its reader did not ask for it"


def test_an_absence_that_only_says_until_when_is_noted_once_and_changes_nothing(author, write, letter, launched_sample):
    with launched_sample.reading() as session:
        held = session.scalars(select(Contact).where(Contact.authority_id == letter[2])).first().address
    away = {"Auto_Submitted": "auto-replied"}
    write("Je suis absente jusqu’au 14 décembre. M. Petit me remplace.", sender="derriere@ecole.example", **away)
    write("Absente.", sender=held, **away)
    asked_addresses.propose_absences(launched_sample, now=NOW)
    with launched_sample.reading() as session:
        (made,) = session.scalars(select(Proposal)).all()
        before = session.scalars(select(Contact).where(Contact.authority_id == letter[2])).all()
    assert (made.contact.address, made.address, made.proposed_by) == (held, "", "derriere@ecole.example")
    page = f"/proposals/{made.id}"
    shown = author.get(page)
    ((mail_behind, _),) = links(shown, "/responses/mails/")
    assert "derriere@ecole.example" in text_of(author.get(mail_behind))
    offered = [text_of(button) for button in elements(shown, "div[@class='actions']/button")]
    assert offered == ["Noter l’absence", "Ne rien noter"]
    assert "retour annoncé : « 14 décembre », « M. Petit me remplace. »" in text_of(shown).replace("\xa0", " ")
    author.send(f"{page}/acceptance", {"answer": ""}, page=page)
    write("Je suis absente jusqu’au 14 décembre. M. Petit me remplace.", sender=held, **away)
    asked_addresses.propose_absences(launched_sample, now=NOW)
    with launched_sample.reading() as session:
        assert session.scalars(select(Proposal.state)).all() == [ProposalState.ACCEPTED]
        after = session.scalars(select(Contact).where(Contact.authority_id == letter[2])).all()
        assert [(one.address, one.retired_at) for one in after] == [(one.address, one.retired_at) for one in before]
    assert "absence » : acceptée" in text_of(author.get(f"/directory/{made.authority.fase}/history")).replace(
        "\xa0", " "
    )


def test_mails_are_found_by_authority_sender_and_words(author, write, launched_sample, letter):
    first = write("Nous adhérons.", subject="Volet un")
    second = write("Peut-être 100 % plus tard.", sender="zoe@ailleurs.example", stray=True)
    with launched_sample.reading() as session:
        name = session.get_one(Authority, letter[2]).display_name
    for text, found in (
        *((name, {first}), ("volet UN", {first}), ("zoe@", {second}), ("100 %", {second}), ("_", set())),
        *(("adhérons", {first}), ("", {first, second})),
    ):
        page = author.get(LIST, query_string={"q": text})
        here = [to.partition("?")[0].rpartition("/")[2] for to, _ in links(page, f"{LIST}/")]
        numbers = {int(one) for one in here if one.isdecimal()}
        assert numbers & {first, second} == found, text


@pytest.mark.journey
def test_what_was_refused_of_an_absence_is_not_proposed_again_and_takes_no_person_s_turn(
    author, write, letter, launched_sample
):
    away = {"sender": "x@y.example", "Auto_Submitted": "auto-replied"}
    for number in range(7):
        write(f"Écrivez à relais{number}@ecole.example. {number}", **away)
        write(f"Écrivez à nadia.lambert@fwb.example. {number}", **away)
    asked_addresses.propose_absences(launched_sample, now=NOW)
    with launched_sample.reading() as session:
        made = session.scalars(select(Proposal)).all()
    assert len(made) == asked_addresses.MOST_A_DAY
    assert "nadia.lambert@fwb.example" not in {one.address for one in made}
    for one in made:
        author.send(f"/proposals/{one.id}/refusal", {"answer": "Non."}, page=f"/proposals/{one.id}")
    later = NOW + timedelta(days=1, hours=1)
    write(f"Écrivez à {made[0].address}. Encore.", **away)
    asked_addresses.propose_absences(launched_sample, now=later)
    with launched_sample.writing() as session:
        assert made[0].address not in {one.address for one in session.scalars(proposals.waiting())}
        one = session.get_one(Message, letter[0])
        asked_addresses.record(session, one, AskedAddress.GONE, None, SENDING, by_code=False, now=later)
        assert ProposalKind.GONE in {one.kind for one in session.scalars(proposals.waiting())}


def test_an_absence_of_which_no_letter_is_known_is_about_the_last_one(launched_sample, letter):
    with launched_sample.writing() as session:
        one = session.get_one(Message, letter[0])
        address = one.address
        keys = Keys((b"k" * 32,))
    content = mail("Absente jusqu’au 14 décembre.", sender=address, Auto_Submitted="auto-replied")
    received.take_in(launched_sample, content, keys, Trust(anybody=True), now=NOW + timedelta(days=1))
    asked_addresses.propose_absences(launched_sample, now=NOW + timedelta(days=1))
    with launched_sample.reading() as session:
        assert session.scalars(select(Proposal.message_id)).all() == [letter[0]]


def test_a_mail_taken_for_a_program_s_is_a_person_s_once_somebody_says_so(author, write, launched_sample):
    number = write("Absente, et voici : nous adhérons.", Auto_Submitted="auto-replied")
    here = f"{LIST}/{number}"
    assert holds(launched_sample) == 0
    (button,) = [one for one in elements(author.get(here), "button") if text_of(one) == "Une personne l’a écrit"]
    assert button is not None
    author.send(f"{here}/reopening", page=here)
    assert holds(launched_sample) == 1
    assert author.send(f"{here}/reopening", page=here).status_code == 409


def test_the_absences_of_a_folder_are_proposed_by_the_command_that_reads_it(launched_sample, letter, tmp_path):
    mark = Keys((b"k" * 32,)).make(TokenKind.REPLY, bytes.fromhex(letter[1]))
    content = mail(
        "Absente jusqu’au 14 décembre.", to=f"r+{mark}@fwb.example", sender="a@b.example", Auto_Submitted="a"
    )
    (tmp_path / "a.eml").write_bytes(content)
    for _ in range(2):
        read = invoke(launched_sample, {"OUTREACH_TOKEN_KEYS": "k" * 32}, "replies", "read", tmp_path, "--json")
        assert '"automatic": 1' in read.stdout
    with launched_sample.reading() as session:
        assert session.scalars(select(Proposal.kind)).all() == [ProposalKind.AWAY]


BROUGHT = [("Liste « été »\r\n.pdf", b"%PDF-"), ("page.html", b"<script>"), ("vide.txt", b""), ("../../x.PNG", b"png")]
BROUGHT += [(f"{number}.txt", b"t") for number in range(9)]


@pytest.fixture
def brought(launched_sample):
    """A mail with files of some kinds; returns its number."""
    written = EmailMessage()
    written["From"], written["Subject"] = "x@y.example", "Avec des fichiers"
    written.set_content("Voici.")
    for name, content in BROUGHT:
        written.add_attachment(content, "text", "html", filename=name.replace("\r\n", ""))
    received.take_in(launched_sample, bytes(written), Keys((b"k" * 32,)), Trust(), Settings().kept_kinds, now=NOW)
    with launched_sample.reading() as session:
        return session.scalars(select(ReceivedMail.id)).one()


def test_files_of_the_kinds_that_are_kept_are_saved_and_others_say_why_not(author, brought):
    here = f"{LIST}/{brought}"
    page = author.get(here)
    offered = [to for to, _ in links(page) if to.startswith(f"{here}/files/")]
    assert offered == [f"{here}/files/{number}" for number in (1, 4, *range(5, 13))]
    assert "Celles qui n’ont pas de lien ne sont pas gardées ici : d’un autre format que pdf, docx" in text_of(page)
    first, third = author.get(offered[0]), author.get(offered[1])
    assert (first.data, first.content_type, first.headers["X-Content-Type-Options"]) == (
        *(b"%PDF-", "application/octet-stream", "nosniff"),
    )
    said = [answer.headers["Content-Disposition"] for answer in (first, third)]
    names = f"courriel-{brought}-1-liste-ete.pdf", f"courriel-{brought}-4-x.png"
    assert said == [f'attachment; filename="{name}"' for name in names]
    assert [author.get(f"{here}/files/{number}").status_code for number in (2, 3, 13, 99)] == [404] * 4


def test_a_federation_s_adviser_has_no_file(app, brought):
    assert signed_in_of_scope(app, "federation", "SeGEC").get(f"{LIST}/{brought}/files/1").status_code == 403


@pytest.mark.parametrize(("sizes", "kept"), [([6, 6, 4], [1, 3]), ([11, 1], [2])])
def test_of_a_mail_no_more_is_kept_than_a_bound(database, monkeypatch, sizes, kept):
    monkeypatch.setattr("outreach.delivery.received._files.MOST_KEPT_BYTES", 10)
    for kind, headers in ((None, {}), ("auto", {"Auto-Submitted": "auto-replied"})):
        written = EmailMessage()
        written["From"] = f"{kind}@y.example"
        for name, value in headers.items():
            written[name] = value
        written.set_content("Voici.")
        for size in sizes:
            written.add_attachment(b"x" * size, "text", "plain", filename="a.txt")
        received.take_in(database, bytes(written), Keys((b"k" * 32,)), Trust(), ("txt",), now=NOW)
    with database.reading() as session:
        files = session.scalars(select(ReceivedFile).order_by(ReceivedFile.mail_id, ReceivedFile.number)).all()
        assert [file.number for file in files if file.is_kept] == kept
