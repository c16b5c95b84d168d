"""« Cette école n’est plus à nous »: told beside an answer, decided by staff, taken back by « Ce n’est pas nous »."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.adherence.models import AdherenceRecord
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.directory.models import Authority, Ownership, School
from outreach.directory.register import SchoolReport
from outreach.engagement.replies import Response, ResponseSchool, SentForm
from outreach.operations import retention
from outreach.staff.proposals import Proposal, ProposalState
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of
from tests.programmes import two_programmes
from tests.web.campaigns.test_progress import stop_clock
from tests.web.test_responses import letters
from tests.web.test_scoped_pages import signed_in

__all__ = ["letters", "two_programmes"]


def of_so_many(database, letters, least, most):
    """The answer address of an authority of so many schools, its number, and the FASE numbers of the schools asked."""
    with database.reading() as session:
        count = func.count(Ownership.id)
        query = select(Authority).join(Ownership, Ownership.authority_id == Authority.id).where(Ownership.current())
        rows = session.scalars(query.group_by(Authority.id).having(count.between(least, most)).order_by(Authority.id))
        return [(letters[row.id], row.fase) for row in rows if row.id in letters]


@pytest.fixture
def several(client, sample_database, letters):
    """Such a page with two schools or more, of which one is gone: address, authority, the schools asked about."""
    for address, fase in of_so_many(sample_database, letters, 3, 8):
        shown = form_of(client.get(address), "answer")
        schools = [int(name.removeprefix("school-")) for name in shown if name.startswith("school-")]
        if len(schools) > 1:
            return address, fase, schools
    raise AssertionError("no authority of the sample has a few schools")


def proposals(database):
    with database.reading() as session:
        return session.scalars(select(Proposal).order_by(Proposal.id)).all()


def answered(database):
    """The schools that are answered for, by FASE number, each with its answer, and those of which a status is known."""
    with database.reading() as session:
        query = select(School.fase, Response.answer).join(ResponseSchool, ResponseSchool.school_id == School.id)
        said = session.execute(query.join(Response, Response.id == ResponseSchool.response_id)).all()
        declared = select(School.fase).join(AdherenceRecord, AdherenceRecord.school_id == School.id)
        return dict(map(tuple, said)), set(session.scalars(declared.where(AdherenceRecord.recorded_at >= NOW)))


def plain(page):
    return text_of(page).replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.postgresql
def test_a_school_that_is_gone_is_reported_beside_the_answer_for_the_others(
    client, author, several, sample_database, letters
):
    address, fase, (gone, *others) = several
    page = client.get(address)
    assert proposals(sample_database) == []
    chosen = elements(page, f"select[@id='school-{gone}']/option")
    assert text_of(chosen[-1]) == "Cette école n’est plus à nous"
    form = {"answer": "in_preparation", f"school-{gone}": "gone", "gone_to": "l’ASBL Les Tilleuls"}
    receipt = client.post(address, data=form, follow_redirects=True)
    assert "Votre réponse est enregistrée" in plain(receipt)
    assert "Vous avez signalé que cette école n’est plus à vous" in plain(receipt)
    assert f"(FASE {gone}). Rien n’est déclaré pour elle : le service vérifie." in plain(receipt)
    said, declared = answered(sample_database)
    assert (set(said), declared) == (set(others), set(others))
    (made,) = proposals(sample_database)
    assert (made.state, made.school.fase, made.authority.fase) == (ProposalState.WAITING, gone, fase)
    assert (made.said, made.scope_kind, made.message_id is None) == ("l’ASBL Les Tilleuls", None, False)
    with sample_database.reading() as session:
        letter = session.scalars(select(Mailing.letter).where(Mailing.purpose == Purpose.CONFIRMATION)).one()
    assert "N’est plus à nous" in letter, letter
    again = client.get(address)
    assert "n’est plus à vous" in plain(again)
    assert f"school-{gone}" not in form_of(again, "answer")
    assert "Le PO signale, en répondant" in plain(author.get("/today"))
    assert "n’est plus à ce PO" in plain(author.get("/proposals"))


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.postgresql
def test_staff_accept_it_in_the_inbox_and_write_to_nobody(client, author, several, sample_database):
    address, _, (gone, *_) = several
    client.post(address, data={f"school-{gone}": "gone", "gone_to": "l’ASBL Les Tilleuls"})
    shown = plain(author.get("/proposals/1"))
    assert "Signalement du PO" in shown
    assert "À qui elle serait l’ASBL Les Tilleuls" in shown
    assert author.send("/proposals/1/acceptance", {"answer": ""}, page="/proposals/1").location == "/proposals"
    with sample_database.reading() as session:
        report = session.scalars(select(SchoolReport)).one()
        assert report.source == "signalé par le PO, en répondant : l’ASBL Les Tilleuls"
        assert session.scalars(select(Mailing).where(Mailing.purpose == Purpose.STAFF)).all() == []
    assert "ce que le service a retenu" in plain(client.get(address.replace("/a/", "/a/given/")))
    assert f"school-{gone}" not in form_of(client.get(address), "answer")
    assert "Le PO signale" not in plain(author.get("/today"))


@pytest.mark.long
@pytest.mark.journey
def test_an_only_school_is_reported_without_an_answer_and_the_figures_stay(client, author, sample_database, letters):
    address, _ = of_so_many(sample_database, letters, 1, 1)[0]
    ((gone, _),) = [(one.get("name"), one) for one in elements(client.get(address), "select")]
    assert [text_of(one) for one in elements(client.get(address), f"select[@name='{gone}']/option")] == [
        "Comme ci-dessus",
        "Cette école n’est plus à nous",
    ]
    receipt = client.post(address, data={gone: "gone"}, follow_redirects=True)
    assert "Votre signalement est enregistré" in plain(receipt)
    assert "Cela n’arrête aucun rappel." in plain(receipt)
    with sample_database.reading() as session:
        assert session.scalars(select(Response)).all() == []
        assert session.scalars(select(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION)).all() == []
        assert session.scalars(select(SentForm.answers)).all() == [""]
    assert answered(sample_database) == ({}, set())
    shown = plain(client.get(address))
    assert ("n’est plus à vous" in shown, "ne concerne aujourd’hui aucune" in shown) == (True, False)
    assert author.send("/proposals/1/refusal", {"answer": ""}, page="/proposals/1").location == "/proposals"
    assert gone in form_of(client.get(address), "answer")  # it is asked about again


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.postgresql
def test_who_did_not_send_it_takes_it_back_while_nobody_has_decided(client, author, several, sample_database):
    address, _, (gone, other, *_) = several
    client.post(address, data={f"school-{other}": "joined", f"school-{gone}": "gone"})
    receipt = client.get(address.replace("/a/", "/a/given/"))
    ((undo, _),) = links(receipt, "/a/undo/")
    page, late = client.get(undo), form_of(author.get("/proposals/1"))
    assert "n’est plus à vous" in plain(page)
    assert proposals(sample_database)[0].state is ProposalState.WAITING
    client.post(undo.partition("?")[0], data={**form_of(page), "whose": "not_ours"})
    assert proposals(sample_database)[0].state is ProposalState.WITHDRAWN
    assert f"school-{gone}" in form_of(client.get(address), "answer")
    assert author.post("/proposals/1/acceptance", data=late).status_code == 409


@pytest.mark.long
@pytest.mark.journey
def test_a_report_alone_is_taken_back_from_the_answer_page_and_one_decided_stays(
    client, author, several, sample_database, monkeypatch
):
    address, _, (gone, other, *_) = several
    client.post(address, data={f"school-{gone}": "gone"})
    ((undo, _),) = links(client.get(address), "/a/undo/")
    client.post(undo.partition("?")[0], data={**form_of(client.get(undo)), "whose": "not_ours"})
    assert proposals(sample_database)[0].state is ProposalState.WITHDRAWN
    stop_clock(monkeypatch, NOW + timedelta(minutes=5))
    client.post(address, data={f"school-{other}": "gone"})
    ((undo, _),) = links(client.get(address), "/a/undo/")
    author.send("/proposals/2/acceptance", {"answer": ""}, page="/proposals/2")
    client.post(undo.partition("?")[0], data={**form_of(client.get(undo)), "whose": "not_ours"})
    assert [made.state for made in proposals(sample_database)] == [ProposalState.WITHDRAWN, ProposalState.ACCEPTED]


@pytest.mark.long
def test_schools_that_are_ticked_are_reported_together(client, sample_database, letters):
    address = next(address for address, _ in of_so_many(sample_database, letters, 15, 400))
    page = client.get(address)
    ticked = [one.get("value") for one in elements(page, "input[@name='pick']")][:2]
    sent = {**form_of(page, "answer"), "other": "gone", "pick": ticked, "ticked": "1"}
    assert client.post(address, data=sent).status_code == 303
    assert {str(made.school.fase) for made in proposals(sample_database)} == set(ticked)
    assert answered(sample_database) == ({}, set())
    sent = {"other": "gone", "pick": [ticked[0]], "gone_to": "x" * 201}
    assert client.post(address, data=sent).status_code == 422


@pytest.mark.long
@pytest.mark.journey
def test_federations_do_not_see_it_and_the_mailbox_s_export_tells_it(app, client, several, sample_database):
    address, _, (gone, *_) = several
    client.post(address, data={f"school-{gone}": "gone", "gone_to": "chez Zoé Dubois"})
    with sample_database.reading() as session:
        made = session.scalars(select(Proposal)).one()
        mailbox = session.get_one(Message, made.message_id).address
        known = retention.known_of(session, mailbox)
        assert [row["said"] for row in known["proposals"]] == ["chez Zoé Dubois"]
    for federation in ("CECP", "CPEONS"):
        assert "n’est plus à ce PO" not in plain(signed_in(app, "federation", federation).get("/proposals"))


@pytest.mark.long
@pytest.mark.journey
def test_of_two_programmes_each_task_counts_it_once(author, client, two_programmes, app, sample_database):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    with two_programmes.reading() as session:
        names = session.scalars(select(Message.public_id).where(Message.reason.is_(None)).order_by(Message.id)).all()
    for name in names:
        address = f"/a/{keys.make(TokenKind.ANSWER, bytes.fromhex(name))}"
        choices = [one.get("name") for one in elements(client.get(address), "select")]
        if choices and choices[0].startswith("school-"):
            break
    form = {**form_of(client.get(address), "answer"), choices[0]: "gone"}
    assert client.post(address, data=form).status_code == 303
    for programme in ("", "?programme=plan-lecture"):
        assert plain(author.get(f"/today{programme}")).count("Le PO signale, en répondant") == 1
