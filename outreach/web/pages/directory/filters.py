"""The filters of the directory: read from an address, said in a sentence, and each taken away again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from outreach.adherence.models import RollUp, Strand
from outreach.adherence.programmes import of_programme
from outreach.adherence.situation import standing_so
from outreach.campaigns.segments import IN_PROVINCE
from outreach.core.db import Session
from outreach.core.text.errors import NotFound
from outreach.core.text.french import all_of
from outreach.directory.authorities import LONGEST_SEARCH, Filters, ReachFilter
from outreach.directory.models import Level
from outreach.directory.reference import NETWORKS
from outreach.web.shared import programmes
from outreach.web.ui import programme
from outreach.web.ui.pager import again, member, words

LEVELS = {Level.SECONDARY: "Secondaire", Level.PRIMARY: "Primaire", Level.NURSERY: "Maternel"}
_OF_LEVEL = {
    Level.SECONDARY: "de l’enseignement secondaire",
    Level.PRIMARY: "de l’enseignement primaire",
    Level.NURSERY: "de l’enseignement maternel",
}
_STRAND = re.compile(r"strand\d{1,2}")
_STANDING = {
    RollUp.COMPLETE: "dont toutes les écoles concernées ont adhéré au volet",
    RollUp.PARTIAL: "dont une partie des écoles concernées a adhéré au volet",
    RollUp.NONE: "dont aucune école concernée n’a adhéré au volet",
    RollUp.NOT_CONCERNED: "dont aucune école n’est plus concernée par le volet",
}
_REACH = {
    ReachFilter.REACHABLE: "avec une boîte utilisable",
    ReachFilter.BOUNCED: "dont la boîte est en échec",
    ReachFilter.NO_ADDRESS: "sans boîte utilisable",
    ReachFilter.UNREACHABLE: "qu’aucun courriel n’atteint",
}


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter in force, in words, and the address of the list without it."""

    label: str
    without: str


def asked(arguments: MultiDict[str, str], known: Sequence[Strand], day: date) -> Filters:
    """The filters in a query string. Unknown values are left out; statuses are those of the day."""
    standings = [(one, state) for one in known if (state := member(RollUp, arguments.get(_key(one.number))))]
    return Filters(
        text=words(arguments, "q", LONGEST_SEARCH),
        networks=tuple(code for code in arguments.getlist("network") if code in NETWORKS),
        federation=words(arguments, "federation", LONGEST_SEARCH),
        level=member(Level, arguments.get("level")),
        zone=words(arguments, "zone", LONGEST_SEARCH),
        province=words(arguments, "province", LONGEST_SEARCH),
        municipality=words(arguments, "municipality", LONGEST_SEARCH),
        reach=member(ReachFilter, arguments.get("reach")),
        standings=tuple((strand.number, state.value) for strand, state in standings),
        chosen=standing_so(standings, day),
    )


def offered_strands(session: Session) -> Sequence[Strand]:
    """The strands of the page's programme, or none where no programme is loaded yet."""
    try:
        return programmes.shown(session).strands
    except NotFound:
        if programmes.offered(session):
            raise
        return ()


def asked_strands(session: Session) -> Sequence[Strand]:
    """The strands that the filters of a file or a form speak of: those of its programme, none where they speak
    of none and name no programme.

    Raises NotFound, and Refused where it names none of several programmes.
    """
    names = (programme.ARGUMENT, *filter(_STRAND.fullmatch, request.args))
    speaks = any(request.args.get(name) for name in names)
    return programmes.named(session).strands if speaks else ()


def chips(filters: Filters, networks: Mapping[str, str]) -> list[FilterChip]:
    """The filters in force. `networks` are the names by code."""
    of = of_programme(programme.name())
    named = [
        ("q", filters.text, f"« {filters.text} »"),
        *(("network", code, networks.get(code, code)) for code in filters.networks),
        ("federation", filters.federation, filters.federation),
        ("level", filters.level, LEVELS[filters.level] if filters.level else ""),
        ("zone", filters.zone, f"Zone : {filters.zone}"),
        ("province", filters.province, f"Province : {filters.province}"),
        ("municipality", filters.municipality, f"Commune : {filters.municipality}"),
        ("reach", filters.reach, filters.reach.label if filters.reach else ""),
        *((_key(number), state, f"Volet {number}{of} : {RollUp(state).label}") for number, state in filters.standings),
    ]
    return [FilterChip(label, _without(name, str(value))) for name, value, label in named if value]


def sentence(filters: Filters, networks: Mapping[str, str]) -> str:
    """What the list shows, in French, after “12 pouvoirs organisateurs”; "" for the whole directory."""
    of = of_programme(programme.name())
    named = [networks.get(code, code) for code in filters.networks]
    parts = [f"du réseau {named[0]}" if len(named) == 1 else f"des réseaux {all_of(named)}"] if named else []
    if filters.federation:
        parts.append(f"que représente {filters.federation}")
    parts += [f"{_STANDING[RollUp(state)]} {number}{of}" for number, state in filters.standings]
    if filters.reach:
        parts.append(_REACH[filters.reach])
    if where := _of_schools(filters):
        parts.append(f"avec une école {where}")
    if filters.text:
        parts.append(f"où figure {_sought(filters)}")
    return ", ".join(parts)


def corrections(filters: Filters) -> list[str]:
    """A French sentence for each word of the search that was not found, with what was searched in its place."""
    found = filters.found.corrected if filters.found else ()
    return [f"« {typed} » ne donne rien. Voici ce que donne {_either(others)}." for typed, others in found]


def _sought(filters: Filters) -> str:
    """The text that was searched; where words stand in for one that was not found, these, as the list shows them."""
    stand_ins = dict(filters.found.corrected) if filters.found else {}
    if not stand_ins:
        return f"« {filters.text} »"
    return " et ".join(_either(stand_ins.get(word, (word,))) for word in filters.text.casefold().split())


def _of_schools(filters: Filters) -> str:
    """What is asked of one and the same school."""
    level = _OF_LEVEL[filters.level] if filters.level else ""
    zone = f"de la zone {filters.zone}" if filters.zone else ""
    municipality = f"à {filters.municipality}" if filters.municipality else ""
    province = IN_PROVINCE.get(filters.province, f"en province de {filters.province}") if filters.province else ""
    return " ".join(part for part in (level, zone, municipality, province) if part)


def _either(spelt: Sequence[str]) -> str:
    return " ou ".join(f"« {word} »" for word in spelt)


def _key(number: int) -> str:
    """The name of a strand's filter in an address."""
    return f"strand{number}"


def _without(name: str, value: str) -> str:
    if name == "network":
        kept = [("network", code) for code in request.args.getlist("network") if code != value]
        others = again(request, page=None, network=None)
        return f"{others}{'&' if '?' in others else '?'}{urlencode(kept)}" if kept else others
    return again(request, page=None, **{name: None})
