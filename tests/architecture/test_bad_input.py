"""Every address with arguments, forms and bodies that nobody means: an answer that says so, never a fault of ours."""

import re
from functools import cache
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.access.accounts import Role, User
from outreach.campaigns.segments import PARAMETER
from outreach.core.settings import ROOT
from outreach.core.text.roles import SCOPED
from outreach.operations.demo import people
from tests.architecture.test_sweeps import addresses
from tests.web.test_account import form_token

NASTY = [
    "",
    "-1",
    "1e9",
    "9" * 30,
    "\x00",
    "' OR 1=1--",
    "%_\\",
    "x" * 3_000,
    "\u202e<script>",
    "٣",
    "../../etc/passwd",
    "9999-12-31",
    "0001-01-01",
    '{"zone":["\\u0000"]}',
]
TURNS = [0, pytest.param(5, marks=pytest.mark.deep)]  # where the values begin: each name has another one
PLACES = ["x" * 300, "%00", "..%2f..%2fx", "%ff", "9" * 30]
READ = re.compile(
    r'(?:args|form|values|given|arguments|_words|posted\w*|pressed|remarked)\W{0,9}(?:get|getlist)?\W*"(\w+)"'
)
FIELD = re.compile(r"^    (\w+) = \w+Field\(", re.MULTILINE)
LAST = ("cancellation", "closure", "retirement", "withdrawal", "sign-out", "password")  # what leaves nothing to try


@cache  # as it reads every module of the pages
def names():
    """What the pages read of a query or a form, found in their source."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "outreach" / "web").rglob("*.py"))
    return sorted({PARAMETER, *READ.findall(source), *FIELD.findall(source)} - {"csrf_token"})


def mixed(turn):
    """Every argument with a nasty value, each turn others; twice, since the first counts."""
    given = [(name, NASTY[(place + turn) % len(NASTY)]) for place, name in enumerate(names())]
    return given + given[::-1]


@pytest.fixture
def everybody(app, signed_in, launched_sample):
    """A person who may do everything, before a campaign whose wave has begun."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with launched_sample.writing() as session:
        one = session.scalars(select(User).where(User.email == people.person_for("author").email)).one()
        one.roles = list(session.scalars(select(Role).where(Role.name.not_in(SCOPED))))
    client = signed_in("author")
    client.environ_base = {**client.environ_base, "HTTP_X_CSRFTOKEN": form_token(client, "/account")}
    return client


def opened(client, address, **named):
    """The answer's code, without reading the page as `PageClient` does."""
    return FlaskClient.open(client, address, **named).status_code


def test_the_names_that_pages_read_are_found():
    assert {"page", "q", "as_of", "criteria", "letter", "note", "version", "confirmed", "outcome", "month"} <= set(
        names()
    )


@pytest.mark.long
@pytest.mark.parametrize("turn", TURNS)
def test_no_argument_of_an_address_breaks_a_page(app, everybody, turn):
    pages = sorted({address for method, _, address in addresses(app) if method == "GET"})
    nasty = mixed(turn)
    faults = {address: code for address in pages if (code := opened(everybody, address, query_string=nasty)) >= 500}
    assert len(pages) > 50
    assert faults == {}


@pytest.mark.long
def test_no_piece_of_an_address_breaks_a_page(app, everybody):
    """Of addresses that lead to no page one for each piece, as all of them get the same answer."""
    faults, leading, nowhere, routes = {}, set(), {}, app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        for name in rule.arguments:
            for piece in PLACES:
                address = re.sub(r"<[^<>]*\b" + name + ">", lambda _, piece=piece: piece, rule.rule)
                address = re.sub(r"<[^<>]*>", "1", address)
                if routes.test(unquote(address), method="GET"):
                    leading.add(address)
                else:
                    nowhere[piece] = address
    for address in (*sorted(leading), *nowhere.values()):
        code = opened(everybody, address, method="GET")
        faults |= {address: code} if code >= 500 else {}
    assert len(leading) > 50
    assert faults == {}


BODIES = {
    "empty": {},
    "bytes": {"data": b"\xff\xfe\x00&&==%zz%", "content_type": "application/x-www-form-urlencoded"},
    "cut": {"data": b"--x\r\nContent-Disposition: form-data; na", "content_type": "multipart/form-data; boundary=x"},
    "no boundary": {"data": b"x", "content_type": "multipart/form-data"},
    "json": {"data": b"[[1", "content_type": "application/json"},
    "a list": {"data": b"[1]", "content_type": "application/json"},
    "a file where words are": {
        "data": b'--x\r\nContent-Disposition: form-data; name="note"; filename="x"\r\n\r\nx\r\n--x--\r\n',
        "content_type": "multipart/form-data; boundary=x",
    },
    "a charset nobody knows": {"data": b"a=b", "content_type": "application/x-www-form-urlencoded; charset=martien"},
    "one of 10 MB": {"data": b"[" * 10_000_000, "content_type": "application/json"},
    "without a length": {
        "data": b"a=b",
        "environ_overrides": {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
    },
}


@pytest.mark.long
@pytest.mark.parametrize("turn", TURNS)
def test_no_form_and_no_body_breaks_an_action(app, everybody, turn):
    actions = {(method, address) for method, _, address in addresses(app) if method != "GET"}
    ordered = sorted(actions, key=lambda action: (action[1].endswith(LAST), action))
    faults = {}
    for method, address in ordered:
        bodies = {**BODIES, "nasty": {"data": _form(mixed(turn))}}
        for name, body in bodies.items():
            code = opened(everybody, address, method=method, **body)
            faults |= {(address, name): code} if code >= 500 else {}
    assert len(ordered) > 25
    assert faults == {}


def _form(pairs):
    found = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
