"""Messages as bytes: equal to what the email package makes, whatever is in them, and clean to the linter."""

import json
import quopri
import re
from dataclasses import asdict
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.delivery.letters import Letter, LetterText, Mailbox, Personal, SharedHeaders, Slot, Value, one_line
from outreach.delivery.letters import _mime as mime
from tests.delivery.letters.linter import faults

AT = datetime(2021, 5, 18, 7, 30, tzinfo=UTC)
STANDING = SharedHeaders(
    sender=Mailbox("sensibilisation@courriel.example", "Service du numérique éducatif"),
    reply_to=Mailbox("nadia.lambert@fwb.example", 'Lambert, Nadia "le" service'),
    list_id="Sensibilisation <w12.courriel.example>",
    feedback_id="w12:c3:awareness:outreach",
    unsubscribe="https://courriel.example/u/",
)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Zl", "Zp"]), max_size=200)
bodies = st.lists(words | st.sampled_from([".", "..", "a ", " ", "=", "é" * 90, "x" * 500, ""]), max_size=6)


def wire(subject="Objet", text="Bonjour", html="<p>Bonjour</p>", at=AT, **standing):
    fixed = SharedHeaders(**{**{name: getattr(STANDING, name) for name in SharedHeaders.__slots__}, **standing})
    personal = Personal("0123456789abcdef", "po009001@adm.fwb.example", at, subject, "t" * 40, "m" * 40, "r" * 40)
    return mime.assemble_message(fixed, personal, mime.encode(text), mime.encode(html))


def read(raw):
    return message_from_bytes(raw, policy=default)


def said(part):
    return part.get_payload(decode=True).decode().replace("\r\n", "\n").rstrip("\n")


def whole(url="https://courriel.example/u/" + "t" * 40, mail="nadia.lambert@fwb.example"):
    return {"text": f"Bonjour {mail} {url}", "html": f'<html lang="fr"><p>{mail} {url}</p></html>'}


@given(bodies, bodies)
@example(["." * 80], ["a" * 75 + " "])
@example(["x" * 76], ["1"])
@example(["é" * 12 + "x" * 74 + " ", "-" * 74 + "\t", ""], [])
@example(["-" * 75 + "."], ["-" * 70 + "é", "."])
def test_joined_pieces_say_what_their_texts_say_and_no_line_begins_with_a_dot(lines, pieces):
    text = "\n".join(lines)
    encoded = mime.joined([mime.encode(text), *map(mime.encode, pieces)])
    assert not any(line.startswith(b".") for line in encoded.split(b"\r\n"))
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    parsed = read(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded
    )
    assert parsed.get_payload(decode=True).decode().replace("\r\n", "\n") == text + "".join(pieces)


def test_the_headers_are_those_of_careful_bulk_mail():
    raw = wire(
        "Volet 1 : où en sont vos écoles ? Répondez avant le 30 juin – merci d’avance à toutes et à tous", **whole()
    )
    message = read(raw)
    assert faults(raw) == []
    assert message["From"].addresses[0].display_name == "Service du numérique éducatif"
    assert message["Reply-To"].addresses[0].display_name == 'Lambert, Nadia "le" service'
    assert message["Message-ID"] == "<0123456789abcdef@courriel.example>"
    assert message["List-Unsubscribe"] == f"<https://courriel.example/u/{'t' * 40}>"
    assert message["Date"].datetime == AT


def test_unsubscribing_by_mail_is_offered_after_the_link_on_the_same_line():
    raw = wire(mailto="u-", **whole())
    assert faults(raw) == []
    link, address = f"<https://courriel.example/u/{'t' * 40}>", f"<mailto:u-{'m' * 40}@courriel.example>"
    assert f"\r\nList-Unsubscribe: {link}, {address}\r\n".encode() in raw


def test_a_reply_goes_to_the_mailbox_of_replies_with_the_mark_of_its_letter():
    raw = wire(reply_to=Mailbox("reponses+@fwb.example", "Zoé"), is_marked=True, **whole())
    assert (faults(raw), raw.count(b"Reply-To: ")) == ([], 1)
    (replied_to,) = read(raw)["Reply-To"].addresses
    assert (replied_to.addr_spec, replied_to.display_name) == (f"reponses+{'r' * 40}@fwb.example", "Zoé")


def test_a_message_to_unsubscribe_has_a_subject_and_no_space_in_its_address():
    raw = wire(mailto="u-", mailto_subject="Ne plus recevoir : l’équipe", **whole())
    assert faults(raw) == []
    subject = "Ne%20plus%20recevoir%20%3A%20l%E2%80%99%C3%A9quipe"
    assert f", <mailto:u-{'m' * 40}@courriel.example?subject={subject}>\r\n".encode() in raw


@pytest.mark.parametrize(
    ("month", "zone", "written"),
    [(1, "Europe/Brussels", "10:30:00 +0100"), (7, "Europe/Brussels", "11:30:00 +0200"), (7, "", "09:30:00 +0000")],
)
def test_a_date_is_written_in_the_zone_of_its_headers_with_the_offset_of_its_day(month, zone, written):
    at = datetime(2026, month, 12, 9, 30, tzinfo=UTC)
    date = read(wire(at=at, zone=zone, **whole()))["Date"]
    assert str(date).endswith(written)
    assert date.datetime == at


def test_a_legal_notice_offers_no_unsubscribing():
    raw = wire(unsubscribe="", mailto="u-", feedback_id="w12:c3:statutory:outreach", **whole())
    assert faults(raw) == []
    assert b"List-Unsubscribe" not in raw


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (lambda raw: raw.replace(b"\r\n", b"\n", 1), "CRLF"),
        (lambda raw: raw.replace(b"To: ", b"Bcc: x@y.be\r\nTo: "), "Bcc"),
        (lambda raw: raw.replace(b"Reply-To", b"X-Reply-To"), "Reply-To"),
        (lambda raw: raw.replace(b"Message-ID: <0123456789abcdef@courriel", b"Message-ID: <1@autre"), "another domain"),
        (lambda raw: raw.replace(b"Subject: Objet", b"Subject: =?utf-8?q?a=E2=80=AEb?="), "hides"),
        (lambda raw: raw.replace(b"Subject: Objet", b"Subject: " + b"x" * 1000), "998"),
        (lambda raw: raw.replace(b"Content-Type: text/html", b"Content-Type: text/x"), "parts"),
        (lambda raw: raw.replace(b"alternative; boundary", b"alternative; x"), "defect"),
        (lambda raw: raw.replace(b"lang=3D", b"x=3D"), "language"),
        (lambda raw: raw.replace(b"<p>", b"<img src=3D'x'>"), "active"),
        (lambda raw: raw.replace(b"<p>", b"<p>" + b"a=\r\n" * 100_001), "100 kB"),
        (lambda raw: raw.replace(b"Bonjour nadia", b"Bonjour n"), "contact"),
        (lambda raw: raw.replace(b"List-Unsubscribe: <", b"List-Unsubscribe:\r\n <"), "folded"),
        (lambda raw: raw.replace(b", <mailto", b",\r\n <mailto"), "folded"),
        (lambda raw: raw.replace(b">, <mailto", b"> <mailto"), "folded"),
        (lambda raw: raw.replace(b"m" * 40 + b"@courriel", b"m@autre"), "to unsubscribe is of another domain"),
        (lambda raw: raw.replace(b"-Post: List-Unsubscribe=One-Click", b"-Post: x"), "one-click"),
        (lambda raw: raw.replace(b"List-Unsubscribe: <https", b"X: <https"), "alone"),
        (lambda raw: re.sub(rb"List-Unsubscribe.*\r\n", b"", raw), "offers to unsubscribe"),
        (lambda raw: raw.replace(b":awareness:", b":statutory:"), "offers to unsubscribe"),
        (lambda raw: raw.replace(b":awareness:", b":"), "class"),
        (lambda raw: raw.replace(b"Bonjour nadia", b".nadia"), "dot"),
        (lambda raw: raw.replace(b"Bonjour ", b"\xe9 "), "7 bit"),
        (lambda raw: raw.replace(b"Auto-Submitted: auto-generated", b"Auto-Submitted: no"), "machine"),
    ],
)
def test_the_linter_sees_what_is_broken(broken, fault):
    raw = broken(wire(mailto="u-", **whole()))
    assert any(fault in found for found in faults(raw)), faults(raw)


INSIDE = [
    *("localhost", "poste12", "poste12.dom.example", "relais.local", "relais.dmz.internal", "relais.lan"),
    *("10.1.2.3", "[127.0.0.1]", "172.31.0.9", "192.168.1.7", "169.254.3.4", "[::1]", "[IPv6:fd12:34::7]"),
]


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("header", ["X-Relay: from {}", "X-Name: <1@{}>"])
def test_no_header_names_a_machine_or_network_of_ours(header, name):
    raw = f"{header.format(name)}\r\n".encode() + wire(**whole())
    assert [found for found in faults(raw, "poste12") if "of ours" in found]


@pytest.mark.parametrize(
    "name", ["172.32.0.9", "210.1.2.3", "192.0.2.25", "10.1.2", "localhost.example", "local", "poste123"]
)
def test_what_the_world_may_know_is_in_nobody_s_way(name):
    assert faults(f"X-Relay: from {name}\r\n".encode() + wire(**whole()), "poste12") == []


def test_what_people_write_is_not_held_against_a_letter():
    raw = wire(subject="Réunion à l’école.local, poste12", **whole())
    assert faults(raw, "poste12") == faults(raw, "courriel.example") == []


@pytest.mark.parametrize("hidden", [*"\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\ue000\x7f"], ids=ascii)
def test_no_subject_hides_a_character(hidden):
    found = faults(wire(subject=f"Réunion {hidden}du 1er juin", **whole()))
    assert found == ["the subject is empty or hides a character"]
    assert faults(wire(subject=one_line(f"Réunion {hidden}du 1er juin"), **whole())) == []


def test_a_filled_letter_takes_values_as_plain_text():
    draft = LetterText((Slot("nom_po"),), (), "Pour \ue000", "<p>\ue000.</p>", "\ue000.")
    hostile = "[clic](https://evil.test) <script>\n=cmd() ((nom_po)) \u202eX"
    filled = Letter(stored(draft)).fill({"nom_po": Value.plain(hostile)}, {})
    html = quopri.decodestring(filled.html).decode()
    assert filled.subject == "Pour [clic](https://evil.test) <script> =cmd() ((nom_po)) X"
    assert html == "<p>[clic](https://evil.test) &lt;script&gt;<br>\r\n=cmd() ((nom_po)) X.</p>"


@pytest.mark.parametrize(
    "hidden", ["\r.\r", "\n.\n", "\r\n.\r\n", "\n.\r\nMAIL FROM:<x@y.be>\r\n", "\r\n..\r\n", "\x00.\n"]
)
def test_no_value_ends_the_message_before_its_end(hidden):
    draft = LetterText((Slot("nom_po"),), (), "\ue000", "<p>\ue000</p>", "\ue000")
    filled = Letter(draft).fill({"nom_po": Value.plain(f"a{hidden}b")}, {})
    raw = mime.assemble_message(
        STANDING, Personal("0" * 16, "a@b.example", AT, filled.subject, "t"), filled.text, filled.html
    )
    assert raw.replace(b"\r\n", b"").count(b"\r") == raw.replace(b"\r\n", b"").count(b"\n") == 0
    assert not any(line.startswith(b".") for line in raw.split(b"\r\n"))


@pytest.mark.parametrize(
    "name", ['Dupont, Jean "le"', "École\\", "x" * 200, "é" * 200, "=?utf-8?q?x?=", "a@b.be", "(x)"]
)
def test_a_name_in_a_header_is_read_back_as_it_was(name):
    raw = wire(reply_to=Mailbox("x@y.be", name), **whole(mail="x@y.be"))
    assert faults(raw) == []
    header = message_from_bytes(raw)["Reply-To"].replace("\r\n", "")  # the newer parser puts spaces between its words
    phrase, address = parseaddr(header)
    assert (str(make_header(decode_header(phrase))), address) == (name, "x@y.be")


def stored(draft):
    """A draft as it is kept and read again."""
    return LetterText.of_kept(json.loads(json.dumps(asdict(draft))))
