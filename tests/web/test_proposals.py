"""A federation proposes, staff accept or refuse, and the answer is told."""

from itertools import product

import pytest
from sqlalchemy import select

from outreach.delivery.models import Mailing, Message, Purpose
from outreach.directory import authorities
from outreach.directory.models import Contact, ContactSource
from outreach.directory.register import SchoolReport
from outreach.staff.proposals import Proposal, ProposalState
from outreach.web.ui import request
from tests.pages import links, text_of
from tests.web.test_scoped_pages import Scope, signed_in

WHY = {"said": "Appel du secrétariat, le 3 mai"}


@pytest.fixture
def member(app, sample_database):
    scope = Scope(sample_database, "federation", "CECP")
    with sample_database.reading() as session:
        for fase in sorted(scope.listed):
            owner = authorities.authority_by_fase(session, fase)
            held = session.scalars(select(Contact).where(Contact.authority_id == owner.id)).first()
            schools = [one.school.fase for one in authorities.list_schools(session, owner).every()]
            own = [one for one in schools if one in scope.schools]
            if held and own and len(schools) > len(own):
                return (
                    fase,
                    held.id,
                    held.address,
                    own[0],
                    next(one for one in schools if one not in scope.schools),
                    scope,
                )
    raise AssertionError("no member has schools of both levels")


def told(database):
    with database.reading() as session:
        query = select(Message.address, Mailing.letter).join(Mailing, Mailing.id == Message.mailing_id)
        return session.execute(query.where(Mailing.purpose == Purpose.STAFF).order_by(Message.id)).all()


@pytest.mark.journey
@pytest.mark.long
def test_an_address_is_proposed_from_the_sheet_accepted_and_told(app, signed_in_as, member, sample_database):
    fase, contact, address, *_ = member
    adviser, author = signed_in(app, "federation", "CECP"), signed_in_as("author")
    page = f"/directory/{fase}/proposals/new?contact={contact}"
    assert page in [each for each, _ in links(adviser.get(f"/directory/{fase}/contacts"), page[:20])]
    assert address in text_of(adviser.get(page))
    to = f"/directory/{fase}/proposals?contact={contact}"
    wrong = adviser.send(to, {"address": "rien", **WHY}, page=page)
    assert wrong.status_code == 422
    assert adviser.send(to, {"address": "nouvelle@ecole.be", "said": ""}, page=page).status_code == 422
    assert adviser.send(to, {"address": "nouvelle@ecole.be", **WHY}, page=page).location == "/proposals"
    assert "En attente" in text_of(adviser.get("/proposals"))
    assert adviser.send(to, {"address": "nouvelle@ecole.be", **WHY}, page=page).status_code == 409
    assert "CECP propose" in text_of(author.get("/today"))
    with sample_database.reading() as session:
        assert session.get(Contact, contact).retired_at is None
    assert author.send("/proposals/1/acceptance", {"answer": "Merci"}, page="/proposals/1").location == "/proposals"
    with sample_database.reading() as session:
        assert session.get(Contact, contact).retired_at is not None
        added = session.scalars(select(Contact).where(Contact.address == "nouvelle@ecole.be")).one()
        assert (added.source, added.source_note) == (ContactSource.STAFF, "proposé par CECP")
    ((to_whom, letter),) = told(sample_database)
    assert to_whom == "conseil.cecp@federation.example"
    assert "acceptée" in letter
    assert "Bonjour Conseil CECP," in letter
    shown = text_of(adviser.get("/proposals"))
    assert "Acceptée" in shown
    assert "Merci" in shown
    assert "CECP propose" not in text_of(author.get("/today"))


@pytest.mark.journey
@pytest.mark.long
def test_a_school_is_proposed_as_gone_and_refused_with_a_reason(app, signed_in_as, member, sample_database):
    fase, _, _, school, other, _ = member
    adviser, author = signed_in(app, "federation", "CECP"), signed_in_as("author")
    page, to = f"/directory/{fase}/proposals/new?school={school}", f"/directory/{fase}/proposals?school={school}"
    assert adviser.send(to, WHY, page=page).location == "/proposals"
    assert adviser.get(f"/directory/{fase}/proposals/new?school={other}").status_code == 404  # of another level
    assert author.send("/proposals/1/refusal", {"answer": ""}, page="/proposals/1").status_code == 422
    why = {"answer": "Le registre dit le contraire"}
    assert author.send("/proposals/1/refusal", why, page="/proposals/1").location == "/proposals"
    assert "Le registre dit le contraire" in text_of(adviser.get("/proposals"))
    assert adviser.send(to, WHY, page=page).location == "/proposals"
    assert author.send("/proposals/2/acceptance", {"answer": ""}, page="/proposals/2").location == "/proposals"
    with sample_database.reading() as session:
        report = session.scalars(select(SchoolReport)).one()
        assert report.source.startswith("proposé par CECP")
        assert session.scalars(select(Proposal.state).order_by(Proposal.id)).all() == [
            ProposalState.REFUSED,
            ProposalState.ACCEPTED,
        ]


@pytest.mark.journey
@pytest.mark.long
def test_nobody_proposes_about_who_is_no_member_nor_reads_what_others_proposed(app, member, sample_database):
    fase, _, _, school, _, scope = member
    cecp, cpeons, stranger = (
        signed_in(app, "federation", "CECP"),
        signed_in(app, "federation", "CPEONS"),
        scope.strange[0],
    )
    form = {"address": "x@ecole.be", **WHY}
    page = f"/directory/{fase}/proposals/new"
    assert cecp.send(f"/directory/{stranger}/proposals", form, page=page).status_code == 404
    with sample_database.reading() as session:
        elsewhere = authorities.authority_by_fase(session, stranger)
        theirs = session.scalars(select(Contact.id).where(Contact.authority_id == elsewhere.id)).first()
    assert cecp.send(f"/directory/{fase}/proposals?contact={theirs}", form, page=page).status_code == 404
    assert cecp.send(f"/directory/{fase}/proposals?school={scope.school_elsewhere}", form, page=page).status_code == 404
    assert cecp.send(f"/directory/{fase}/proposals?school={school}", WHY, page=page).location == "/proposals"
    assert "n’est plus à ce PO" not in text_of(cpeons.get("/proposals"))
    for adviser in (cecp, cpeons):  # the second does not learn that somebody proposed the same
        assert adviser.send(f"/directory/{fase}/proposals", form, page=page).location == "/proposals"
    assert cecp.get("/proposals/1").status_code == 403
    assert "proposals.one" not in request.PAGES


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.postgresql
def test_a_number_that_no_row_has_is_as_one_of_a_stranger(app, member):
    """PostgreSQL takes no integer of more than four bytes, and without its number another thing would be proposed."""
    fase, adviser = member[0], signed_in(app, "federation", "CECP")
    page, form = f"/directory/{fase}/proposals/new", {"address": "x@ecole.be", **WHY}
    for name, number in product(("contact", "school"), ("2147483648", "9" * 30, "-1", "x", "٣", "")):
        asked = f"{name}={number}"
        assert adviser.get(f"{page}?{asked}").status_code == 404, asked
        assert adviser.send(f"/directory/{fase}/proposals?{asked}", form, page=page).status_code == 404, asked
    assert "x@ecole.be" not in text_of(adviser.get("/proposals"))


@pytest.fixture
def signed_in_as(app):
    from tests.application import sign_in

    return lambda role: sign_in(app, role)
