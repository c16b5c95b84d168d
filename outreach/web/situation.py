"""The situation page: adherence by network and strand on any day, its rows, files and sentences."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_security import current_user
from werkzeug.wrappers import Response as Redirect

from outreach import french, statements
from outreach.adherence import programmes, situation
from outreach.adherence.models import Programme, RollUp, Word
from outreach.adherence.situation import AuthorityRow, Bucket, SchoolRow, Selection, Situation, SituationRow
from outreach.alerts.shown import ShownAlert, shown
from outreach.campaigns import from_lists
from outreach.campaigns.from_lists import WrittenList
from outreach.campaigns.review import awaiting
from outreach.campaigns.waves import auto_pause
from outreach.days import parse_day
from outreach.db import Session
from outreach.delivery.smtp.relay import Relay
from outreach.demo import steps
from outreach.directory import listing
from outreach.directory.listing import PAGE_ROWS, Filters, Reach
from outreach.directory.models import Level
from outreach.errors import InputError, NotFound
from outreach.roles import RoleName
from outreach.segments.audience import Concerns
from outreach.settings import Mode
from outreach.statements import StatementKind
from outreach.text import whole_number
from outreach.tracking import inbox
from outreach.tracking.inbox import Tray
from outreach.web.audience.writing import write_to
from outreach.web.ui import charts, exports
from outreach.web.ui.frame import actor, current_day, database, held_roles, needs, now, settings
from outreach.web.ui.pager import Pager, member

pages = Blueprint("situation", __name__)
SCHOOL_HEADERS: Sequence[str] = (
    *("Au", "Volet", "FASE de l’école", "École", "Commune", "FASE du PO", "Pouvoir organisateur", *exports.NETWORK),
    *("Statut", "Parole", "Depuis", "École au registre", "Pouvoir organisateur au registre"),
)
AUTHORITY_HEADERS: Sequence[str] = (
    *("Au", "Volet", "FASE", "Pouvoir organisateur", *exports.NETWORK, "Commune"),
    *("Ont adhéré", "Écoles adhérentes", "Écoles concernées", exports.REGISTERED),
)
ORDINALS = {1: "premier", 2: "deuxième", 3: "troisième", 4: "quatrième"}
DEFINITIONS = (
    ("École concernée", "École inscrite au registre à cette date, qui organise le niveau visé par le volet."),
    ("PO", "Pouvoir organisateur d’au moins une école concernée à cette date."),
    ("Adhéré", "Le service a confirmé que l’école a adhéré au volet, au plus tard à cette date."),
    (
        "Adhésion déclarée",
        "Le pouvoir organisateur déclare que l’école adhère ; le service ne l’a pas encore confirmé.",
    ),
    ("En préparation", "L’école prépare son adhésion."),
    ("Marché lancé", "Le marché public est lancé par l’école ou son pouvoir organisateur."),
    ("Refus", "L’école n’adhère pas."),
    ("A pris connaissance", "Le pouvoir organisateur a lu l’invitation, sans autre réponse."),
    ("Non concerné", "L’école n’entre pas dans le volet : elle ne compte pas dans les pourcentages."),
    ("Sans réponse", "Rien n’est enregistré pour l’école à cette date."),
    ("À la date", "À la fin de ce jour, heure de Bruxelles, selon ce qui est enregistré au moment du calcul."),
)


@pages.get("/")
@needs(RoleName.READER)
def index() -> str:
    day, refusal = asked_day()
    with database().reading() as session:
        try:
            programme = programmes.the_programme(session)
        except NotFound:
            unwritten = _unwritten(session)
            return render_template("pages/situation/empty.html", alarms=_alarms(session), unwritten=unwritten)
        snapshot = situation.situation(session, programme, day)
        points = situation.curve(session, programme, day)
        levels = {strand.level for strand in programme.strands}
        level = next(iter(levels)) if len(levels) == 1 else None
        paused = auto_pause.held(session)
        return render_template(
            "pages/situation/index.html",
            programme=programme,
            situation=snapshot,
            day=day,
            today=current_day(),
            refusal=refusal,
            sentences=sentences(snapshot, programme),
            terms=DEFINITIONS,
            bar_of=charts.bar,
            curve=charts.curve(points),
            points=points,
            Bucket=Bucket,
            level=level,
            waiting=inbox.counts(session),
            paused=paused,
            alarms=_alarms(session, {wave.id for wave, _ in paused}),
            unwritten=_unwritten(session),
            awaits=awaiting.campaigns(session, actor(), held_roles()),
            added=awaiting.reminders(session, actor(), held_roles()),
            texts=awaiting.texts(session, actor(), held_roles()),
            mine=awaiting.answers(session, actor(), held_roles()),
            Tray=Tray,
            steps=steps.taken(session) if settings().stays_here else {},
            bounced=listing.count(session, Filters(level=level, reach=Reach.BOUNCED)).authorities,
            unreachable=listing.count(session, Filters(level=level, reach=Reach.UNREACHABLE)).authorities,
        )


def _alarms(session: Session, beside: Collection[int] = ()) -> list[ShownAlert]:
    here = settings()
    relays = [Relay.at(url, here.sending_domain).name for url in here.relays]
    return shown(session, current_user.holds, relays, here.data, now=now(), beside=beside)


def _unwritten(session: Session) -> list[StatementKind]:
    """The public pages that an administrator has to fill in; a demonstration asks for none."""
    owes = settings().mode is not Mode.DEMO and current_user.holds(RoleName.ADMINISTRATOR)
    return statements.missing(session) if owes else []


@pages.get("/situation/schools")
@needs(RoleName.READER)
def schools() -> str:
    return _rows_page("pages/situation/schools.html", situation.count_schools, situation.schools)


@pages.get("/situation/authorities")
@needs(RoleName.READER)
def authorities() -> str:
    return _rows_page("pages/situation/authorities.html", situation.count_authorities, situation.authorities)


LIST = "/situation/<any(schools, authorities):what>"


@pages.get(f"{LIST}.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_list(what: str, kind: str) -> Response:
    day = sure_day()
    with database().reading() as session:
        programme = programmes.the_programme(session)
        _, selection = _asked_list(session, programme, what)
        is_of_schools = what == "schools"
        found = (situation.schools if is_of_schools else situation.authorities)(session, programme, day, selection)
        cells, headers = (_school_cells, SCHOOL_HEADERS) if is_of_schools else (_authority_cells, AUTHORITY_HEADERS)
        rows = [cells(day, selection, row) for row in found]
    tables = exports.Table("Liste", headers, rows), exports.Table("Définitions", ("Terme", "Sens"), DEFINITIONS)
    return exports.download(tables[0], kind, f"situation-{day}-volet-{selection.strand}", tables[1])


@pages.post(f"{LIST}/campaign")
@needs(RoleName.AUTHOR)
def write_to_list(what: str) -> Redirect:
    """Begin a campaign to the authorities of a list; a reminder to those whose schools have no answer."""
    day = sure_day()
    with database().reading() as session:
        programme = programmes.the_programme(session)
        name, selection = _asked_list(session, programme, what)
        strand = situation.strand_by_number(programme, selection.strand)
        is_today = day == current_day()
        rule = from_lists.rule_of_figure(strand, selection.network, selection.bucket) if is_today else None
        members = situation.owners(session, programme, day, selection) if rule is None else ()
    told = name if is_today else f"{name}, au {french.day(day)}"
    joined = selection.bucket in {Bucket.JOINED, Bucket.DECLARED}
    return write_to(
        WrittenList(told, rule, members),
        strand=selection.strand,
        concerns=Concerns.JOINED if joined else Concerns.OPEN,
        is_reminder=selection.bucket is Bucket.NONE,
    )


@pages.get("/situation/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    day = sure_day()
    with database().reading() as session:
        snapshot = situation.situation(session, programmes.the_programme(session), day)
    table, *more = tables_of(snapshot)
    return exports.download(table, kind, f"situation-{day}", *more)


def _rows_page(template: str, count: Callable[..., int], rows: Callable[..., Sequence[Any]]) -> str:
    day = sure_day()
    with database().reading() as session:
        programme = programmes.the_programme(session)
        networks = {network.code: network.label for network in listing.networks(session)}
        selection = _asked_rows(programme, networks)
        pager = Pager.of(request, count(session, programme, day, selection), PAGE_ROWS)
        return render_template(
            template,
            programme=programme,
            selection=selection,
            network=networks.get(selection.network, ""),
            day=day,
            pager=pager,
            rows=rows(session, programme, day, selection, PAGE_ROWS, (pager.number - 1) * PAGE_ROWS),
            owners=situation.count_owners(session, programme, day, selection),
            RollUp=RollUp,
            terms=DEFINITIONS,
        )


def _asked_list(session: Session, programme: Programme, what: str) -> tuple[str, Selection]:
    """What a list is called, and which schools it is about; that of authorities is about all their schools."""
    networks = {network.code: network.label for network in listing.networks(session)}
    selection = _asked_rows(programme, networks)
    if what == "authorities":
        selection = replace(selection, bucket=None)
    about = selection.bucket.label if selection.bucket else "Écoles concernées"
    words = (about, f"volet {selection.strand}", networks.get(selection.network, ""))
    return ", ".join(filter(None, words)), selection


def _school_cells(day: date, selection: Selection, row: SchoolRow) -> tuple[exports.Cell, ...]:
    school, authority = row.School, row.Authority
    known = "déclaré" if row.word == Word.DECLARED else "confirmé" if row.word else ""
    since = row.effective_on.isoformat() if row.effective_on else ""
    named = (
        school.fase,
        school.display_name,
        school.municipality,
        authority.fase,
        authority.display_name,
        authority.network.label,
        authority.network.code,
    )
    return (day.isoformat(), selection.strand, *named, row.status.label, known, since, school.name, authority.name)


def _authority_cells(day: date, selection: Selection, row: AuthorityRow) -> tuple[exports.Cell, ...]:
    authority = row.Authority
    named = (authority.fase, authority.display_name, authority.network.label, authority.network.code)
    counted = (RollUp(row.roll_up).label, row.joined, row.concerned)
    return (day.isoformat(), selection.strand, *named, authority.municipality, *counted, authority.name)


def sure_day() -> date:
    """The day in the query, today without one. Raises InputError when it cannot be read or is in the future."""
    day, refusal = asked_day()
    if refusal:
        raise InputError(refusal)
    return day


def asked_day() -> tuple[date, str]:
    """The day in the query, and '' or a French sentence that refuses it.

    The day is today when there is none, or when it cannot be read or is in the future.
    """
    today = current_day()
    text = "".join(c for c in request.args.get("as_of", "") if c.isprintable()).strip()
    if not text and request.args.get("as_of"):
        return today, "Cette date est illisible : la situation est celle d’aujourd’hui."
    if not text:
        return today, ""
    try:
        day = parse_day(text)
    except InputError as error:
        return today, str(error)
    if day > today:
        return today, "Cette date est dans l’avenir : la situation est celle d’aujourd’hui."
    return day, ""


def sentences(snapshot: Situation, programme: Programme) -> list[str]:
    """One French sentence a strand, ready to be copied."""
    return [_sentence(snapshot, strand.number, strand.level) for strand in programme.strands]


def tables_of(snapshot: Situation) -> list[exports.Table]:
    """The situation as two tables: one row for each network and strand, then the definitions."""
    headers = ("Au", *exports.NETWORK, "PO", "Écoles", "Volet", *(bucket.label for bucket in Bucket), "Part adhérée")
    rows = [cells for row in (*snapshot.rows, snapshot.total) for cells in _cells(snapshot.as_of, row)]
    return [exports.Table("Situation", headers, rows), exports.Table("Définitions", ("Terme", "Sens"), DEFINITIONS)]


def _cells(day: date, row: SituationRow) -> list[tuple[exports.Cell, ...]]:
    named = (day.isoformat(), row.label, row.code, row.authorities, row.schools)
    return [
        (*named, number, *buckets.values(), round(row.share(number, Bucket.JOINED), 4))
        for number, buckets in row.strands.items()
    ]


def _sentence(snapshot: Situation, number: int, level: Level) -> str:
    buckets, base = snapshot.total.strands[number], snapshot.total.base(number)
    joined, declared = buckets[Bucket.JOINED], buckets[Bucket.DECLARED]
    day, strand = french.day(snapshot.as_of), f"{ORDINALS.get(number, f'{number}e')} volet"
    if not base:
        return f"Au {day}, aucune école n’est concernée par le {strand}."
    concerned = " concernées" if buckets[Bucket.NOT_CONCERNED] else ""
    kind = {"secondary": "secondaires", "primary": "primaires", "nursery": "maternelles"}[level.value]
    share = french.percent(snapshot.total.share(number, Bucket.JOINED))
    more = f", et {french.plural(declared, 'autre déclare', 'autres déclarent')} y adhérer" if declared else ""
    schools = f"des {french.number(base)} écoles {kind}{concerned}"
    if not joined:
        return f"Au {day}, aucune {schools} n’a adhéré au {strand}{more}."
    verb = "une" if joined == 1 else french.number(joined)
    agreed = "a adhéré" if joined == 1 else "ont adhéré"
    return f"Au {day}, {verb} {schools} ({share}) {agreed} au {strand}{more}."


def _asked_rows(programme: Programme, networks: dict[str, Any]) -> Selection:
    number = whole_number(request.args.get("strand", ""), digits=2) or 0
    network = request.args.get("network", "")
    return Selection(
        situation.strand_by_number(programme, number).number,
        member(Bucket, request.args.get("status")),
        network if network in networks else "",
    )
