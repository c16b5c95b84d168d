"""The files of a batch of letters on paper: parts of at most 100 pages, the printer's list, the cover sheet."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outreach.campaigns.channels._paper import letters_of
from outreach.campaigns.channels._paper_letters import Addressed, PaperSheet, document_of, settable, sheets_of
from outreach.campaigns.letter import SenderIdentity, head_on_paper
from outreach.campaigns.models import Campaign, PaperBatch
from outreach.core.db import Session
from outreach.core.sandbox import pdf
from outreach.core.site import Letterhead
from outreach.core.tables import Column, InMemoryListing, Kind, Origin, csv_bytes, xlsx
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.directory import postal
from outreach.directory.models import Authority
from outreach.directory.postal import PostalAddress

MOST_PAGES = 100
SHOWN_CODE = "0000-0000"  # of a letter that is only read
AT_FIRST = 50  # letters of one page each, and the blank pages behind them
LOST_NOTHING = "Le lot reste préparé"
TOLD = (
    (
        "Imprimez cette page à 100 %, sans « ajuster à la page ». Pliez-la en trois aux deux repères du bord gauche, "
        "et glissez-la dans une enveloppe."
    ),
    (
        "Tapotez l’enveloppe sur ses quatre côtés : le cadre pointillé doit rester visible en entier dans la fenêtre, "
        "et rien d’autre."
    ),
    ("La fenêtre est à {left} mm du bord gauche et à {top} mm du haut ; elle a {width} mm sur {height} mm."),
)
COUNT = re.compile(rb"/Count (\d+)")
WINDOW = 105, 45, 90, 40  # of an envelope on a sheet of A4, in mm: from its left, from its top, width, height
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LettersFile:
    """A PDF of some letters: its name, its bytes, its pages, and the letters in it."""

    name: str
    content: bytes
    pages: int
    letters: Sequence[PaperSheet]


@dataclass(slots=True)
class BatchFiles:
    """The files of a batch by name, which a page hands over as an archive."""

    letters: int = 0
    parts: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def archive(self) -> bytes:
        """All of them in a zip."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
            for name, content in self.contents.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
        return written.getvalue()


COLUMNS: Sequence[Column[tuple[str, PaperSheet]]] = (
    Column("place", "Ordre", lambda row: row[1].letter.place, Kind.NUMBER),
    Column("file", "Fichier", lambda row: row[0]),
    Column("reference", "Référence", lambda row: row[1].reference),
    Column("fase", "FASE", lambda row: row[1].fase),
    Column("recipient", "Destinataire", lambda row: row[1].letter.recipient),
    Column("street", "Rue", lambda row: row[1].letter.street),
    Column("number", "Numéro", lambda row: row[1].letter.house_number),
    Column("box", "Boîte", lambda row: row[1].letter.box),
    Column("postcode", "Code postal", lambda row: row[1].letter.postcode),
    Column("locality", "Localité", lambda row: row[1].letter.locality),
)


def files_of(
    session: Session,
    batch: PaperBatch,
    sending: SenderIdentity,
    *,
    now: datetime,
    author: str,
    progress: Progress = lambda _done, _total: None,
) -> BatchFiles:
    """The files of a batch: the same letters and codes each time. `author` is the name of who asks for them.

    Raises Refused when typst makes no PDF, or the key of the codes is no live one any more.
    """
    made, rows, parts = BatchFiles(), list[tuple[str, PaperSheet]](), list[LettersFile]()
    for part in _parts(session, batch, sending, now):
        parts.append(part)
        made.contents[part.name] = part.content
        made.parts.append(part.name)
        made.letters += len(part.letters)
        rows += [(part.name, letter) for letter in part.letters]
        progress(made.letters, batch.letters)
    table = InMemoryListing(title="Lettres", columns=COLUMNS, rows=rows)
    made.contents["liste.csv"] = csv_bytes(table.table())
    made.contents["liste.xlsx"] = xlsx(table.table(), origin=Origin(now, author, batch.campaign.title))
    made.contents["bordereau.pdf"] = _cover(batch, parts, now, author)
    return made


def digest_of(parts: Sequence[bytes]) -> str:
    """The digest of the letters' files, in order (SHA-256): the cover sheet bears it."""
    told = hashlib.sha256()
    for content in parts:
        told.update(hashlib.sha256(content).digest())
    return told.hexdigest()


def sample_letter(
    session: Session,
    campaign: Campaign,
    authority: Authority,
    words: tuple[str, str],
    sending: SenderIdentity,
    *,
    now: datetime,
) -> Callable[[], bytes]:
    """The letter to an authority of this subject and text, as it would be printed, to be read before it is approved.

    What is returned sets it, and needs the session no more; its code leads nowhere.
    """
    to = Addressed(
        authority.display_name,
        authority.fase,
        postal.held_of(session, authority).address,
        f"C{campaign.id}-0",
        today(now),
    )
    sample = document_of(campaign, to, SHOWN_CODE, *words, sending)
    document = {**_named("Lettre sur papier, à lire", now), "window": WINDOW, "letters": [sample]}
    head = head_on_paper(session, campaign)
    return lambda: _letters(document, head, now, "Rien n’est perdu")


def window_page(now: datetime) -> bytes:
    """The page « vérifier la fenêtre »: the frame of the window, and an address with the longest lines in it."""
    longest = PostalAddress("Rue du Commandant-Général Leclerc", "242", "63", "5590", "Ciney")
    left, top, width, height = (french.number(length) for length in WINDOW)
    document = {
        **_named("Vérifier la fenêtre", now),
        "window": WINDOW,
        "lines": [
            "Pouvoir organisateur de l’école de démonstration",
            longest.street_line,
            longest.place_line,
        ],
        "told": [french.typeset(line.format(left=left, top=top, width=width, height=height)) for line in TOLD],
    }
    return pdf.set_pdf("paper_window.typ", document, int(now.timestamp()), lost_nothing="Rien n’est perdu")


def _parts(session: Session, batch: PaperBatch, sending: SenderIdentity, now: datetime) -> Iterator[LettersFile]:
    letters, start, number = letters_of(session, batch), 0, 0
    head = head_on_paper(session, batch.campaign)
    while start < len(letters):
        some = sheets_of(session, batch, letters[start : start + AT_FIRST], sending, now=now)
        number += 1
        part = _part(batch, some, head, number)
        yield part
        start += len(part.letters)


def _part(batch: PaperBatch, some: Sequence[PaperSheet], head: Letterhead, number: int) -> LettersFile:
    """As many of these letters as fit into a part; one alone may have more pages."""
    content = _set(batch, some, head)
    pages = pages_in(content)
    if pages > MOST_PAGES and len(some) > 1:
        return _part(batch, some[: max(len(some) * MOST_PAGES // (pages + 1), 1)], head, number)
    return LettersFile(f"lettres-{number}.pdf", content, pages, some)


def pages_in(content: bytes) -> int:
    """The pages of a PDF that typst made: the largest count of its page tree. Raises Refused when it has none."""
    counts = [int(count) for count in COUNT.findall(content)]
    if not counts:
        raise Refused(f"Ce PDF n’a pas de pages. {LOST_NOTHING} : prévenez la personne qui exploite le service.")
    return max(counts)


def _set(batch: PaperBatch, some: Sequence[PaperSheet], head: Letterhead) -> bytes:
    document = {
        **_named(f"Lettres – {batch.campaign.title}", batch.made_at),
        "window": WINDOW,
        "letters": [one.document for one in some],
    }
    return _letters(document, head, batch.made_at, LOST_NOTHING)


def _letters(document: Mapping[str, Any], head: Letterhead, at: datetime, lost_nothing: str) -> bytes:
    lines = [pdf.settable(line) for line in head.lines]
    headed = {**settable(document), "head": {"lines": lines, "logo": list(head.logo)}}
    return pdf.set_pdf("paper.typ", headed, int(at.timestamp()), lost_nothing=lost_nothing, archived=True)


def _cover(batch: PaperBatch, parts: Sequence[LettersFile], now: datetime, author: str) -> bytes:
    pages = sum(part.pages for part in parts)
    facts = [
        ("Campagne", batch.campaign.title),
        ("Lot", f"n° {batch.id}, préparé le {french.moment(batch.made_at)}"),
        ("Fichiers demandés", f"le {french.moment(now)}, par {author}"),
        ("Lettres", french.number(batch.letters)),
        ("Pages", f"{french.number(pages)}, en recto verso : chaque lettre commence sur un recto"),
        ("Feuille de réponse", "derrière chaque lettre" if batch.has_sheet else "non"),
        ("Code de contrôle (SHA-256)", digest_of([part.content for part in parts])),
    ]
    document = {
        **_named(f"Bordereau du lot {batch.id}", now),
        "lines": ["À joindre aux fichiers remis à l’imprimeur. Ce bordereau ne se poste pas."],
        "facts": [(label, french.typeset(said)) for label, said in facts],
        "files": [
            (part.name, str(len(part.letters)), str(part.pages), _postcodes([one.letter for one in part.letters]))
            for part in parts
        ],
        "after": [
            french.typeset(
                "Chaque lettre porte un code personnel : effacez les fichiers une fois les lettres imprimées."
            )
        ],
    }
    return pdf.set_pdf("paper_cover.typ", settable(document), int(now.timestamp()), lost_nothing=LOST_NOTHING)


def _postcodes(letters: Sequence[Any]) -> str:
    first, last = letters[0].postcode, letters[-1].postcode
    return first if first == last else f"{first} à {last}"


def _named(name: str, at: datetime) -> dict[str, Any]:
    made = today(at)
    said = f"{name}, {french.day(made)}"
    return {
        "name": name,
        "author": "Fédération Wallonie-Bruxelles",
        "about": said,
        "date": [made.year, made.month, made.day],
    }
