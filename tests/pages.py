"""A client that checks every page it opens (valid HTML, accessibility, policy, French typography, no English).

And what tests read on a page: its forms, elements, links, cells and text.
"""

import copy
import re
import secrets
from dataclasses import replace
from datetime import timedelta
from html import unescape
from xml.etree.ElementTree import Element

from flask.testing import FlaskClient

from outreach.delivery import letters
from outreach.delivery.letters import FormKind, Keys, TokenKind
from outreach.delivery.letters import _seen as seen
from tests import costs
from tests.parsing import Parser

# Words that appear only where the interface is not translated. The pattern does not match names and addresses.
ENGLISH = re.compile(
    r"\b(the|and|of|with|your|please|login|log in|password|email|submit|search|filter|next|previous|save|cancel|error|"
    r"invalid|required|field|school|schools|authority|network|status|none|true|false|page not found)\b",
    re.IGNORECASE,
)
UNSPACED = re.compile(r"(?<=\w) [:;!?»]|« (?=\S)|[\w)][;!?](?=\s|$)")
TOKEN = re.compile(r'(name="(?:csrf_token|version|seen)"[^>]* value=")([^"]*)"')
SILENT = {"script", "style", "code", "bdi", "svg", "textarea"}
MOST_RECENT = 60
HELD = SILENT | {"h1", "title", "of-answer"}  # of-answer: what a choice shows or hides
SENDS_NOTHING = {"submit", "button", "image", "reset", "file"}


_checked: set[int] = set()
_recent: dict[int, Element] = {}  # the last pages of those, parsed


class _Reader:
    """Collects visible text, headings, title, identifiers, and those that labels and descriptions refer to."""

    def __init__(self, tree) -> None:
        self.text, self.headings, self.title, self.ids, self.points = [], [], "", [], []
        self._read(tree, frozenset())

    def _read(self, element, around):
        tag, named = element.tag, element.attrib
        inside = around
        if isinstance(tag, str):  # a comment's tag is a function
            plain = tag.rpartition("}")[2]
            inside = around | ({plain, named.get("class")} & HELD)
            if plain == "h1":
                self.headings.append("")
            self._note(named)
            self._say(element.text, inside)
        for child in element:
            self._read(child, inside)
        self._say(element.tail, around)

    def _note(self, named):
        if "id" in named:
            self.ids.append(named["id"])
        self.points += [named["for"]] if "for" in named else []
        self.points += named.get("aria-describedby", "").split() + named.get("aria-labelledby", "").split()
        assert "style" not in named, f"a style attribute, which the policy forbids: {named}"
        assert not any(name.startswith("on") for name in named), f"an inline handler: {named}"

    def _say(self, data, inside):
        if not data:
            return
        if "title" in inside and "svg" not in inside:
            self.title += data
        elif SILENT.isdisjoint(inside):
            self.text.append(data)
        if "h1" in inside and "of-answer" not in inside:
            self.headings[-1] += data


class PageClient(FlaskClient):
    """Flask's client, which applies `check` to every HTML response. It counts how often a test asks."""

    def open(self, *arguments, **named):
        costs.asked += 1
        response = super().open(*arguments, **named)
        if response.mimetype == "text/html" and response.status_code != 204 and not 300 <= response.status_code < 400:
            response.tree = check(response.text, response.headers)
        return response

    def post(self, address, *arguments, data=None, **named):
        """As a person sends a form: one of a letter's page a minute after it was opened. Machines use FlaskClient's."""
        return super().post(address, *arguments, data=as_a_person(self.application, address, data), **named)

    def sign_in(self, email, password, headers=None):
        form = {**form_of(self.get("/sign-in")), "email": email, "password": password}
        return self.post("/sign-in", data=form, headers=headers)

    def send(self, address, data=None, page=None):
        """Submit a form as a browser would: with the page's token and, if the page has one, its hidden version."""
        tree = tree_of(self.get(page or address))  # a token may be in a button
        named = {element.get("name"): element.get("value") for element in reversed(list(tree.iter()))}
        hidden = {"version": named["version"]} if "version" in named else {}
        return self.post(address, data={**hidden, **(data or {}), "csrf_token": named["csrf_token"]})

    def begin(self, address, **typed):
        """Begin a campaign on the page that asks for its strand and name; the first strand, unless one is chosen."""
        page = self.get(address)
        form = form_of(page, "begin")
        strands = [radio.get("value") for radio in elements(page, "input[@name='strand']")]
        to = next(each.get("action") for each in elements(page, "form") if each.get("id") == "begin")
        return self.post(to or address, data={"strand": strands[0], **form, **typed})


CHOICES = {FormKind.UNSUBSCRIPTION: {"why": ""}, FormKind.SUBSCRIPTION: {"again": "again"}}
FORMS = {  # by what the address begins with, the first that does: the kind of form that is sent there
    "/a/measure/": FormKind.MEASURE,
    "/a/undo/": FormKind.UNDOING,
    "/a/lists/application/": FormKind.ANSWER,
    "/a/lists/": None,
    "/a/": FormKind.ANSWER,
    "/u/again/": FormKind.SUBSCRIPTION,
    "/u/": FormKind.UNSUBSCRIPTION,
}


def as_a_person(app, address, data=None, *, after=timedelta(minutes=1)):
    """The form of a letter's page as sent so long after its page was opened, by the clock of the application.

    The clock stands still in tests, so the page's seal is made older instead: the same page, opened before. A form
    without a seal gets that of a page of its own, and one that refuses mail, or wants it again, its choice. Any other
    form stays as it is.
    """
    kind = next((FORMS[start] for start in FORMS if str(address).startswith(start)), None)
    if kind is None or "List-Unsubscribe" in (data or {}) or ("seen" in (data or {}) and not data["seen"]):
        return data
    settings = app.extensions["outreach.settings"]
    keys, opened_at = Keys(settings.signing_keys), settings.instant() - after
    of_mail = TokenKind.UNSUBSCRIBE if address.startswith("/u/") else TokenKind.ANSWER
    token = keys.read(address.partition("?")[0].rpartition("/")[2], of_mail)
    if token is None:
        return data
    held = seen.read_seal(keys, token.id, (data or {}).get("seen", ""))
    held = held or seen.Seen(kind, token.link, opened_at, secrets.token_bytes(seen.NONCE_BYTES))
    return {**CHOICES.get(kind, {}), **(data or {}), "seen": seen.seal(keys, token.id, replace(held, at=opened_at))}


def open_pages_before(monkeypatch, *, by=timedelta(minutes=1)):
    """Let every page of a letter have been opened so long before, for tests that send its forms by a browser."""
    new = letters.new_seal
    monkeypatch.setattr(
        letters, "new_seal", lambda keys, letter, kind, link, now: new(keys, letter, kind, link, now - by)
    )


def form_of(response, which=None):
    """What a browser would submit for a page's form, without the button: values by name, a list for several values.

    It is the first form of the page, or the first with this action or id.
    """
    tree = tree_of(response)
    forms = [form for form in tree.iter("form") if which in (None, form.get("action"), form.get("id"))]
    assert forms, f"no such form: {which}"
    form, inside, fields = forms[0], set(forms[0].iter()), {}
    for control in (element for element in tree.iter() if element.tag in {"input", "select", "textarea"}):
        is_own = control.get("form") == form.get("id") if "form" in control.attrib else control in inside
        if is_own and control.get("name") and "disabled" not in control.attrib:
            for value in _values(control):
                fields.setdefault(control.get("name"), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def actions(page):
    """Where the forms of a page lead, in order."""
    return [form.get("action") for form in elements(page, "form")]


def links(page, start="", without=()):
    """The links of a page whose address begins with `start`, in order: pairs of the address and its text."""
    linked = ((link.get("href"), text_of(link, without)) for link in elements(page, "a[@href]"))
    return [(address, text) for address, text in linked if address.startswith(start)]


def cells(table, without=()):
    """The text of each cell of a table, row by row, with the cells of its header."""
    rows = ([cell for cell in row if cell.tag in {"td", "th"}] for row in elements(table, "tr"))
    return [[text_of(cell, without) for cell in row] for row in rows]


def elements(page, path):
    """The elements of a page, or in an element, at a path as `ElementTree.findall` reads it."""
    return tree_of(page).findall(f".//{path}")


def text_of(page, without=()):
    """What is written on a page or in an element, on one line, with a space between its parts.

    Elements of a class in `without` are left out. All kinds of spaces become plain ones.
    """
    return " ".join(" ".join(_parts(tree_of(page), set(without))).split())


def _parts(element, without):
    yield element.text or ""
    for child in element:
        is_text = isinstance(child.tag, str) and child.tag not in {"script", "style"}  # a comment's tag is a function
        if is_text and without.isdisjoint(child.get("class", "").split()):
            yield from _parts(child, without)
        yield child.tail or ""


def tree_of(page):
    """A response, a piece of HTML or an element, as a browser parses it. A page that was checked is parsed already."""
    if isinstance(page, Element):
        return page
    checked = getattr(page, "tree", None)
    if checked is not None:
        return checked
    return Parser().parse(page if isinstance(page, str) else page.text)


def _values(control):
    kind = control.get("type", "text")
    if control.tag == "textarea":
        return [re.sub(r"\r\n|\r|\n", "\r\n", "".join(control.itertext()))]  # a last end of line is sent, too
    if control.tag == "select":
        options = list(control.iter("option"))
        chosen = [option for option in options if "selected" in option.attrib]
        first = [] if "multiple" in control.attrib else options[:1]
        return [option.get("value", "".join(option.itertext()).strip()) for option in chosen or first]
    if kind in {"checkbox", "radio"}:
        return [control.get("value", "on")] if "checked" in control.attrib else []
    return [] if kind in SENDS_NOTHING else [control.get("value", "")]


def check(html, headers):
    """What a page has to fulfil; returns it parsed, or None if this process checked the same page long before.

    Strict parsing takes most of the time that a page takes in tests.
    """
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    page = hash(TOKEN.sub(r"\1", html))
    if page in _checked:
        return _again(page, html)
    tree = Parser(strict=True).parse(html)
    reader = _Reader(tree)
    assert len(reader.headings) == 1, reader.headings
    heading = " ".join(reader.headings[0].split())
    brand = tree.find(".//*[@class='brand']")
    bearer = "Sensibilisation" if brand is None else "".join(brand.itertext())
    title = reader.title.removesuffix(f" – {bearer}").removeprefix("Erreur\u00a0: ")
    words = " ".join(title.split())  # so that two tabs of a browser differ, it goes on with the page of the thing
    assert words == heading or words.startswith(f"{heading} : "), (title, heading)
    assert len(reader.ids) == len(set(reader.ids)), "an identifier stands twice"
    assert not set(reader.points) - set(reader.ids), "a label or description points nowhere"
    for line in reader.text:
        assert not UNSPACED.search(line), f"typography: {line!r}"
        assert not ENGLISH.search(line), f"English: {line!r}"
    _checked.add(page)
    _recent[page] = tree
    if len(_recent) > MOST_RECENT:
        del _recent[next(iter(_recent))]
    return copy.deepcopy(tree)


def _again(page, html):
    """A page that differs from a recent one in its tokens only, parsed: a copy of that one with its own tokens."""
    if page not in _recent:
        return None
    tree = copy.deepcopy(_recent[page])
    fields = [element for element in tree.iter() if element.get("name") in {"csrf_token", "version", "seen"}]
    values = [unescape(value) for _, value in TOKEN.findall(html)]
    if len(fields) != len(values):
        return None
    for field, value in zip(fields, values, strict=True):
        field.set("value", value)
    return tree
