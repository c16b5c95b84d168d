"""Gathers what a note says from what pages show: sentences, tables, what is not known, and the rows behind them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy import or_, select

from outreach.adherence import situation
from outreach.adherence.models import JoiningList, Programme, Strand
from outreach.adherence.situation import (
    DEFINITIONS,
    OF_REACH,
    Bucket,
    FiguredSentence,
    GroupAnswer,
    Grouping,
    Reading,
    Situation,
    SituationRow,
    Solicitation,
    standing_of_schools,
)
from outreach.campaigns import counting, experiments, planning, results
from outreach.campaigns.planning import known_until
from outreach.campaigns.results import Actions, CampaignReach
from outreach.core.db import Session
from outreach.core.tables import ListState
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.delivery.outbox import listed_schools
from outreach.directory import authorities
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.models import RegisterImport, School
from outreach.reports.notes import _prose as prose
from outreach.reports.notes._content import (
    COUNTING,
    ActionState,
    Cell,
    CellKind,
    CurvePoint,
    NetworkAnswer,
    NoteAction,
    NoteColumn,
    NoteContent,
    NoteDefinition,
    NoteEffect,
    NoteNetwork,
    NoteReach,
    NoteStrand,
    NoteTable,
    Source,
    StrandAnswer,
    TableKind,
    stamp,
)
from outreach.reports.notes._corrections import ABSENT, correction_of, refuse_corrected
from outreach.reports.notes._drafts import NoteRequest, judge, strands_of
from outreach.reports.notes._freezing import Gathered, SchoolStanding
from outreach.reports.notes._listing import by_number
from outreach.reports.notes._models import Note
from outreach.reports.notes._prose import About
from outreach.reports.notes._revisions import changed_since

MINISTRY = "Ministère de la Fédération Wallonie-Bruxelles"
COUNTED = (
    NoteColumn("authorities", "PO"),
    NoteColumn("schools", "Écoles concernées"),
    NoteColumn("joined", Bucket.JOINED.label),
    NoteColumn("share", "Part", CellKind.TEXT),
    *(NoteColumn(name.value, name.label) for name in (*Bucket, *Solicitation) if name is not Bucket.JOINED),
)
OF_FIGURE = {  # words by the figure of a table that they explain
    one.label: one for one in (*Bucket, *Solicitation) if one is not Bucket.JOINED
}
OF_GROUPING = {
    "Zone, province": {TableKind.ZONE, TableKind.PROVINCE},
    "Fédération": {TableKind.FEDERATION},
}
OF_ACTIONS = {"Action", "Visés", "Écrirait à", "Destinataires"}
BY_HAND = (
    "Chiffre donné à la main",
    "Chiffre que le service ne calcule pas : une personne l’a donné, avec sa source et sa date.",
)


def gather_note(session: Session, asked: NoteRequest, *, now: datetime) -> Gathered:
    """What a note would hold if it were frozen now.

    Raises InputError where it cannot be made so, NotFound where it corrects no note, Refused where the moment
    cannot be replayed, or the note that it corrects is corrected already.
    """
    programme = judge(session, asked, now=now)
    situation.refuse_unknowable(session, asked.as_of, asked.known_at)
    corrected = _corrected(session, asked)
    strands = strands_of(asked, programme)
    listed = listed_schools(known_until(asked.as_of, asked.known_at))
    found = situation.count_situation(session, programme, asked.as_of, known_at=asked.known_at, listed=listed)
    opened = [strand for strand in strands if strand.is_open(asked.as_of)]
    tables = _tables(session, asked, programme, opened, found)
    chosen = [row for row in found.rows if not asked.networks or row.code in asked.networks]
    known_at = asked.known_at or now
    whom = _about(session, asked, programme, now)
    about = [_told(found, strand, chosen, replies=whom.asks_all) for strand in strands]
    unknowns = _unknowns(session, asked, strands, found, now)
    every = results.list_actions(session, programme, now=now, at=known_until(asked.as_of, asked.known_at))
    acted = every.about({strand.number for strand in strands}, asked.networks)
    content = NoteContent(
        ministry=MINISTRY,
        programme_code=programme.code,
        programme=programme.name,
        title=" ".join(asked.title.split()),
        question=asked.question.replace("\r\n", "\n").strip(),
        as_of=asked.as_of.isoformat(),
        known_at=stamp(known_at),
        frozen_at=stamp(now),
        strands=tuple(
            NoteStrand(one.number, one.name, one.circular, situation.kinds_of_schools(one.levels)) for one in strands
        ),
        networks=tuple(NoteNetwork(row.code or "", row.label) for row in chosen),
        all_networks=not asked.networks,
        answers=tuple(_answer(strand, told, chosen) for strand, told in zip(strands, about, strict=True)),
        tables=tables,
        actions=tuple(_action(one, acted.labels) for one in (*reversed(acted.done), *acted.planned)),
        unknowns=tuple(one.sentence for one in unknowns),
        definitions=tuple(NoteDefinition(term, meaning) for term, meaning in _definitions(asked, tables, acted)),
        sources=_sources(session, programme, known_at),
        hand_figures=asked.hand_figures,
        text=asked.text.replace("\r\n", "\n").strip(),
        made_by=" ".join(asked.made_as.split()) or RoleName.AUTHOR.label,
        correction=correction_of(corrected, asked, tables) if corrected else None,
        prose=prose.prose_answers(found, strands, acted, whom),
        compared=asked.compare.isoformat() if asked.compare else "",
        curve=_curve(session, asked, programme, {strand.number for strand in strands}),
        comparisons=prose.tables(found, whom.earlier, strands, asked.networks),
        reached=tuple(map(_reach, acted.reached)),
        effects=_effects(session, asked, programme, known_at),
        changed=changed_since(session, strands, asked.networks, Reading(asked.as_of, asked.known_at), now),
        counting=COUNTING,
    )
    sentences = (*(one for whole, parts in about for one in (whole, *parts)), *unknowns)
    corrects, rows = corrected.id if corrected else None, _rows(session, asked, opened)
    return Gathered(content, rows, programme.id, asked.as_of, known_at, corrects, sentences, asked.answers)


def _corrected(session: Session, asked: NoteRequest) -> Note | None:
    """The note that a request corrects. Raises NotFound, and Refused where it is corrected already."""
    if not asked.corrects:
        return None
    note = by_number(session, asked.corrects)
    refuse_corrected(session, note, but=asked.again)
    return note


def _about(session: Session, asked: NoteRequest, programme: Programme, now: datetime) -> About:
    is_past = known_until(asked.as_of, asked.known_at) < now
    preparing = None if is_past else planning.in_preparation(session, programme)
    earlier = None
    if asked.compare is not None:
        situation.refuse_unknowable(session, asked.compare, asked.known_at)
        earlier = situation.count_situation(session, programme, asked.compare, known_at=asked.known_at)
    return About(asked.networks, prose.asks_whether_all(asked.question), earlier, preparing)


def _told(
    found: Situation, strand: Strand, chosen: Sequence[SituationRow], *, replies: bool
) -> tuple[FiguredSentence, list[GroupAnswer]]:
    """What is said of a strand, and of each network in it."""
    codes = [row.code for row in chosen if row.code]
    return situation.of_strand(found, strand), situation.group_answers(found, [strand], codes, replies=replies)


def _answer(
    strand: Strand, told: tuple[FiguredSentence, list[GroupAnswer]], chosen: Sequence[SituationRow]
) -> StrandAnswer:
    labels = {row.code: row.label for row in chosen}
    whole, parts = told
    networks = tuple(NetworkAnswer(one.code, labels[one.code], one.sentence) for one in parts)
    return StrandAnswer(strand.number, whole.sentence, networks)


def _tables(
    session: Session, asked: NoteRequest, programme: Programme, strands: Sequence[Strand], found: Situation
) -> tuple[NoteTable, ...]:
    """The tables by network, of those asked for beside all, then by what else is asked for, of these networks alone.

    A strand that is not open yet has none.
    """
    tables = [_table(found, strand, asked.networks) for strand in strands]
    for kind in TableKind:
        if kind in asked.groupings and kind is not TableKind.NETWORK:
            by, listed = Grouping(kind.value), listed_schools(known_until(asked.as_of, asked.known_at))
            grouped = situation.count_situation(
                session, programme, asked.as_of, known_at=asked.known_at, by=by, listed=listed, networks=asked.networks
            )
            labels = [row.label for row in found.rows if row.code in asked.networks]
            tables += [_table(grouped, strand, among=labels) for strand in strands]
    return tuple(tables)


def _table(found: Situation, strand: Strand, codes: Sequence[str] = (), among: Sequence[str] = ()) -> NoteTable:
    """A table of a strand: of some rows, by their codes, or of the schools `among` some networks, which it names."""
    kind, number = TableKind(found.by.value), strand.number
    rows = [row for row in found.rows if row.open_to(number) and (not codes or row.code in codes)]
    total = "Tous les réseaux" if kind is TableKind.NETWORK else "Total"
    return NoteTable(
        kind,
        number,
        ", ".join((f"Volet {number}, par {kind.label.lower()}", *among)),
        (NoteColumn(kind.value, kind.label, CellKind.TEXT), *COUNTED),
        tuple(_cells(row, label, number) for row, label in [*((row, row.label) for row in rows), (found.total, total)]),
    )


def _cells(row: SituationRow, label: str, strand: int) -> tuple[Cell, ...]:
    joined, *others = row.figures(strand).values()
    share = french.percent(row.share(strand, Bucket.JOINED)) if row.base(strand) else ABSENT
    counted = (row.strand_authorities.get(strand, 0), row.base(strand), joined, share)
    return (label, *counted, *others)


def _rows(session: Session, asked: NoteRequest, strands: Sequence[Strand]) -> tuple[SchoolStanding, ...]:
    numbers = {strand.id: strand.number for strand in strands}
    rows = standing_of_schools(asked.as_of, strands, asked.known_at)
    query = select(rows.c.strand_id, School.fase, rows.c.status, rows.c.word, rows.c.effective_on)
    found = session.execute(query.join(School, School.id == rows.c.school_id).order_by(rows.c.strand_id, School.fase))
    return tuple(SchoolStanding(numbers[strand_id], *more) for strand_id, *more in found)


def _curve(session: Session, asked: NoteRequest, programme: Programme, numbers: Set[int]) -> tuple[CurvePoint, ...]:
    """How many schools had joined these strands since the first opening."""
    points = situation.joining_curve(session, programme, asked.as_of, known_at=asked.known_at)
    told = [
        (day, tuple((number, counts[number]) for number in sorted(numbers & set(counts)))) for day, counts in points
    ]
    return tuple(CurvePoint(day.isoformat(), joined) for day, joined in told if joined)


def _effects(session: Session, asked: NoteRequest, programme: Programme, known_at: datetime) -> tuple[NoteEffect, ...]:
    """The effect that a note is to say. Raises InputError where it was not frozen by `known_at`, or is of another
    programme."""
    if not asked.effect:
        return ()
    said = experiments.for_note(session, asked.effect)
    if said is None or said.campaign.strand.programme_id != programme.id or said.frozen_at > known_at:
        raise InputError(
            f"La campagne n° {asked.effect} n’a pas d’effet figé de ce programme à ce moment : retirez-le de la note."
        )
    points = (experiments.signed_points(share) for share in said.figure)
    return (NoteEffect(said.campaign.title, asked.effect, said.sentence, said.source, *points),)


def _reach(one: CampaignReach) -> NoteReach:
    total = one.total
    whole, proved = total["to_reach"], total["reached"]
    by = tuple((kind.value, total[kind]) for kind in counting.Reach)
    return NoteReach(one.title, one.strand, one.sentence, whole, proved, whole - proved, by)


def _action(one: results.WaveAction, labels: Mapping[str, str]) -> NoteAction:
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


def _unknowns(
    session: Session, asked: NoteRequest, strands: Sequence[Strand], found: Situation, now: datetime
) -> list[FiguredSentence]:
    """What the figures leave open in the strands and networks asked for.

    Mailboxes are not dated: who has none is said as of the moment at which the note is frozen, and a note of the past
    names that day.
    """
    told = [*_unreached(session, asked, strands, now), *_beside(asked, strands, found)]
    oldest = situation.oldest_register(session, asked.as_of, asked.known_at)
    if oldest:
        sentence = (
            f"Le registre des écoles du {french.day(oldest)} est le plus ancien connu : avant ce jour, ses écoles "
            "tiennent lieu des écoles d’alors."
        )
        told.append(FiguredSentence(french.typeset(sentence), {}))
    return told


def _unreached(
    session: Session, asked: NoteRequest, strands: Sequence[Strand], now: datetime
) -> Iterator[FiguredSentence]:
    """The authorities without a mailbox, level by level."""
    is_past = asked.known_at is not None or asked.as_of < today(now)
    when = f"Au {french.day(now)}, " if is_past else ""
    for level in dict.fromkeys(level for strand in strands for level in strand.levels):
        filters = Filters(networks=asked.networks, level=level, reach=ReachFilter.UNREACHABLE)
        if unreached := authorities.count_authorities(session, filters).authorities:
            what = french.plural(unreached, "PO", "PO")
            sentence = (
                f"{when}{what} d’écoles {situation.kinds_of_schools([level])} "
                f"{'n’a' if unreached == 1 else 'n’ont'} aucune boîte "
                f"de courriel utilisable : rien ne {'lui' if unreached == 1 else 'leur'} parvient."
            )
            yield FiguredSentence(french.typeset(sentence), {f"unreachable_{level.value}": unreached})


def _beside(asked: NoteRequest, strands: Sequence[Strand], found: Situation) -> Iterator[FiguredSentence]:
    """What is not certain of each strand: joinings that the service has not confirmed, and schools that are reported as
    gone while the register has them.

    Answers that wait in the inbox are not counted: they say nothing of the note's day, nor of what other lists confirm.
    """
    rows = [row for row in found.rows if row.code in asked.networks] if asked.networks else [found.total]
    for strand in strands:
        if strand.number not in found.openings:
            told = situation.of_declared(rows, strand.number, found.programme), situation.of_reported(rows, strand)
            yield from (one for one in told if one is not None)


def _sources(session: Session, programme: Programme, known_at: datetime) -> tuple[Source, ...]:
    """The edition of the register and the programme's joining list that were the last ones at a moment."""
    was_kept = or_(RegisterImport.state == ListState.APPLIED, RegisterImport.undone_at > known_at)
    edition = session.scalar(
        select(RegisterImport.edition_on)
        .where(RegisterImport.applied_at <= known_at, was_kept)
        .order_by(RegisterImport.applied_at.desc(), RegisterImport.id.desc())
        .limit(1)
    )
    was_not_undone = or_(JoiningList.undone_at.is_(None), JoiningList.undone_at > known_at)
    applied = session.scalar(
        select(JoiningList.applied_at)
        .where(JoiningList.programme_id == programme.id, JoiningList.applied_at <= known_at, was_not_undone)
        .order_by(JoiningList.applied_at.desc())
        .limit(1)
    )
    return (
        Source("Registre des écoles", f"édition du {french.day(edition)}" if edition else "aucune édition"),
        Source("Dernière liste d’adhésions", f"appliquée le {french.day(applied)}" if applied else "aucune liste"),
        Source("Statuts des écoles", f"d’après ce qui était enregistré le {french.moment(known_at)}"),
    )


def _definitions(asked: NoteRequest, tables: Sequence[NoteTable], acted: Actions) -> list[tuple[str, str]]:
    """The words that stand in the note: no state that no school is in, no zone that nobody asked for."""
    totals = [dict(zip((column.name for column in table.columns), table.rows[-1], strict=True)) for table in tables]
    unused = {term for term, name in OF_FIGURE.items() if not any(total[name] for total in totals)}
    unused |= {term for term, kinds in OF_GROUPING.items() if not kinds & set(asked.groupings)}
    unused |= set() if acted.done or acted.planned else OF_ACTIONS
    unused |= set() if acted.reached else OF_REACH
    return [
        *((term, meaning) for term, meaning in DEFINITIONS if term not in unused),
        *([BY_HAND] if asked.hand_figures else []),
    ]
