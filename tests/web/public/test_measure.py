"""The box of the answer page: unticked until its mailbox agrees, its words kept, withdrawn by the same box."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.core import audit
from outreach.core.text.errors import Refused
from outreach.delivery.models import Mailing, Purpose
from outreach.directory import contacts
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Contact
from outreach.engagement import tracking
from outreach.engagement.tracking import BasisWithdrawal, TrackingBasis
from outreach.engagement.tracking import _consent as consent
from tests.conftest import NOW
from tests.pages import elements, form_of
from tests.web.campaigns.test_progress import stop_clock
from tests.web.test_responses import LAST, finish, letters, wbe

__all__ = ["letters", "wbe"]
STAFF = "nadia.lambert@fwb.example"


@pytest.fixture
def choose(client, wbe):
    """Send the page's form about measuring with its box ticked or not, as a browser would."""

    def send(ticked, **changes):
        page = client.get(wbe)
        action = wbe.replace("/a/", "/a/measure/")
        is_answer = 'id="answer"' in page.text
        held = form_of(page, "answer" if is_answer else action) | ({"page": "answer"} if is_answer else {})
        form = {name: value for name, value in held.items() if name != "measure"}
        return client.post(action, data={**form, **({"measure": "1"} if ticked else {}), **changes})

    return send


def kept(database):
    with database.reading() as session:
        return session.scalars(select(TrackingBasis).order_by(TrackingBasis.id)).all()


def mailbox(session):
    return session.scalars(select(Contact).join(Authority).where(Authority.fase == 9001)).one()


def is_ticked(page):
    (box,) = elements(page, "input[@name='measure']")
    return "checked" in box.attrib


@pytest.mark.journey
@pytest.mark.long
def test_the_box_gives_an_agreement_with_its_words_and_takes_it_back(client, wbe, choose, sample_database):
    assert not is_ticked(client.get(wbe))
    assert "Votre accord est enregistré" in choose(ticked=True).text
    (basis,) = kept(sample_database)
    with sample_database.reading() as session:
        assert (basis.wording, basis.given_by) == (consent.consent_wording(), mailbox(session).address)
        assert basis.recorded_by == f"mailbox:{mailbox(session).id}"
    assert basis.channel.startswith("page de réponse du courriel ")
    page = client.get(wbe)
    assert is_ticked(page)
    assert consent.consent_wording() in page.text
    assert choose(ticked=True).status_code == 200
    assert len(kept(sample_database)) == 1
    assert "n’est pas mesurée" in choose(ticked=False).text
    assert not is_ticked(client.get(wbe))
    (basis,) = kept(sample_database)
    assert (basis.withdrawn_by, basis.withdrawn_through) == (basis.recorded_by, basis.channel)
    with sample_database.reading() as session:
        lines = [entry.sentence for entry in audit.entries_about(session, subject_of(mailbox(session).authority))]
        assert ["retirée" in lines[0], "permise" in lines[1]] == [True, True]
        with pytest.raises(Refused, match="elle-même"):
            decided = {"reference": "DPD 1", "given_by": "DPD", "taken_on": NOW.date(), "now": NOW, "actor": STAFF}
            tracking.record_decision(session, mailbox(session), **decided)
    with sample_database.writing() as session:
        held = mailbox(session)
        contacts.retire(session, held.authority, held, now=NOW, actor=STAFF)
        again = contacts.restore(session, held.authority, held.id, now=NOW, actor=STAFF)
        with pytest.raises(Refused, match="elle-même"):
            tracking.record_decision(session, again, **decided)


@pytest.mark.long
def test_what_staff_recorded_is_withdrawn_by_the_same_box_also_once_answers_are_over(
    client, wbe, choose, sample_database, monkeypatch
):
    with sample_database.writing() as session:
        decided = {"reference": "DPD 1", "given_by": "DPD", "taken_on": NOW.date(), "now": NOW, "actor": STAFF}
        tracking.record_decision(session, mailbox(session), **decided)
    page = client.get(wbe)
    assert is_ticked(page)
    assert "décision du délégué" in page.text
    finish(sample_database, ends=True)
    stop_clock(monkeypatch, LAST + timedelta(days=1))
    assert choose(ticked=False).status_code == 200
    with sample_database.reading() as session:
        (basis,) = session.scalars(select(TrackingBasis))
        assert basis.withdrawn_by == f"mailbox:{basis.contact_id}"
    assert "<form" not in client.get(wbe).text


@pytest.mark.long
def test_saving_the_choice_loses_nothing_that_is_typed_for_the_answer(client, wbe, choose, sample_database):
    typed = {"answer": "help", "comment": "Rappelez-moi lundi", "proposed": "x@ecole.be"}
    for ticked, said in ((True, "Votre accord est enregistré"), (False, "n’est pas mesurée")):
        page = choose(ticked=ticked, **typed)
        assert said in page.text
        assert typed.items() <= form_of(page, "answer").items()
        assert is_ticked(page) is ticked
    sent = client.post(wbe, data={**form_of(page, "answer"), "measure": "1"}, follow_redirects=True)
    assert "n’est pas encore enregistré" in sent.text, "the box was ticked, and only the answer was sent"
    assert is_ticked(sent)
    assert kept(sample_database)[-1].withdrawn_at is not None
    assert 'name="measure"' not in client.post(wbe, data=form_of(page, "answer"), follow_redirects=True).text


@pytest.mark.long
def test_other_words_than_those_of_the_page_are_not_agreed_to(choose, sample_database):
    page = choose(ticked=True, wording="J’accepte tout.")
    assert page.status_code == 422
    assert "a changé" in page.text
    assert kept(sample_database) == []


@pytest.mark.long
def test_a_flood_of_agreements_is_refused_and_withdrawing_never_is(choose, sample_database, monkeypatch):
    monkeypatch.setattr(consent, "MOST_AN_HOUR", 1)
    for _ in range(consent.MOST_AN_HOUR):
        assert choose(ticked=True).status_code == 200
        assert choose(ticked=False).status_code == 200
    assert choose(ticked=True).status_code == 429
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(BasisWithdrawal)) == consent.MOST_AN_HOUR


def test_a_test_letter_and_an_address_out_of_use_have_no_box(client, wbe, sample_database):
    action = wbe.replace("/a/", "/a/measure/")
    with sample_database.writing() as session:
        session.scalars(select(Mailing)).first().purpose = Purpose.TEST
    assert 'name="measure"' not in client.get(wbe).text
    assert client.post(action, data={"measure": "1", "wording": consent.consent_wording()}).status_code == 404
    with sample_database.writing() as session:
        session.scalars(select(Mailing)).first().purpose = Purpose.CAMPAIGN
        held = mailbox(session)
        contacts.retire(session, held.authority, held, now=NOW, actor=STAFF)
    assert 'name="measure"' not in client.get(wbe).text
    assert kept(sample_database) == []
