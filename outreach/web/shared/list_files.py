"""The files of lists: what gives any list of a page its file."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response

from outreach.access import accounts
from outreach.core.tables import NOBODY, Kind, Listing, On
from outreach.core.text.roles import RoleName
from outreach.web.ui.exports import download
from outreach.web.ui.request import needs, reading

Lister = TypeVar("Lister", bound=Callable[..., Listing[Any]])


def has_files(
    pages: Blueprint, rule: str, name: str, *roles: RoleName, endpoint: str = "export"
) -> Callable[[Lister], Lister]:
    """Give the list that a function reads its file, as XLSX and CSV, under a rule: all its rows. The function gets the
    session and what the address names, which stands in the file's name, too (`{fase}`).
    """

    def give(listed: Lister) -> Lister:
        @needs(*roles)
        def export(kind: str, **named: Any) -> Response:
            with reading() as session:
                found = listed(session, **named)
                has_persons = any(column.kind is Kind.PERSON for column in found.on(On.FILE))
                names = getattr(found, "names", NOBODY) or (accounts.colleagues(session) if has_persons else NOBODY)
                return download(found.table(names), kind, name.format(**named))

        pages.add_url_rule(f"{rule}.<any(xlsx, csv):kind>", endpoint, export)
        return listed

    return give
