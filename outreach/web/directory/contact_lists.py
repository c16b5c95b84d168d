"""Pages of contacts by file: upload a list, see what it would change, apply it, undo it."""

from collections.abc import Collection

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach import french, sent_lists
from outreach.accounts import staff
from outreach.contact_lists import lists, plans, undoing
from outreach.contact_lists.models import ContactList
from outreach.contact_lists.plans import ContactJudgement, Counts
from outreach.db import Session, time_limit
from outreach.errors import NotFound
from outreach.roles import RoleName
from outreach.sent_lists import ListState, Opened
from outreach.text import whole_number
from outreach.web.ui import exports
from outreach.web.ui.forms import ContactListForm
from outreach.web.ui.request import actor, current_day, database, judged, needs, now, reading
from outreach.web.ui.sent_lists import SHOWN_LINES, letters, rejected_table

MOST_WAITING = 200  # rows that wait for a word, on one page: whoever confirms them has seen them
pages = Blueprint("contact_lists", __name__, url_prefix="/directory/contact-lists")
EXAMPLE = exports.Table(
    "Exemple",
    ("fase", "nom_po", "adresse", "ecole", "nom", "fonction", "type", "telephone", "usage", "source"),
    (
        ("9300", "", "secretariat@po.example", "", "", "Secrétariat", "fonction", "02 555 12 34", "", "Circulaire"),
        ("9300", "", "anne.dupont@ecole.example", "80001", "Anne Dupont", "Directrice", "personne", "", "", "Courriel"),
    ),
)


@pages.get("")
@needs(RoleName.AUTHOR)
def index() -> str:
    with reading() as session:
        return _upload_page(session, ContactListForm())


@pages.post("")
@needs(RoleName.AUTHOR)
def receive() -> Redirect | tuple[str, int]:
    form = ContactListForm()
    if form.validate_on_submit() and (sent := form.opened(lists.opened)) is not None:
        return _keep(sent, complete=bool(form.complete.data))
    with reading() as session:
        return _upload_page(session, form), 422


@pages.get("/example.csv")
@needs(RoleName.READER)
def example() -> Response:
    return exports.form(EXAMPLE, "csv", "exemple-contacts")


@pages.get("/<number:list_id>")
@needs(RoleName.AUTHOR)
def shown_list(list_id: int) -> str:
    with reading() as session:
        received = sent_lists.list_by_id(session, ContactList, list_id)
        grid = sent_lists.grid_of(received) if received.grid else None
        waits = received.state is ListState.RECEIVED and grid is not None
        plan = _judge(session, received).plan if waits else None
        return render_template(
            "pages/directory/contact_list.html",
            received=received,
            plan=plan,
            most_waiting=MOST_WAITING,
            rejections=plan.rejected if plan else lists.rejected_of(received),
            summary=sent_lists.summary_of(received),
            shown=SHOWN_LINES,
            letters=letters(grid) if grid else {},
            latest=sent_lists.is_last_applied(session, received),
            colleagues=staff.colleagues(session),
        )


@pages.get("/<number:list_id>/rejected.<any(xlsx, csv):kind>")
@needs(RoleName.AUTHOR)
def rejected(list_id: int, kind: str) -> Response:
    with reading() as session:
        received = sent_lists.list_by_id(session, ContactList, list_id)
        if not received.grid:
            raise NotFound("Ces lignes sont effacées : une liste de contacts est gardée trente jours.")
        waits = received.state is ListState.RECEIVED
        rejections = _judge(session, received).plan.left_out if waits else lists.rejected_of(received)
        table = rejected_table(sent_lists.grid_of(received), rejections)
    return exports.form(table, kind, f"contacts-rejetes-{list_id}")


@pages.post("/<number:list_id>/application")
@needs(RoleName.AUTHOR)
def apply(list_id: int) -> Redirect:
    shown = Counts.read(request.form.get("shown", ""))
    with time_limit.lifted(), database().reading() as session:
        compared = _judge(session, sent_lists.list_by_id(session, ContactList, list_id), _confirmed())
    with database().writing() as session:
        received = sent_lists.list_by_id(session, ContactList, list_id)
        applied = lists.apply(session, received, compared, now=now(), actor=actor(), shown=shown)
        done = _told(applied.counts)
    flash(f"La liste est appliquée : {done}.", "success")
    return redirect(url_for(".shown_list", list_id=list_id))


@pages.post("/<number:list_id>/withdrawal")
@needs(RoleName.AUTHOR)
def undo(list_id: int) -> Redirect:
    with database().writing() as session:
        undoing.undo(session, now=now(), actor=actor(), list_id=list_id)
    flash("La liste est annulée : les adresses sont comme avant.", "success")
    return redirect(url_for(".shown_list", list_id=list_id))


def _keep(sent: Opened, *, complete: bool) -> Redirect:
    with database().writing() as session:
        received = lists.receive(session, sent, complete=complete, now=now(), actor=actor())
        return redirect(url_for(".shown_list", list_id=received.id))


def _judge(session: Session, received: ContactList, confirmed: Collection[int] = ()) -> ContactJudgement:
    sent_lists.refuse_applied(received)
    grid, complete = sent_lists.grid_of(received), received.complete
    return plans.judge(session, grid, complete=complete, address=judged, today=current_day(), confirmed=confirmed)


def _confirmed() -> set[int]:
    """The rows whose names a person has seen and confirmed: those ticked, or all that the page has shown."""
    field = "seen" if request.form.get("all") else "confirmed"
    numbers = (whole_number(row) for row in request.form.getlist(field)[:MOST_WAITING])
    return {number for number in numbers if number is not None}


def _told(counts: Counts) -> str:
    added = french.plural(counts.new, "adresse ajoutée", "adresses ajoutées")
    changed = french.plural(counts.changed, "précisée", "précisées")
    retired = french.plural(counts.withdrawn, "retirée", "retirées")
    return f"{added}, {changed}, {retired}"


def _upload_page(session: Session, form: ContactListForm) -> str:
    return render_template(
        "pages/directory/contact_lists.html",
        form=form,
        recent=sent_lists.recent(session, ContactList),
        colleagues=staff.colleagues(session),
    )
