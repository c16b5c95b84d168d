"""« C’est toujours la bonne adresse ? »: one tap confirms, whatever else is asked waits for a colleague and is told."""

import pytest
from sqlalchemy import select

from outreach.campaigns import channels
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.directory import confirmations
from outreach.directory.confirmations import Confirmation, ConfirmationWay
from outreach.directory.models import Contact
from outreach.engagement.replies import SentForm
from outreach.staff.asked_addresses import BY_CODE, MOST_A_DAY
from outreach.staff.proposals import Proposal, ProposalState
from tests.pages import form_of, text_of
from tests.web.public.test_persons import clock, raw
from tests.web.test_responses import letters

__all__ = ["clock", "letters", "raw"]
OTHER = {"asked": "other", "address": "nouvelle@ecole.be"}


@pytest.fixture
def letter(letters, launched_sample):
    """A letter to an authority: its key, that of the authority, and the address of the page about its mailbox."""
    owner, address = next(iter(letters.items()))
    with launched_sample.reading() as session:
        number = session.scalars(select(Message.id).where(Message.authority_id == owner)).first()
    return number, owner, address.replace("/a/", "/a/address/")


def ask(raw, clock, page, **typed):
    """Open the page as it comes, and send its form a while later."""
    seen = form_of(raw.get(page), page)["seen"]
    clock.wait(10)
    return raw.post(page, data={"seen": seen, **typed})


def kept(database, table):
    with database.reading() as session:
        return session.scalars(select(table).order_by(table.id)).all()


def in_use(database, authority):
    with database.reading() as session:
        theirs = Contact.authority_id == authority, Contact.retired_at.is_(None)
        return set(session.scalars(select(Contact.address).where(*theirs)))


def told(database):
    """The letters that tell a mailbox or its answer: to whom."""
    with database.reading() as session:
        query = select(Message.address).join(Mailing, Mailing.id == Message.mailing_id)
        return session.scalars(query.where(Mailing.purpose == Purpose.CONFIRMATION).order_by(Message.id)).all()


def test_one_tap_confirms_and_opening_the_page_does_not(raw, launched_sample, letter, clock):
    _, owner, page = letter
    shown = raw.get(page)
    assert raw.head(page).status_code == 200
    assert "Personne n’a encore confirmé cette boîte" in text_of(shown)
    assert not in_use(launched_sample, owner) & set(text_of(shown).split()), "it is masked"
    assert kept(launched_sample, Confirmation) == kept(launched_sample, SentForm) == []
    yes = {"seen": form_of(shown, page)["seen"], "asked": "right"}
    assert "Un dernier geste" in text_of(raw.post(page, data=yes)), "nobody reads and chooses at once"
    clock.wait(60)
    assert "cette adresse est confirmée" in text_of(raw.post(page, data=yes))
    raw.post(page, data=yes)
    assert [one.way for one in kept(launched_sample, Confirmation)] == [ConfirmationWay.PAGE]
    clock.wait(5)
    raw.post(page, data={**yes, "asked": "gone"})  # a machine that presses every button
    with launched_sample.reading() as session:
        assert confirmations.latest(session) == {}
    assert kept(launched_sample, Proposal) == told(launched_sample) == []


def test_another_address_waits_for_a_colleague_and_the_mailbox_is_told(raw, clock, author, launched_sample, letter):
    _, owner, page = letter
    before = in_use(launched_sample, owner)
    for wrong in ({"asked": "x"}, {"asked": "other"}, {"asked": "more", "address": "a@"}):
        assert ask(raw, clock, page, **wrong).status_code == 422
    shown = ask(raw, clock, page, **OTHER)
    assert "Un collègue la lit et décide" in text_of(shown)
    assert "nouvelle@ecole.be" not in text_of(raw.get(page)), "the next one with the letter does not read it"
    ask(raw, clock, page, **OTHER)
    (made,) = kept(launched_sample, Proposal)
    assert in_use(launched_sample, owner) == before
    assert set(told(launched_sample)) == {made.contact.address}, "once, to the address itself"
    author.send("/proposals/1/acceptance", {"answer": ""}, page="/proposals/1")
    assert in_use(launched_sample, owner) == (before - {made.contact.address}) | {"nouvelle@ecole.be"}
    with launched_sample.reading() as session:
        ((known, last),) = confirmations.latest(session).items()
    assert (known, last.way) == ((owner, "nouvelle@ecole.be"), ConfirmationWay.STAFF)


def test_nobody_asks_without_end_and_who_is_gone_is_retired_by_a_colleague(raw, clock, author, launched_sample, letter):
    _, owner, page = letter
    assert ask(raw, clock, page, asked="gone").status_code == 200
    for number in range(MOST_A_DAY - 1):
        assert ask(raw, clock, page, asked="more", address=f"a{number}@ecole.be").status_code == 200
    assert ask(raw, clock, page, asked="more", address="b@ecole.be").status_code == 429
    shown = text_of(author.get("/proposals/1"))
    assert "n’est plus la bonne adresse" in shown
    author.send("/proposals/1/acceptance", {"answer": ""}, page="/proposals/1")
    assert in_use(launched_sample, owner) == set()
    assert kept(launched_sample, Proposal)[0].state is ProposalState.ACCEPTED


def test_a_code_of_paper_shows_no_mailbox_and_only_asks_for_one_more(app, raw, clock, launched_sample, letter):
    number, owner, _ = letter
    with launched_sample.reading() as session:
        identity = bytes.fromhex(session.get_one(Message, number).public_id)
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    page = f"/a/address/{keys.make(TokenKind.ANSWER, identity, channels.BY_CODE)}"
    shown = text_of(raw.get(page))
    assert "…@" not in shown
    assert "confirmé" not in shown
    for asked in ("right", "gone", "other"):
        assert ask(raw, clock, page, asked=asked, address="a@ecole.be").status_code == 422
    ask(raw, clock, page, asked="more", address="a@ecole.be")
    (made,) = kept(launched_sample, Proposal)
    assert (made.authority_id, made.contact_id, made.said) == (owner, None, BY_CODE)
    assert raw.get(f"/a/address/{keys.make(TokenKind.VIEW, identity)}").status_code == 404
