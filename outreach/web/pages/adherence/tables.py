"""The situation and the lists behind its figures as tables, for files: of the pages and of the command."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from outreach.adherence import situation
from outreach.adherence.models import RollUp, Word
from outreach.adherence.situation import (
    DEFINITIONS,
    KNOWN,
    OF_REACH,
    AuthorityRow,
    Bucket,
    Grouping,
    SchoolRow,
    Selection,
    Situation,
    SituationRow,
    Solicitation,
    buckets_of,
)
from outreach.adherence.statuses import Meaning
from outreach.campaigns import results
from outreach.campaigns.counting import Counts
from outreach.campaigns.results import WOULD_GET, Actions, Figure, WaveAction
from outreach.core.tables import DATA, Column, Kind
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS
from outreach.directory.authorities import REGISTERED, authority_columns
from outreach.directory.models import Authority, School
from outreach.web.pages.adherence.asked import AskedSituation
from outreach.web.ui import exports

ACTION_HEADERS: Sequence[str] = (
    *("Au", KNOWN, "Action", "Le", "Campagne", "Titre", "Vague", "Volet", *exports.NETWORK),
    *("Visés", "Destinataires", "Remis", "Ont répondu", WOULD_GET),
)
REACHED_HEADERS: Sequence[str] = (
    *("Au", KNOWN, "Campagne", "Titre", "Volet", *exports.NETWORK),
    *(Figure(key).label for key in results.KEYS),
)
WORDS = {Word.DECLARED: "déclaré", Word.CONFIRMED: "confirmé"}
GROUP_HEADERS = {
    Grouping.NETWORK: exports.NETWORK,
    Grouping.ZONE: ("Zone", "Code de la zone"),
    Grouping.PROVINCE: ("Province", "Code de la province"),
    Grouping.FEDERATION: ("Fédération", "Code de la fédération"),
}


class PageColumn(NamedTuple):
    """A column of the page's table: its header, what one school does and what several do, what its link asks for."""

    header: str
    one: str
    several: str
    buckets: Sequence[Bucket]
    filters: Mapping[str, str]

    def schools(self, row: SituationRow, strand: int) -> int:
        """The schools of a row, in a strand."""
        return sum(row.strands[strand][bucket] for bucket in self.buckets)


def _page_column(meaning: Meaning) -> PageColumn:
    one, several, header = meaning.does
    buckets = [bucket for bucket in buckets_of(meaning) if bucket is not Bucket.DECLARED]
    alone = {"status": buckets[0].value} if len(buckets) == 1 else {"meaning": meaning.value}
    return PageColumn(header, one, several, buckets, alone)


DECLARED = PageColumn(
    "Le déclarent", "le déclare", "le déclarent", [Bucket.DECLARED], {"status": Bucket.DECLARED.value}
)
PAGE_COLUMNS = (
    _page_column(Meaning.JOINED),
    DECLARED,
    *(_page_column(meaning) for meaning in (Meaning.UNDER_WAY, Meaning.REFUSED, Meaning.NONE)),
)


def terms(*, tells_reach: bool) -> Sequence[tuple[str, str]]:
    """The words of pages and tables; a member organisation is not told whom campaigns reached."""
    return [(term, meaning) for term, meaning in DEFINITIONS if tells_reach or term not in OF_REACH]


def definitions(oldest: date | None, *, tells_reach: bool = True) -> exports.Table:
    """What the words of the other tables mean, and the register counted by where it is the oldest one known."""
    register = [("Registre", f"Registre du {french.day(oldest)}, le plus ancien connu.")] if oldest else []
    return exports.Table("Définitions", ("Terme", "Sens"), [*terms(tells_reach=tells_reach), *register])


def tables_of(
    found: Situation, acted: Actions, now: datetime, oldest: date | None, *, tells_reach: bool = True
) -> list[exports.Table]:
    """The situation computed now as tables: one row for each group and strand; the actions; the definitions.

    A strand that is not open yet has a row without figures, whose last cell says when it opens. `oldest` is what
    `known.oldest_register` says of it. `tells_reach`: whom campaigns reached is told, and has a sheet.
    """
    counted = (
        *("PO", "Écoles", "Volet"),
        *(name.label for name in (*Bucket, *Solicitation)),
        "Part qui a adhéré",
        "Remarque",
    )
    headers = ("Au", KNOWN, *GROUP_HEADERS[found.by], *counted)
    times = (found.as_of.isoformat(), spelt_moment(found.known_at or now))
    rows = [cells for row in (*found.rows, found.total) for cells in _cells(times, row, found)]
    reached = [reached_table(times, acted)] if tells_reach else []
    more = [actions_table(times, acted), *reached, definitions(oldest, tells_reach=tells_reach)]
    return [exports.Table("Situation", headers, rows), *more]


def actions_table(times: tuple[str, str], acted: Actions) -> exports.Table:
    """The actions as one row for each network that one means, and one for its total."""
    rows: list[tuple[exports.Cell, ...]] = []
    for action in (*acted.done, *acted.planned):
        what = "prévue" if action.is_planned else "menée"
        at = spelt_moment(action.at)
        head = (*times, what, at, action.campaign, action.title, action.wave, action.strand)
        for code, label in acted.labels.items():
            if code in (action.meant or {}):
                rows.append((*head, label, code, *_counts(action, code)))
        rows.append((*head, "Total", "", *_counts(action)))
    return exports.Table("Actions", ACTION_HEADERS, rows)


def reached_table(times: tuple[str, str], acted: Actions) -> exports.Table:
    """Whom campaigns reached, as one row for each network that one means, and one for its total."""
    rows: list[tuple[exports.Cell, ...]] = []
    for one in acted.reached:
        head = (*times, one.campaign, one.title, one.strand)
        rows += [(*head, acted.labels.get(code, code), code, *_reach(counts)) for code, counts in one.networks.items()]
        rows.append((*head, "Total", "", *_reach(one.total)))
    return exports.Table("Atteints", REACHED_HEADERS, rows)


def _reach(counted: Counts) -> tuple[exports.Cell, ...]:
    return tuple(results.numbers_of(counted).values())


def _counts(action: WaveAction, code: str | None = None) -> tuple[exports.Cell, ...]:
    """The counts of one network, or of all; of one planned, to whom it would write alone."""
    if action.is_planned:
        return ("", "", "", "", "" if action.meant is None else _count(action.meant, code))
    counts = (action.meant or {}, action.sent, action.delivered, action.answered)
    return (*(_count(each, code) for each in counts), "")


def _count(counts: Mapping[str, int], code: str | None) -> int:
    return sum(counts.values()) if code is None else counts.get(code, 0)


def file_name(about: AskedSituation, *parts: str) -> str:
    """The name of a file without its ending: "situation-2021-05-15-zones-connu-2021-05-20-1400"."""
    by = () if parts or about.by is Grouping.NETWORK else (f"{about.by.value}s",)
    known = (f"connu-{about.known_at.astimezone(BRUSSELS):%Y-%m-%d-%H%M}",) if about.known_at else ()
    return "-".join(("situation", about.day.isoformat(), *parts, *by, *known))


def spelt_moment(at: datetime) -> str:
    """A moment in Brussels as cells of files have it: "2021-05-15 11:00"."""
    return f"{at.astimezone(BRUSSELS):%Y-%m-%d %H:%M}"


def school_columns(about: AskedSituation, selection: Selection, now: datetime) -> Sequence[Column[SchoolRow]]:
    """The columns of a list of schools."""
    return (
        *_asked_columns(about, selection, now),
        Column("school_fase", "FASE de l’école", lambda row: row.School.fase, sort=School.fase, on=DATA),
        Column("school", "École", lambda row: row.School.display_name, sort=School.folded),
        Column("municipality", "Commune", lambda row: row.School.municipality, sort=School.municipality, on=DATA),
        Column("fase", "FASE du PO", lambda row: row.Authority.fase, sort=Authority.fase, on=DATA),
        *authority_columns(lambda row: row.Authority)[1:],
        Column("status", "Statut", lambda row: row.status, sort="status"),
        Column("solicitation", "Sollicitation", solicitation_label, on=DATA),
        Column("word", "Parole", lambda row: WORDS.get(row.word), on=DATA),
        Column("since", "Depuis", lambda row: row.effective_on, Kind.DAY, sort="effective_on"),
        Column("registered_school", "École au registre", lambda row: row.School.name, on=DATA),
        Column("registered", "Pouvoir organisateur au registre", lambda row: row.Authority.name, on=DATA),
    )


def solicitation_label(row: SchoolRow) -> str:
    """Whether a school without an answer was solicited, in French; '' for any other."""
    if row.is_solicited is None:
        return ""
    return (Solicitation.SOLICITED if row.is_solicited else Solicitation.UNSOLICITED).label


def authority_columns_on(about: AskedSituation, selection: Selection, now: datetime) -> Sequence[Column[AuthorityRow]]:
    """The columns of a list of authorities."""
    return (
        *_asked_columns(about, selection, now),
        *authority_columns(lambda row: row.Authority),
        Column("municipality", "Commune", lambda row: row.Authority.municipality, sort=Authority.municipality, on=DATA),
        Column("roll_up", "Ont adhéré", lambda row: RollUp(row.roll_up), sort="roll_up"),
        Column("joined", "Écoles adhérentes", lambda row: row.joined, Kind.NUMBER, sort="joined"),
        Column("concerned", "Écoles concernées", lambda row: row.concerned, Kind.NUMBER, sort="concerned"),
        Column("registered", REGISTERED, lambda row: row.Authority.name, on=DATA),
    )


def _asked_columns(about: AskedSituation, selection: Selection, now: datetime) -> Sequence[Column[Any]]:
    """What a list was asked for, on each of its rows: the day, the moment of knowledge, the strand."""
    known_at = about.known_at or now
    return (
        Column("as_of", "Au", lambda _: about.day, on=DATA),
        Column("known_at", KNOWN, lambda _: known_at, on=DATA),
        Column("strand", "Volet", lambda _: selection.strand, on=DATA),
    )


def _cells(times: tuple[str, str], row: SituationRow, found: Situation) -> list[tuple[exports.Cell, ...]]:
    totals = (row.authorities, row.schools) if row.strands else ("", "")
    named = (*times, row.label, row.code, *totals)
    opened: dict[int, tuple[exports.Cell, ...]] = {
        number: (*row.figures(number).values(), round(row.share(number, Bucket.JOINED), 4), "")
        for number in row.strands
    }
    to_come: dict[int, tuple[exports.Cell, ...]] = {
        number: (*[""] * (len(Bucket) + len(Solicitation) + 1), situation.opening_in_words(number, day))
        for number, day in found.openings.items()
    }
    return [(*named, number, *cells) for number, cells in sorted({**opened, **to_come}.items())]
