"""E-mail addresses, FASE and phone numbers as people type them: mended, normalised, judged.

A text that is right already stays as it is. What cannot be mended stays too, and is refused where it is read.

email-validator checks the syntax (RFC 5321, 5322, 6531; `strict`). This module adds the cases of a register of real
mailboxes: what `mending` mends in files, a display name, several addresses in one field, look-alike alphabets, robots'
mailboxes.
"""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from email_validator import EmailNotValidError, EmailSyntaxError, EmailUndeliverableError, validate_email

from outreach.core.text.errors import InputError
from outreach.core.text.typed import EXAMPLES, phone_number

_AND = " et "
_NUMBER = re.compile(
    r"(?:(?:n[°º]\.?|no\b\.?|num[eé]ro|fase|po|p\.o\.|[eé]cole|[eé]tablissement|:)\s*)*(\d{1,9})(?:[.,]0+)?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[ .’']\d{3})+|\d{1,9}(?:[.,]0+)?)(?![\w]|[.,]\d)")
_NO_FRACTION, _NO_DIGIT = re.compile(r"[.,]0+$"), re.compile(r"\D")
_LABEL = re.compile(r"\b(?:n[°º]|no\b|num[eé]ro|fase|po\b|p\.o\.)|[()[\]:/–—]|(?<!\w)-|-(?!\w)", re.IGNORECASE)
# A number that stands apart from the words of its cell: one in a street does not.
_APART = re.compile(r"(?:^|[(\[:/–—-]|\bn[°º]|\bfase\b|\bpo\b)\W{0,3}\d", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{1,2}(?:er)? [a-zûé]{3,} \d{4}\b", re.IGNORECASE)
_PLAIN = re.compile(r"[^\s<>,;:@\"«»]+@[^\s<>,;:@?]*[^\s<>,;:@.?]")
_WHOLE = re.compile(r"[^@]*[^@\s<]@[^@\s>][^@]*")
_MAILTO = re.compile(r"\bmailto\s*:\s*", re.IGNORECASE)
_QUERY = re.compile(r"(@[^\s?<>;,@]+)\?[^\s<>;,]*")
# Of a text with one blank at a time: each pattern then takes time in proportion to the text.
_BETWEEN = re.compile(r" ?[;,] ?| (?:et|ou|et/ou|[|&+–—-]) | / ?|/ | (?=[^ <>@]+@)")
# What people write beside an address: « a@ecole.be (direction) », « secrétariat : b@ecole.be »; what forbids it.
_ASIDE = re.compile(r"(@[^\s<>,;:()]+)((?: ?\([^()@]{0,60}\))+)")
_CALLED = re.compile(r"(?:^|(?<=[ ;,/]))((?:[^\W\d_][^@<>;,/:]{0,30}: ?)+)(?=[^\s<>,;:@]+@)")
# A name before or after the only address of a cell, and a phone number: « Anne Petit - a@ecole.be, tél. 02 555 12 34 ».
_BESIDE = re.compile(
    r"(?:([^\W\d_][^\d@<>;:,/()]{1,60})(?:,| [–—-]) )?([^\s<>,;:()@]+@[^\s<>,;:()@.]+(?:\.[^\s<>,;:()@.]+)+)"
    r"(?:(?:,| [–—-]) ([^\W\d_][^\d@<>;:,/()]{1,60}))?"
)
_PHONE = re.compile(
    r"(?:^|(?<= ))(?:(?:t[ée]l(?:[ée]phone)?|gsm|fax)\.?(?: ?:)? ?)?\+?\d[\d /.()-]{7,20}\d(?=[ ;,]|$)", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:anci|plus\b|pas\b|ex\b|inacti|supprim|erron|faux|fausse|obsol|hors\b)", re.IGNORECASE)
_APOSTROPHE = re.compile(r"^'(?=\+)")  # with which a CSV file of ours keeps a number from being a formula
_EDGES = ' .,;:<>"«»“”'


def fase(cell: str) -> str:
    """The digits of a FASE number: those of "PO 9312", "n° 9312" and "9312.0"."""
    read = _NUMBER.fullmatch(cell)
    return read[1] if read else cell


def known_fases(cell: str, known: Container[int]) -> list[int]:
    """The FASE numbers among those `known` that a cell holds, each once, whatever else it says: « 9101 – Bertrix ».

    "9 101" is one number, and never 101.
    """
    if "@" in cell:
        return []
    texts = (_NO_DIGIT.sub("", _NO_FRACTION.sub("", found[0])) for found in _DIGITS.finditer(cell))
    return [*dict.fromkeys(number for text in texts if (number := int(text)) in known)]


def known_fase(cell: str, known: Container[int]) -> str:
    """The digits of a FASE number, or of the only one among those `known` that a cell holds."""
    plain = fase(cell)
    numbers = [] if plain.isdecimal() else known_fases(cell, known)
    return str(numbers[0]) if len(numbers) == 1 else plain


def is_apart(cell: str) -> bool:
    """Whether a number stands apart from the words of a cell, as it does in « Bertrix (9101) » and in no date."""
    return bool(_APART.search(cell)) and not _DATE.match(cell)


def words_beside(cell: str) -> str:
    """What a cell says beside a FASE number: the name of its organisation, '' for none."""
    return "" if fase(cell).isdecimal() else " ".join(_LABEL.sub(" ", _DIGITS.sub(" ", cell)).split())


def phone(cell: str) -> str:
    """A phone number; '' for what is none, so that it costs the number and not the row."""
    try:
        return phone_number(_APOSTROPHE.sub("", cell))
    except InputError:
        return ""


def addresses(cell: str) -> str:
    """The addresses of a cell, with " et " between them, for `each_address`.

    "mailto:", angle brackets, a final dot and blanks round the @ go, and so does what an address is called. A name
    before an address in brackets stays.
    """
    if _PLAIN.fullmatch(cell) or "@" not in cell:
        return cell
    text = _QUERY.sub(r"\1", _MAILTO.sub("", cell))
    text = "@".join(" ".join(part.split()) for part in text.strip(" .,;:").split("@"))
    if _NOT.search(" ".join([aside[1] for aside in _ASIDE.findall(text)] + _CALLED.findall(text))):
        return cell
    text = _CALLED.sub("", _ASIDE.sub(r"\1", text))
    if _PHONE.search(text):
        text = " ".join(_PHONE.sub("", text).split()).strip(" -–—|/,;")
    if text.count("@") == 1:
        return _one(_named(text))
    parts = [_one(part) for part in _BETWEEN.split(text) if part.strip(_EDGES)]
    return _AND.join(dict.fromkeys(parts)) if all(map(_WHOLE.fullmatch, parts)) else cell


def each_address(mended: str) -> list[str]:
    """The addresses of a mended cell. The name before a single one may have an "et" itself."""
    return mended.split(_AND) if mended.count("@") > 1 else [mended]


def _named(text: str) -> str:
    """An address with the name beside it in front, as in a letter's heading; the text itself where there is none."""
    read = _BESIDE.fullmatch(text)
    names = [name for name in (read[1], read[3]) if name] if read else []
    return f"{names[0].strip()} <{read[2]}>" if read and len(names) == 1 and not _NOT.search(names[0]) else text


def _one(text: str) -> str:
    """An address without what stands around it; one in brackets after a name stays in them."""
    name, bracket, address = text.strip().rpartition("<")
    bare = address.strip(_EDGES)
    if bracket and name.strip(_EDGES):
        return f"{name.strip()} <{bare}>" if bare else text
    return bare


RETURNED = "b-"  # begins every address that bounces of letters return to
UNSUBSCRIBING = "u-"  # begins every address that unsubscribe messages go to
LONGEST = 320  # RFC 5321: 64 for the mailbox, 255 for the domain, and the @
SHORTEST_MASKED = 2
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')  # RFC 5322 §3.2.4
ESCAPED = re.compile(r"\\(.)")
BETWEEN = re.compile(r"[;,]")
ROBOTS = {"mailer-daemon", "noreply", "no-reply", "donotreply", "abuse", "postmaster", "hostmaster"}


class SeveralAddresses(InputError):
    """One field holds more than one address; `addresses` lists them so that each can be added by itself."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        super().__init__(
            f"Ce champ contient {len(addresses)} adresses : {' et '.join(addresses)}. Ajoutez-les l’une après l’autre."
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """An address to keep: `address` as shown, `key` to compare, `ascii` for the wire ('' = needs SMTPUTF8).

    `meant` is the address that was probably meant, if a slip is suspected (`directory.judging`).
    """

    address: str
    key: str
    ascii: str
    display_name: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    mixed_writing: bool = False
    meant: str = ""


def judge(text: str, *, examples: bool = True, ours: str = "") -> Judgement:
    """Normalise and judge one address. `examples` accepts the domains reserved for documentation (RFC 2606).

    `ours` is the domain our letters are sent from: its bounce and unsubscribe addresses, which no person reads, are
    refused.

    Raises SeveralAddresses or InputError, with a sentence that says what to do.
    """
    mended, notes = _mended(text)
    name, bare = _split_name(mended)
    if name:
        notes = (*notes, f"Nom lu dans le champ : {name}.")
    local, _, domain = bare.rpartition("@")
    if unicodedata.normalize("NFKC", local) != unicodedata.normalize("NFC", local):
        raise InputError(f"« {bare} » contient un caractère spécial qui serait lu comme un autre : retapez l’adresse.")
    try:
        valid = validate_email(bare, check_deliverability=False, strict=True)
    except (EmailSyntaxError, EmailUndeliverableError, EmailNotValidError) as error:
        raise InputError(_refusal(bare, domain, error)) from None
    if not examples and EXAMPLES.search(valid.ascii_domain):
        raise InputError(f"Le domaine « {valid.domain} » est réservé aux exemples : indiquez une adresse réelle.")
    if ours and valid.ascii_domain == ours.lower() and valid.local_part.lower().startswith((RETURNED, UNSUBSCRIBING)):
        raise InputError("Notre service relève lui-même cette adresse : indiquez-en une que quelqu’un lit.")
    mixed = _is_mixed(valid.normalized)
    return Judgement(
        address=valid.normalized,
        key=key_of(valid.normalized),
        ascii=valid.ascii_email or "",
        display_name=name,
        notes=notes,
        warnings=_warnings(valid.local_part, mixed),
        mixed_writing=mixed,
    )


def key_of(address: str) -> str:
    """An address as it is compared, in any case: “ß” and “ss” are one mailbox, and two domains (RFC 5895)."""
    local, at, domain = address.rpartition("@")
    return unicodedata.normalize("NFC", local.casefold() + at + domain.lower())


def masked(address: str) -> str:
    """An address as a page shows it to whoever has a link: "direction@ecole.be" is "d…@e…be".

    A mailbox, or a domain before its ending, of two characters or fewer is not shown at all: a letter would tell it.
    What stands in the place of an erased address has no @, and is not shown either.
    """
    if "@" not in address:
        return "…"
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{_first(local)}…@{_first(name)}…{ending}"


def _first(text: str) -> str:
    return text[0] if len(text) > SHORTEST_MASKED else ""


def _mended(text: str) -> tuple[str, tuple[str, ...]]:
    """The one address of a text, mended as a cell of a file is, and what to say of that. Raises SeveralAddresses."""
    if len(text) > 4 * LONGEST:
        raise InputError(f"L’adresse est trop longue : {LONGEST} caractères au plus.")
    kept = text.translate(INVISIBLE).strip()
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in kept):
        raise InputError("L’adresse contient un caractère interdit (retour à la ligne ou caractère de commande).")
    if not kept:
        raise InputError("Indiquez une adresse de courriel.")
    first, *others = each_address(addresses(" ".join(kept.split())))
    # A comma in a name keeps the text from being mended; its addresses are several all the same.
    several = [first, *others] if others else [part.strip() for part in BETWEEN.split(first) if "@" in part]
    if len(several) > 1:
        raise SeveralAddresses(several)
    spaces = ("Des espaces autour de l’adresse ont été retirés.",) if kept != text else ()
    return first, (*spaces, f"« {kept} » est lu « {first} ».") if kept != first else spaces


def _split_name(text: str) -> tuple[str, str]:
    if text.endswith(">") and "<" in text:
        name, _, address = text[:-1].rpartition("<")
        quoted = QUOTED.fullmatch(name.strip())
        return ESCAPED.sub(r"\1", quoted[1]) if quoted else name.strip(), address.strip()
    return "", text


def _refusal(bare: str, domain: str, error: EmailNotValidError) -> str:
    if "@" not in bare:
        return f"« {bare} » n’est pas une adresse de courriel : il manque le signe @."
    if not domain:
        return f"« {bare} » n’est pas une adresse de courriel : il manque le domaine, après le signe @."
    if len(bare.rpartition("@")[0]) > 64:
        return "La partie avant @ est trop longue : 64 caractères au plus."
    if isinstance(error, EmailUndeliverableError) or "special-use" in str(error) or "." not in domain:
        return f"Le domaine « {domain} » ne peut pas recevoir de courriel."
    return f"« {bare} » n’est pas une adresse de courriel valable : vérifiez chaque caractère."


def _warnings(local: str, mixed: bool) -> tuple[str, ...]:
    warnings = []
    if mixed:
        warnings.append("Écriture mélangée : l’adresse contient des lettres d’un autre alphabet que le nôtre.")
    if local.casefold() in ROBOTS:
        warnings.append("Cette boîte est celle d’un automate : personne ne la lit.")
    return tuple(warnings)


def _is_mixed(address: str) -> bool:
    return any(character.isalpha() and not unicodedata.name(character, "").startswith("LATIN") for character in address)
