"""The inbox: responses of authorities that wait for staff, their owners, and one action on each."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import TrailKind
from outreach.campaigns import correspondence, waves
from outreach.campaigns.correspondence import PreparedReply, ServiceReply, TextUse, Writer
from outreach.campaigns.evidence import ways_of
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.results import WrittenList
from outreach.core import erasure
from outreach.core.db import Session
from outreach.core.erasure import is_mark
from outreach.core.tables import QueryListing
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.french import day, plural
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.outbox import outcome_of
from outreach.engagement.replies import (
    EffectChanged,
    Response,
    SentForm,
    Tray,
    act_on_all,
    act_on_response,
    awaiting_responses,
    count_recalls,
    count_to_verify,
    count_trays,
    effect_of,
    effects_of,
    hand_over_response,
    known_names,
    list_responses,
    list_sent_forms,
    may_reopen_response,
    recall_response,
    reopen_response,
    response_numbered,
    set_response_aside,
    steps_of,
    take_response,
    tickable_responses,
)
from outreach.web.shared import programmes
from outreach.web.shared.list_files import has_files
from outreach.web.shared.write_to_list import write_to
from outreach.web.sign_in.access_log_queue import note
from outreach.web.sign_in.form_recovery import of_fields, recovers_form
from outreach.web.ui.fields import posted, posted_all, pressed, remarked, telling
from outreach.web.ui.forms import RecallForm
from outreach.web.ui.pager import Shown, sorting
from outreach.web.ui.request import actor, current_day, database, held_roles, needs, now, reading, settings

pages = Blueprint("responses", __name__, url_prefix="/responses")
MINE, TODO, RECALLED = "me", "todo", "any"


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    kept = _filter()
    tray, owner, recalled = _asked(kept)
    with reading() as session:
        names, programme = accounts.colleagues(session), programmes.filtered(session)
        return render_template(
            "pages/responses/index.html",
            counts=count_trays(
                session,
                owner=owner,
                recalled=recalled,
                programme=programme,
                on=current_day() if kept.get("owner") == TODO else None,
            ),
            doubted=count_to_verify(session),
            written=correspondence.count_waiting(session),
            tray=tray,
            Tray=Tray,
            whose=kept.get("owner"),
            recalled=recalled,
            recalls=count_recalls(session, now=now(), owner=owner, programme=programme),
            today=current_day(),
            kept=kept,
            ticked="ticked" in request.args,
            colleagues=names,
            shown=Shown.of(request, _listed(session), names=names, export=".export", write=".write_to_list"),
        )


@pages.get("/to-verify")
@needs(RoleName.READER)
def to_verify() -> str:
    """The forms that may come from no person: they count nowhere, and wait for a person to confirm them."""
    with reading() as session:
        shown = Shown.of(request, _to_verify(session), export=".export_to_verify")
        fields = {"counts": count_trays(session), "doubted": count_to_verify(session), "Tray": Tray}
        written = correspondence.count_waiting(session)
        return render_template("pages/responses/to_verify.html", shown=shown, written=written, **fields)


@pages.route("/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list() -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities whose responses are listed now; they are stored as a list."""
    with reading() as session:
        keys = _listed(session).keys()
    tray, *_ = _asked(_filter())
    name = f"Réponses : {tray.label if tray else 'en attente'}, au {day(current_day())}"
    return write_to(WrittenList(name, None, keys))


@pages.get("/selection")
@needs(RoleName.AUTHOR)
def selection() -> str:
    numbers = [whole_number(text) for text in request.args.getlist("pick")]
    with reading() as session:
        return _selection_page(session, [number for number in numbers if number is not None])


@pages.post("/selection")
@needs(RoleName.AUTHOR)
def act_on_selection() -> Redirect | tuple[str, int]:
    """Act on the responses that the page showed, each with the version of its effect: `seen` is "number:version"."""
    pairs = [text.partition(":")[::2] for text in posted_all("seen")]
    seen = {number: version for text, version in pairs if (number := whole_number(text)) is not None}
    try:
        with database().writing() as session:
            done = len(act_on_all(session, seen, now=now(), actor=actor()))
    except (EffectChanged, InputError) as error:
        with reading() as session:
            return _selection_page(session, list(seen), str(error)), 409 if seen else 422
    flash(f"C’est fait : {plural(done, 'réponse traitée', 'réponses traitées')}.", "success")
    return redirect(url_for(".index", **_filter()))


@pages.get("/<number:number>")
@needs(RoleName.READER)
def response(number: int) -> str:
    with reading() as session:
        received = response_numbered(session, number)
        return _page(session, received)


@pages.post("/<number:number>/owner")
@needs(RoleName.AUTHOR)
def take(number: int) -> Redirect:
    with database().writing() as session:
        before = take_response(session, response_numbered(session, number), now=now(), actor=actor())
        before = accounts.colleagues(session)[before] if before else ""
    flash(f"Cette réponse est à vous ; elle était à {before}." if before else "Cette réponse est à vous.", "success")
    return redirect(url_for(".response", number=number, **_filter()))


@pages.post("/<number:number>/colleague")
@needs(RoleName.AUTHOR)
def hand_over(number: int) -> Redirect:
    to = posted("to")
    with database().writing() as session:
        hand_over_response(session, response_numbered(session, number), to=to, now=now(), actor=actor())
        name = accounts.user_named(session, to).name
    flash(f"Cette réponse est suivie par {name}.", "success")
    return redirect(url_for(".response", number=number, **_filter()))


@pages.post("/<number:number>/recall")
@needs(RoleName.AUTHOR)
def recall(number: int) -> Redirect | tuple[str, int]:
    form, ends = RecallForm(), pressed("never")
    if ends or form.validate_on_submit():
        day = None if ends else parse_day(form.day.data or "")
        with telling(form.day), database().writing() as session:
            recall_response(session, response_numbered(session, number), day=day, now=now(), actor=actor())
        if not form.errors:
            flash("Le rappel est fixé." if day else "Plus aucun rappel n’est fixé.", "success")
            return redirect(url_for(".response", number=number, **_filter()))
    with reading() as session:
        return _page(session, response_numbered(session, number), form=form), 422


@pages.post("/<number:number>/action")
@needs(RoleName.AUTHOR)
@recovers_form(of_fields({"note": "Note"}), button="Confirmer l’action", without=["news"])
def act(number: int) -> Redirect | tuple[str, int]:
    """Do what the response asks for. `news` is ticked to tell the authority, in the text with this number."""
    seen, note, told = posted("version"), remarked("note"), posted("news")
    try:
        news = _news(number, told) if told else None
        with database().writing() as session:
            received, by = response_numbered(session, number), {"note": note, "seen": seen}
            if news is None:
                act_on_response(session, received, now=now(), actor=actor(), **by)
            else:
                correspondence.confirm_joining(session, received, news, _sending(), now=now(), actor=actor(), **by)
            said = f"C’est fait : {received.authority.display_name}, {(received.outcome or '').rstrip('.')}."
    except (EffectChanged, InputError) as error:
        with reading() as session:
            shown = _page(session, response_numbered(session, number), str(error))
            return shown, 409 if isinstance(error, EffectChanged) else 422
    said += " Un courriel l’annonce." if news else ""
    flash(said, "success")
    return redirect(url_for(".index", **_filter()))


@pages.post("/<number:number>/closure")
@needs(RoleName.AUTHOR)
@recovers_form(of_fields({"note": "Note"}), button="Classer sans suite")
def set_aside(number: int) -> Redirect:
    note = remarked("note")
    with database().writing() as session:
        set_response_aside(session, response_numbered(session, number), now=now(), actor=actor(), note=note)
    flash("La réponse est classée sans suite.", "success")
    return redirect(url_for(".index", **_filter()))


@pages.post("/<number:number>/reopening")
@needs(RoleName.AUTHOR)
def reopen(number: int) -> Redirect:
    note = remarked("note")
    with database().writing() as session:
        reopen_response(session, response_numbered(session, number), now=now(), actor=actor(), note=note)
    flash("La réponse attend de nouveau, et elle est à vous.", "success")
    return redirect(url_for(".response", number=number, **_filter()))


def _news(number: int, text: str) -> PreparedReply:
    """The letter that was ticked, in the text with this number. Raises EffectChanged when it is another by now."""
    with reading() as session:
        news = _news_of(session, response_numbered(session, number))
    if news is None or str(news.text_id) != text:
        raise EffectChanged("Le texte qui annonce la confirmation a changé : relisez-le.")
    return news


def _news_of(session: Session, received: Response) -> PreparedReply | None:
    """The letter that would say to an authority that its joining is confirmed, if one may leave."""
    writer = Writer(current_user.name, actor())
    try:
        return correspondence.prepare_news(session, received, writer, _sending(), now=now())
    except (InputError, Refused):  # a joining can be confirmed all the same
        return None


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())


def _asked(kept: dict[str, Any]) -> tuple[Tray | None, str, bool]:
    """What the filter asks for: a tray, an owner, only those to come back to."""
    return Tray(kept["tray"]) if "tray" in kept else None, actor() if "owner" in kept else "", "recall" in kept


@has_files(pages, "/export", "reponses", RoleName.READER)
def _listed(session: Session) -> QueryListing[Response]:
    kept = _filter()
    tray, owner, recalled = _asked(kept)
    programme = programmes.filtered(session)
    if kept.get("owner") == TODO and tray is not Tray.HANDLED:
        return awaiting_responses(session, owner, current_day(), programme, tray, sorting(request))
    return list_responses(session, tray, owner=owner, recalled=recalled, programme=programme, sort=sorting(request))


@has_files(pages, "/to-verify/export", "reponses-a-verifier", RoleName.READER, endpoint="export_to_verify")
def _to_verify(session: Session) -> QueryListing[SentForm]:
    return list_sent_forms(session, sort=sorting(request))


def _filter() -> dict[str, Any]:
    """The list's filter in the query, to be kept from page to page. Unknown values are left out."""
    known: dict[str, set[str]] = {"tray": set(Tray), "owner": {MINE, TODO}, "recall": {RECALLED}}
    kept = {name: request.args.get(name, "") for name in known}
    return {name: value for name, value in kept.items() if value in known[name]}


def _selection_page(session: Session, numbers: list[int], fault: str = "") -> str:
    ticked = tickable_responses(session, numbers)
    shown = effects_of(session, ticked, now=now())
    return render_template(
        "pages/responses/selection.html",
        fault=fault,
        rows=[row for row in ticked if shown[row.id].is_possible],
        effects=shown,
        left_out=[row for row in ticked if not shown[row.id].is_possible],
        gone=len(set(numbers)) - len(ticked),
        kept=_filter(),
    )


def _note_opened(received: Response, replies: Sequence[ServiceReply]) -> None:
    """Note in the trail that an administrator opens what was written to an address that was erased since."""
    for reply in replies:
        if is_mark(reply.message.address_key) and erasure.is_open(reply.message.address_key, held_roles()):
            note(TrailKind.LETTER_OPENED, actor(), f"réponse {received.id}, courriel {reply.message_id}")


def _page(session: Session, received: Response, fault: str = "", form: RecallForm | None = None) -> str:
    effect = effect_of(session, received, now=now()) if received.handled_at is None else None
    template, kept = "pages/responses/response.html", _filter()
    way = ways_of(session, [received.id]).get(received.id, "")
    may_reopen, taken = may_reopen_response(received), steps_of(session, received)
    news = _news_of(session, received) if effect and current_user.holds(RoleName.AUTHOR) else None
    written = correspondence.replies_to(session, received)
    _note_opened(received, written)
    return render_template(
        template,
        way=way,
        response=received,
        reference=waves.reference_of(session, received),
        effect=effect,
        fault=fault,
        form=form or RecallForm.at(received.recall_on),
        today=current_day(),
        note=remarked("note"),
        kept=kept,
        colleagues=known_names(session, received.authority),
        may_reopen=may_reopen,
        authors=[(one.email, one.name) for one in accounts.holders_of(session, RoleName.AUTHOR)] if effect else [],
        news=news,
        approval=correspondence.current_template(session, TextUse.JOINED).approval if news else None,
        replies=written,
        is_open=lambda reply: erasure.is_open(reply.message.address_key, held_roles()),
        closed=erasure.CLOSED,
        outcome_of=outcome_of,
        steps=taken,
    )
