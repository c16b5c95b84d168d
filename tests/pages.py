"""A client that reads every page it opens as strictly as a standards checker and a French proof-reader would."""

import re
from html.parser import HTMLParser

import html5lib
from flask.testing import FlaskClient

# Words that only an untranslated piece of interface would show; names and addresses are left out by the pattern.
ENGLISH = re.compile(
    r"\b(the|and|of|with|your|please|login|log in|password|email|submit|search|filter|next|previous|save|cancel|error|"
    r"invalid|required|field|school|schools|authority|network|status|none|true|false|page not found)\b",
    re.IGNORECASE,
)
UNSPACED = re.compile(r"(?<=\w) [:;!?»]|« (?=\S)|[\w)][;!?](?=\s|$)")
SILENT = {"script", "style", "code", "bdi", "svg", "textarea"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class _Reader(HTMLParser):
    """The text a person sees, the headings, the identifiers, what labels point to."""

    def __init__(self) -> None:
        super().__init__()
        self.stack, self.text, self.headings, self.title, self.ids, self.points = [], [], [], "", [], []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag not in VOID:
            self.stack.append(tag)
        if "id" in named:
            self.ids.append(named["id"])
        self.points += [named["for"]] if "for" in named else []
        self.points += (named.get("aria-describedby") or "").split() + (named.get("aria-labelledby") or "").split()
        if tag == "h1":
            self.headings.append("")
        assert "style" not in named, f"a style attribute, which the policy forbids: {named}"
        assert not any(name.startswith("on") for name in named), f"an inline handler: {named}"

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        if "title" in self.stack:
            self.title += data
        elif not SILENT & set(self.stack):
            self.text.append(data)
        if "h1" in self.stack:
            self.headings[-1] += data


class PageClient(FlaskClient):
    """Flask's client, with `check` on every HTML answer."""

    def open(self, *arguments, **named):
        response = super().open(*arguments, **named)
        if response.mimetype == "text/html" and response.status_code != 204 and not 300 <= response.status_code < 400:
            check(response.text, response.headers)
        return response

    def sign_in(self, email, password, headers=None):
        page = self.get("/sign-in").text
        token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page).group(1)
        form = {"email": email, "password": password, "csrf_token": token}
        return self.post("/sign-in", data=form, headers=headers)

    def send(self, address, data=None, page=None):
        """Send a form as a person would: with the token of the page it stands on, and what it hides of its version."""
        source = self.get(page or address).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', source).group(1)
        version = re.search(r'name="version"[^>]*value="([^"]+)"', source)
        hidden = {"version": version[1]} if version else {}
        return self.post(address, data={**hidden, **(data or {}), "csrf_token": token})


def check(html, headers):
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(html)
    reader = _Reader()
    reader.feed(html)
    assert len(reader.headings) == 1, reader.headings
    heading = " ".join(reader.headings[0].split())
    title = reader.title.removesuffix(" – Sensibilisation").removeprefix("Erreur\u00a0: ")
    assert " ".join(title.split()) == heading
    assert len(reader.ids) == len(set(reader.ids)), "an identifier stands twice"
    assert not set(reader.points) - set(reader.ids), "a label or description points nowhere"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for line in reader.text:
        assert not UNSPACED.search(line), f"typography: {line!r}"
        assert not ENGLISH.search(line), f"English: {line!r}"
