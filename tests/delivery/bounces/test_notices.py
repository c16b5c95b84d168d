"""What came back by mail, read: real notices, and bytes that are none (the D family)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.delivery.bounces import NoticeVerdict, read_notice
from outreach.delivery.bounces._parsing import MOST_BYTES, Report
from outreach.delivery.letters import Keys, TokenKind
from tests.delivery.bounces.returns import FOLDER, FORGED, KEYS, notice, report

IDENTITY, ADDRESS = "0123456789abcdef", "po009001@adm.fwb.example"
V = NoticeVerdict
NAMES = sorted(path.stem for path in FOLDER.iterdir())


def told(name, **details):
    return read_notice(notice(name, identity=IDENTITY, address=ADDRESS, **details), KEYS)


# name of the notice: (verdict, what it says of each recipient: verdict and status)
READ = {
    "postfix": (V.FAILED, [(V.FAILED, "5.1.1")]),
    "postfix-delayed": (V.DELAYED, [(V.DELAYED, "4.4.1")]),
    "postfix-utf8": (V.FAILED, [(V.FAILED, "5.1.1")]),
    "gmail": (V.FAILED, [(V.FAILED, "5.1.1")]),
    "exchange": (V.FAILED, [(V.FAILED, "5.1.10")]),
    "exchange-nl": (V.UNDETERMINED, []),
    "exchange-fr": (V.UNDETERMINED, []),
    "exim": (V.FAILED, [(V.FAILED, "5.1.1")]),
    "arf": (V.COMPLAINT, [(V.COMPLAINT, "")]),
    "absence-fr": (V.AUTO_REPLY, []),
    "absence-nl": (V.AUTO_REPLY, []),
    "absence-bulk": (V.AUTO_REPLY, []),
    "absence-subject": (V.AUTO_REPLY, []),
    "human": (V.HUMAN, []),
    "unsubscribe": (V.UNSUBSCRIPTION, []),
    "unsubscribe-address": (V.UNSUBSCRIPTION, []),
    "success": (V.INFORMATION, [(V.INFORMATION, "2.0.0")]),
    "receipt": (V.INFORMATION, []),
    "two-recipients": (V.FAILED, [(V.DELAYED, "4.2.2"), (V.FAILED, "5.1.1")]),
}


def test_every_notice_is_in_the_table():
    assert set(NAMES) == set(READ)


@pytest.mark.parametrize("name", READ)
def test_a_real_notice_is_what_it_is_and_names_its_letter(name):
    found = told(name)
    verdict, reports = READ[name]
    assert (found.verdict, [(one.verdict, one.status) for one in found.reports]) == (verdict, reports)
    assert found.proved == bytes.fromhex(IDENTITY)
    assert found.named in {"", IDENTITY}
    if len(reports) == 1:  # its one recipient, by whichever names
        assert set(found.reports[0].names) == {ADDRESS}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("unsubscribe")])
def test_a_forged_token_proves_nothing_and_changes_no_verdict(name):
    found = told(name, keys=FORGED)
    assert (found.verdict, found.proved) == (READ[name][0], None)


@pytest.mark.parametrize("name", ["unsubscribe", "unsubscribe-address"])
def test_a_message_with_a_forged_token_is_that_of_a_person(name):
    assert (told(name, keys=FORGED).verdict, told(name, keys=FORGED).proved) == (V.HUMAN, None)
    for kind in set(TokenKind) - {TokenKind.MAILTO}:
        assert told(name, MAILTO=KEYS.make(kind, bytes(8))).verdict is V.HUMAN, kind


@pytest.mark.parametrize("name", ["unsubscribe", "unsubscribe-address"])
def test_a_key_of_long_ago_still_proves_an_unsubscription(name):
    content = notice(name, identity=IDENTITY, address=ADDRESS)
    assert read_notice(content, Keys((b"n" * 32, b"m" * 32, *KEYS.keys))).verdict is V.UNSUBSCRIPTION


AUTOMATIC = {
    "Auto-Submitted: auto-replied": V.AUTO_REPLY,
    "Auto-Submitted: auto-generated (vacation)": V.AUTO_REPLY,
    "Auto-Submitted: no": V.UNSUBSCRIPTION,
    "Precedence: bulk": V.AUTO_REPLY,
    "X-Autoreply: yes": V.AUTO_REPLY,
    "X-Failed-Recipients: a@b.example": V.FAILED,
}


@pytest.mark.parametrize("header", AUTOMATIC)
@pytest.mark.parametrize("name", ["unsubscribe", "unsubscribe-address"])
def test_what_answers_by_itself_does_not_unsubscribe(name, header):
    content = header.encode() + b"\r\n" + notice(name, identity=IDENTITY, address=ADDRESS)
    assert read_notice(content, KEYS).verdict is AUTOMATIC[header]


def test_an_absence_and_a_report_to_the_address_to_unsubscribe_do_not_unsubscribe():
    content = notice("unsubscribe-address", identity=IDENTITY, address=ADDRESS)
    assert (
        read_notice(content.replace(b"Subject: Unsubscribe", b"Subject: Absence du bureau"), KEYS).verdict
        is V.AUTO_REPLY
    )
    to = f"u-{KEYS.make(TokenKind.MAILTO, bytes.fromhex(IDENTITY))}@courriel.example"
    found = told("postfix", RETURN=to)
    assert (found.verdict, found.proved) == (V.FAILED, None)


def test_a_letter_that_is_returned_does_not_unsubscribe_by_its_own_headers():
    address = f"u-{KEYS.make(TokenKind.MAILTO, bytes.fromhex(IDENTITY))}@courriel.example"
    header = f"List-Unsubscribe: <https://x.example/u/y>, <mailto:{address}>\r\nTo: {address}\r\n".encode()
    for name in ("postfix", "gmail", "exim", "arf", "human"):
        content = notice(name, identity=IDENTITY, address=ADDRESS)
        assert (
            read_notice(content.replace(b"Subject: FASE", header + b"Subject: FASE"), KEYS).verdict is READ[name][0]
        ), name


def test_an_address_to_unsubscribe_is_known_whatever_the_mail_program_made_of_it():
    content = notice("unsubscribe-address", identity=IDENTITY, address=ADDRESS)
    token = KEYS.make(TokenKind.MAILTO, bytes.fromhex(IDENTITY))
    shouted = content.replace(f"u-{token}".encode(), f"U-{token.upper()}".encode())
    assert read_notice(shouted, KEYS).proved == bytes.fromhex(IDENTITY)
    hidden = content.replace(b"\r\nTo: ", b"\r\nX-To: ")
    assert read_notice(hidden, KEYS).verdict is V.UNSUBSCRIPTION


def test_the_words_of_a_refusal_in_prose_end_with_its_paragraph():
    assert told("exim").reports[0].said == f"550 5.1.1 <{ADDRESS}>: Recipient address rejected: User unknown"


@pytest.mark.parametrize("kind", [TokenKind.BOUNCE, TokenKind.UNSUBSCRIBE])
def test_what_a_refusal_quotes_of_a_letter_is_no_key_to_it(kind):
    token = KEYS.make(kind, bytes.fromhex(IDENTITY))
    quoted = f"Action: failed\nDiagnostic-Code: smtp; 550 5.1.1 {'x' * 450} https://a.example/u/{token} refused"
    asked = read_notice(report(f"Final-Recipient: rfc822; <{ADDRESS}>\n{quoted}"), KEYS).reports[0]
    prose = notice("exim", identity=IDENTITY, address=ADDRESS).replace(b"User unknown", f"<b-{token}@x>".encode())
    for said in (asked.said, read_notice(prose, KEYS).reports[0].said):
        assert token[:8] not in said
        assert "0" * 8 in said


def test_prose_is_read_whatever_the_charset_of_its_headers():
    content = notice("exim", identity=IDENTITY, address=ADDRESS)
    found = read_notice(content.replace(b"From: Mail Delivery", b"From: Syst\xe8me", 1), KEYS)
    assert [(one.verdict, one.status) for one in found.reports] == [(V.FAILED, "5.1.1")]


def test_a_letter_s_own_words_are_no_refusal():
    content = notice("exim", identity=IDENTITY, address=ADDRESS)
    bare = content.replace(b"550 5.1.1", b"refused").replace(b"Madame, Monsieur,", b"500 euros, point 5.1.1")
    found = read_notice(bare, KEYS)
    assert [(one.verdict, one.status) for one in found.reports] == [(V.FAILED, "")]
    assert "euros" not in found.reports[0].said


def test_a_report_names_an_address_beyond_ascii_as_it_is():
    content = notice("postfix-utf8", identity=IDENTITY, address="hélène@commune.example")
    assert read_notice(content, KEYS).reports == (
        Report(
            ("hélène@commune.example",) * 2, V.FAILED, "5.1.1", "550 5.1.1 <hélène@commune.example>: no such user here"
        ),
    )
    latin = content.replace("hélène".encode(), "hélène".encode("latin-1"))
    assert read_notice(latin, KEYS).reports[0].names == ("h\ufffdl\ufffdne@commune.example",) * 2


def test_a_complaint_without_a_return_path_names_its_recipient_by_the_letter_it_returns():
    content = notice("arf", identity=IDENTITY, address=ADDRESS, RETURN="redacted@hotmail.example")
    found = read_notice(content.replace(b"Original-Rcpt-To", b"X-Redacted"), KEYS)
    assert (found.verdict, found.proved, found.named) == (V.COMPLAINT, None, IDENTITY)
    assert found.reports[0].names == (ADDRESS,)


@pytest.mark.parametrize(
    ("fields", "verdict", "status"),
    [
        ("Action: failed\nStatus: 5.1.1 (bad destination mailbox)", V.FAILED, "5.1.1"),
        ("Action: FAILED\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.2.2 full", V.FAILED, "5.2.2"),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 host 5.1.1.9 refused", V.FAILED, "5.0.0"),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 mailbox full", V.FAILED, "5.2.2"),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 4.2.2 later", V.FAILED, "5.0.0"),
        ("Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.1.1 see", V.FAILED, "5.7.1"),
        ("Action: failed\nDiagnostic-Code: 550 5.1.1 unknown; sorry", V.FAILED, "5.1.1"),
        ("Action: failed\nDiagnostic-Code: smtp; 550 " + "x" * 5000, V.FAILED, ""),
        ("Action: failed\nDiagnostic-Code: smtp; 550 5.1.1 a\0b\x07c\u202ed\ud800", V.FAILED, "5.1.1"),
        ("Action: failed", V.FAILED, ""),
        ("Action: failed\nStatus: 4.4.7", V.FAILED, "4.4.7"),
        ("Action: delayed\nStatus: 5.1.1", V.DELAYED, "5.1.1"),
        ("Action: relayed\nStatus: 2.1.9", V.INFORMATION, "2.1.9"),
        ("Action: expanded\nStatus: 2.0.0", V.INFORMATION, "2.0.0"),
        ("Status: 5.1.1", V.FAILED, "5.1.1"),
        ("Status: 4.2.2", V.DELAYED, "4.2.2"),
        ("Action: mislukt", V.UNDETERMINED, ""),
        ("Status: n/a", V.UNDETERMINED, ""),
    ],
)
def test_what_a_report_says_of_a_recipient(fields, verdict, status):
    found = read_notice(report(f"Final-Recipient: rfc822; <{ADDRESS}>\n{fields}"), KEYS)
    assert found.verdict is verdict
    assert [(one.names, one.verdict, one.status) for one in found.reports] == [((ADDRESS,), verdict, status)]
    assert all(is_fit_to_keep(one) for one in found.reports)


@pytest.mark.parametrize(
    "recipient",
    ["{} (unknown; no such user)", "<{}> (user)", '"A name" <{}>', "{}.", "@relay.example:{}", "{} (see a@b.example)"],
)
def test_the_failing_address_is_the_letter_s_whatever_stands_around_it(recipient):
    """With the comment taken for a part of it, a box that is gone would be read as one that mail is forwarded to."""
    fields = f"Final-Recipient: rfc822; {recipient.format(ADDRESS)}\nAction: failed\nStatus: 5.1.1"
    assert read_notice(report(fields), KEYS).reports[0].names == (ADDRESS,)


def test_a_report_that_is_only_forwarded_is_the_message_of_a_person():
    inner = notice("postfix", identity=IDENTITY, address=ADDRESS)
    outer = b'From: a@b.example\nContent-Type: multipart/mixed; boundary="F"\n\n--F\n\nVoyez.\n--F\nContent-Type: '
    assert read_notice(outer + b"message/rfc822\n\n" + inner + b"\n--F--\n", KEYS).verdict is V.HUMAN


@pytest.mark.parametrize("kind", ["not-spam", "virus", "auth-failure", ""])
def test_other_feedback_is_no_complaint(kind):
    content = notice("arf", identity=IDENTITY, address=ADDRESS).replace(b"Type: abuse", f"Type: {kind}".encode())
    assert read_notice(content, KEYS).verdict is V.INFORMATION


@pytest.mark.parametrize(
    "subject",
    [
        *("Abwesenheitsnotiz: Votre courriel", "Abwesend bis 5. Mai", "Automatische Antwort: Votre courriel"),
        *("Afwezig", "Afwezig tot 5 mei", "Afwezigheidsbericht: x", "Niet aanwezig: x", "Automatisch antwoord: x"),
        *("Automatische e-mail", "[EXTERN] Re: Abwesenheitsnotiz: x", "Antw: Buiten kantoor", "AW: Out-of-Office"),
    ],
)
def test_an_absence_in_german_or_dutch_is_an_automatic_reply(subject):
    content = f"From: a@b.example\nSubject: {subject}\n\nBonjour\n".encode()
    assert read_notice(content, KEYS).verdict is V.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Absence de réponse",
        "Re: Votre courriel",
        "Présence confirmée",
        "Afwezigheid van de leerlingen",
        "Abwesenheiten",
    ],
)
def test_a_person_who_writes_of_absence_is_a_person(subject):
    content = f"From: a@b.example\nSubject: {subject}\n\nBonjour\n".encode()
    assert read_notice(content, KEYS).verdict is V.HUMAN


def test_a_copy_by_another_way_is_the_same_notice_and_one_of_another_letter_is_not():
    first = notice("postfix", identity=IDENTITY, address=ADDRESS)
    again = b"Received: by elsewhere.example; Sat, 15 May 2021 12:00:00 +0000\r\n" + first
    assert read_notice(first, KEYS).digest == read_notice(again, KEYS).digest
    assert read_notice(first, KEYS).digest != told("postfix", keys=FORGED).digest
    assert told("postfix").digest != read_notice(notice("postfix", identity="f" * 16, address=ADDRESS), KEYS).digest
    nameless = first.replace(b"Message-Id", b"X-Id")
    assert (
        read_notice(nameless, KEYS).digest
        == read_notice(nameless, KEYS).digest
        != read_notice(nameless + b".", KEYS).digest
    )


def nested(depth, inside="\nfin\n"):
    heads = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return f"From: a@b.example\n{heads}{inside}".encode()


def many(count):
    parts = "--M\n\nx\n" * count
    return f'From: a@b.example\nContent-Type: multipart/mixed; boundary="M"\n\n{parts}--M--\n'.encode()


BAD_BASE64 = b"""From: MAILER-DAEMON@x.example
Content-Type: multipart/report; boundary="B"

--B
Content-Type: text/plain
Content-Transfer-Encoding: base64

=A=%%%
--B
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: base64

!
--B--
"""
DEEP_COMMENTS = b"""From: a@b.example
Content-Type: multipart/report; boundary="B"

--B
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Rcpt-To: %s

--B
Content-Type: message/rfc822

To: %s
--B--
""" % (b"(" * 10_000, b"a@" * 10_000)
MONSTERS = {
    "30 MB": (b"From: a@b.example\nSubject: x\n\n" + b"a" * 30 * MOST_BYTES, V.HUMAN),
    "10,000 parts": (many(10_000), V.UNDETERMINED),
    "depth 30": (nested(30), V.HUMAN),
    "depth 200": (nested(200), V.UNDETERMINED),
    "depth 10,000": (nested(10_000), V.UNDETERMINED),
    "no boundary": (b"From: MAILER-DAEMON@x.example\nContent-Type: multipart/report\n\n--x\n\nAction: failed\n", None),
    "endless parameters": (b"From: a@b.example\nContent-Type: text/plain" + b";a=b" * 250_000 + b"\n\nx", V.HUMAN),
    "endless header": (b"From: MAILER-DAEMON@x.example\nSubject: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nx", None),
    "a hundred thousand headers": (b"To: b-a@x\n" * 100_000 + b"From: a@b.example\n\nx", V.HUMAN),
    "endless prose": (b"From: MAILER-DAEMON@x.example\n\n" + b"<a@b.example> 5" * 60_000, None),
    "endless spaces": (b"From: MAILER-DAEMON@x.example\n\n550 " + b" " * 900_000, None),
    "bad base64": (BAD_BASE64, V.UNDETERMINED),
    "endless comments": (DEEP_COMMENTS, V.COMPLAINT),
    "endless comments in prose": (b"X-Failed-Recipients: " + b"(" * 10_000 + b"\n\nx", V.UNDETERMINED),
    "nothing": (b"", V.UNDETERMINED),
    "a zero": (b"\0", V.UNDETERMINED),
    "a colon": (b":\n\n", V.UNDETERMINED),
    "unknown charset": (b"From: a@b.example\nSubject: =?x-none?b?AAAA?=\n\n", V.HUMAN),
}


@pytest.mark.parametrize(("depth", "verdict"), [(20, V.FAILED), (21, V.HUMAN)])
def test_a_report_is_looked_for_twenty_levels_deep(depth, verdict):
    inside = f"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; {ADDRESS}\nAction: failed\n"
    assert read_notice(nested(depth, inside), KEYS).verdict is verdict


@pytest.mark.long
@pytest.mark.parametrize(("size", "verdict"), [(MOST_BYTES - 5000, V.FAILED), (MOST_BYTES, V.UNDETERMINED)])
def test_a_report_is_looked_for_in_the_first_megabyte(size, verdict):
    content = report(f"Final-Recipient: rfc822; {ADDRESS}\nAction: failed").replace(b"Returned.", b"r\n" * (size // 2))
    assert read_notice(content, KEYS).verdict is verdict


@pytest.mark.one_example
@pytest.mark.parametrize("name", MONSTERS)
def test_a_monster_is_read_quickly_and_is_no_refusal(name):
    content, verdict = MONSTERS[name]
    started = time.process_time()
    found = read_notice(content, KEYS)
    assert time.process_time() - started < 2
    assert found.verdict is (verdict or V.UNDETERMINED)


def is_fit_to_keep(one: Report):
    texts = [*one.names, one.status, one.said]
    return all(text.isprintable() and text.encode() is not None and len(text) <= 500 for text in texts)


@given(st.binary(max_size=2000))
def test_any_bytes_get_a_verdict(content):
    found = read_notice(content, KEYS)
    assert found.proved is None
    assert all(is_fit_to_keep(one) for one in found.reports)


@given(st.sampled_from(NAMES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=40))))
def test_a_notice_with_pieces_cut_out_and_put_in_gets_a_verdict(name, changes):
    content = bytearray(notice(name, identity=IDENTITY, address=ADDRESS))
    for place, length, put_in in changes:
        content[place : place + length] = put_in
    found = read_notice(bytes(content), KEYS)
    assert found.proved in {None, bytes.fromhex(IDENTITY)}
    assert all(is_fit_to_keep(one) for one in found.reports)


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_inside_a_report_get_a_verdict(fields, headers):
    content = (
        b'From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; boundary="B"\n\n--B\n'
        b"Content-Type: message/delivery-status\n\n"
        + fields
        + b"\n--B\nContent-Type: text/rfc822-headers\n\n"
        + headers
    )
    found = read_notice(content + b"\n--B--\n", KEYS)
    assert all(is_fit_to_keep(one) for one in found.reports)


@pytest.mark.parametrize("filler", [b"a", b"a@", b"=?utf-8?q?a?= "])
def test_a_complaint_that_returns_ninety_long_headers_takes_no_time(filler):
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\nTo: %b\r\n\r\nx\r\n" % (filler * (8_000 // len(filler)))
    content = (
        b"From: a@isp.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n" + part * 90 + b"--b--\r\n"
    )
    assert len(content) > 720_000
    before = time.process_time()
    assert read_notice(content, KEYS).verdict is V.COMPLAINT
    assert time.process_time() - before < 1
