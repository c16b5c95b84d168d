"""The page of deputies: an approver names another one for dated days, sees them, and ends them early."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.campaigns.letter import LetterSnapshot
from outreach.core.text.dates import today
from outreach.core.text.french import spelt_day
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Mailing, Message, Purpose
from tests.application import ASKED_AT
from tests.conftest import NOW
from tests.pages import actions, form_of, text_of

LUC = "luc.petit@fwb.example"
PAGE = "/account/deputies"
DAY = today(ASKED_AT) + timedelta(days=3)
SPELT = spelt_day(DAY).replace("\u00a0", " ")


@pytest.fixture
def approver(signed_in, sample_database):
    with sample_database.writing() as session:
        named = {"email": LUC, "name": "Luc Petit", "roles": (RoleName.APPROVER,), "password_hash": "x"}
        accounts.add_user(session, NOW, "installation", **named)
    return signed_in("approver")


def named(approver, **changes):
    day = DAY.strftime("%d/%m/%Y")
    return approver.send(PAGE, {"deputy": LUC, "first": day, "last": day, **changes}, page=PAGE)


@pytest.mark.journey
@pytest.mark.long
def test_an_approver_names_a_deputy_sees_the_days_and_ends_them(approver):
    assert PAGE in approver.get("/account").text
    assert named(approver).status_code == 302
    shown = approver.get(PAGE)
    assert f"Luc Petit vous remplace le {SPELT}." in text_of(shown)
    (end,) = [action for action in actions(shown) if action.endswith("/end")]
    assert approver.send(end, {}, page=PAGE).status_code == 302
    again = approver.get(PAGE)
    assert "Le remplacement est terminé" in text_of(again)
    assert not [action for action in actions(again) if action.endswith("/end")]
    assert approver.send(end, {}, page=PAGE).status_code == 404


@pytest.mark.long
def test_a_deputy_gets_a_mail_when_named_and_another_when_it_is_taken_back(approver, sample_database):
    def mails():
        with sample_database.reading() as session:
            query = select(Message.address, Mailing.letter).join(Mailing).where(Mailing.purpose == Purpose.STAFF)
            rows = session.execute(query.order_by(Mailing.id)).all()
            return [(to, LetterSnapshot.from_json(letter).draft.text.replace("\u00a0", " ")) for to, letter in rows]

    named(approver, last="01/05/2021")
    assert mails() == [], "what is refused is told to nobody"
    named(approver)
    ((to, text),) = mails()
    assert to == LUC
    assert f"Vous remplacez Marc Dethier le {SPELT}." in text
    (end,) = [action for action in actions(approver.get(PAGE)) if action.endswith("/end")]
    approver.send(end, {}, page=PAGE)
    _, (to, text) = mails()
    assert to == LUC
    assert f"Vous ne remplacez plus Marc Dethier. Le remplacement, prévu le {SPELT}, prend fin plus tôt." in text


def test_a_deputy_reads_on_the_home_page_whom_the_days_are_for(approver, signed_in, sample_database):
    with sample_database.writing() as session:
        user = accounts.user_named(session, "nadia.lambert@fwb.example")
        user.roles = [*user.roles, *accounts.user_named(session, LUC).roles]
    named(approver, deputy="nadia.lambert@fwb.example")
    deputy = signed_in("author")
    assert f"Vous remplacez Marc Dethier , le {SPELT}" in text_of(deputy.get("/today"))
    assert f"Marc Dethier , le {SPELT}" in text_of(deputy.get(PAGE))


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deputy": ""}, "Choisissez une autre personne"),
        ({"deputy": "nadia.lambert@fwb.example"}, "Choisissez une autre personne"),
        ({"first": "hier"}, "Premier jour d’absence"),
        ({"last": "01/05/2021"}, "un premier jour à venir"),
    ],
)
def test_what_cannot_be_is_refused_on_the_page_with_what_was_typed(approver, changes, said):
    refused = named(approver, **changes)
    assert refused.status_code == 422
    assert said in text_of(refused)
    filled = form_of(refused)
    assert {name: filled.get(name) for name in changes if name != "deputy"} == {
        name: value for name, value in changes.items() if name != "deputy"
    }
