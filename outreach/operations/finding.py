"""One box that finds authorities, schools, campaigns, notes, answers, letters and pages by what one remembers of them.

Each kind is looked up where its rows are, in the session's own scope; what is found is ordered here, the likeliest
first: by how many of the words a name has, and how much of the name they are.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from outreach.campaigns import channels
from outreach.campaigns.models import Campaign
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text import french
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import folded, whole_number
from outreach.delivery import letters
from outreach.delivery.letters import Keys
from outreach.directory import authorities
from outreach.directory.models import Authority, School
from outreach.engagement.replies import Respondent, Response
from outreach.reports.notes import Note, NoteApproval

MOST = 20
MOST_OF_A_KIND = 200  # rows that are ordered
LEAST = 0.5  # of the words, so that a name counts
EMPTY_WORDS = frozenset(
    {"a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "par", "pour", "sur", "un", "une"}
)


class FoundKind(Labelled):
    """What may be found; words of a search that name a kind prefer it."""

    AUTHORITY = "authority", "Pouvoir organisateur"
    SCHOOL = "school", "École"
    CAMPAIGN = "campaign", "Campagne"
    NOTE = "note", "Note"
    ANSWER = "answer", "Réponse"
    LETTER = "letter", "Lettre"
    PAGE = "page", "Page"


NAMING = {
    "po": FoundKind.AUTHORITY,
    "ecole": FoundKind.SCHOOL,
    "campagne": FoundKind.CAMPAIGN,
    "note": FoundKind.NOTE,
    "reponse": FoundKind.ANSWER,
    "lettre": FoundKind.LETTER,
}


@dataclass(frozen=True, slots=True)
class Found:
    """Something found: its name, what tells it from others, and where it is: a number, or a path of a page."""

    kind: FoundKind
    title: str
    more: str
    where: int | str
    score: float


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page that may be found: its name, other words for it, and its path."""

    name: str
    words: str
    path: str


class _Sought:
    """The words of a search, folded, without those that say nothing."""

    def __init__(self, text: str) -> None:
        every = [word for word in _words(text) if word not in EMPTY_WORDS]
        self.kinds = {NAMING[word] for word in every if word in NAMING}
        self.words = [word for word in every if word not in NAMING and word != "fase"] or every
        self.number = whole_number("".join(self.words))

    def score(self, kind: FoundKind, name: str, more: str = "") -> float:
        """How well a name answers, from 0 to 1.5; 0 where it has less than half of the words."""
        mine, beside = [word for word in _words(name) if word not in EMPTY_WORDS], _words(more)
        held = [max(_alike(word, mine), 0.8 * _alike(word, beside)) for word in self.words]
        share = sum(held) / len(held) if held else 0.0
        if share < LEAST:
            return 0.0
        covered = sum(any(_alike(word, [one]) for word in self.words) for one in mine) / max(len(mine), 1)
        return share + 0.25 * covered + (0.25 if kind in self.kinds else 0.0)


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in folded(text)).split()


def _alike(word: str, others: Iterable[str]) -> float:
    found = 0.0
    for other in others:
        if other in {word, f"{word}s", word.removesuffix("s")}:
            return 1.0
        if other.startswith(word):
            found = max(found, 0.8)
    return found


def find(
    session: Session, text: str, pages: Sequence[FoundPage], keys: Keys, kinds: Collection[FoundKind] = tuple(FoundKind)
) -> list[Found]:
    """What a text finds among these kinds and pages, the likeliest first."""
    sought = _Sought(text)
    if not sought.words:
        return []
    found = [
        Found(FoundKind.PAGE, one.name, "", one.path, sought.score(FoundKind.PAGE, one.name, one.words))
        for one in pages
    ]
    for kind, look in LOOK.items():
        if kind in kinds:
            found += look(session, sought)
    if FoundKind.LETTER in kinds:
        found += _letters(session, text, keys)
    order = list(FoundKind)
    likely = [one for one in found if one.score]
    return sorted(likely, key=lambda one: (-round(one.score, 3), order.index(one.kind), one.title))[:MOST]


def _authorities(session: Session, sought: _Sought) -> list[Found]:
    named = authorities.narrow_by_name(select(Authority).options(joinedload(Authority.network)), " ".join(sought.words))
    rows = [*session.scalars(named.limit(MOST_OF_A_KIND)).unique()]
    if not rows and sought.number is None:
        keys = [*authorities.find(session, " ".join(sought.words), ()).schools][:MOST_OF_A_KIND]
        rows = [*session.scalars(select(Authority).where(among(Authority.id, keys)))]
        return [_authority(one, LEAST) for one in rows]
    return [
        _authority(
            one, _exact(sought, one.fase) or sought.score(FoundKind.AUTHORITY, one.display_name, one.municipality)
        )
        for one in rows
    ]


def _authority(one: Authority, score: float) -> Found:
    return Found(FoundKind.AUTHORITY, one.display_name, f"FASE {one.fase}, {one.network.label}", one.fase, score)


def _schools(session: Session, sought: _Sought) -> list[Found]:
    named = authorities.narrow_by_name(select(School), " ".join(sought.words), School.folded).limit(MOST_OF_A_KIND)
    return [
        Found(
            FoundKind.SCHOOL,
            one.display_name,
            f"FASE {one.fase}, {one.municipality}",
            one.fase,
            _exact(sought, one.fase) or sought.score(FoundKind.SCHOOL, one.display_name, one.municipality),
        )
        for one in session.scalars(named)
    ]


def _exact(sought: _Sought, fase: int) -> float:
    return 2.0 if sought.number == fase else 0.0


def _campaigns(session: Session, sought: _Sought) -> list[Found]:
    rows = session.execute(select(Campaign.id, Campaign.title, Campaign.circular).order_by(Campaign.id.desc()))
    return [
        Found(FoundKind.CAMPAIGN, title, f"campagne {key}", key, sought.score(FoundKind.CAMPAIGN, title, circular))
        for key, title, circular in rows
    ]


def _notes(session: Session, sought: _Sought) -> list[Found]:
    query = select(Note.id, Note.title, Note.as_of, NoteApproval.number)
    rows = session.execute(query.outerjoin(NoteApproval, NoteApproval.note_id == Note.id).order_by(Note.id.desc()))
    return [
        Found(
            FoundKind.NOTE,
            title,
            f"note {number or 'sans numéro'}",
            key,
            sought.score(FoundKind.NOTE, title, f"{number} {french.day(day)}"),
        )
        for key, title, day, number in rows
    ]


def _answers(session: Session, sought: _Sought) -> list[Found]:
    """Answers of an authority, or of a person who named herself, the latest first: behind their authority itself."""
    query = select(Response).join(Response.authority).outerjoin(Response.respondent)
    words = " ".join(sought.words)
    named = or_(authorities.is_named(words), *(Respondent.name.contains(one, autoescape=True) for one in [words]))
    query = query.where(Response.stands(), named).options(
        joinedload(Response.authority), joinedload(Response.respondent)
    )
    found = []
    for one in session.scalars(query.order_by(Response.given_at.desc()).limit(MOST_OF_A_KIND)).unique():
        name = one.respondent.name if one.respondent else ""
        score = max(sought.score(FoundKind.ANSWER, one.authority.display_name), sought.score(FoundKind.ANSWER, name))
        title = f"{one.answer.label}, {one.authority.display_name}"
        more = ", ".join(filter(None, [french.day(one.given_at), name]))
        found.append(Found(FoundKind.ANSWER, title, more, one.id, score * 0.9))
    return found


def _letters(session: Session, text: str, keys: Keys) -> list[Found]:
    """The letter on paper of a code, eight signs that stand on it."""
    code = letters.read_code(text)
    entered = channels.find_code(session, keys, code) if code else None
    if entered is None:
        return []
    authority = session.get_one(Authority, entered.message.authority_id)
    return [Found(FoundKind.LETTER, f"Lettre à {authority.display_name}", f"code {code}", authority.fase, 2.0)]


LOOK = {
    FoundKind.AUTHORITY: _authorities,
    FoundKind.SCHOOL: _schools,
    FoundKind.CAMPAIGN: _campaigns,
    FoundKind.NOTE: _notes,
    FoundKind.ANSWER: _answers,
}
