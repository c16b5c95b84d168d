"""The programme that a request is about: that of its address, or the only one; a page also takes the usual one."""

from collections.abc import Sequence

from flask import request

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.adherence.situation import programmes_concerning
from outreach.core.db import Session
from outreach.staff.usual_programme import usual
from outreach.web.ui import programme as of_request
from outreach.web.ui.pager import words
from outreach.web.ui.request import actor, current_day, is_scoped

LONGEST_CODE = 60


def named(session: Session) -> Programme:
    """The programme of a file or a form: that which the address names, or the only one. Raises as `coded`."""
    return coded(session, _asked())


def coded(session: Session, code: str) -> Programme:
    """The programme that a form's field names by its code, or the only one.

    Raises NotFound, and Refused with the codes where it names none and there are several.
    """
    there = offered(session)
    return _held(session, programmes.get_programme(session, code, there), there)


def shown(session: Session) -> Programme:
    """The programme of a page: as for a file, else the usual one of who reads, which the page names.

    Raises NotFound.
    """
    there = offered(session)
    if len(there) < 2 or _asked():
        return _held(session, programmes.get_programme(session, _asked(), there), there)
    return _held(session, usual(session, actor(), there, current_day()), there)


def filtered(session: Session, *, usually_one: bool = False) -> Programme | None:
    """The programme that a list is narrowed to; None for all of them. Raises NotFound.

    Where its address names none, a list has them all; one that is `usually_one` is then that of a page (`shown`).
    """
    there = of_request.choices(offered(session)) if is_scoped() else programmes.programme_codes(session)
    of_request.offer(there)
    if not there or _asked() == of_request.EVERY:
        return None
    if _asked():
        return named(session)
    return shown(session) if usually_one and len(there) > 1 else None


def _asked() -> str:
    return words(request.args, of_request.ARGUMENT, LONGEST_CODE)


def offered(session: Session) -> Sequence[Programme]:
    """The programmes that one may go over to: all, or those that concern the members of an account's scope."""
    return programmes_concerning(session, current_day())


def _held(session: Session, programme: Programme, there: Sequence[Programme]) -> Programme:
    if len(there) > 1 or (is_scoped() and programmes.name_among_several(session, programme)):
        of_request.hold(programme, there)
    return programme
