"""Where several programmes are loaded, whatever a letter leads to says of which its strand is."""

import io

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from tests.architecture.test_sweeps import SAMPLES, addresses
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of
from tests.programmes import BARE, OWN, two_programmes

__all__ = ["two_programmes"]
OF_NO_STRAND = {"public.view", "public.click", "public.unsubscription"}  # a letter says its own words


@pytest.fixture
def token(app, two_programmes):
    """That of a letter which left, of an authority with several schools."""
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
    with two_programmes.writing() as session:
        session.execute(update(Message).where(Message.reason.is_(None)).values(left))
        name = session.scalars(select(Message.public_id).where(Message.reason.is_(None)).order_by(Message.id)).first()
    return keys.make(TokenKind.ANSWER, bytes.fromhex(name))


def receipt_of(app, database):
    """The token of the letter that confirms the answer, as it is read online."""
    newest = select(Message.public_id).join(Mailing, Mailing.id == Message.mailing_id).order_by(Message.id.desc())
    with database.reading() as session:
        name = session.scalars(newest.where(Mailing.purpose == Purpose.CONFIRMATION)).first()
    return Keys(app.extensions["outreach.settings"].signing_keys).make(TokenKind.VIEW, bytes.fromhex(name))


def words(response):
    if response.mimetype.endswith("sheet"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(response.data))
        said = " ".join(str(cell) for row in book.get_sheet_by_index(0).to_python() for cell in row)
        return f"{response.headers['Content-Disposition']} {said}"
    page = f"{text_of(response)} {' '.join(text_of(one) for one in elements(response, 'textarea'))}"
    return " ".join(page.replace("\xa0", " ").replace("\u202f", " ").split())


@pytest.mark.long
@pytest.mark.journey
def test_every_page_and_file_of_a_letter_names_its_programme(app, client, token, two_programmes):
    page = client.get(f"/a/{token}")
    school = elements(page, "input[@type='radio'][@name='answer']")[0].get("value")
    given = client.post(f"/a/{token}", data=form_of(page, f"/a/{token}") | {"answer": school})
    assert given.status_code in {200, 303}, text_of(given)
    if given.status_code == 200:  # a letter in doubt asks once more
        again = form_of(given, f"/a/{token}")
        assert client.post(f"/a/{token}", data=again | {"answer": school}).status_code == 303
    assert f"{OWN}, volet 1 :" in words(FlaskClient.open(client, f"/v/{receipt_of(app, two_programmes)}"))
    ((undo, _),) = links(client.get(f"/a/given/{token}"), "/a/undo/")
    told = set()
    for method, endpoint, address in addresses(app, {**SAMPLES, "token": token}):
        if method == "GET" and endpoint.startswith("public.") and endpoint not in OF_NO_STRAND:
            response = client.get(undo if "undo" in address else address)
            if response.status_code == 200:
                said = words(response)
                assert BARE.search(said) is None, (address, BARE.search(said))
                told |= {endpoint} if OWN in said else set()
    assert told >= {f"public.{one}" for one in ("answer", "given_answer", "answer_sheet", "answer_list", "disowning")}
    assert "public.mailbox_file" in told
    sheet = client.get(f"/a/sheet/{token}")
    assert "mes-outils-numeriques-volet-1" in words(sheet)
    content = {"file": (io.BytesIO(sheet.data), "reponses.xlsx")}
    checked = client.get(client.post(f"/a/lists/{token}", data=content).location)
    assert f"{OWN}, volet 1" in words(checked)
    assert "Colonnes inconnues" not in words(checked)
