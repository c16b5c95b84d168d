"""The columns and rows of a list of contacts.

Usual headers: fase;adresse;nom_po;nom_ecole;ecole;nom;prenom;fonction;type;telephone;usage;source. The
first two are required.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from outreach.core.erasure import ErasedAddresses
from outreach.core.tables import Grid, GridRow, Headers, Heading, ImportPreview, RowFault
from outreach.core.text import addresses as mending
from outreach.core.text.addresses import Judgement, key_of
from outreach.core.text.errors import InputError
from outreach.core.text.french import all_of
from outreach.core.text.typed import LONGEST_PHONE, line_of_words, whole_number
from outreach.directory.contacts import NOTHING_KNOWN, Particulars
from outreach.directory.models import MailboxKind
from outreach.directory.reference import fold
from outreach.directory.supplied_names import SCHOOL_NAMES, NameBook, names_an_organisation

# Of each field, its headers as `normalised` spells them, the surest first: where a file has several, the first counts,
# so that a postal "Adresse" beside a "Courriel", or a school's "Nom" beside a "Nom du contact", does no harm. A header
# of several fields is the first one's, so that "Nom" is an organisation's where another column names the person.
FIELDS = {
    "authority": Heading(
        "fase",
        (
            *(
                "n fase po",
                "fase po",
                "n fase pouvoir organisateur",
                "fase pouvoir organisateur",
                "code fase po",
                "n po",
            ),
            *("n fase", "fase", "code fase", "po", "pouvoir organisateur"),
        ),
        required=True,
        mend=mending.fase,
        words="numéro FASE du PO",
        carried=True,
    ),
    "address": Heading(
        "adresse",
        (
            *("adresse courriel", "adresse email", "adresse e mail", "adresse mail", "adresse electronique"),
            *(
                "courriel",
                "courriel contact",
                "email",
                "e mail",
                "mail",
                "mel",
                "courrier electronique",
                "email contact",
            ),
            *("boite", "boite mail", "boite courriel", "boite electronique", "adresse"),
        ),
        required=True,
        mend=mending.addresses,
        words="adresse e-mail",
        holds=lambda cell: "@" in cell,
        told_by={"mail", "email", "courriel", "mel", "electronique"},
        is_several=True,
        won_by={"po", "pouvoir"},
        last={"prive", "privee", "perso", "personnel", "personnelle", "domicile", "ancien", "ancienne"},
        belonging={"ecole", "etablissement", "implantation"},
        beside="school",
        rule="Un titre qui dit le PO l’emporte ; l’adresse d’une école, privée ou ancienne ne compte que sans autre",
    ),
    "school": Heading(
        "ecole",
        (
            *("n fase ecole", "fase ecole", "n fase etablissement", "fase etablissement", "code fase ecole"),
            *("n ecole", "n etablissement", "ecole", "ecoles", "etablissement"),
        ),
        mend=mending.fase,
        words="numéro FASE de l’école",
    ),
    "name": Heading(
        "nom",
        (
            *(
                "nom contact",
                "nom personne",
                "personne contact",
                "nom complet",
                "nom prenom",
                "prenom nom",
                "nom famille",
            ),
            *("nom titulaire", "titulaire", "responsable", "contact", "personne", "nom"),
        ),
        words="nom de la personne",
    ),
    "first_name": Heading("prenom", ("prenom contact", "prenom personne", "prenom"), words="prénom"),
    "function": Heading(
        "fonction", ("fonction contact", "fonction", "fonctions", "qualite", "role", "titre"), words="fonction"
    ),
    "kind": Heading(
        "type",
        ("type boite", "nature boite", "type contact", "type adresse", "nature", "type"),
        words="type de boîte (fonction ou personne)",
    ),
    "phone": Heading(
        "telephone",
        (
            *("telephone contact", "n telephone", "n tel", "telephone", "tel", "phone"),
            *("telephone direct", "n gsm", "gsm", "telephone mobile", "mobile"),
        ),
        mend=mending.phone,
        words="téléphone",
    ),
    "usage": Heading("usage", ("usage boite", "usage", "usages", "utilisation"), words="usage de la boîte"),
    "source": Heading("source", ("source", "origine", "provenance"), words="source"),
    "organisation": Heading(
        "nom_po",
        (
            *(
                "nom po",
                "nom pouvoir organisateur",
                "denomination po",
                "denomination pouvoir organisateur",
                "intitule po",
            ),
            *("pouvoir organisateur", "po", "organisation", "organisme", "institution", "denomination", "intitule"),
            "nom",
        ),
        words="nom du PO",
        carried=True,
    ),
    "school_name": Heading("nom_ecole", SCHOOL_NAMES, words="nom de l’école"),
}
UNUSED = {
    *("erreur", "reseau"),
    *("adresse po", "adresse ecole", "adresse etablissement", "adresse postale", "rue", "code postal", "localite"),
    *("commune", "province", "zone", "n bce", "bce", "federation", "federations"),
    # An agreement to be measured is recorded on the authority's sheet, with its proof.
    *("accord par", "accord le", "accord texte", "accord canal"),
}
HEADERS = Headers(FIELDS, UNUSED)


LONGEST = {"name": 200, "function": 200, "phone": LONGEST_PHONE, "usage": 200, "source": 200}
KINDS = {
    "fonction": MailboxKind.IMPERSONAL, "boite fonction": MailboxKind.IMPERSONAL, "service": MailboxKind.IMPERSONAL,
    "boite de fonction": MailboxKind.IMPERSONAL, "fonctionnelle": MailboxKind.IMPERSONAL,
    "impersonnelle": MailboxKind.IMPERSONAL, "generique": MailboxKind.IMPERSONAL,
    "personne": MailboxKind.PERSONAL, "boite personne": MailboxKind.PERSONAL, "personnelle": MailboxKind.PERSONAL,
    "boite d une personne": MailboxKind.PERSONAL, "boite personnelle": MailboxKind.PERSONAL,
    "nominative": MailboxKind.PERSONAL,
}  # fmt: skip
APOSTROPHE = re.compile(r"^'(?=[=+\-@])")  # with which a CSV file of ours keeps a cell from being a formula


@dataclass(frozen=True, slots=True)
class FarName:
    """A row's name of an organisation, and the name of its FASE number in the directory, far from it."""

    row: int
    column: str
    stated: str
    known: str


@dataclass(slots=True)
class StatedContact:
    """What a list says of one address: in `said` who reads it, as far as it says so.

    `schools` are the keys of the only schools it answers for, empty for all, None when the list says nothing of it.
    `far_name` says that its number may be another organisation's: then it waits for a person's word.
    """

    row: int
    authority_id: int
    fase: int
    judged: Judgement
    said: Particulars = NOTHING_KNOWN
    kind: MailboxKind | None = None
    schools: frozenset[int] | None = None
    far_name: FarName | None = None
    more_rows: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[int, str]:
        """What makes it one contact: its authority's key, and the address to compare."""
        return self.authority_id, self.judged.key

    def particulars(self, before: Particulars = NOTHING_KNOWN) -> Particulars:
        """Who reads it: as the list says, and as was known before where the list says nothing."""
        return before.but(self.said.known())


@dataclass(frozen=True, slots=True)
class Directory:
    """What rows refer to: authorities by FASE number, and schools by theirs.

    Of a school there is the set of its key alone, shared by all rows that name it, and the key of its authority.
    """

    authorities: Mapping[int, int]
    schools: Mapping[int, tuple[frozenset[int], int]]
    names: NameBook
    judge: Callable[[str], Judgement]
    erased: ErasedAddresses


@dataclass(slots=True)
class ContactReading:
    """The contacts a list states, by (authority, address).

    A rejected row was about one of the authorities `in_doubt`, or one of `addresses_in_doubt` where no authority can
    be read.
    """

    contacts: dict[tuple[int, str], StatedContact] = field(default_factory=dict)
    in_doubt: set[int] = field(default_factory=set)
    addresses_in_doubt: set[str] = field(default_factory=set)

    @property
    def merged(self) -> int:
        """How many rows said more of an address that an earlier row had named."""
        return sum(len(stated.more_rows) for stated in self.contacts.values())


def read(planned: ImportPreview, grid: Grid, directory: Directory) -> ContactReading:
    """Read the rows of a list. Of an address of which one row is rejected, every row is: it stays as it is known."""
    reading = ContactReading()
    withheld: dict[tuple[int, str], int] = {}

    def take(row: GridRow) -> None:
        contacts = _addresses(row, directory)
        try:
            for stated in contacts:
                _complete(stated, row, directory)
                _join(reading, stated)
        except RowFault:
            withheld.update({stated.key: row.number for stated in contacts if stated.key not in withheld})
            raise

    mends = {
        "authority": partial(mending.known_fase, known=directory.authorities),
        "school": partial(mending.known_fase, known=directory.schools),
    }
    planned.read(grid, HEADERS.mending(mends), take, lambda row: _doubt(reading, row, directory))
    for key, number in withheld.items():
        kept = reading.contacts.pop(key, None)
        for other in [kept.row, *kept.more_rows] if kept else []:
            planned.reject(other, RowFault("", f"La ligne {number}, de la même adresse, est rejetée."))
    planned.rejected.sort(key=lambda rejection: rejection.row)
    return reading


def _doubt(reading: ContactReading, row: GridRow, directory: Directory) -> None:
    authority = directory.authorities.get(whole_number(row.cells["authority"]) or 0)
    if authority is None:
        reading.addresses_in_doubt.add(key_of(row.cells["address"]))
    else:
        reading.in_doubt.add(authority)


def _addresses(row: GridRow, directory: Directory) -> list[StatedContact]:
    """The authority and each address of a row."""
    fase = whole_number(row.cells["authority"]) or 0
    if fase not in directory.authorities:
        raise RowFault("authority", _no_authority(row.cells["authority"], directory))
    addresses = APOSTROPHE.sub("", row.cells["address"])
    if not addresses:
        raise RowFault("address", "L’adresse manque.")
    try:
        judged = [directory.judge(address) for address in mending.each_address(addresses)]
        for each in judged:
            directory.erased.refuse(each.key)
    except InputError as error:
        raise RowFault("address", str(error)) from None
    return [StatedContact(row.number, directory.authorities[fase], fase, each) for each in judged]


def _no_authority(cell: str, directory: Directory) -> str:
    """Why a cell names no authority, and what to do where it names several."""
    if not cell:
        return "Le numéro FASE manque."
    if numbers := mending.known_fases(cell, directory.authorities):
        return (
            f"« {cell} » contient {len(numbers)} numéros FASE, {all_of([*map(str, numbers)])} : gardez-en un par ligne."
        )
    return f"Aucun pouvoir organisateur ne porte le numéro FASE « {cell} »."


def _complete(stated: StatedContact, row: GridRow, directory: Directory) -> None:
    """Add the other cells of a row. An empty one says nothing, except of schools: none are all."""
    cells = row.cells
    said = {name: _words(name, APOSTROPHE.sub("", cells.get(name, "")), most) for name, most in LONGEST.items()}
    if first := _words("first_name", cells.get("first_name", ""), LONGEST["name"]):
        said["name"] = _words("name", f"{first} {said['name']}".strip(), LONGEST["name"])
    said["name"] = said["name"] or stated.judged.display_name
    said |= {name: sys.intern(said[name]) for name in ("function", "usage", "source")}  # thousands of rows say the same
    stated.said = Particulars(**said)
    if kind := cells.get("kind", ""):
        stated.kind = KINDS.get(fold(kind))
        if stated.kind is None:
            raise RowFault("kind", f"Le type « {kind} » est inconnu : écrivez « fonction » ou « personne ».")
    if "school" in cells:
        stated.schools = _school(cells["school"], stated, directory)
    stated.far_name = _far_name(stated, row, directory.names)


def _join(reading: ContactReading, stated: StatedContact) -> None:
    """Take a row over, with the earlier ones of its address. Raises RowFault where they contradict each other."""
    earlier = reading.contacts.setdefault(stated.key, stated)
    if earlier is stated:
        return
    before, said = earlier.said.known(), stated.said.known()
    for name, text in said.items():
        if before.get(name, text) != text:
            raise RowFault(
                name, f"La ligne {earlier.row} a la même adresse et une autre valeur : gardez l’une des deux."
            )
    if stated.kind not in {None, earlier.kind or stated.kind}:
        raise RowFault("kind", f"La ligne {earlier.row} a la même adresse et une autre valeur : gardez l’une des deux.")
    earlier.said, earlier.far_name = earlier.said.but(said), earlier.far_name or stated.far_name
    earlier.kind = earlier.kind or stated.kind
    if earlier.schools and stated.schools:
        earlier.schools |= stated.schools
    elif earlier.schools is not None:
        earlier.schools = frozenset()  # a row without a school: all of them
    earlier.more_rows += (stated.row,)


def _far_name(stated: StatedContact, row: GridRow, names: NameBook) -> FarName | None:
    """The first name of an organisation in a row that is far from those of its numbers; one beside a number, too."""
    beside = {word: mending.words_beside(row.before[word]) for word in ("authority", "school") if row.before.get(word)}
    for column in ("organisation", "school_name", "name", *beside):
        text = beside.get(column) or row.cells.get(column, "")
        if not text or (column == "name" and not names_an_organisation(text)):
            continue
        if known := names.far(stated.authority_id, stated.schools or (), text):
            return FarName(stated.row, column, text[: LONGEST["name"]], known)
    return None


def _words(column: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise RowFault(column, f"Le texte dépasse {longest} caractères.")
    if text.isascii() and text.isprintable():  # a fast path for the usual case
        return text
    try:
        return line_of_words(text)
    except InputError as error:
        raise RowFault(column, str(error)) from None


def _school(text: str, stated: StatedContact, directory: Directory) -> frozenset[int]:
    if not text:
        return frozenset()
    fase = whole_number(text) or 0
    school, owner = directory.schools.get(fase, (frozenset(), 0))
    if not school:
        raise RowFault("school", f"Aucune école ne porte le numéro FASE « {text} ».")
    if owner != stated.authority_id:
        raise RowFault("school", f"L’école {fase} n’est pas du pouvoir organisateur {stated.fase}.")
    return school
