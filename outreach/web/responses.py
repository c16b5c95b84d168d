"""The inbox: responses of authorities that wait for staff, their owners, and one action on each."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as Download
from werkzeug.wrappers import Response as Redirect

from outreach import days, french
from outreach.accounts import staff
from outreach.campaigns.from_lists import WrittenList
from outreach.db import Session
from outreach.roles import RoleName
from outreach.tracking import inbox, steps
from outreach.tracking.inbox import PAGE_ROWS, EffectChanged, Tray
from outreach.tracking.models import Response
from outreach.web.audience.writing import write_to
from outreach.web.ui import exports
from outreach.web.ui.frame import actor, database, needs, now
from outreach.web.ui.kept import keeps_text, of_fields
from outreach.web.ui.pager import Pager

pages = Blueprint("responses", __name__, url_prefix="/responses")
MINE = "me"
HEADERS = (
    *("FASE", "Pouvoir organisateur", "Réseau", "Volet", "Réponse", "Écoles", "Adresse proposée", "Commentaire"),
    *("Reçue (heure de Bruxelles)", "Suivi par", "Suite"),
)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    kept = _filter()
    tray = _tray(kept)
    owner = actor() if "owner" in kept else ""
    with database().reading() as session:
        pager = Pager.of(request, inbox.count(session, tray, owner=owner), PAGE_ROWS)
        return render_template(
            "pages/responses/index.html",
            counts=inbox.counts(session, owner=owner),
            tray=tray,
            Tray=Tray,
            mine=bool(owner),
            kept=kept,
            colleagues=staff.colleagues(session),
            pager=pager,
            authorities=len(inbox.authorities(session, tray, owner=owner)),
            rows=inbox.page(session, tray, pager.number, owner=owner),
        )


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Download:
    kept = _filter()
    with database().reading() as session:
        colleagues = staff.colleagues(session)
        tray, owner = _tray(kept), actor() if "owner" in kept else ""
        rows = [_cells(row, colleagues) for row in inbox.every(session, tray, owner=owner)]
    return exports.download(exports.Table("Réponses", HEADERS, rows), kind, "reponses")


@pages.post("/campaign")
@needs(RoleName.AUTHOR)
def write_to_list() -> Redirect:
    """Begin a campaign to the authorities whose responses are listed now; they are stored as a list."""
    kept = _filter()
    tray = _tray(kept)
    with database().reading() as session:
        keys = inbox.authorities(session, tray, owner=actor() if "owner" in kept else "")
    name = f"Réponses : {tray.label if tray else 'en attente'}, au {french.day(days.today(now()))}"
    return write_to(WrittenList(name, None, keys))


@pages.get("/<number:number>")
@needs(RoleName.READER)
def response(number: int) -> str:
    with database().reading() as session:
        received = inbox.response_numbered(session, number)
        return _page(session, received)


@pages.post("/<number:number>/owner")
@needs(RoleName.AUTHOR)
def take(number: int) -> Redirect:
    with database().writing() as session:
        before = inbox.take(session, inbox.response_numbered(session, number), now=now(), actor=actor())
        before = staff.colleagues(session)[before] if before else ""
    flash(f"Cette réponse est à vous ; elle était à {before}." if before else "Cette réponse est à vous.", "success")
    return redirect(url_for(".response", number=number, **_filter()))


@pages.post("/<number:number>/action")
@needs(RoleName.AUTHOR)
@keeps_text(of_fields({"note": "Note"}), button="Confirmer l’action")
def act(number: int) -> Redirect | tuple[str, int]:
    seen, note = request.form.get("version", ""), _note()
    try:
        with database().writing() as session:
            received = inbox.response_numbered(session, number)
            inbox.act(session, received, now=now(), actor=actor(), note=note, seen=seen)
            said = f"C’est fait : {received.authority.name}, {(received.outcome or '').rstrip('.')}."
    except EffectChanged as error:
        with database().reading() as session:
            return _page(session, inbox.response_numbered(session, number), str(error)), 409
    flash(said, "success")
    return redirect(url_for(".index", **_filter()))


@pages.post("/<number:number>/closure")
@needs(RoleName.AUTHOR)
@keeps_text(of_fields({"note": "Note"}), button="Classer sans suite")
def set_aside(number: int) -> Redirect:
    note = _note()
    with database().writing() as session:
        inbox.set_aside(session, inbox.response_numbered(session, number), now=now(), actor=actor(), note=note)
    flash("La réponse est classée sans suite.", "success")
    return redirect(url_for(".index", **_filter()))


@pages.post("/<number:number>/reopening")
@needs(RoleName.AUTHOR)
def reopen(number: int) -> Redirect:
    note = _note()
    with database().writing() as session:
        inbox.reopen(session, inbox.response_numbered(session, number), now=now(), actor=actor(), note=note)
    flash("La réponse attend de nouveau, et elle est à vous.", "success")
    return redirect(url_for(".response", number=number, **_filter()))


def _tray(kept: dict[str, Any]) -> Tray | None:
    return Tray(kept["tray"]) if "tray" in kept else None


def _cells(row: Response, colleagues: Mapping[str, str]) -> Sequence[exports.Cell]:
    return (
        row.authority.fase,
        row.authority.name,
        row.authority.network.code,
        row.strand.number,
        row.answer.label,
        len(row.schools) or "",
        row.proposed_address or "",
        row.comment or "",
        f"{row.given_at.astimezone(days.BRUSSELS):%Y-%m-%d %H:%M}",
        colleagues[row.owner] if row.owner else "",
        row.outcome or "",
    )


def _note() -> str:
    return " ".join(request.form.get("note", "").replace("\0", "").split())[:500]


def _filter() -> dict[str, Any]:
    """The list's filter in the query, to be kept from page to page. Unknown values are left out."""
    kept = {"tray": request.args.get("tray", ""), "owner": request.args.get("owner", "")}
    return {name: value for name, value in kept.items() if value in (set(Tray) if name == "tray" else {MINE})}


def _page(session: Session, received: Response, fault: str = "") -> str:
    effect = inbox.effect_of(session, received, now=now()) if received.handled_at is None else None
    template, kept = "pages/responses/response.html", _filter()
    may_reopen, taken = inbox.may_reopen(received), steps.steps_of(session, received)
    return render_template(
        template,
        response=received,
        effect=effect,
        fault=fault,
        note=_note(),
        kept=kept,
        colleagues=staff.colleagues(session),
        may_reopen=may_reopen,
        steps=taken,
    )
