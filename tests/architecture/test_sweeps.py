"""Tests that walk everything there is, so that nobody has to remember."""

import hashlib
import html
import io
import re
import tomllib
import zipfile
from collections import Counter

import pytest
from click import Group
from flask.testing import FlaskClient
from sqlalchemy import event, select

from outreach.campaigns.segments import LEAVES, ORDER
from outreach.cli.main import commands
from outreach.core.settings import PREFIX, ROOT, Settings
from outreach.delivery import outbox
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory import authorities
from outreach.directory.models import Authority, CallKind, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.web.sign_in.access_log_queue import EXTENSION
from outreach.web.ui.templates import STATIC
from tests.conftest import NOW
from tests.pages import check, form_of
from tools import editor

# Other tests of pages run on SQLite alone, which takes statements that PostgreSQL refuses.
ON_BOTH = pytest.mark.parametrize("backend", ["postgresql", pytest.param("sqlite", marks=pytest.mark.deep)])
OPEN = {
    "account.sign_in",
    "oidc.begin",
    "oidc.come_back",
    "oidc.finish",
    "links.ask",
    "links.forgotten",
    "links.link",
    "links.choose",
    "public.unsubscription",
    "public.unsubscribe",
    "public.subscribe_again",
    "public.view",
    "public.code_form",
    "public.code_in_form",
    "public.open_code",
    "public.click",
    "public.answer",
    "public.give_answer",
    "public.given_answer",
    "public.answer_sheet",
    "public.answer_list",
    "public.rejected_answers",
    "public.answer_columns",
    "public.match_columns",
    "public.receive_list",
    "public.apply_list",
    "public.choose_measure",
    "public.mailbox_file",
    "public.disowning",
    "public.disown",
    "public.address",
    "public.ask_address",
    "public.accessibility",
    "public.data_protection",
    "public_draws.draw",
    "public_notes.note",
    "public_notes.keys",
    "public_notes.revisions",
    "letterhead.picture",
    "calendar.feed",
    "well_known.security",
    "well_known.change_password",
    "api.contents",
    "api.openapi",
}
SAMPLES = {
    "wave": "1",
    "message": "1",
    "number": "1",
    "fase": "9300",
    "authority": "9300",
    "campaign": "1",
    "contact_id": "1",
    "school": "80001",
    "kind": "csv",
    "page": "reached",
    "ending": "svg",
    "reason": "staff",
    "filename": "x",
    "list_id": "1",
    "note_id": "1",
    "code": "x",
    "batch": "1",
    "name": "x",
    "judgement": "dropped",
    "draft_id": "1",
    "request_id": "1",
    "key": "x",
    "token": "x",
    "step": "letter",
    "use": "joined",
    "topic": "accessibility",
    "reminder": "1",
    "rule": "trail_entries",
    "what": "schools",
    "upload": "1",
    "edition": "2",
    "role": "author",
    "exception": "1",
    "call": "1",
    "file": "1",
}
READS = re.compile(r"SELECT|PRAGMA|BEGIN|WITH (?!.*\b(INSERT|UPDATE|DELETE)\b)", re.DOTALL)
MOST_STATEMENTS = 42  # a list has fifty rows: asking once for each would show
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def addresses(app, samples=SAMPLES):
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield (
                method,
                rule.endpoint,
                re.sub(r"<(?:[^<>:]*(?:\([^)]*\))?:)?(\w+)>", lambda m: samples[m[1]], rule.rule),
            )


@pytest.mark.sweep
def test_every_route_asks_a_stranger_to_sign_in(app):
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    seen = 0
    for method, endpoint, address in addresses(app):
        if endpoint in OPEN:
            continue
        response = client.open(address, method=method)
        if endpoint.startswith(("api.", "hooks.")):  # programs show a key or sign, and sign in nowhere
            assert response.status_code == (404 if endpoint == "hooks.receive" else 401), f"{method} {address}"
            continue
        if endpoint == "start":
            response = client.get(response.location)
        assert response.status_code == 302, f"{method} {address}: {response.status_code}"
        assert response.location.startswith("/sign-in"), f"{method} {address} leads to {response.location}"
        seen += 1
    assert seen >= 12


def test_the_addresses_that_have_to_be_open_to_the_world_are_documented(app):
    said = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("open to the world:")[2]
    said = said.partition("Staff pages")[0]
    of_staff = {"sign-in", "account"}
    for rule in app.url_map.iter_rules():
        first = rule.rule.split("/")[1]
        if rule.endpoint in OPEN | {"hooks.receive", "static"} and first not in of_staff:
            assert f"/{first}/" in said or f"/{first}`" in said, rule.rule


@pytest.mark.sweep
def test_every_change_asks_for_more_than_reading(app, signed_in):
    reader = signed_in("reader")
    app.config["WTF_CSRF_ENABLED"] = False
    for method, endpoint, address in addresses(app):
        if (
            method != "GET"
            and endpoint.startswith(
                (
                    *("directory.", "exclusions.", "history.", "measure.", "adherence.", "campaigns.", "responses."),
                    *(
                        "segments.",
                        "sending.",
                        "situation.",
                        "replies.",
                        "texts.",
                        "accounts.",
                        "register.",
                        "closures.",
                        "deputies.",
                    ),
                    *(
                        "closures.",
                        "programmes.",
                        "statements.",
                        "letterhead.",
                        "api_keys.",
                        "hook_senders.",
                        "pushes.",
                    ),
                )
            )
            and endpoint != "campaigns.preview"
        ):
            assert reader.open(address, method=method).status_code == 403, f"{method} {address}"


@pytest.mark.long
@pytest.mark.timeout(600)
@ON_BOTH
def test_no_form_is_read_judged_or_answered_while_its_request_writes(app, signed_in, launched_sample, while_writing):
    """Every test of pages watches for it. This one opens each address that changes something, with two forms."""
    settings, people = app.extensions["outreach.settings"], {role: signed_in(role) for role in ("author", "approver")}
    allowed = {role: {"csrf_token": form_of(one.get("/account"))["csrf_token"]} for role, one in people.items()}
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
        owner = session.get_one(Authority, letter.authority_id)
        contact = session.scalars(select(Contact.id).where(Contact.authority_id == owner.id)).first()
        samples = {**SAMPLES, "fase": str(owner.fase), "contact_id": str(contact), "message": str(letter.id)}
        identity = bytes.fromhex(letter.public_id)
    keys, words = Keys(settings.signing_keys), dict.fromkeys(("note", "day", "address", "name", "title", "why"), "x")
    tokens = {
        "public.unsubscribe": TokenKind.UNSUBSCRIBE,
        "public.subscribe_again": TokenKind.UNSUBSCRIBE,
        "public.give_answer": TokenKind.ANSWER,
        "public.choose_measure": TokenKind.ANSWER,
        "public.receive_list": TokenKind.ANSWER,
        "public.apply_list": TokenKind.ANSWER,
        "public.disown": TokenKind.ANSWER,
    }
    opened = Counter()
    for given in ({}, {**words, "version": "x", "criteria": '{"and":[]}', "answer": "help", "definition": "x"}):
        for method, endpoint, address in addresses(app, samples):
            if method == "GET" or endpoint in {"account.sign_in", "account.sign_out"}:
                continue
            if endpoint in tokens:
                address = address.removesuffix("x") + keys.make(tokens[endpoint], identity)  # noqa: PLW2901
            for role in opening(app.view_functions[endpoint]):
                data = given | allowed[role]
                opened[FlaskClient.open(people[role], address, method=method, data=data).status_code] += 1
    assert while_writing == []
    assert opened.keys() >= {200, 302, 409, 422}, opened
    assert not any(status >= 500 for status in opened), opened


def opening(view):
    """Of the author and the approver those whom a view is open to; one of them where it is to everybody, or to none."""
    named = [role for role in ("author", "approver") if role in getattr(view, "roles", ())]
    return named or ["author"]


@pytest.mark.timeout(600)
@ON_BOTH
def test_no_get_writes_and_no_page_asks_row_by_row(app, author, launched_sample):
    """A GET adds two things only, after its answer or beside the pages: lines of the trail, and hits."""
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).limit(40)).all()
        for letter in letters:
            replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
    asked, written = Counter(), []
    address = ""

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("SET LOCAL"):  # PostgreSQL's way to a time limit, which SQLite has without a statement
            return
        asked[address] += 1
        if not READS.match(statement):
            written.append(statement)

    event.listen(launched_sample.engine, "before_cursor_execute", note)
    pages = sorted({address for method, endpoint, address in addresses(app) if method == "GET"})
    for address in pages:
        response = FlaskClient.open(author, address)
        is_page = response.status_code == 200 and response.data[:9].lower() == b"<!doctype"
        if is_page and not address.endswith("/html"):  # which would be a letter
            check(response.text, response.headers)
    assert app.extensions[EXTENSION].flush()
    assert {re.sub(r" \(.*", "", statement) for statement in written} == {"INSERT INTO trail_entries"}
    assert len(asked) > 30
    assert {address: count for address, count in asked.items() if count >= MOST_STATEMENTS} == {}


@pytest.mark.long
def test_no_page_or_file_that_staff_may_open_has_a_token(app, signed_in, launched_sample):
    """Whoever only reads never acts for a recipient. The demonstration's mailbox stands for the recipients.

    Tokens also come in from outside: a relay quotes the sender, an authority its link, somebody who noted a call both.
    """
    settings, reader = app.extensions["outreach.settings"], signed_in("reader")
    keys = Keys(settings.signing_keys)
    with launched_sample.writing() as session:
        first, second = session.scalars(select(Message).where(Message.reason.is_(None)).limit(2)).all()
        letter, fase = str(first.id), str(session.get_one(Authority, first.authority_id).fase)
        mine = bytes.fromhex(first.public_id)
        link = f"https://campagnes.example/a/{keys.make(TokenKind.ANSWER, mine)}"
        sender = f"<b-{keys.make(TokenKind.BOUNCE, mine)}@adm.fwb.example>"
        replies.give_answers(session, first, Given({}, request=Answer.HELP, comment=f"{link} ne va pas"), now=NOW)
        theirs = session.get_one(Authority, first.authority_id)
        said = {"kind": CallKind.PHONE, "day": NOW.date(), "today": NOW.date(), "now": NOW, "actor": "a@fwb.example"}
        authorities.record_call(session, theirs, f"lien : {link}", **said)
        first.reply_text, first.state, first.settled_at = f"{sender}: rejected", MessageState.REFUSED, NOW
        outbox.unsubscribe_letter(session, second, now=NOW, detail=f"lien du courriel {second.public_id}")
    samples = {**SAMPLES, "message": letter, "fase": fase}
    pages = {
        address for method, endpoint, address in addresses(app, samples) if method == "GET" and endpoint not in OPEN
    }
    pages |= {address.removesuffix("csv") + "xlsx" for address in pages if address.endswith(".csv")}
    pages |= {f"/campaigns/1/letter/exact?view={view}&wave={wave}" for view in ("text", "source") for wave in "12"}
    opened = []
    for address in sorted(page for page in pages if not page.startswith("/mailbox")):
        response = FlaskClient.open(reader, address)
        opened += [address] if response.status_code == 200 else []
        for text in texts(response):
            words = re.findall(r"(?<![a-z0-9])[a-z2-7]{40}(?![a-z0-9])", text.replace("=\r\n", ""), re.IGNORECASE)
            live = [word for word in words if any(keys.read(word, kind) for kind in TokenKind)]
            assert live == [], address
    assert {f"/campaigns/1/letters/{letter}/html", "/campaigns/1/letter/exact/html"} < set(opened)
    assert len(opened) > 40, opened


def texts(response):
    """What a response says; in a workbook, each of its files."""
    if response.data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(response.data)) as book:
            return [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    return [html.unescape(response.data.decode("utf-8", "replace"))]


@pytest.mark.parametrize("option", [PREFIX + field.upper() for field in Settings.model_fields])
def test_every_setting_is_documented(option):
    assert f"`{option}`" in COMMANDS


@pytest.mark.parametrize("word", [*LEAVES, "and", "or", "not", *ORDER])
def test_every_criterion_and_reason_is_documented(word):
    assert f"`{word}" in COMMANDS


def walk(group, path=""):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, Group):
            yield from walk(command, f"{path}{name} ")
        elif not command.hidden:  # what is no more
            yield f"{path}{name}", command


@pytest.mark.parametrize(("name", "command"), list(walk(commands)), ids=str)
def test_every_command_and_option_is_documented_and_has_help(name, command):
    assert f"./run {name}" in COMMANDS
    assert command.help
    for parameter in command.params:
        for option in getattr(parameter, "opts", []):
            if option.startswith("--"):
                assert parameter.help or parameter.prompt, f"{name} {option}"
                assert f"`{option}" in COMMANDS, f"{name} {option}"


def test_no_page_writes_a_count_before_a_label_that_has_no_plural():
    counted = re.compile(r"\|(?:number|length) *\}\} *\{\{[^}]*\.(?:label|singular)\b")
    pages = [*(ROOT / "templates").rglob("*.html")]
    assert [path.name for path in pages if counted.search(path.read_text(encoding="utf-8"))] == []
    assert [Reason.BOUNCED.counted(count) for count in (1, 2)] == ["1\u00a0boîte en échec", "2\u00a0boîtes en échec"]
    assert all(reason.counted(1).endswith(reason.label) for reason in Reason)


def test_a_day_is_one_in_brussels_wherever_an_instant_is_told_by_it():
    """Between midnight and two, the day of an instant as it is kept (UTC) is the one before."""
    kept = re.compile(r"\b\w+_at(?::%[dmY]|\.(?:date\(|day\b|month\b|year\b))")
    modules = [path for path in (ROOT / "outreach").rglob("*.py") if "versions" not in path.parts]
    assert [path.name for path in modules if kept.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("place", [STATIC / "vendor", ROOT / "templates" / "pdf" / "fonts"], ids=["web", "fonts"])
def test_every_vendored_file_is_the_recorded_one(place):
    packages = tomllib.loads((place / "vendor.toml").read_text(encoding="utf-8"))
    recorded = {
        f"{folder}/{name}": entry["sha256"] for folder, p in packages.items() for name, entry in p["files"].items()
    }
    present = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file() and p.suffix not in {".br", ".gz"}}
    assert present - {"vendor.toml"} == set(recorded)
    for name, digest in recorded.items():
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest


def test_the_editor_is_built_from_its_sources():
    packages = tomllib.loads((STATIC / "vendor" / "vendor.toml").read_text(encoding="utf-8"))
    assert packages["editor"]["integrity"] == editor.integrity(), "run: python -m tools.editor"


def test_the_font_is_asked_for_by_its_version():
    packages = tomllib.loads((STATIC / "vendor" / "vendor.toml").read_text(encoding="utf-8"))
    asked = set(re.findall(r"source-sans-3[\w-]+\.woff2\?v=([\d.]+)", (STATIC / "app.css").read_text(encoding="utf-8")))
    assert asked == {packages["source-sans-3"]["version"]}


def test_nothing_is_fetched_from_outside():
    for path in [*STATIC.glob("*.css"), *STATIC.glob("*.js"), *(ROOT / "templates").rglob("*.html")]:
        assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_no_address_of_the_ministry_stands_in_the_project():
    for folder in ("outreach", "templates", "tests", "docs", "tools"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".html", ".md", ".csv", ".json", ".toml"}:
                assert "@adm." + "cfwb.be" not in path.read_text(encoding="utf-8"), path
