"""Normalise and judge an e-mail address somebody typed or a file holds.

email-validator checks the syntax (RFC 5321, 5322, 6531; `strict`). This module adds the cases of a register of real
mailboxes: what `mending` mends in files, a display name, several addresses in one field, look-alike alphabets, robots'
mailboxes.
"""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, EmailSyntaxError, EmailUndeliverableError, validate_email

from outreach.errors import InputError
from outreach.spreadsheets import mending
from outreach.text import EXAMPLES

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
    first, *others = mending.each_address(mending.addresses(" ".join(kept.split())))
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
