"""The programme that a request is about: that of its address, or the only one; a page also takes the usual one."""

from collections.abc import Sequence

from flask import request

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.adherence.programmes.concerning import concerning
from outreach.db import Session
from outreach.own.usual_programme import usual
from outreach.web.ui import programme as of_request
from outreach.web.ui.pager import words
from outreach.web.ui.request import actor, current_day

LONGEST_CODE = 60


def named(session: Session) -> Programme:
    """The programme of a file or a form: that which the address names, or the only one.

    Raises NotFound, and Refused with the codes where the address names none and there are several.
    """
    return _held(session, programmes.named(session, _asked(), there := _offered(session)), there)


def shown(session: Session) -> Programme:
    """The programme of a page: as for a file, else the usual one of who reads, which the page names.

    Raises NotFound.
    """
    there = _offered(session)
    if len(there) < 2 or _asked():
        return named(session)
    return _held(session, usual(session, actor(), there, current_day()), there)


def _asked() -> str:
    return words(request.args, of_request.ARGUMENT, LONGEST_CODE)


def _offered(session: Session) -> Sequence[Programme]:
    """The programmes that one may go over to: all, or those that concern the members of an account's scope."""
    return concerning(session, current_day())


def _held(session: Session, programme: Programme, there: Sequence[Programme]) -> Programme:
    if programmes.name_among_several(session, programme):
        of_request.hold(programme, there)
    return programme
