"""Gathers what a note says from what pages show: sentences, tables, what is not known, and the rows behind them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select

from outreach import french
from outreach.adherence import known, sentences, situation
from outreach.adherence.definitions import DEFINITIONS
from outreach.adherence.grouping import Grouping
from outreach.adherence.models import JoiningList, Programme, Strand
from outreach.adherence.situation import Bucket, Situation, SituationRow, Solicitation
from outreach.adherence.standing import standing
from outreach.campaigns.results import actions
from outreach.campaigns.schedule.moments import until
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger.recipients import listed_schools
from outreach.directory import listing as directory
from outreach.directory.listing import Filters, Reach
from outreach.directory.models import ImportState, RegisterImport, School
from outreach.notes import drafts, listing
from outreach.notes.content import (
    ActionState,
    Cell,
    CellKind,
    Column,
    NetworkAnswer,
    NoteAction,
    NoteContent,
    NoteDefinition,
    NoteNetwork,
    NoteStrand,
    NoteTable,
    Source,
    StrandAnswer,
    TableKind,
    stamp,
)
from outreach.notes.corrections import ABSENT, correction_of, refuse_corrected
from outreach.notes.drafts import NoteRequest
from outreach.notes.freezing import Gathered, SchoolStanding
from outreach.roles import RoleName
from outreach.tracking import inbox
from outreach.tracking.inbox import Tray

MINISTRY = "Ministère de la Fédération Wallonie-Bruxelles"
COUNTED = (
    Column("authorities", "PO"),
    Column("schools", "Écoles concernées"),
    Column("joined", Bucket.JOINED.label),
    Column("share", "Part", CellKind.TEXT),
    *(Column(name.value, name.label) for name in (*Bucket, *Solicitation) if name is not Bucket.JOINED),
)
BY_HAND = (
    "Chiffre donné à la main",
    "Chiffre que le service ne calcule pas : une personne l’a donné, avec sa source et sa date.",
)


def gather(session: Session, asked: NoteRequest, *, now: datetime) -> Gathered:
    """What a note would hold if it were frozen now.

    Raises InputError where it cannot be made so (`drafts.faults`), NotFound where it corrects no note, Refused where
    the moment cannot be replayed, or the note that it corrects is corrected already.
    """
    programme = drafts.judge(session, asked, now=now)
    known.refuse_unknowable(session, asked.as_of, asked.known_at)
    corrected = listing.by_number(session, asked.corrects) if asked.corrects else None
    if corrected is not None:
        refuse_corrected(session, corrected)
    strands = drafts.strands_of(asked, programme)
    listed = listed_schools(until(asked.as_of, asked.known_at))
    found = situation.situation(session, programme, asked.as_of, known_at=asked.known_at, listed=listed)
    opened = [strand for strand in strands if strand.is_open(asked.as_of)]
    tables = _tables(session, asked, programme, opened, found)
    chosen = [row for row in found.rows if not asked.networks or row.code in asked.networks]
    known_at = asked.known_at or now
    content = NoteContent(
        ministry=MINISTRY,
        programme_code=programme.code,
        programme=programme.name,
        title=" ".join(asked.title.split()),
        question=asked.question.replace("\r\n", "\n").strip(),
        as_of=asked.as_of.isoformat(),
        known_at=stamp(known_at),
        frozen_at=stamp(now),
        strands=tuple(NoteStrand(one.number, one.name, one.circular, sentences.KINDS[one.level]) for one in strands),
        networks=tuple(NoteNetwork(row.code or "", row.label) for row in chosen),
        all_networks=not asked.networks,
        answers=tuple(_answer(found, strand, chosen) for strand in strands),
        tables=tables,
        actions=_actions(session, asked, programme, strands, now),
        unknowns=_unknowns(session, asked, strands, now),
        definitions=tuple(NoteDefinition(term, meaning) for term, meaning in _definitions(asked)),
        sources=_sources(session, known_at),
        hand_figures=asked.hand_figures,
        text=asked.text.replace("\r\n", "\n").strip(),
        made_by=" ".join(asked.made_as.split()) or RoleName.AUTHOR.label,
        correction=correction_of(corrected, asked, tables) if corrected else None,
    )
    return Gathered(
        content,
        _rows(session, asked, opened),
        programme.id,
        asked.as_of,
        known_at,
        corrected.id if corrected else None,
    )


def _answer(found: Situation, strand: Strand, chosen: Sequence[SituationRow]) -> StrandAnswer:
    labels = {row.code: row.label for row in chosen}
    about = sentences.answers(found, [strand], [code for code in labels if code])
    networks = tuple(NetworkAnswer(one.code, labels[one.code], one.sentence) for one in about)
    (sentence,) = sentences.sentences(found, [strand])
    return StrandAnswer(strand.number, sentence, networks)


def _tables(
    session: Session, asked: NoteRequest, programme: Programme, strands: Sequence[Strand], found: Situation
) -> tuple[NoteTable, ...]:
    """The tables by network, of those asked for, then by what else is asked for, of all networks.

    A strand that is not open yet has none.
    """
    tables = [_table(found, strand, asked.networks) for strand in strands]
    for kind in TableKind:
        if kind in asked.groupings and kind is not TableKind.NETWORK:
            by, listed = Grouping(kind.value), listed_schools(until(asked.as_of, asked.known_at))
            grouped = situation.situation(
                session, programme, asked.as_of, known_at=asked.known_at, by=by, listed=listed
            )
            tables += [_table(grouped, strand) for strand in strands]
    return tuple(tables)


def _table(found: Situation, strand: Strand, codes: Sequence[str] = ()) -> NoteTable:
    kind, number = TableKind(found.by.value), strand.number
    rows = [row for row in found.rows if row.open_to(number) and (not codes or row.code in codes)]
    total = "Tous les réseaux" if kind is TableKind.NETWORK else "Total"
    return NoteTable(
        kind,
        number,
        f"Volet {number}, par {kind.label.lower()}",
        (Column(kind.value, kind.label, CellKind.TEXT), *COUNTED),
        tuple(_cells(row, label, number) for row, label in [*((row, row.label) for row in rows), (found.total, total)]),
    )


def _cells(row: SituationRow, label: str, strand: int) -> tuple[Cell, ...]:
    joined, *others = row.figures(strand).values()
    share = french.percent(row.share(strand, Bucket.JOINED)) if row.base(strand) else ABSENT
    counted = (row.strand_authorities.get(strand, 0), row.base(strand), joined, share)
    return (label, *counted, *others)


def _rows(session: Session, asked: NoteRequest, strands: Sequence[Strand]) -> tuple[SchoolStanding, ...]:
    numbers = {strand.id: strand.number for strand in strands}
    rows = standing([asked.as_of], strands, asked.known_at)
    query = select(rows.c.strand_id, School.fase, rows.c.status, rows.c.word, rows.c.effective_on)
    found = session.execute(query.join(School, School.id == rows.c.school_id).order_by(rows.c.strand_id, School.fase))
    return tuple(SchoolStanding(numbers[strand_id], *more) for strand_id, *more in found)


def _actions(
    session: Session, asked: NoteRequest, programme: Programme, strands: Sequence[Strand], now: datetime
) -> tuple[NoteAction, ...]:
    """What was done and what was planned by the end of the day, as far as it was known: in the order of their days."""
    acted = actions.actions(session, programme, now=now, at=until(asked.as_of, asked.known_at))
    numbers = {strand.number for strand in strands}
    shown = [one for one in (*reversed(acted.done), *acted.planned) if one.strand in numbers]
    return tuple(_action(one, acted.labels) for one in shown)


def _action(one: actions.Action, labels: Mapping[str, str]) -> NoteAction:
    counts = {"meant": one.meant or {}, "sent": one.sent, "delivered": one.delivered, "answered": one.answered}
    names = list(counts) if not one.is_planned else ["meant"] if one.meant is not None else []
    whom = counts["meant" if one.is_planned else "sent"]
    return NoteAction(
        ActionState.PLANNED if one.is_planned else ActionState.DONE,
        one.title,
        today(one.at).isoformat(),
        one.sentence(labels),
        tuple((label, whom[code]) for code, label in labels.items() if code in whom),
        one.strand,
        one.wave,
        tuple((name, sum(counts[name].values())) for name in names),
    )


def _unknowns(session: Session, asked: NoteRequest, strands: Sequence[Strand], now: datetime) -> tuple[str, ...]:
    """What the figures leave open, as of the moment at which the note is frozen: a note of the past says so."""
    told = []
    for level in dict.fromkeys(strand.level for strand in strands):
        filters = Filters(networks=asked.networks, level=level, reach=Reach.UNREACHABLE)
        if unreached := directory.count(session, filters).authorities:
            what = french.plural(unreached, "PO", "PO")
            told.append(
                f"{what} d’écoles {sentences.KINDS[level]} {'n’a' if unreached == 1 else 'n’ont'} aucune boîte de "
                "courriel utilisable : rien ne leur parvient."
            )
    if waiting := inbox.counts(session)[Tray.JOINED]:
        told.append(
            f"{french.plural(waiting, 'réponse déclare', 'réponses déclarent')} une adhésion que le service n’a pas "
            "encore confirmée."
        )
    if asked.known_at is not None or asked.as_of < today(now):
        told = [f"Au {french.day(now)}, {sentence}" for sentence in told]
    oldest = known.oldest_register(session, asked.as_of, asked.known_at)
    if oldest:
        told.append(
            f"Le registre des écoles du {french.day(oldest)} est le plus ancien connu : avant ce jour, ses écoles "
            "tiennent lieu des écoles d’alors."
        )
    return tuple(french.typeset(sentence) for sentence in told)


def _sources(session: Session, known_at: datetime) -> tuple[Source, ...]:
    """The edition of the register and the joining list that were the last ones at a moment."""
    was_kept = or_(RegisterImport.state == ImportState.APPLIED, RegisterImport.undone_at > known_at)
    edition = session.scalar(
        select(RegisterImport.edition_on)
        .where(RegisterImport.applied_at <= known_at, was_kept)
        .order_by(RegisterImport.applied_at.desc(), RegisterImport.id.desc())
        .limit(1)
    )
    was_not_undone = or_(JoiningList.undone_at.is_(None), JoiningList.undone_at > known_at)
    applied = session.scalar(
        select(JoiningList.applied_at)
        .where(JoiningList.applied_at <= known_at, was_not_undone)
        .order_by(JoiningList.applied_at.desc())
        .limit(1)
    )
    return (
        Source("Registre des écoles", f"édition du {french.day(edition)}" if edition else "aucune édition"),
        Source("Dernière liste d’adhésions", f"appliquée le {french.day(applied)}" if applied else "aucune liste"),
        Source("Statuts des écoles", f"tels que connus le {french.moment(known_at)}"),
    )


def _definitions(asked: NoteRequest) -> list[tuple[str, str]]:
    return [*DEFINITIONS, *([BY_HAND] if asked.hand_figures else [])]
