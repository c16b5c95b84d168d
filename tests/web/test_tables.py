"""Every list of the pages: filtered, sorted by its columns, saved under the same headers, written to."""

import csv
import io
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from urllib.parse import urlencode

import hypothesis
import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import Row, inspect, select
from sqlalchemy.exc import NoInspectionAvailable

from outreach.access.accounts import Role, User
from outreach.adherence import programmes
from outreach.campaigns import evidence, segments
from outreach.campaigns.evidence import ReachChannel, StepReason
from outreach.campaigns.models import PaperBatch
from outreach.campaigns.segments import InNetwork
from outreach.core import jobs
from outreach.core.jobs import AskedJob
from outreach.core.settings import ROOT
from outreach.core.tables import On
from outreach.core.text.addresses import judge
from outreach.core.text.roles import SCOPED
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind
from outreach.delivery.models import Message, SuppressionReason
from outreach.delivery.received import ReceivedMail
from outreach.delivery.received._models import AttachedBy
from outreach.directory import authorities, contacts
from outreach.directory.models import MailboxKind
from outreach.engagement import replies
from outreach.engagement.replies import Answer, FormState, Given, SentForm
from outreach.engagement.replies._models import Doubt
from outreach.integrations import api_keys, webhooks_in, webhooks_out
from outreach.integrations.webhooks_in import Delivery, keep_deliveries
from outreach.operations.demo import people
from outreach.reports.notes import Note
from outreach.staff.proposals import Proposal
from outreach.web.ui import pager
from outreach.web.ui.pager import Shown
from tests import factories
from tests.conftest import NOW
from tests.pages import elements, links, text_of

PAGES = Path(ROOT) / "templates" / "pages"
# By template: where a list stands; "write" where authorities are listed, so that one writes to them.
LISTS = {
    "directory/index.html": ("/directory?province=Namur", "write"),
    "directory/contacts.html": ("/directory/9300/contacts", ""),
    "directory/schools.html": ("/directory/9001", ""),
    "directory/exclusions.html": ("/directory/exclusions", ""),
    "paper/addresses.html": ("/directory/postal?state=all", ""),
    "directory/reachability.html": ("/directory/reachability?state=bounced&state=unconfirmed", "write"),
    "responses/index.html": ("/responses", "write"),
    "responses/to_verify.html": ("/responses/to-verify", ""),
    "responses/mails.html": ("/responses/mails?state=to_decide", "write"),
    "proposals/index.html": ("/proposals", ""),
    "trail/index.html": ("/trail", ""),
    "situation/actions.html": ("/situation/actions", ""),
    "situation/changed.html": ("/situation/difference/schools?strand=1&from=2020-09-01", ""),
    "situation/schools.html": ("/situation/schools?strand=1&province=Namur", "write"),
    "situation/authorities.html": ("/situation/authorities?strand=1&province=Namur", "write"),
    "campaigns/authorities.html": ("/campaigns/1/authorities", "write"),
    "campaigns/index.html": ("/campaigns", ""),
    "campaigns/audience_list.html": ("/campaigns/1/audience/authorities", ""),
    "campaigns/channels/paper/index.html": ("/campaigns/1/paper", ""),
    "campaigns/channels/call/index.html": ("/campaigns/1/calls", "write"),
    "notes/index.html": ("/notes", ""),
    "administration/closures.html": ("/administration/closures", ""),
    "administration/accounts.html": ("/administration/accounts", ""),
    "administration/api_keys.html": ("/administration/api-keys", ""),
    "administration/hooks.html": ("/administration/hooks", ""),
    "administration/pushes.html": ("/administration/pushes", ""),
    "segments/index.html": ("/segments", ""),
    "segments/lists.html": ("/segments/lists", ""),
    "jobs/index.html": ("/jobs", ""),
    "segments/list.html": ("/segments/lists/1", "write"),
}
IS_DEEP = hypothesis.settings.get_current_profile_name() == "all"
MANY = {"directory/index.html", "situation/schools.html", "trail/index.html"}
IN_MEMORY = {"segments/index.html", "jobs/index.html", "campaigns/index.html"}
SORTED = re.compile(r"[?;]sort=(-?\w+)")


@pytest.fixture
def chief(signed_in, launched_sample):
    """A person of every role, with some rows in every list."""
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).limit(9)).all()
        for letter, answer in zip(letters, [Answer.HELP, Answer.JOINED, Answer.DECLINED] * 3, strict=True):
            replies.give_answers(session, letter, Given({}, request=answer), now=NOW)
            outbox.suppress_address(session, letter.address_key, SuppressionReason.STAFF, now=NOW, actor="x")
        for number in range(3):
            judged, held = judge(f"a{number}@ecole.be"), authorities.authority_by_fase(session, 9300)
            contacts.add(session, held, judged, now=NOW, actor=factories.AUTHOR, kind=MailboxKind.IMPERSONAL)
        programme = programmes.get_programme(session)
        for number in range(3):
            factories.campaign(session, factories.invitation(title=f"Campagne {number}"), NOW)
            details = {"title": f"Note {number}", "as_of": NOW.date(), "known_at": NOW, "figures": "{}", "text": ""}
            by = {"sha256": f"{number}" * 64, "frozen_at": NOW, "frozen_by": factories.AUTHOR}
            session.add(Note(programme=programme, **details, **by))
        for number in range(3):
            by = {"made_at": NOW, "made_by": factories.AUTHOR, "letters": number, "has_sheet": False}
            session.add(PaperBatch(campaign_id=1, mailing_id=letters[0].mailing_id, **by))
        for letter in {letter.authority_id: letter for letter in letters}.values():
            of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
            details = {"rung": 1, "channel": ReachChannel.CALL, "reason": StepReason.REFUSED}
            evidence.open_step(session, **of, **details, now=NOW, actor="x")
        for letter in letters[:3]:
            of = {"message_id": letter.id, "authority_id": letter.authority_id, "digest": "x", "answers": "joined,help"}
            details = {"kind": FormKind.ANSWER, "state": FormState.TO_VERIFY, "doubt": Doubt.NO_PAGE}
            session.add(SentForm(at=NOW, changed_at=NOW, **details, **of))
            details = {
                "received_at": NOW,
                "is_automatic": False,
                "sender": "x@y.be",
                "sender_key": "x@y.be",
                "folded": "",
            }
            details |= {"sender_name": "", "subject": f"Objet {letter.id}", "text": "Oui.", "digest": str(letter.id)}
            by = {"authority_id": letter.authority_id, "message_id": letter.id, "attached_by": AttachedBy.MARK}
            session.add(ReceivedMail(**details, **by))
            details = {"kind": "address", "address": f"b{letter.id}@ecole.be", "said": "Appel", "proposed_at": NOW}
            of = {"scope_kind": "federation", "scope_code": "CECP", "proposed_by": "conseil@cecp.example"}
            session.add(Proposal(state="waiting", authority_id=letter.authority_id, answer="", **details, **of))
        for number in range(3):
            named, by = f"Public {number}", {"now": NOW, "actor": factories.AUTHOR}
            segments.make_list(session, named, [one.authority_id for one in letters], **by)
            segments.save_segment(session, named, InNetwork(("WBE",)), **by)
            jobs.ask_job(session, people.person_for("author").email, AskedJob("Fichier", f"/{number}"), now=NOW)
            webhooks_out.make_endpoint(session, name=f"Entrepôt {number}", url=f"https://e{number}.example/", **by)
            made = webhooks_in.make_source(session, name=f"service-{number}", public_key="", known=[], **by)
            keep_deliveries(session, [Delivery(made.id, "x", [{}] * (number + 1), None, NOW)])
            api_keys.make(session, name=f"Bord {number}", role="reader", days=90 + number, **by)
        session.scalars(select(User).where(User.email == people.person_for("author").email)).one().roles = list(
            session.scalars(select(Role).where(Role.name.not_in(SCOPED)))
        )
    client = signed_in("author")
    for number in range(5):
        assert client.get(f"/directory/export.csv?q={number}").data  # read to its end, or its session stays open
    return client


@pytest.fixture
def shown(monkeypatch):
    """The page of a listing that was shown last, with the identity of each of its rows."""
    last = {}
    made = Shown.of.__func__

    def of(cls, *arguments, **named):
        last["page"] = made(cls, *arguments, **named)
        last["rows"] = [identity(row) for row in last["page"].rows]
        return last["page"]

    monkeypatch.setattr(Shown, "of", classmethod(of))
    return last


def identity(row):
    """What tells a row from any other: the keys of the records that it holds, else its values."""
    try:
        return inspect(row).identity
    except NoInspectionAvailable:
        if is_dataclass(row):
            return tuple(identity(getattr(row, field.name)) for field in fields(row))
        return tuple(identity(part) for part in row) if isinstance(row, tuple | list | Row) else repr(row)


def count_of(listing):
    """How many rows a listing has, once its request is over: its session begins anew, and is closed again."""
    try:
        return listing.count()
    finally:
        if hasattr(listing, "session"):
            listing.session.close()


def rows_of(listing, number, size, total):
    """The rows of a page of a listing, once its request is over: as `shown` has them."""
    try:
        return [identity(row) for row in listing.page(number, size, total)]
    finally:
        if hasattr(listing, "session"):
            listing.session.close()


def address_of(name, **asked):
    address, _ = LISTS[name]
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}" if asked else address


def file_of(client, page, kind):
    """The headers and the rows of a file that a page leads to."""
    (address,) = (address for address, text in links(page) if text == kind.upper())
    data = client.get(address).data
    if kind == "csv":
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
        lines = lines[: lines.index([])] if [] in lines else lines
    else:
        lines = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    return lines[0], lines[1:]


@pytest.mark.journey
@pytest.mark.long
def test_each_list_is_filtered_sorted_saved_under_its_headers_and_written_to(chief, shown):
    for name, (address, writes) in LISTS.items():
        page = chief.get(address)
        listing, total = shown["page"].listing, shown["page"].pager.total
        assert total >= 3, name
        assert elements(page, "form[@role='search']") or elements(page, "nav[@class='tabs']"), name
        tables = (elements(table, "thead/tr/th[@scope='col']") for table in elements(page, "table"))
        on_page = [column.header for column in shown["page"].columns]
        assert on_page in [[text_of(header) for header in headers][-len(on_page) :] for headers in tables], name
        columns, rows = file_of(chief, page, "csv")
        assert file_of(chief, page, "xlsx")[0] == columns == [one.full_header for one in listing.on(On.FILE)], name
        assert len(rows) >= total, name
        in_file = {column.header for column in listing.on(On.FILE)}
        actions_only = {column.header for column in listing.columns if column.on is On.PAGE}
        assert set(on_page) - actions_only <= in_file, name
        labels = {cell.get("data-label") for cell in elements(page, "table[@class='ds-table cards']/tbody/tr/td")}
        assert labels - {None, "Cocher"} <= set(on_page), name
        if elements(page, "input[@name='q']"):
            chief.get(address_of(name, q="wxyzwxyz"))
            assert shown["page"].pager.total == 0, name
        written = [to for to, _ in links(page) if to.partition("?")[0].endswith("/campaign")]
        assert len(written) == bool(writes), name


def set_rows(monkeypatch, size):
    for usual in ("PAGE_ROWS", "FEW_ROWS"):
        monkeypatch.setattr(pager, usual, size)


@pytest.mark.long
def test_pages_of_each_list_hold_each_row_once_in_every_order(chief, shown, monkeypatch):
    """By the listing that a page shows. Its first order is also walked by the addresses of its pages."""
    for name in LISTS:
        monkeypatch.setattr(pager, "PAGE_ROWS", 50)
        FlaskClient.open(chief, address_of(name))
        page, total = shown["page"], shown["page"].pager.total
        sortable = [column for column in page.columns if column.sort is not None]
        assert sortable, name
        size = total // 3 + 1
        set_rows(monkeypatch, size)
        numbers = range(2, -(-total // size) + 1)
        for column in sortable[:: 1 if IS_DEEP else 3]:
            order = page.listing.next_sort(column)
            html = FlaskClient.open(chief, address_of(name, sort=order)).text
            rows, listing = [*shown["rows"]], shown["page"].listing
            for number in numbers:
                rows += rows_of(listing, number, size, total)
            assert len(set(rows)) == len(rows) >= total, (name, order)
            direction, reverse = ("descending", order[1:]) if order.startswith("-") else ("ascending", f"-{order}")
            assert re.findall('aria-sort="([a-z]+)"', html) == [direction], (name, order)
            assert SORTED.search(html.partition("aria-sort=")[2])[1] == reverse, (name, order)
            if column is sortable[0]:
                for number in numbers:
                    FlaskClient.open(chief, address_of(name, sort=order, page=number))
                    assert shown["rows"] == rows[(number - 1) * size : number * size], (name, number)


@pytest.mark.journey
@pytest.mark.long
def test_each_list_of_very_many_rows_counts_some_until_it_is_asked_for_all(chief, shown, monkeypatch):
    set_rows(monkeypatch, 1)
    monkeypatch.setattr(pager, "MOST_COUNTED", 2)
    counted = {True: set(), False: set()}
    for name in LISTS if IS_DEEP else (*MANY, *IN_MEMORY):
        page, known = chief.get(address_of(name, sort="")), shown["page"].pager
        offers = [address for address, text in links(page) if text == "compter exactement"]
        assert bool(offers) == known.is_more, name
        counted[known.is_more].add(name)
        if not offers:
            assert known.total == count_of(shown["page"].listing), name
            continue
        assert "Plus de 2 lignes" in text_of(page), name
        assert (known.total, known.last, known.has_next) == (2, 2, True), name
        (offer,) = offers
        exact, total = chief.get(offer), shown["page"].pager.total
        assert total == count_of(shown["page"].listing) > 2, name
        assert "compter exactement" not in exact.text, name
        assert all("count=exact" in address for address, text in links(exact) if text in {"2", "Suivante"}), name
        assert not [address for address, text in links(exact) if text in {"XLSX", "CSV"} and "count=" in address], name
        chief.get(address_of(name, page=3))
        assert (shown["page"].pager.number, shown["page"].pager.total) == (3, total), (name, "beyond: counted")
    assert counted[True] >= MANY
    assert counted[False] >= IN_MEMORY


@pytest.mark.long
def test_a_filter_keeps_the_exact_count_and_a_campaign_to_very_many_is_offered_without_it(chief, monkeypatch):
    set_rows(monkeypatch, 2)
    monkeypatch.setattr(pager, "MOST_COUNTED", 2)
    page = chief.get("/directory?sort=schools")
    assert "Plus de 2 pouvoirs organisateurs" in text_of(page)
    assert "Écrire à tous ces PO, plus de 2" in text_of(page)
    kept = elements(chief.get("/directory?sort=schools&count=exact"), "form[@role='search']//input[@type='hidden']")
    assert {(field.get("name"), field.get("value")) for field in kept} == {("sort", "schools"), ("count", "exact")}


def test_every_template_with_a_list_is_swept():
    with_lists = {
        str(path.relative_to(PAGES)) for path in PAGES.rglob("*.html") if "{% call table(" in path.read_text("utf-8")
    }
    assert with_lists == set(LISTS)
