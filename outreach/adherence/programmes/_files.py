"""A programme's file beside what is stored: what loading it would change, and the stored programme as such a file."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from outreach.adherence.models import Prerequisite, Programme, Strand
from outreach.adherence.programmes._programmes import (
    PrerequisiteFile,
    ProgrammeFile,
    StrandFile,
    in_use,
    load_file,
    read_programme,
    refuse_dropped,
)
from outreach.core.db import Session, take_lock
from outreach.core.text import french
from outreach.core.text.errors import NotFound, Refused

FIELDS = {"name": "Nom", "page": "Page du programme", "words": "Mots du programme"}
STRAND_FIELDS = {
    "name": "nom",
    "circular": "circulaire",
    "opened_on": "ouvert le",
    "closed_on": "ferme le",
    "levels": "niveaux",
}


@dataclass(frozen=True, slots=True)
class ProgrammeDifference:
    """What a file would change: a French sentence each. `before` is the file of the stored programme, '' of a new one.

    `counts` says whether a change alters which schools a strand is open to, or since when: past figures change, too.
    """

    stated: ProgrammeFile
    changes: list[str]
    counts: bool
    before: str

    @property
    def basis(self) -> str:
        """A digest of the stored programme, '' when it is new."""
        return hashlib.sha256(self.before.encode()).hexdigest() if self.before else ""

    @property
    def warnings(self) -> list[str]:
        """What else follows from the changes, in French."""
        recounted = (
            "Changer les niveaux d’un volet ou le jour de son ouverture change aussi les écoles comptées, aujourd’hui "
            "et à des dates passées."
        )
        return [recounted] if self.counts else []

    @property
    def is_new(self) -> bool:
        """Whether no programme has this code yet."""
        return not self.before


def programme_difference(session: Session, stated: ProgrammeFile) -> ProgrammeDifference:
    """Compare a file with the stored programme of the same code; writes nothing.

    Raises InputError when a strand that is in use is missing in the file.
    """
    programme = _stored(session, stated.code)
    if programme is None:
        new = [_new(strand) for strand in stated.strands]
        return ProgrammeDifference(
            stated, [*new, *(_rule("ajoutée", rule) for rule in stated.prerequisites)], False, ""
        )
    held = {strand.number: strand for strand in programme.strands}
    refuse_dropped(session, programme, stated)
    pairs = {name: (getattr(programme, name), getattr(stated, name)) for name in FIELDS}
    changes = [
        f"{FIELDS[name]} : {_quote(before)} → {_quote(after)}."
        for name, (before, after) in pairs.items()
        if before != after
    ]
    counts = False
    for strand in stated.strands:
        known = held.get(strand.number)
        if known is None:
            changes.append(_new(strand))
            continue
        changes += _fields(known, strand)
        counts = counts or (known.opened_on, known.levels) != (strand.opened_on, strand.levels)
    changes += [f"Volet {number} : {held[number].name}, retiré." for number in sorted(set(held) - _numbers(stated))]
    before, after = {_key(rule) for rule in _rules(session, programme)}, {_key(rule) for rule in stated.prerequisites}
    changes += [_rule("retirée", _made(key)) for key in sorted(before - after, key=str)]
    changes += [_rule("ajoutée", _made(key)) for key in sorted(after - before, key=str)]
    return ProgrammeDifference(stated, changes, counts, as_file(session, programme))


def load_programme_file(session: Session, stated: ProgrammeFile, basis: str, *, now: datetime, actor: str) -> Programme:
    """Load a file that was compared with the stored programme of this `basis`; the audit says what changed.

    Raises Refused when nothing changes, or when the stored programme is no longer `basis`; InputError when a strand
    that is in use is missing.
    """
    take_lock(session, "programmes")
    compared = programme_difference(session, stated)
    if compared.basis != basis:
        raise Refused("Le programme a changé entre-temps : regardez à nouveau ce que le fichier changerait.")
    if not compared.changes:
        raise Refused("Rien à enregistrer : le fichier dit ce qui est déjà connu.")
    return load_file(
        session,
        stated,
        now=now,
        actor=actor,
        changes=compared.changes,
        before=compared.before,
    )


def undoing_refused(session: Session, programme: Programme) -> str:
    """Why the last change of a programme can no longer be taken back, a sentence; '' where it can, or there is none."""
    if programme.previous is None:
        return ""
    added = {one.number for one in programme.strands} - _numbers(read_programme(programme.previous))
    used = sorted(added & in_use(session, programme))
    if not used:
        return ""
    return french.typeset(
        f"Le dernier changement ne s’annule plus : il a ajouté le volet {used[0]}, qui a servi depuis (statuts, "
        "campagnes ou courriels). Pour y mettre fin, donnez-lui un jour de fermeture."
    )


def all_programme_files(session: Session) -> list[tuple[Programme, list[PrerequisiteFile]]]:
    """All programmes with their prerequisites, the first loaded first."""
    query = select(Programme).order_by(Programme.id)
    return [(programme, _rules(session, programme)) for programme in session.scalars(query)]


def programme_numbered(session: Session, number: int) -> Programme:
    """The programme with this key. Raises NotFound."""
    programme = session.get(Programme, number)
    if programme is None:
        raise NotFound("Ce programme n’existe pas.")
    return programme


def as_file(session: Session, programme: Programme) -> str:
    """The stored programme as a file (TOML) that would change nothing."""
    return programme_as_file(stated_of(session, programme))


def stated_of(session: Session, programme: Programme) -> ProgrammeFile:
    """The stored programme as a file states it."""
    strands = [
        StrandFile.model_validate({name: getattr(one, name) for name in StrandFile.model_fields})
        for one in programme.strands
    ]
    rules = _rules(session, programme)
    own = {name: getattr(programme, name) for name in ("code", *FIELDS)}
    return ProgrammeFile(**own, strands=strands, prerequisites=rules)


def programme_as_file(stated: ProgrammeFile) -> str:
    """What a file (TOML) states, as such a file."""
    lines = [f"code = {_quoted(stated.code)}", f"name = {_quoted(stated.name)}"]
    lines += [f"{name} = {_quoted(told)}" for name in ("page", "words") if (told := getattr(stated, name))]
    for strand in stated.strands:
        lines += ["", "[[strands]]", f"number = {strand.number}", f"name = {_quoted(strand.name)}"]
        lines += [f"circular = {_quoted(strand.circular)}"] if strand.circular else []
        lines += [f"opened_on = {strand.opened_on}"]
        lines += [f"closed_on = {strand.closed_on}"] if strand.closed_on else []
        lines += [f"levels = [{', '.join(_quoted(level.value) for level in strand.levels)}]"]
    for rule in stated.prerequisites:
        lines += ["", "[[prerequisites]]", f"strand = {rule.strand}", f"requires = {rule.requires}"]
        lines += [f"since = {rule.since}", *([f"until = {rule.until}"] if rule.until else [])]
    return "\n".join(lines) + "\n"


def _numbers(stated: ProgrammeFile) -> set[int]:
    return {strand.number for strand in stated.strands}


def _stored(session: Session, code: str) -> Programme | None:
    return session.scalar(select(Programme).where(Programme.code == code))


def _new(strand: StrandFile) -> str:
    circular = f", circulaire {strand.circular}" if strand.circular else ""
    opened = french.spelt_day(strand.opened_on)
    level = f"niveau{'x' if len(strand.levels) > 1 else ''} {_spelt(strand.levels)}"
    closed = f", ferme le {french.spelt_day(strand.closed_on)}" if strand.closed_on else ""
    return f"Volet {strand.number} : {strand.name}, nouveau, ouvert le {opened}{closed}, {level}{circular}."


def _fields(known: Strand, stated: StrandFile) -> list[str]:
    pairs = {name: (getattr(known, name), getattr(stated, name)) for name in STRAND_FIELDS}
    return [
        f"Volet {stated.number}, {STRAND_FIELDS[name]} : {_quote(before)} → {_quote(after)}."
        for name, (before, after) in pairs.items()
        if before != after
    ]


def _spelt(value: object) -> str:
    if isinstance(value, tuple):
        return french.all_of([level.label for level in value])
    return french.spelt_day(value) if isinstance(value, date) else str(value)


def _quote(value: object) -> str:
    return f"« {_spelt(value)} »" if value else "(rien)"


def _rules(session: Session, programme: Programme) -> list[PrerequisiteFile]:
    numbers = {strand.id: strand.number for strand in programme.strands}
    query = select(Prerequisite).where(Prerequisite.strand_id.in_(numbers))
    rules = [_made((numbers[r.strand_id], numbers[r.required_id], r.since, r.until)) for r in session.scalars(query)]
    return sorted(rules, key=lambda rule: (rule.strand, rule.requires, rule.since, str(rule.until)))


def _key(rule: PrerequisiteFile) -> tuple[int, int, date, date | None]:
    return rule.strand, rule.requires, rule.since, rule.until


def _made(key: tuple[int, int, date, date | None]) -> PrerequisiteFile:
    strand, requires, since, until = key
    return PrerequisiteFile(strand=strand, requires=requires, since=since, until=until)


def prerequisite_in_words(rule: PrerequisiteFile) -> str:
    """What a prerequisite asks, in French, after « demande »."""
    until = f" jusqu’au {french.spelt_day(rule.until)}" if rule.until else ""
    return f"le volet {rule.requires}, à partir du {french.spelt_day(rule.since)}{until}"


def _rule(done: str, rule: PrerequisiteFile) -> str:
    return f"Condition {done} : le volet {rule.strand} demande {prerequisite_in_words(rule)}."


def _quoted(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does; no text here holds a control character."""
    return json.dumps(text, ensure_ascii=False)
