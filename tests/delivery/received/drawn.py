"""Mails drawn from a seed: what programs write in four languages, by any way home, each with what it is."""

from base64 import encodebytes
from quopri import encodestring
from random import Random

from tests.delivery.received import corpus
from tests.delivery.received.corpus import BOX, LANGUAGES, PASSED_ON, PROGRAMS, QUOTED, SUBJECTS, Case, proved, written

SAID = {
    "fr": (
        "Oui.",
        "Bonjour,\n\nNous adhérons pour nos deux écoles : A et B.\n\nBien à vous,\nAnne Dumont\nDirectrice",
        "Pas cette année > à revoir en 2027.",
        "Appelez-moi au 02/123.45.67, le 3 à 10:30 :\nje suis là.",
        "De : notre côté, tout est prêt.\nÀ : voir en janvier.",
        "Le 3 mars, vous nous avez écrit : rien reçu depuis.",
    ),
    "nl": ("Ja.", "Beste,\n\nWij nemen deel.\n\nMet vriendelijke groeten,\nAnne", "Op 3 maart schreef u ons: te laat."),
    "de": ("Ja.", "Guten Tag,\n\nwir nehmen teil.\n\nMit freundlichen Grüßen\nAnne", "An: wen wende ich mich?"),
    "en": ("Yes.", "Hello,\n\nWe join.\n\nKind regards,\nAnne", "From: my side it is a yes.\nTo: be confirmed."),
}
ABSENCES = {
    "fr": ("Absence du bureau : {}", "Réponse automatique : {}", "Absent(e) : {}", "Message d’absence Re: {}"),
    "nl": ("Automatisch antwoord: {}", "Afwezig: {}", "Afwezigheidsbericht: {}", "Niet aanwezig: {}"),
    "de": ("Automatische Antwort: {}", "Abwesenheitsnotiz: {}", "Abwesend: {}", "Abwesenheit bis 14.12.: {}"),
    "en": ("Out of Office: {}", "Automatic reply: {}", "Out of office Re: {}", "Autoreply: {}"),
}
SAYS_AUTOMATIC = (
    {"Auto-Submitted": "auto-replied"},
    {"Auto-Submitted": "auto-replied (vacation)", "Precedence": "bulk"},
    {"X-Autoreply": "yes"},
    {"Precedence": "auto_reply"},
    {"Return-Path": "<>"},
    {"X-MS-Exchange-Generated-Message-Source": "Mailbox Rules Agent"},
)
DAEMONS = (
    "Mail Delivery Subsystem <mailer-daemon@relais.example>",
    "MAILER-DAEMON@relais.example (Mail Delivery System)",
    "Administrateur système <administrateur@ecole.example>",
)
UNDELIVERED = (
    "Undeliverable: {}",
    "Mail delivery failed: returning message to sender",
    "Delivery Status Notification (Failure)",
    "Non remis : {}",
    "Courrier non distribuable : {}",
    "Échec de la remise : {}",
    "Onbestelbaar: {}",
    "Unzustellbar: {}",
    "Returned mail: see transcript for details",
    "failure notice",
)


def of(letters, seed, *, replies=210, strangers=35, absences=30, returns=20):
    """As many mails of each kind, and a bomb of each kind."""
    random = Random(seed)
    for kind, count in ((_reply, replies), (_stranger, strangers), (_absence, absences), (_return, returns)):
        yield from (kind(random, f"{kind.__name__}-{number}", letters) for number in range(count))
    yield from corpus.bombs()


def _reply(random, name, letters):
    letter, language, program = random.choice(letters), random.choice(LANGUAGES), random.choice(PROGRAMS)
    said, by = random.choice(SAID[language]), random.choice(("mark", "reference", "sender"))
    box = letter.marked if by == "mark" else BOX
    text, markup = written(program, language, said, box)
    match random.randrange(8):
        case 0:  # below what is quoted
            text, markup = f"{corpus.opening('thunderbird', language)}\n{corpus.quoted(QUOTED)}\n\n{said}\n", ""
        case 1:  # two letters quoted, one in the other
            inner = f"{corpus.opening('roundcube', language)}\n\n{corpus.quoted(QUOTED)}"
            text, markup = f"{said}\n\n{corpus.opening('gmail', language)}\n\n{corpus.quoted(inner)}\n", ""
        case 2:  # passed on, with a word
            text = f"{said}\n\n{PASSED_ON[language]}\n{corpus.header_block(language)}\n\n{QUOTED}"
            markup = ""
        case 3:  # a signature that says so
            text, markup = text.replace(said, f"{said}\n\n-- \nAnne Dumont\nDirectrice", 1), ""
    headers = {"Subject": random.choice((SUBJECTS[language], f"TR : {SUBJECTS[language]}", "Inscription")), "To": box}
    sender = random.choice(("x@ailleurs.example", random.choice(letters).address))  # anybody, even another authority
    if by == "reference":
        before = f"<{random.getrandbits(128):x}@ecole.example>"
        headers["References"] = f"{before}\r\n {letter.ident}"
        headers["In-Reply-To"] = random.choice((letter.ident, before))
    elif by == "sender":
        sender = letter.address
        headers |= _named(proved(sender))
    elif random.random() < 0.3:  # a server that rewrites To keeps where it came to
        headers |= {"To": "undisclosed-recipients:;", random.choice(("Delivered-To", "X-Original-To")): box}
    content = _bytes(random, sender, headers, text, markup)
    return Case(f"{name}-{program}-{language}", content, "reply", letter.fase, by, said)


def _stranger(random, name, letters):
    victim, said = random.choice(letters), random.choice(SAID[random.choice(LANGUAGES)])
    headers = random.choice(
        (
            {},
            _named(proved(victim.address, server="mx.ailleurs.example")),
            _named(proved(victim.address, result="fail")),
            _named(proved("x@ailleurs.example")),
            {"In-Reply-To": f"<{random.getrandbits(64):016x}@courriel.example>"},
            {"To": f"reponses+{''.join(random.choices('abcdefgh234567', k=40))}@fwb.example"},
            {"Reply-To": victim.marked, "Sender": victim.address, "X-Original-Message-ID": victim.ident},
        )
    )
    text = f"{said}\n\n{corpus.opening('gmail', 'fr', victim.marked)}\n\n{corpus.quoted(QUOTED)}\n> {victim.ident}\n"
    return Case(name, _bytes(random, victim.address, {"To": BOX, **headers}, text), "unattached", said=said)


def _absence(random, name, letters):
    letter, language = random.choice(letters), random.choice(LANGUAGES)
    said, headers = corpus.AWAY[language][1], {"To": letter.marked, "Subject": "Re: Volet 1"}
    if random.random() < 0.5:
        headers["Subject"] = random.choice(ABSENCES[language]).format("Volet 1")
    else:
        headers |= random.choice(SAYS_AUTOMATIC)
    return Case(name, _bytes(random, letter.address, headers, said), "automatic", letter.fase, "mark", said)


def _return(random, name, letters):
    letter, sender = random.choice(letters), random.choice(DAEMONS)
    subject = random.choice(UNDELIVERED).format("Volet 1")
    text = f"Votre message n'a pas pu être remis.\n\n<{letter.address}>: 550 5.1.1 User unknown\n"
    headers = {"To": BOX, "Subject": subject, "In-Reply-To": letter.ident, "From": sender}
    return Case(name, _bytes(random, "", headers, text), "return", letter.fase, "reference")


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _bytes(random, sender, headers, text, markup=""):
    """A mail with these headers in an order, encoding and character set of its own."""
    values = {"From": f"Anne Dumont <{sender}>", "Date": "Tue, 01 Dec 2026 11:00:00 +0100", "MIME-Version": "1.0"}
    values |= {"Message-ID": f"<{random.getrandbits(128):032x}@ecole.example>", **headers}
    lines = list(values.items())
    random.shuffle(lines)
    form = random.choice(("plain", "both", "html")) if markup else "plain"
    if form == "plain":
        body = _part(random, "plain", text)
    elif form == "html":
        body = _part(random, "html", markup)
    else:
        parts = [_part(random, "plain", text), _part(random, "html", markup)]
        joined = "".join(f"--=_b\r\n{one}\r\n" for one in parts)
        body = f'Content-Type: multipart/alternative;\r\n boundary="=_b"\r\n\r\n{joined}--=_b--\r\n'
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return head.encode() + body.encode("latin-1")


def _part(random, kind, text):
    """A part, its bytes as characters of Latin-1."""
    charset = random.choice(("utf-8", "UTF-8", "iso-8859-1", "windows-1252"))
    content = text.replace("’", "'").replace("–", "-").replace("\n", "\r\n").encode(charset, "replace")
    named = random.choice((f'text/{kind}; charset="{charset}"', f"text/{kind};\r\n\tcharset={charset}"))
    encoding = random.choice(("8bit", "quoted-printable", "base64"))
    encode = {"8bit": bytes, "quoted-printable": encodestring, "base64": encodebytes}[encoding]
    return f"Content-Type: {named}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{encode(content).decode('latin-1')}"
