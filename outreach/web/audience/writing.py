"""From a list to a campaign: a draft with that audience, and the page where it goes on."""

from collections.abc import Sequence

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import staff
from outreach.campaigns import definitions, from_lists
from outreach.campaigns.definitions import Definition
from outreach.campaigns.from_lists import WrittenList
from outreach.segments.audience import Concerns
from outreach.settings import ROOT
from outreach.text import line_of_words
from outreach.web.ui.request import actor, database, now

FOLDER = ROOT / "campaigns"  # the ready-made ones
INVITATION = ("invitation",)
REMINDER = ("rappel", "invitation")  # of those who received a letter: the invitation where there is no reminder


def write_to(
    written: WrittenList,
    *,
    strand: int = 0,
    programme: str = "",
    concerns: Concerns = Concerns.OPEN,
    ready_made: Sequence[str] = (),
) -> Redirect:
    """Begin a campaign for a list, and lead to its audience.

    It is like the first of the `ready_made` campaigns that its strand has (INVITATION, or REMINDER); else it is blank,
    of the first strand unless another is named, with its programme. Raises InputError when nobody is on the list.
    """
    about = {"concerns": concerns, "programme": programme}
    stated = _like(line_of_words(written.name), strand, ready_made).model_copy(update=about)
    with database().writing() as session:
        author = staff.user_named(session, actor())
        number = from_lists.begin(session, written, stated, now=now(), author=author).id
    flash("La campagne est créée en brouillon, avec ce public. Vérifiez son nom, puis écrivez le courriel.", "success")
    return redirect(url_for("campaigns.audience", number=number))


def _like(name: str, strand: int, kinds: Sequence[str]) -> Definition:
    ready = definitions.ready_made(FOLDER)
    if known := next((word for kind in kinds if (word := f"{kind}-volet-{strand}") in ready), ""):
        return ready[known]
    blank = definitions.blank(name[: from_lists.LONGEST_NAME], next(iter(ready.values())))
    return blank.model_copy(update={"strand": strand or blank.strand})
