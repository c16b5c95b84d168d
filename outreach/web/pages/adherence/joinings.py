"""Pages of joining lists (upload, check, apply, undo) and of an authority's adherence statuses."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import imports, records, situation
from outreach.adherence.imports import JoiningLists, JoiningPlan, programme_of
from outreach.adherence.models import JoiningList, Programme, Status, Strand, Word
from outreach.adherence.programmes import SeveralProgrammes, name_among_several, of_programme
from outreach.adherence.programmes import get_programme as programme_of_code
from outreach.core.db import Session
from outreach.core.tables import Opened
from outreach.core.text import french
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.directory import authorities
from outreach.directory.models import Authority
from outreach.engagement import replies
from outreach.reports.notes import by_list, by_undoing
from outreach.web.shared import programmes
from outreach.web.shared.imports import ImportFault, ListPages
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui import exports
from outreach.web.ui import programme as of_request
from outreach.web.ui.fields import telling
from outreach.web.ui.forms import EVERY_SCHOOL, JoiningListForm, StatusForm, UploadForm
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("adherence", __name__)
EXAMPLE = exports.Table(
    "Exemple",
    ("fase", "volet", "statut", "date", "source", "motif"),
    (
        ("80001", "1", "adhéré", "30/06/2021", "Formulaire", ""),
        ("80002", "1", "refus", "30/06/2021", "Courriel", "Équipement déjà acquis"),
    ),
)
SHOWN_RECORDS = 50


class JoiningPages(ListPages[JoiningList, JoiningPlan]):
    """Joining lists: statuses of schools."""

    place = "/adherence/lists"
    templates = "pages/adherence"
    rejects = "adhesions"
    called = "la liste d’adhésions"
    undone = "La liste est annulée : les statuts sont ceux d’avant."
    sample = EXAMPLE
    blamed = "complete_until"

    def kind(self) -> JoiningLists:
        """The kind of list, as this request judges it."""
        return JoiningLists(current_day(), by_list)

    def form(self) -> UploadForm:
        """The form, on which a list may be said to be complete until a day."""
        return JoiningListForm()

    def facts(self, session: Session, form: UploadForm, sent: Opened) -> dict[str, Any]:
        """A list is about a programme, and may cover networks until a day. Raises InputError."""
        try:
            programme = programme_of(session, sent, form["programme"].data or "")
        except SeveralProgrammes as several:
            raise ImportFault("programme", several.on_page) from None
        except (NotFound, Refused) as error:
            raise ImportFault("programme", str(error)) from None
        until = parse_day(form["complete_until"].data) if form["complete_until"].data else None
        covered = imports.stated_coverage(session, until, form["covers"].data or (), current_day())
        return {"programme_id": programme.id, "coverage": covered}

    def example(self) -> Response:
        """A file that can be sent; it names the programme of the page, where there are several."""
        with reading() as session:
            programmes.shown(session)
        table = exports.with_column(EXAMPLE, "programme", of_request.code()) if of_request.code() else EXAMPLE
        return exports.form(table, "csv", f"exemple-{self.rejects}")

    def before(self, session: Session) -> dict[str, Any]:
        """The programmes that a list may be about, that of the page if it names one, and until which day its lists
        cover each network, beside the last lists."""
        chosen, programme = programmes.filtered(session), programmes.shown(session)
        offered = of_request.choices(programmes.offered(session))
        fields = {"offered": offered, "chosen": chosen.code if chosen else "", "programme": programme}
        statuses, covered = [status.label.lower() for status in Status], imports.covered_until(session, programme)
        return {**super().before(session), **fields, "covered": covered, "statuses": statuses}

    def shown(self, session: Session, received: JoiningList, plan: JoiningPlan | None) -> dict[str, Any]:
        """The name of its programme, where several are loaded, and the notes that undoing it contradicts."""
        named = {"of_programme": name_among_several(session, received.programme)}
        is_asked = request.endpoint == "adherence.undoing"
        return named | ({"moved_notes": by_undoing(session, received.applied_at)} if is_asked else {})

    def done(self, received: JoiningList, plan: JoiningPlan) -> str:
        """What is said of a list that was applied."""
        recorded = french.plural(len(plan.changes), "statut enregistré", "statuts enregistrés")
        return f"La liste{of_programme(plan.called)} est appliquée : {recorded}."


JoiningPages().put(pages)


@pages.get("/directory/<number:fase>/statuses")
@needs(RoleName.READER)
def statuses(fase: int) -> str:
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        asked = {"day": current_day().isoformat()}
        if request.args.get("confirm"):
            asked |= {"status": Status.JOINED, "word": Word.CONFIRMED, "school": request.args["confirm"]}
            asked["strand"] = request.args.get("strand", "")
        return _statuses_page(session, authority, StatusForm(formdata=None, data=asked))


@pages.post("/directory/<number:fase>/statuses")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(StatusForm))
def record(fase: int) -> Redirect | tuple[str, int]:
    form = StatusForm()
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        programme = programmes.named(session)
        strands = programme.strands
        form.offer(strands, records.eligible_schools(session, authority, strands, current_day()), current_day())
    if not form.validate_on_submit() or not _recorded(fase, programme.code, form):
        with reading() as session:
            return _statuses_page(session, authorities.authority_by_fase(session, fase), form), 422
    return redirect(url_for(".statuses", fase=fase))


@pages.get("/directory/<number:fase>/statuses/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdrawal(fase: int, number: int) -> str:
    with reading() as session:
        authority, programme = authorities.authority_by_fase(session, fase), programmes.named(session)
        entry = records.get_hand_record(session, authority, programme, number)
        falls = records.changes_without(session, programme, entry, current_day())
        return render_template(
            "pages/directory/withdrawal.html",
            authority=authority,
            entry=entry,
            falls=falls,
            unrecorded=Status.NONE,
            colleagues=replies.known_names(session, authority),
        )


@pages.post("/directory/<number:fase>/statuses/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(fase: int, number: int) -> Redirect:
    with reading() as session:
        code = programmes.named(session).code
    with database().writing() as session:
        authority, programme = authorities.authority_by_fase(session, fase), programme_of_code(session, code)
        entry = records.withdraw_hand_record(session, authority, programme, number, now=now(), actor=actor())
        counted = french.plural(len(entry.schools), "école")
        about = f"volet {entry.strand.number}{of_programme(of_request.name())}"
        sentence = f"L’enregistrement « {entry.status.label} » ({about}, {counted}) est annulé."
    flash(sentence, "success")
    return redirect(url_for(".statuses", fase=fase))


def _recorded(fase: int, code: str, form: StatusForm) -> bool:
    """Record the status of a valid form, and say so; whether that worked. If not, the form holds the error."""
    effective_on = parse_day(form.day.data or "")
    with telling(form.day), database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        programme = programme_of_code(session, code)
        strand = programme.strand(int(form.strand.data))
        count, notes = _record(session, authority, programme, strand, form, effective_on)
    if form.errors:
        return False
    label, counted = Status(form.status.data).label, french.plural(count, "école")
    about = f"Volet {form.strand.data}{of_programme(of_request.name())}"
    flash(f"{about} : « {label} » est enregistré pour {counted}.", "success")
    for note in notes:
        flash(note, "warning")
    return True


def _record(
    session: Session, authority: Authority, programme: Programme, strand: Strand, form: StatusForm, effective_on: date
) -> tuple[int, list[str]]:
    open_to = records.eligible_schools(session, authority, [strand], current_day())
    return records.record_adherence(
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


def _statuses_page(session: Session, authority: Authority, form: StatusForm) -> str:
    programme = programmes.shown(session)
    rows = records.list_standings(session, authority, programme, current_day())
    form.offer(programme.strands, [row.school for row in rows], current_day())
    return render_template(
        "pages/directory/statuses.html",
        authority=authority,
        federations=authorities.represented_by(session, authority),
        programme=programme,
        rows=rows,
        opened=programme.open_on(current_day()),
        opening=situation.opening_in_words,
        standing=records.standing_in_words,
        entries=records.of_authority(session, authority, programme)[:SHOWN_RECORDS],
        form=form,
        colleagues=replies.known_names(session, authority),
    )
