"""The bar of every page of staff: its entries, how much awaits the person, whether letters leave."""

from collections.abc import Callable

from flask import Flask, request, url_for
from flask_login import current_user

from outreach.db import Session
from outreach.roles import RoleName
from outreach.web.ui.request import reading, settings

PLACES = {  # blueprints that belong to an entry of the bar other than their own
    "adherence": "situation",
    "notes": "situation",
    "segments": "campaigns",
    "replies": "responses",
    "texts": "responses",
    **dict.fromkeys(
        (
            "history",
            "measure",
            "exclusions",
            "register",
            "schools",
            "contact_lists",
            "names",
            "school_reports",
            "letters",
        ),
        "directory",
    ),
    "reachability": "directory",
    **dict.fromkeys(
        ("accounts", "programmes", "closures", "retention", "persons", "statements", "letterhead", "trail"),
        "administration",
    ),
}


def install(app: Flask, *, awaited: Callable[[Session], int], clock: Callable[[Session], object]) -> None:
    """Give templates the bar. `awaited` counts what awaits the person, `clock` tells what the banner shows of it."""

    def state() -> tuple[int, object]:
        with reading() as session:
            return awaited(session), clock(session)

    app.context_processor(lambda: {"bar": _entries(), "bar_state": state})


def _has_list() -> bool:
    """Whether what awaits the person stands on a page of its own."""
    return bool(current_user.is_authenticated and current_user.holds(RoleName.AUTHOR, RoleName.APPROVER))


def _entries() -> list[tuple[str, str, bool]]:
    entries = [
        *([("Aujourd’hui", "today.index")] if _has_list() else []),
        ("Situation", "situation.index"),
        ("Campagnes", "campaigns.index"),
        ("Annuaire", "directory.index"),
        ("Calendrier", "calendar.index"),
        ("Réponses", "responses.index"),
    ]
    if settings().stays_here:
        entries.append(("Boîte de démonstration", "mailbox.index"))
    if current_user.is_authenticated and current_user.holds(RoleName.ADMINISTRATOR):
        entries.append(("Administration", "administration.index"))
    of_directory = {"adherence.statuses", "adherence.record", "adherence.withdrawal"}
    blueprint = "directory" if request.endpoint in of_directory else request.blueprint or ""
    here = PLACES.get(blueprint, blueprint)
    return [(label, url_for(view), view == f"{here}.index") for label, view in entries]
