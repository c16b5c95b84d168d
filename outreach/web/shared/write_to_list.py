"""From a list to a campaign, or to the calls of one."""

from collections.abc import Collection, Sequence
from functools import partial

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence.models import Programme, Strand
from outreach.campaigns import channels, planning, results
from outreach.campaigns.planning import Definition
from outreach.campaigns.results import WrittenList
from outreach.campaigns.segments import Concerns
from outreach.core.text.typed import line_of_words
from outreach.web.shared.beginning import Beginning, begin, blank, ready_made
from outreach.web.ui.request import actor, database, now, reading

INVITATION = ("invitation",)
REMINDER = ("rappel", "invitation")  # of those who received a letter: the invitation where there is no reminder


def write_to(
    written: WrittenList, *, strand: int | None = None, concerns: Concerns = Concerns.OPEN, kinds: Sequence[str] = ()
) -> Redirect | str | tuple[str, int]:
    """Ask how a campaign for a list begins; `strand` is the key of the strand that the list is about, if it is.

    It is like the first ready-made campaign of these `kinds` (INVITATION, or REMINDER) that is about its strand; else
    it is blank.
    """
    line_of_words(written.name)
    name = results.name_for_list(written)
    return begin(Beginning(name, partial(_like, name, concerns, kinds), strand, written))


def _like(
    name: str, concerns: Concerns, kinds: Sequence[str], programme: Programme, strand: Strand, is_only: bool
) -> Definition:
    with reading() as session:
        ready = ready_made(session)
    fitting = (
        stated
        for kind in kinds
        for word, stated in ready.items()
        if word.startswith(f"{kind}-") and planning.is_for(stated, programme, strand, is_only=is_only)
    )
    empty = blank(ready, name, programme, strand, is_only=is_only)
    stated = next(fitting, empty).model_copy(update={"concerns": concerns})
    return planning.definition_about(stated, programme, strand, is_only=is_only)


def call_those(number: int, authorities: Collection[int]) -> Redirect:
    """Add the authorities of a list to the calls of a campaign, and lead there. Raises as `ask_for_calls`."""
    with database().writing() as session:
        asked = channels.ask_for_calls(
            session, planning.in_turn(session, number), authorities, now=now(), actor=actor()
        )
    flash(asked.in_words, "success" if asked.added else "info")
    return redirect(url_for("campaigns.list_calls", number=number))
