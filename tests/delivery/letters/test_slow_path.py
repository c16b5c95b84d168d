"""A compiled letter says what the slow path says: marks replaced one by one, the email package for the rest."""

import re
from base64 import b64decode
from binascii import a2b_qp
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, parseaddr, parsedate_to_datetime

from hypothesis import example, given
from hypothesis import strategies as st

from outreach.core.text.typed import is_forbidden
from outreach.delivery.letters import (
    ELSE,
    END,
    Letter,
    LetterText,
    Mailbox,
    Pattern,
    Personal,
    Repeat,
    Rows,
    SharedHeaders,
    Slot,
    Value,
    one_line,
)
from outreach.delivery.letters import _mime as mime
from outreach.delivery.letters._language import FIRST_ELIF, FIRST_IF, FIRST_SLOT
from tests.delivery.letters import linter
from tests.delivery.letters.test_mime import stored

SLOTS = (Slot("nom"), Slot("commune"), Slot("commune", (("majuscule", ""),)), Slot("bloc"))
CONDITIONS = (("field", "un"), ("not", ("field", "deux")), ("and", ("field", "un"), ("field", "deux")))
TRUTH = (lambda said: said["un"], lambda said: not said["deux"], lambda said: said["un"] and said["deux"])
LONG = compat32.clone(max_line_length=998)  # it would fold what has to stay on one line
HARD = [
    *(".", "..", "\n.", "\n.\n", ".\n.", "...a", "a\n..", "a.", " ", "a ", "a \n", "a\t", "\t\n", "\n\n", "\n"),
    *("=", "=\n", "=2E", "=?utf-8?q?x?=", "=?", "From x", "x" * 75, "x" * 76, "x" * 1200, "é" * 400, "." * 80),
    *("a" * 74 + " ", "a" * 75 + " ", "&amp;", "<b>", '"', "\\", "\u00a0", "\u202f", "\u200d", "e\u0301", "👩‍🏫"),
    *("%", "%%", "%b"),
]
kept = st.characters(
    codec="utf-8",
    exclude_categories=["Cc", "Cf", "Co", "Cn", "Zl", "Zp"],
    include_characters="\n\t\u200c\u200d",
)
anything = st.lists(st.text(kept, max_size=12) | st.sampled_from(HARD), max_size=4).map("".join)
typed = st.lists(st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(HARD), max_size=4).map("".join)
slot = st.integers(0, len(SLOTS) - 1).map(lambda number: chr(FIRST_SLOT + number))
which = st.integers(0, len(CONDITIONS) - 1)


def branches(inside):
    begins = st.builds(lambda number, words: chr(FIRST_IF + number) + words, which, inside)
    other = st.builds(lambda number, words: chr(FIRST_ELIF + number) + words, which, inside)
    others = st.lists(other, min_size=1, max_size=2) | st.just([])
    otherwise = st.just("") | inside.map(lambda words: ELSE + words)
    return st.builds(lambda first, more, last: first + "".join(more) + last + END, begins, others, otherwise)


def several(one, least=0):
    return st.lists(one, min_size=least, max_size=4).map("".join)


marked = several(st.recursive(anything | slot, lambda inside: branches(several(inside, least=1)), max_leaves=4))
drafts = st.builds(LetterText, st.just(SLOTS), st.just(CONDITIONS), marked, marked, marked)
plain = typed.map(Value.plain)
parts = st.text(kept, max_size=9).filter(lambda text: not re.search(r"\{\d\}", text)) | st.sampled_from(HARD)
repeats = st.builds(
    lambda head, first, mid, last, between, foot: Repeat(head, f"{first}{{1}}{mid}{{0}}{last}", between, foot),
    *[parts] * 6,
)
rows = st.builds(
    Rows,
    st.builds(Pattern, st.just("any"), repeats, repeats),
    st.lists(st.tuples(typed, typed), max_size=3).map(tuple),
    st.just(Value("", "")) | plain,
)
values = st.fixed_dictionaries({one.key: plain if one.field != "bloc" else plain | rows for one in SLOTS})
flags = st.fixed_dictionaries({"un": st.booleans(), "deux": st.booleans()})
local = st.from_regex(r"[a-z0-9éèœß'+_-]{1,30}", fullmatch=True)
addresses = st.builds("{}@{}".format, local, st.sampled_from(["adm.fwb.example", "xn--cole-9oa.example"]))
quoted = st.sampled_from(['Lambert, Nadia "le" service', "a\\b", '"', "=?utf-8?q?x?=", "=?utf-8?b?w6k=?= é", "(x) <y>"])
names = (typed | quoted).map(lambda text: one_line(text[:200]))  # as long as a campaign may hold
mailboxes = st.builds(Mailbox, addresses, names)
standings = st.builds(
    SharedHeaders,
    sender=st.builds(Mailbox, st.just("sensibilisation@courriel.example"), names),
    reply_to=mailboxes,
    list_id=st.sampled_from(["<w12.courriel.example>", "Sensibilisation des PO <sensibilisation.courriel.example>"]),
    feedback_id=st.just("w12:c3:awareness:outreach"),
    unsubscribe=st.sampled_from(["", "https://x.example/u/", f"https://{'campagnes.' * 12}example/u/"]),
    mailto=st.sampled_from(["", "u-"]),
    mailto_subject=st.sampled_from(["", "Ne plus recevoir"]),
    zone=st.sampled_from(["", "Europe/Brussels"]),
)
dates = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(
    lambda one: one.replace(microsecond=0)
)
INNERMOST = re.compile(f"[{chr(FIRST_IF)}-{chr(FIRST_ELIF - 1)}][^{chr(FIRST_IF)}-{chr(FIRST_ELIF - 1)}{END}]*{END}")


def slowly(text, said, truth):
    """A marked text read by hand: conditions from the inside out, then each mark's words in its place."""
    while found := INNERMOST.search(text):
        text = text[: found.start()] + standing(found[0][:-1], truth) + text[found.end() :]
    for number, one in enumerate(SLOTS):
        text = text.replace(chr(FIRST_SLOT + number), said(one.key))
    return text


def standing(choice, truth):
    pieces = re.split(f"([{chr(FIRST_IF)}-{ELSE}])", choice)[1:]
    for mark, words in zip(pieces[::2], pieces[1::2], strict=True):
        if mark == ELSE or TRUTH[(ord(mark) - FIRST_IF) % (FIRST_ELIF - FIRST_IF)](truth):
            return words
    return ""


def written(standing_, personal, subject, text, html):
    """The same message by the email package."""
    slow = MIMEMultipart("alternative")
    for name, box in (("From", standing_.sender), ("Reply-To", standing_.reply_to)):
        slow[name] = f"{Header(box.name, 'utf-8', maxlinelen=10**6).encode()} <{as_it_is(box.address)}>"
    slow["To"], slow["Subject"] = as_it_is(personal.to), Header(subject, "utf-8")
    slow["Date"], slow["Message-ID"] = format_datetime(personal.date), f"<{personal.id}@courriel.example>"
    slow["List-Id"], slow["Feedback-ID"] = standing_.list_id, standing_.feedback_id
    slow["Auto-Submitted"], slow["X-Auto-Response-Suppress"] = "auto-generated", "OOF, AutoReply"
    if standing_.unsubscribe:
        ways = [f"<{standing_.unsubscribe}{personal.unsubscribe}>"]
        subject = "?subject=Ne%20plus%20recevoir" if standing_.mailto_subject else ""
        ways += [f"<mailto:{standing_.mailto}{personal.mailto}@courriel.example{subject}>"] if standing_.mailto else []
        slow["List-Unsubscribe"], slow["List-Unsubscribe-Post"] = ", ".join(ways), "List-Unsubscribe=One-Click"
    for words, kind in ((text, "plain"), (html, "html")):
        slow.attach(part := MIMEText(words, kind, "utf-8"))
        part["Content-Language"] = "fr"
    return slow


def as_it_is(address):
    """An address beyond ASCII is written in UTF-8 (RFC 6532), which the package does to bytes it was given."""
    return address.encode().decode("ascii", "surrogateescape")


def headers_of(message):
    """Each header as it is read, by name: words decoded, an address with its name, a date."""
    found = {}
    for name, raw in message.raw_items():
        line = re.sub("\r?\n", "", str(raw)).encode("utf-8", "surrogateescape").decode("utf-8")
        assert name not in found
        if name in {"From", "To", "Reply-To"}:
            phrase, address = parseaddr(line)
            found[name] = (str(make_header(decode_header(phrase))), address)
        elif name == "Date":
            found[name] = parsedate_to_datetime(line)
        else:
            found[name] = str(make_header(decode_header(line)))
    of_transport = ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")
    return {name: said for name, said in found.items() if name not in of_transport}


def bodies_of(message):
    return [
        (part.get_content_type(), part.get_content_charset(), part["Content-Language"], words_of(part))
        for part in message.get_payload()
    ]


def words_of(part):
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


@given(drafts, values, flags, st.sets(st.sampled_from([one.key for one in SLOTS])), standings, addresses, dates)
def test_a_compiled_letter_is_read_as_the_one_that_the_slow_path_makes(
    draft, given_, truth, common, standing_, to, date
):
    filled = Letter(stored(draft), common).fill(given_, truth)
    personal = Personal("0123456789abcdef", to, date, filled.subject, "t" * 40, "m" * 40)
    wire = mime.assemble_message(standing_, personal, filled.text, filled.html)
    subject, text = (slowly(one, lambda key: given_[key].text, truth) for one in (draft.subject, draft.text))
    html = slowly(draft.html, lambda key: given_[key].html, truth)
    slow = written(standing_, personal, " ".join(subject.split()), text, html)
    ours, theirs = message_from_bytes(wire), message_from_bytes(slow.as_bytes(policy=LONG))
    assert headers_of(ours) == headers_of(theirs)
    assert bodies_of(ours) == bodies_of(theirs)
    assert ours.get_content_type() == theirs.get_content_type() == "multipart/alternative"
    assert [part.defects for part in ours.walk()] == [[], [], []]
    assert list(linter._lines(wire)) == []
    assert max(map(len, b"".join((filled.text, b"\r\n", filled.html)).split(b"\r\n"))) <= 76
    for word in re.findall(rb"=\?utf-8\?b\?[^?]*\?=", wire):
        assert len(word) <= 75
        assert b64decode(word[10:-2]).decode()  # whole characters, whoever joins the words or does not


@given(typed)
@example("a\r\n\x00\u202e\ue000\u2028.\t\u200d")
def test_a_value_keeps_every_character_that_a_letter_may_hold_and_no_other(text):
    assert Value.plain(text).text == "".join(one for one in text if not is_forbidden(one))


@given(typed)
@example("\u202a 0 \u202c")
def test_a_line_of_a_header_has_one_space_between_its_words_and_none_around(text):
    line = one_line(text)
    assert line == " ".join(line.split())
    assert not any(map(is_forbidden, line))
    assert [*"".join(line.split())] == [one for one in "".join(text.split()) if not is_forbidden(one)]


def test_no_line_of_a_table_is_too_long_whatever_meets_in_it():
    repeat = Repeat("h" * 70, "{0}" + "w" * 70 + "{1}", "b" * 70, "f" * 70)
    words = [("c" * 70, "d" * 70), ("e" * 70, "g" * 70)]
    encoded = repeat.encoded([[mime.encode(word) for word in row] for row in words])
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert a2b_qp(encoded).decode() == repeat.filled(words)
