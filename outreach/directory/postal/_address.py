"""A postal address in its parts (street, number, box, postal code, locality), and what keeps it from a letter. No I/O.

Source of the lines: bpost, MassPost guide, « Adressage »: number after the street, "bte" before a box, no punctuation,
postal code before the locality, no country.
"""

import re
from dataclasses import dataclass

from outreach.core.text.labelled import Labelled

NUMBER = r"\d{1,6} ?(?:bis|ter|quater|[A-Za-z])?(?: ?[-/+] ?\d{0,6}[A-Za-z]?){0,6}"
BOX = r"[\s,/-]{0,6}\b(?:bte|bt|bo[iî]te|bus)\b[.\s]{0,6}(?P<box>[\w./-]{1,20})"
# What may begin a number, and a number with its box to the end of a line. Each part of the latter is bounded.
BEGINS = re.compile(r"(?<![\w-])(?:n[°o]\.? ?)?\d", re.IGNORECASE)
ENDS = re.compile(rf"(?:n[°o]\.? ?)?(?P<number>{NUMBER})(?:{BOX})?", re.IGNORECASE)
POSTCODE = re.compile(r"[1-9]\d{3}", re.ASCII)
LETTERS = re.compile(r"[^\W\d_]{2}")


class AddressFault(Labelled):
    """What is wrong with an address. All but NO_NUMBER keep a letter from it: a village's square has no number."""

    NO_STREET = "no_street", "sans rue"
    NO_POSTCODE = "no_postcode", "code postal à revoir"
    NO_LOCALITY = "no_locality", "sans localité"
    RETURNED = "returned", "courrier revenu (NPAI)"
    NO_NUMBER = "no_number", "sans numéro"

    @property
    def is_fatal(self) -> bool:
        """Whether no letter can go there."""
        return self is not AddressFault.NO_NUMBER


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """An address in the parts that a printer's merge wants; '' where there is none."""

    street: str
    number: str
    box: str
    postcode: str
    locality: str

    @classmethod
    def of(cls, line: str, postcode: str, locality: str) -> "PostalAddress":
        """The address that the register writes so; a line that cannot be split is its street."""
        words = " ".join(line.split())
        place = postcode.strip(), locality.strip()
        for begun in BEGINS.finditer(words):
            street, split = words[: begun.start()].rstrip(" ,"), ENDS.fullmatch(words, begun.start())
            if split and street:
                return cls(street.lstrip(" ,"), split["number"].strip(), split["box"] or "", *place)
        return cls(words, "", "", *place)

    @property
    def street_line(self) -> str:
        """Street, number and box on one line."""
        parts = (self.street, self.number, f"bte {self.box}" if self.box else "")
        return " ".join(part for part in parts if part)

    @property
    def place_line(self) -> str:
        """Postal code and locality."""
        return f"{self.postcode} {self.locality}".strip()

    @property
    def words(self) -> str:
        """The whole address on one line."""
        return ", ".join(line for line in (self.street_line, self.place_line) if line)

    def faults(self) -> list[AddressFault]:
        """What its parts lack."""
        lacks = {
            AddressFault.NO_STREET: not LETTERS.search(self.street),
            AddressFault.NO_POSTCODE: not POSTCODE.fullmatch(self.postcode),
            AddressFault.NO_LOCALITY: not LETTERS.search(self.locality),
            AddressFault.NO_NUMBER: not self.number,
        }
        return [fault for fault, holds in lacks.items() if holds]
