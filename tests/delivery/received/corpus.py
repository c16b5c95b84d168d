"""Mails as real programs write them, in four languages, about letters that were sent: each with what it is.

Each program opens a quotation in its own way, and breaks lines, encodes and nests parts in its own way, too.
"""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from quopri import encodestring

from outreach.delivery.letters import Keys, TokenKind

KEYS = Keys((b"k" * 32,))
SERVER = "mx.fwb.example"
SERVICE = "Service du numérique"
BOX = "reponses@fwb.example"
LANGUAGES = ("fr", "nl", "de", "en")
SAID = {
    "fr": "Bonjour,\n\nNous adhérons pour les deux écoles :\n- école A : oui\n- école B : en septembre\n\nMerci, Anne",
    "nl": "Goedendag,\n\nWij nemen deel voor school A. Voor school B schreef ik u al op 3 maart:\nnog niet.\n\nAnne",
    "de": "Guten Tag,\n\nwir nehmen teil, die Antwort für Schule B folgt am Montag.\n\nAnne",
    "en": "Hello,\n\nWe join for both schools. On Monday I wrote:\nnot yet, but now we do.\n\nAnne",
}
QUOTED = "Madame, Monsieur,\n\nVotre école peut adhérer au volet 1.\n\nLe Service du numérique"
SUBJECTS = {"fr": "RE: Volet 1", "nl": "Antw: Volet 1", "de": "AW: Volet 1", "en": "Re: Volet 1"}
# How each program opens what it quotes, with the service's name and address.
OPENINGS = {
    "gmail": {
        "fr": "Le mar. 1 déc. 2026 à 10:12, {name} <{box}> a\nécrit :",
        "nl": "Op di 1 dec 2026 om 10:12 schreef {name} <{box}>:",
        "de": "Am Di., 1. Dez. 2026 um 10:12 Uhr schrieb {name} <\n{box}>:",
        "en": "On Tue, Dec 1, 2026 at 10:12 AM {name} <\n{box}> wrote:",
    },
    "apple": {
        "fr": "Le 1 déc. 2026 à 10:12, {name} <{box}> a écrit :",
        "nl": "Op 1 dec 2026, om 10:12 heeft {name} <{box}> het volgende geschreven:",
        "de": "Am 01.12.2026 um 10:12 schrieb {name} <{box}>:",
        "en": "On 1 Dec 2026, at 10:12, {name} <{box}> wrote:",
    },
    "thunderbird": {
        "fr": "Le 01/12/2026 à 10:12, {name} a écrit :",
        "nl": "Op 01-12-2026 om 10:12 schreef {name}:",
        "de": "Am 01.12.26 um 10:12 schrieb {name}:",
        "en": "On 01/12/2026 10:12, {name} wrote:",
    },
    "roundcube": {
        "fr": "Le 2026-12-01 10:12, {name} a écrit :",
        "nl": "{name} schreef op 2026-12-01 10:12:",
        "de": "Am 2026-12-01 10:12, schrieb {name}:",
        "en": "On 2026-12-01 10:12, {name} wrote:",
    },
}
FIELDS = {
    "fr": ("De", "Envoyé", "À", "Objet", " :"),
    "nl": ("Van", "Verzonden", "Aan", "Onderwerp", ":"),
    "de": ("Von", "Gesendet", "An", "Betreff", ":"),
    "en": ("From", "Sent", "To", "Subject", ":"),
}
ORIGINAL = {
    "fr": "-----Message d'origine-----",
    "nl": "-----Oorspronkelijk bericht-----",
    "de": "-----Ursprüngliche Nachricht-----",
    "en": "-----Original Message-----",
}
PASSED_ON = {
    "fr": "---------- Forwarded message ---------",
    "nl": "-------- Doorgestuurd bericht --------",
    "de": "-------- Weitergeleitete Nachricht --------",
    "en": "Begin forwarded message:",
}
TELEPHONE = {
    "fr": "Envoyé de mon iPhone",
    "nl": "Verstuurd vanaf mijn iPhone",
    "de": "Von meinem iPhone gesendet",
    "en": "Sent from my iPhone",
}
AWAY = {
    "fr": ("Réponse automatique : Volet 1", "Je suis absente jusqu'au 14 décembre. M. Petit me remplace."),
    "nl": ("Automatisch antwoord: Volet 1", "Ik ben afwezig tot 14 december. U kunt de heer Petit bereiken."),
    "de": ("Automatische Antwort: Volet 1", "Ich bin bis zum 14. Dezember abwesend. Herr Petit vertritt mich."),
    "en": ("Automatic reply: Volet 1", "I am out of the office until 14 December. Mr Petit takes over."),
}
ITSELF = {
    "fr": "Ceci est une réponse automatique.",
    "nl": "Dit is een automatisch bericht.",
    "de": "Dies ist eine automatische Antwort.",
    "en": "This is an automatic reply.",
}


@dataclass(frozen=True)
class Sent:
    """A letter that left: the number of its authority, its identity, and the address it went to."""

    fase: int
    identity: str
    address: str

    @property
    def ident(self):
        return f"<{self.identity}@courriel.example>"

    @property
    def mark(self):
        return KEYS.make(TokenKind.REPLY, bytes.fromhex(self.identity))

    @property
    def marked(self):
        return BOX.replace("@", f"+{self.mark}@")


@dataclass(frozen=True)
class Case:
    """A mail and what it is. `said` is what its writer wrote; None where that is not asked."""

    name: str
    content: bytes
    verdict: str
    fase: int | None = None
    by: str | None = None
    said: str | None = None


def mail(text, *, sender, to=BOX, subject="Re: Volet 1", markup="", plain=True, name="Anne Dumont", **headers):
    """The bytes of a mail; `headers` are named with _ for -."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = f"{name} <{sender}>", to, subject
    message["Date"] = "Tue, 01 Dec 2026 11:00:00 +0100"
    own = sha256(repr((text, sender, to, subject, markup, plain, headers)).encode()).hexdigest()
    message["Message-ID"] = f"<own-{own}@ecole.example>"
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    if plain:
        message.set_content(text, cte="quoted-printable")
    if markup:
        (message.add_alternative if plain else message.set_content)(markup, subtype="html")
    return message.as_bytes()


def proved(address, *, server=SERVER, result="pass"):
    """The header of a receiving server about the domain of an address."""
    domain = address.rpartition("@")[2]
    said = f"dmarc={result} (p=none dis=none) header.from={domain}; spf={result} smtp.mailfrom={address}"
    return {"Authentication_Results": f"{server}; {said}"}


def quoted(text, mark="> "):
    return "\n".join(f"{mark}{line}".rstrip() for line in text.split("\n"))


def opening(program, language, box=BOX):
    return OPENINGS[program][language].format(name=SERVICE, box=box)


def header_block(language, box=BOX, bold="", subject="Volet 1"):
    of, sent, to, about, colon = FIELDS[language]
    told = ((of, f"{SERVICE} <{box}>"), (sent, "1/12/2026 10:12"), (to, "ec000001@adm.example"), (about, subject))
    return "\n".join(f"{bold}{field}{colon}{bold} {value}" for field, value in told)


def as_html(text):
    return "".join(f"<div>{line.replace('<', '&lt;') or '<br>'}</div>" for line in text.split("\n"))


def written(program, language, said, box=BOX):
    """A reply as this program writes it in this language: its plain text, and its HTML or ''."""
    return (_of_outlook if program.startswith("outlook") else _of_others)(program, language, said, box)


def _of_outlook(program, language, said, box):
    if program == "outlook_old":
        return f"{said}\n\n{ORIGINAL[language]}\n{header_block(language, box)}\n\n{QUOTED}\n", ""
    if program == "outlook_bold":
        return f"{said}\n\n{header_block(language, box, '*')}\n\n{QUOTED}\n", ""
    rule = f"{'_' * 32}\n{header_block(language, box)}"
    fields = header_block(language, box).replace("<", "&lt;").replace("\n", "<br>")
    html = f"{as_html(said)}<div id='Signature'>Anne Dumont</div><hr><div id='divRplyFwdMsg'>{fields}</div>"
    return f"{said}\n\n{rule}\n\n{QUOTED}\n", f"<html><head><style>p {{}}</style></head><body>{html}{as_html(QUOTED)}"


def _of_others(program, language, said, box):
    opened = opening("apple" if program == "ios" else program, language, box)
    text = f"{said}\n\n{opened}\n\n{quoted(QUOTED)}\n"
    if program == "ios":
        text = f"{said}\n\n{TELEPHONE[language]}\n\n> {opened}\n> \n{quoted(QUOTED)}\n"
        quote = f"<blockquote type='cite'>{as_html(opened)}{as_html(QUOTED)}</blockquote>"
        return text, f"<html><body>{as_html(said)}<br>{as_html(TELEPHONE[language])}{quote}"
    if program == "roundcube":
        return text.replace("\n\n>", "\n>") + "\n-- \nAnne Dumont\nDirection\n", ""
    if program == "gmail":
        line = as_html(opened.replace("\n", " "))
        quote = f"<div class='gmail_quote'>{line}<blockquote>{as_html(QUOTED)}</blockquote></div>"
        return text, f"<div dir='ltr'>{as_html(said)}</div><br>{quote}"
    return text, ""


PROGRAMS = ("gmail", "apple", "thunderbird", "roundcube", "outlook", "outlook_old", "outlook_bold", "ios")


def replies(letters):
    """A reply of each program in each language, attached in each way in turn."""
    for number, (program, language) in enumerate((one, other) for one in PROGRAMS for other in LANGUAGES):
        letter, said = letters[number % len(letters)], SAID[language]
        by = ("mark", "reference", "sender")[(number + number // 4) % 3]
        box = letter.marked if by == "mark" else BOX
        text, html = written(program, language, said, box)
        sender = letter.address if by == "sender" else "anne.dumont@ecole.example"
        headers = {
            "mark": {},
            "reference": {"In_Reply_To": letter.ident, "References": letter.ident},
            "sender": proved(sender),
        }[by]
        to, subject = box.upper() if number % 2 and by == "mark" else box, SUBJECTS[language]
        content = mail(text, sender=sender, to=to, subject=subject, markup=html, **headers)
        yield Case(f"{program}-{language}", content, "reply", letter.fase, by, said)
        if html:
            content = mail(said, sender=sender, to=to, subject=subject, markup=html, plain=False, **headers)
            yield Case(f"{program}-{language}-html", content, "reply", letter.fase, by, said)


def between(letters):
    """Answers below and between what is quoted, signed, and to two letters quoted one in the other."""
    first, second = letters[:2]
    for language in LANGUAGES:
        of = {"sender": "x@ailleurs.example", "In_Reply_To": first.ident}
        opened, said = opening("thunderbird", language), SAID[language]
        below = f"{opened}\n{quoted(QUOTED)}\n\n{said}\n\n-- \nAnne Dumont\n"
        yield Case(f"below-{language}", mail(below, **of), "reply", first.fase, "reference", said)
        inline = f"{opened}\n> Question 1\nRéponse 1\n> Question 2\nRéponse 2\n"
        yield Case(f"inline-{language}", mail(inline, **of), "reply", first.fase, "reference", "Réponse 1\nRéponse 2")
        older = f"{opening('gmail', language)}\n\n{quoted(quoted(QUOTED))}"
        twice = f"{said}\n\n{opening('gmail', language)}\n\n{quoted(QUOTED)}\n>\n{quoted(older)}\n"
        of["References"] = f"{second.ident} {first.ident}"
        yield Case(f"two-quoted-{language}", mail(twice, **of), "reply", first.fase, "reference", said)


def elsewhere(letters):
    """Letters passed on, replies by somebody else, senders that are forged, or of several, or unknown."""
    first, second = letters[:2]
    for language in LANGUAGES:
        said = SAID[language]
        passed = f"{said}\n\n{PASSED_ON[language]}\n{header_block(language)}\n\n{QUOTED}"
        of = {"sender": "collegue@autre.example", "name": "Bernard Petit"}
        headers = {"In_Reply_To": "<passed@ecole.example>", "References": f"{first.ident} <passed@ecole.example>"}
        yield Case(f"passed-on-{language}", mail(passed, **of, **headers), "reply", first.fase, "reference", said)
        yield Case(f"unknown-{language}", mail(said, **of), "unattached", said=said)
        forged = mail(said, sender=second.address)
        yield Case(f"forged-{language}", forged, "unattached", said=said)
    server = proved(second.address, server="mx.attacker.example")
    yield Case("proved-by-another", mail("Oui.", sender=second.address, **server), "unattached", said="Oui.")
    failed = proved(second.address, result="fail")
    yield Case("failed", mail("Oui.", sender=second.address, **failed), "unattached", said="Oui.")
    other = proved("a@attacker.example")
    yield Case("of-another-domain", mail("Oui.", sender=second.address, **other), "unattached", said="Oui.")
    both = mail("Oui, oui.", sender=second.address, **failed)
    said = proved(second.address)["Authentication_Results"]
    both = both.replace(b"To: ", f"Authentication-Results: {said}\r\nTo: ".encode(), 1)
    yield Case("contradicted", both, "unattached", said="Oui, oui.")
    two = mail("Oui.", sender=second.address, **proved(second.address))
    two = two.replace(b"From: ", f"From: {first.address},\r\n ".encode(), 1)
    yield Case("two-senders", two, "unattached", said="Oui.")
    shown = mail("Oui.", sender="x@attacker.example", name=f'"{second.address}"', **proved("x@attacker.example"))
    yield Case("shown-name", shown, "unattached", said="Oui.")
    false_mark = f"reponses+{Keys((b'x' * 32,)).make(TokenKind.REPLY, bytes.fromhex(first.identity))}@fwb.example"
    yield Case("false-mark", mail("Oui.", sender="x@y.example", to=false_mark), "unattached", said="Oui.")
    two_marks = f"{first.marked}, {second.marked}"
    yield Case("two-marks", mail("Oui.", sender="x@y.example", to=two_marks), "unattached", said="Oui.")
    made_up = {"In_Reply_To": "<0123456789abcdef@courriel.example>"}
    yield Case("made-up-reference", mail("Oui.", sender="x@y.example", **made_up), "unattached", said="Oui.")
    in_text = f"Écrivez à {first.marked}\nMessage-ID: {first.ident}"
    yield Case("mark-in-the-text", mail(in_text, sender="x@y.example"), "unattached", said=in_text)


def automatic(letters):
    """Notes of absence, with and without the headers that say so."""
    letter = letters[2]
    for language in LANGUAGES:
        subject, said = AWAY[language]
        of = {"sender": "x@ailleurs.example", "In_Reply_To": letter.ident}
        told = (letter.fase, "reference", said)
        headers = {"Auto_Submitted": "auto-replied", "X_Auto_Response_Suppress": "All"}
        yield Case(f"away-{language}", mail(said, subject="Re: Volet 1", **of, **headers), "automatic", *told)
        yield Case(f"away-subject-{language}", mail(said, subject=subject, **of), "automatic", *told)
        itself = f"{ITSELF[language]}\n{said}"
        yield Case(f"away-itself-{language}", mail(itself, **of), "automatic", letter.fase, "reference", itself)
    null = mail("Bien reçu.", sender="x@ailleurs.example", Return_Path="<>")
    yield Case("null-sender", null, "automatic", said="Bien reçu.")


def returns(letters):
    """A report of delivery, and returns in prose."""
    first = letters[0]
    returned = f"b-{KEYS.make(TokenKind.BOUNCE, bytes.fromhex(first.identity))}@courriel.example"
    report = (
        f"From: MAILER-DAEMON@relais.example\r\nTo: {returned}\r\nSubject: Undelivered\r\nMessage-ID: <r@r.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nJe suis absent.\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; r.example\r\n\r\nFinal-Recipient: rfc822; {first.address}\r\nAction: failed\r\n"
        "Status: 5.1.1\r\n\r\n--B--\r\n"
    )
    yield Case("report", report.encode(), "return", first.fase, "mark")
    prose = "Hi. This is the qmail-send program.\n\n<{}>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
    for name in ("MAILER-DAEMON", "postmaster"):
        content = mail(prose.format(first.address), sender=f"{name}@ecole.example", subject="failure notice")
        yield Case(f"prose-{name}", content, "return")


def bombs():
    """What no person writes. None may take long, or stop what reads the others."""
    start = b"From: a@b.example\r\nMIME-Version: 1.0\r\n"
    parts = b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 500
    yield Case("many-parts", start + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + parts, "refused")
    deep = "".join(f"Content-Type: multipart/mixed; boundary=B{n}\r\n\r\n--B{n}\r\n" for n in range(60))
    yield Case("deep", start + deep.encode() + b"Content-Type: text/plain\r\n\r\nx\r\n", "refused")
    yield Case("headers", start + b"X-A: b\r\n" * 20_000 + b"\r\nx", "refused")
    yield Case("lines", start + b"\r\n" * 500_001, "refused")
    attached = b"Content-Type: message/rfc822\r\n\r\n" * 60
    yield Case("deep-messages", start + attached + b"x", "refused")
    yield Case("folded", start + b"Subject: x\r\n" + b" y\r\n" * 20_000 + b"\r\nOui.", "unattached", said="Oui.")
    recipients = b", ".join([b"r+" + b"a" * 40 + b"@b.example"] * 20_000)
    yield Case("marks", start + b"To: " + recipients + b"\r\n\r\nOui.", "unattached", said="Oui.")
    yield Case("size", start + b"\r\n" + b"x" * (25 * 1024 * 1024), "refused")
    yield Case("nobody", b"Subject: x\r\n\r\nx", "refused")
    yield Case("empty", b"", "refused")
    yield Case("zeros", bytes(5000), "refused")
    for charset in ("utf-7", "punycode", "no-such", "base64", "'\x00", "idna"):
        head = start + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode()
        yield Case(f"charset-{charset}", head + b"Oui." + b"-" * 40_000, "unattached")
    for number, text in enumerate(("<", "<!--", "<a b=", "<blockquote>", "&#", "<div>")):
        head = start + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
        yield Case(f"markup-{number}", head + text.encode() * 100_000, "unattached")
    for number, text in enumerate(("On 1 a 10:12 @ " * 9999, "Le 1 10:12\n" * 9999, "> " * 99_999, "De :\n" * 9999)):
        yield Case(f"text-{number}", start + b"\r\n" + text.encode(), "unattached")
    encoded = encodestring(("é" * 200_000).encode())
    yield Case("long", start + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded, "unattached")
    yield Case("date", start + b"Date: Mon, 99 Foo 99999999999 99:99:99 +9999\r\n\r\nOui.", "unattached", said="Oui.")
    yield Case("surrogate", start + b"Subject: =?utf-16?b?2AA=?=\r\n\r\n\xed\xa0\x80 Oui.\x00", "unattached")
    name = b"Content-Disposition: attachment; filename*=bad'x'%ff; filename=../../etc\r\n\r\nx"
    yield Case("file-name", start + b"Content-Type: application/pdf\r\n" + name, "unattached", said="")


def of(letters):
    """The whole corpus about these letters, of three authorities at least."""
    groups = (replies(letters), between(letters), elsewhere(letters), automatic(letters), returns(letters), bombs())
    return [case for group in groups for case in group]
