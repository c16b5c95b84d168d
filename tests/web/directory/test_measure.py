"""What staff record of a mailbox's agreement to be measured, and withdraw: with its proof, and told on its page."""

import pytest
from sqlalchemy import select

from outreach.directory.models import Authority, Contact, MailboxKind
from outreach.engagement.tracking import TrackingBasis
from tests.pages import actions, elements, links, text_of

PAGE = "/directory/9300/measure"
AGREED = {"given_by": "A. Petit, directrice", "day": "12/05/2021", "channel": "courriel reçu", "wording": "J’accepte."}
DECIDED = {"reference": "DPD 2021/4", "given_by": "C. Maes", "day": "2021-05-12"}


def mailbox(session):
    return session.scalars(select(Contact).join(Authority).where(Authority.fase == 9300)).one()


@pytest.fixture
def key(sample_database):
    with sample_database.reading() as session:
        return mailbox(session).id


def withdrawals(page):
    return [action for action in actions(page) if action and action.endswith("/withdrawal")]


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "form", "told"),
    [
        ("consent", AGREED, "donné le 12 mai 2021 (courriel reçu)"),
        ("decision", DECIDED, "décision DPD 2021/4 du 12 mai 2021, C. Maes"),
    ],
)
def test_what_is_recorded_is_told_with_its_proof_and_withdrawn(author, key, kind, form, told):
    assert links(author.get(PAGE), f"{PAGE}/{key}/{kind}") != []
    assert author.send(f"{PAGE}/{key}/{kind}", form).status_code == 302
    page = author.get(PAGE)
    assert told in text_of(page)
    assert "Mesurée" in text_of(page)
    assert links(page, f"{PAGE}/{key}/") == []
    assert author.send(f"{PAGE}/{key}/{kind}", form).status_code == 422
    (address,) = withdrawals(page)
    assert author.send(address, {"channel": "Appel téléphonique"}, page=PAGE).status_code == 302
    said = text_of(author.get(PAGE))
    assert "Dans un groupe" in said
    assert "par Nadia Lambert (appel téléphonique)." in said
    assert told in said


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("kind", "field", "typed", "words"),
    [
        ("consent", "given_by", " ", "Indiquez qui l’a donné."),
        ("consent", "wording", "", "Écrivez les mots"),
        ("consent", "wording", "x" * 2001, "2 000"),
        ("consent", "day", "hier", "n’est pas une date"),
        ("decision", "reference", "x" * 201, "200 caractères"),
        ("decision", "given_by", "\x1b", "interdit"),
    ],
)
def test_what_cannot_be_recorded_says_why_by_its_field(author, key, sample_database, kind, field, typed, words):
    form = {**(AGREED if kind == "consent" else DECIDED), field: typed}
    page = author.send(f"{PAGE}/{key}/{kind}", form)
    assert page.status_code == 422
    assert words in text_of(elements(page, f"p[@id='{field}-error']")[0])
    with sample_database.reading() as session:
        assert session.scalars(select(TrackingBasis)).all() == []


@pytest.mark.long
def test_a_decision_is_offered_for_a_function_s_mailbox_only(author, key, sample_database):
    author.send(f"{PAGE}/{key}/decision", {**DECIDED, "day": "31/12/2098"})
    with sample_database.writing() as session:
        assert session.scalars(select(TrackingBasis)).all() == []
        mailbox(session).mailbox_kind = MailboxKind.PERSONAL
    assert [address for address, _ in links(author.get(PAGE), f"{PAGE}/{key}/")] == [f"{PAGE}/{key}/consent"]
    assert "il faut l’accord de cette personne" in text_of(author.send(f"{PAGE}/{key}/decision", DECIDED))


def test_the_words_offered_name_the_mailbox(author, key, sample_database):
    with sample_database.reading() as session:
        address = mailbox(session).address
    assert address in text_of(elements(author.get(f"{PAGE}/{key}/consent"), "textarea")[0])


def test_a_reader_reads_and_records_nothing(signed_in, author, key):
    author.send(f"{PAGE}/{key}/consent", AGREED)
    page = signed_in("reader").get(PAGE)
    assert "accord de A. Petit" in text_of(page)
    assert withdrawals(page) == []
