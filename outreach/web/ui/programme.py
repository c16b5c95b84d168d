"""The programme that a request is about, where several are loaded: kept by links and forms, told by pages and files.

`web.programmes` finds it, and holds it here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request

from outreach.adherence import programmes
from outreach.adherence.models import Programme, Strand
from outreach.core.text.french import typeset, within_quotes
from outreach.web.ui.request import reading

ARGUMENT = "programme"
A_CODE = re.compile(r"[a-z0-9-]{1,60}")
EVERY = "_all"  # what an address says for all of them; no code has such a character
KEEPS = frozenset(  # views that are about the programme of their address
    {
        "situation.index",
        "situation.export",
        "situation.slides",
        "situation.listed",
        "situation.export_list",
        "situation.write_to_list",
        "situation.all_actions",
        "situation.export_actions",
        "situation.why",
        "situation.changed",
        "situation.export_changed",
        "adherence.index",
        "adherence.statuses",
        "adherence.record",
        "adherence.withdrawal",
        "adherence.withdraw",
        "calendar.index",
        "campaigns.index",
        "campaigns.export",
        "directory.index",
        "directory.export",
        "directory.write_to_list",
        "directory.call_list",
        "notes.index",
        "notes.export",
        "notes.new",
        "notes.create",
        "notes.new_request",
        "notes.ask",
        "responses.index",
        "responses.export",
        "segments.index",
        "segments.export",
        "today.index",
    }
)
PASSES_ON = frozenset(  # blueprints whose other pages pass it on, from where one came to where one goes
    {
        *("adherence", "campaigns", "directory", "history", "letters", "measure", "names", "postal", "reachability"),
        *("responses", "school_reports", "schools", "segments"),
    }
)


@dataclass(frozen=True, slots=True)
class OneOfSeveral:
    """The programme of a request where several are loaded, and those that one may go over to: codes and names."""

    code: str
    name: str
    offered: Sequence[tuple[str, str]]


def install(app: Flask) -> None:
    """Have addresses keep the programme, and give templates it and those that one may go over to."""
    app.before_request(_read_address)
    app.url_defaults(_keep)
    app.jinja_env.globals["one_of_several"] = one_of_several
    app.jinja_env.globals["programmes_offered"] = lambda: g.get("programmes_offered", [])
    app.jinja_env.filters["of_programme"] = _of_programme
    app.jinja_env.filters["called"] = _called


def one_of_several() -> OneOfSeveral | None:
    """What this request is about; None where it is about none, or where there is one alone, which nothing names."""
    held: OneOfSeveral | None = g.get("programme")
    return held


def name() -> str:
    """The name of the programme, where several are loaded; '' otherwise."""
    held = one_of_several()
    return held.name if held else ""


def said() -> str:
    """What follows a title or a day: « , programme « Plan lecture » »; '' where there is one alone."""
    return typeset(f", programme « {within_quotes(name())} »") if name() else ""


def code() -> str:
    """The code of the programme, where several are loaded; '' otherwise."""
    held = one_of_several()
    return held.code if held else ""


def choices(offered: Sequence[Programme]) -> list[tuple[str, str]]:
    """Programmes to choose from: the code and the name of each."""
    return [(one.code, one.name) for one in offered]


def offer(offered: Sequence[tuple[str, str]]) -> None:
    """Let this request's list be narrowed to one of these programmes, codes and names, where they are several."""
    g.programmes_offered = offered if len(offered) > 1 else []


def hold(programme: Programme, offered: Sequence[Programme]) -> None:
    """Have this request be about a programme, of which several are loaded; one may go over to those `offered`."""
    g.programme = OneOfSeveral(programme.code, programme.name, choices(offered))


def _of_programme(strand: Strand) -> str:
    """What follows the number of a strand on a page about several: « du programme « Plan lecture » », or ''."""
    return programmes.of_programme(_name_of(strand))


def _called(strand: Strand) -> str:
    """What a strand is called on a page about several: « Plan lecture, volet 2 »; « volet 2 » where there is one."""
    return programmes.strand_in_words(_name_of(strand), strand.number)


def _name_of(strand: Strand) -> str:
    if "programme_names" not in g:
        with reading() as session:
            g.programme_names = programmes.names_among_several(session)
    names: dict[int, str] = g.programme_names
    return names.get(strand.programme_id, "")


def _keep(endpoint: str, values: dict[str, Any]) -> None:
    if (endpoint in KEEPS or endpoint.partition(".")[0] in PASSES_ON) and (kept := code() or g.get("passed_on", "")):
        values.setdefault(ARGUMENT, kept)


def _read_address() -> None:
    """Keep what the address of this request names, though its page may be about none."""
    asked = request.args.get(ARGUMENT, "")
    g.passed_on = asked if A_CODE.fullmatch(asked) else ""
