"""Pages of joining lists (upload, check, apply, undo) and of an authority's adherence statuses."""

from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach import french, sent_lists
from outreach.accounts import staff
from outreach.adherence import by_hand, programmes, records, sentences
from outreach.adherence.joining_lists import lists
from outreach.adherence.models import JoiningList, Programme, Status, Strand, Word
from outreach.adherence.situation import strand_by_number
from outreach.days import parse_day
from outreach.db import Session, time_limit
from outreach.directory import authority_sheet
from outreach.directory.models import Authority
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.sent_lists import ListState, Opened
from outreach.web.signing_in.kept import keeps_text, of_form
from outreach.web.ui import exports
from outreach.web.ui.forms import EVERY_SCHOOL, StatusForm, UploadForm
from outreach.web.ui.request import actor, current_day, database, needs, now, reading
from outreach.web.ui.sent_lists import SHOWN_LINES, letters, rejected_table

pages = Blueprint("adherence", __name__)
STATUS_COLORS = {
    Status.JOINED: "success",
    Status.IN_PREPARATION: "info",
    Status.TENDER_LAUNCHED: "info",
    Status.DECLINED: "warning",
    Status.INFORMED: "neutral",
    Status.NOT_CONCERNED: "neutral",
    Status.NONE: "neutral",
}
pages.add_app_template_filter(STATUS_COLORS.get, "status_color")
EXAMPLE = exports.Table(
    "Exemple",
    ("fase", "volet", "statut", "date", "source", "motif"),
    (
        ("80001", "1", "adhéré", "30/06/2021", "Formulaire", ""),
        ("80002", "1", "refus", "30/06/2021", "Courriel", "Équipement déjà acquis"),
    ),
)
SHOWN_RECORDS = 50


@pages.get("/adherence/lists")
@needs(RoleName.AUTHOR)
def index() -> str:
    with reading() as session:
        return _upload_page(session, UploadForm())


@pages.post("/adherence/lists")
@needs(RoleName.AUTHOR)
def receive() -> Redirect | tuple[str, int]:
    form = UploadForm()
    if form.validate_on_submit() and (sent := form.opened(lists.opened)) is not None:
        return _keep(sent)
    with reading() as session:
        return _upload_page(session, form), 422


def _keep(sent: Opened) -> Redirect:
    with database().writing() as session:
        programme = programmes.the_programme(session)
        received = lists.receive(session, sent, programme, now=now(), actor=actor())
        return redirect(url_for(".shown_list", list_id=received.id))


@pages.get("/adherence/lists/example.csv")
@needs(RoleName.READER)
def example() -> Response:
    return exports.form(EXAMPLE, "csv", "exemple-adhesions")


@pages.get("/adherence/lists/<number:list_id>")
@needs(RoleName.AUTHOR)
def shown_list(list_id: int) -> str:
    with reading() as session:
        received = sent_lists.list_by_id(session, JoiningList, list_id)
        grid, waits = sent_lists.grid_of(received), received.state is ListState.RECEIVED
        plan = lists.preview(session, grid, received.programme, current_day()) if waits else None
        return render_template(
            "pages/adherence/list.html",
            received=received,
            plan=plan,
            rejections=plan.rejected if plan else lists.rejected_of(session, received, grid, current_day()),
            summary=sent_lists.summary_of(received),
            shown=SHOWN_LINES,
            letters=letters(grid),
            latest=sent_lists.is_last_applied(session, received),
            colleagues=staff.colleagues(session),
        )


@pages.get("/adherence/lists/<number:list_id>/rejected.<any(xlsx, csv):kind>")
@needs(RoleName.AUTHOR)
def rejected(list_id: int, kind: str) -> Response:
    with reading() as session:
        received = sent_lists.list_by_id(session, JoiningList, list_id)
        grid = sent_lists.grid_of(received)
        table = rejected_table(grid, lists.rejected_of(session, received, grid, current_day()))
    return exports.form(table, kind, f"lignes-rejetees-{list_id}")


@pages.post("/adherence/lists/<number:list_id>/application")
@needs(RoleName.AUTHOR)
def apply(list_id: int) -> Redirect:
    today = current_day()
    with time_limit.lifted(), database().reading() as session:
        received = sent_lists.list_by_id(session, JoiningList, list_id)
        judged = lists.judge(session, sent_lists.grid_of(received), received.programme, today)
    with database().writing() as session:
        received = sent_lists.list_by_id(session, JoiningList, list_id)
        applied = lists.apply(session, received, now=now(), today=today, actor=actor(), judged=judged)
        recorded = french.plural(len(applied.changes), "statut enregistré", "statuts enregistrés")
        flash(f"La liste est appliquée : {recorded}.", "success")
    return redirect(url_for(".shown_list", list_id=list_id))


@pages.post("/adherence/lists/<number:list_id>/withdrawal")
@needs(RoleName.AUTHOR)
def undo(list_id: int) -> Redirect:
    with database().writing() as session:
        lists.undo(session, now=now(), actor=actor(), list_id=list_id)
        flash("La liste est annulée : les statuts sont ceux d’avant.", "success")
    return redirect(url_for(".shown_list", list_id=list_id))


@pages.get("/directory/<number:fase>/statuses")
@needs(RoleName.READER)
def statuses(fase: int) -> str:
    with reading() as session:
        authority = authority_sheet.authority_by_fase(session, fase)
        return _statuses_page(session, authority, StatusForm(data={"day": current_day().isoformat()}))


@pages.post("/directory/<number:fase>/statuses")
@needs(RoleName.AUTHOR)
@keeps_text(of_form(StatusForm))
def record(fase: int) -> Redirect | tuple[str, int]:
    form = StatusForm()
    with reading() as session:
        authority = authority_sheet.authority_by_fase(session, fase)
        strands = programmes.the_programme(session).strands
        form.offer(strands, records.eligible_schools(session, authority, strands, current_day()))
    if not form.validate_on_submit() or not _recorded(fase, form):
        with reading() as session:
            return _statuses_page(session, authority_sheet.authority_by_fase(session, fase), form), 422
    return redirect(url_for(".statuses", fase=fase))


@pages.get("/directory/<number:fase>/statuses/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdrawal(fase: int, number: int) -> str:
    with reading() as session:
        authority, programme = authority_sheet.authority_by_fase(session, fase), programmes.the_programme(session)
        entry = by_hand.numbered(session, authority, programme, number)
        falls = by_hand.without(session, programme, entry, current_day())
        return render_template(
            "pages/directory/withdrawal.html",
            authority=authority,
            entry=entry,
            falls=falls,
            colleagues=staff.colleagues(session),
        )


@pages.post("/directory/<number:fase>/statuses/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(fase: int, number: int) -> Redirect:
    with database().writing() as session:
        authority, programme = authority_sheet.authority_by_fase(session, fase), programmes.the_programme(session)
        entry = by_hand.withdraw(session, authority, programme, number, now=now(), actor=actor())
        counted = french.plural(len(entry.schools), "école")
        told = f"L’enregistrement « {entry.status.label} » (volet {entry.strand.number}, {counted}) est annulé."
    flash(told, "success")
    return redirect(url_for(".statuses", fase=fase))


def _recorded(fase: int, form: StatusForm) -> bool:
    """Record the status of a valid form, and say so; whether that worked. If not, the form holds the error."""
    effective_on = parse_day(form.day.data or "")
    try:
        with database().writing() as session:
            authority = authority_sheet.authority_by_fase(session, fase)
            programme = programmes.the_programme(session)
            strand = strand_by_number(programme, int(form.strand.data))
            count, notes = _record(session, authority, programme, strand, form, effective_on)
    except InputError as error:
        form.day.errors = [str(error)]
        return False
    label, counted = Status(form.status.data).label, french.plural(count, "école")
    flash(f"Volet {form.strand.data} : « {label} » est enregistré pour {counted}.", "success")
    for note in notes:
        flash(note, "warning")
    return True


def _record(
    session: Session, authority: Authority, programme: Programme, strand: Strand, form: StatusForm, effective_on: date
) -> tuple[int, list[str]]:
    open_to = records.eligible_schools(session, authority, [strand], current_day())
    return records.record(
        session,
        authority,
        programme,
        strand,
        [school for school in open_to if form.school.data in (EVERY_SCHOOL, str(school.fase))],
        status=Status(form.status.data),
        word=Word(form.word.data),
        effective_on=effective_on,
        now=now(),
        today=current_day(),
        actor=actor(),
        source=" – ".join(part for part in (form.source.data, (form.person.data or "").strip()) if part),
        reason=(form.note.data or "").strip(),
    )


def _upload_page(session: Session, form: UploadForm) -> str:
    recent, names = sent_lists.recent(session, JoiningList), staff.colleagues(session)
    return render_template("pages/adherence/lists.html", form=form, recent=recent, colleagues=names)


def _statuses_page(session: Session, authority: Authority, form: StatusForm) -> str:
    programme = programmes.the_programme(session)
    rows = records.standings(session, authority, programme, current_day())
    form.offer(programme.strands, [row.school for row in rows])
    return render_template(
        "pages/directory/statuses.html",
        authority=authority,
        federations=authority_sheet.represented_by(session, authority),
        programme=programme,
        rows=rows,
        opened=programme.open_on(current_day()),
        opening=sentences.opening,
        roll_ups=records.roll_ups(rows, programme),
        entries=by_hand.of_authority(session, authority, programme)[:SHOWN_RECORDS],
        form=form,
        colleagues=staff.colleagues(session),
    )
