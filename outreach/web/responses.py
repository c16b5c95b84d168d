"""Responses: what authorities answered that waits for the service, whose it is, and one action each."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import RoleName
from outreach.db import Session
from outreach.tracking import inbox
from outreach.tracking.inbox import PAGE_ROWS, Tray
from outreach.tracking.models import Response
from outreach.web.frame import actor, database, needs, now
from outreach.web.pager import Pager

pages = Blueprint("responses", __name__, url_prefix="/responses")
MINE = "me"


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    asked = request.args.get("tray", "")
    tray = Tray(asked) if asked in set(Tray) else None
    owner = actor() if request.args.get("owner") == MINE else ""
    with database().reading() as session:
        pager = Pager.of(request, inbox.count(session, tray, owner=owner), PAGE_ROWS)
        return render_template(
            "pages/responses/index.html",
            counts=inbox.counts(session),
            tray=tray,
            Tray=Tray,
            mine=bool(owner),
            pager=pager,
            rows=inbox.page(session, tray, pager.number, owner=owner),
        )


@pages.get("/<number:number>")
@needs(RoleName.READER)
def response(number: int) -> str:
    with database().reading() as session:
        found = inbox.response_numbered(session, number)
        return _page(session, found)


@pages.post("/<number:number>/owner")
@needs(RoleName.AUTHOR)
def take(number: int) -> Redirect:
    with database().writing() as session:
        inbox.take(session, inbox.response_numbered(session, number), now=now(), actor=actor())
    flash("Cette réponse est à vous.", "success")
    return redirect(url_for(".response", number=number))


@pages.post("/<number:number>/action")
@needs(RoleName.AUTHOR)
def act(number: int) -> Redirect:
    with database().writing() as session:
        found = inbox.response_numbered(session, number)
        inbox.act(session, found, now=now(), actor=actor(), note=_note())
        said = f"C’est fait : {found.authority.name}, {found.outcome}."
    flash(said, "success")
    return redirect(url_for(".index"))


@pages.post("/<number:number>/closure")
@needs(RoleName.AUTHOR)
def set_aside(number: int) -> Redirect:
    with database().writing() as session:
        inbox.set_aside(session, inbox.response_numbered(session, number), now=now(), actor=actor(), note=_note())
    flash("La réponse est classée sans suite.", "success")
    return redirect(url_for(".index"))


def _note() -> str:
    return " ".join(request.form.get("note", "").replace("\0", "").split())[:500]


def _page(session: Session, found: Response) -> str:
    effect = inbox.effect_of(session, found, now=now()) if found.handled_at is None else None
    return render_template("pages/responses/response.html", response=found, effect=effect)
