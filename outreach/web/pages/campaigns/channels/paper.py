"""« Papier »: the letters on paper of a campaign: what is due, batches, their files as a job, posted, returned."""

from flask import Response, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.campaigns import channels, planning
from outreach.campaigns.review import Preview
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.tables import Origin
from outreach.core.text import french
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.web.pages.campaigns.blueprint import pages, sending, show, step_of, title_in_file
from outreach.web.shared.jobs import later
from outreach.web.sign_in.access_log_queue import of_export
from outreach.web.ui.exports import attachment, download
from outreach.web.ui.fields import posted, pressed
from outreach.web.ui.pager import Shown, sorting
from outreach.web.ui.request import actor, current_day, database, end_reading, finishing, job, needs, now, reading, tell

MOST_RETURNED = 2000  # characters of FASE numbers typed at once


@pages.get("/<number:number>/paper")
@needs(RoleName.READER)
def paper(number: int) -> str:
    with reading() as session:
        return _page(session, number)


@pages.get("/<number:number>/paper/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_batches(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        listed = channels.list_batches(session, campaign, sort=sorting(request))
        table, title = listed.table(accounts.colleagues(session)), title_in_file(session, campaign)
        return download(table, kind, f"lots-de-lettres-campagne-{number}", campaign=title)


@pages.get("/paper/window.pdf")
@needs(RoleName.READER)
def paper_window() -> Response:
    return attachment(channels.window_page(now()), "application/pdf", "verifier-la-fenetre.pdf")


@pages.get("/<number:number>/letter/paper.pdf")
@needs(RoleName.READER)
def read_on_paper(number: int) -> Response:
    """The letter to the authority that the request names, or to the first one, as it would be printed."""
    asked = whole_number(request.args.get("as", ""))
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        preview = Preview(session, campaign, sending(), planning.plan_waves(session, campaign, now=now()), now=now())
        among = [row.Authority for row in preview.recipients()]
        chosen = next((one for one in among if one.fase == asked), among[0] if among else None)
        letter = preview.paper(chosen) if chosen else None
        if chosen is None or letter is None:
            raise Refused("Cette campagne n’écrit à personne aujourd’hui : élargissez son public.")
        words, fase = (letter.subject, letter.html), chosen.fase
        set_letter = channels.sample_letter(session, campaign, chosen, words, sending(), now=now())
    end_reading()
    return attachment(set_letter(), "application/pdf", f"lettre-campagne-{number}-fase-{fase}.pdf")


@pages.post("/<number:number>/paper")
@needs(RoleName.AUTHOR)
def make_batches(number: int) -> Redirect:
    """Make a batch of all letters that are due, as a job: hundreds of steps are judged again."""
    where = url_for(".paper", number=number)
    if not job():
        return later(f"Préparer les lettres de la campagne {number}", where)
    sheet, made, unfit = pressed("sheet"), 0, 0
    with finishing() as session:
        campaign = planning.in_turn(session, number)
        for wave in channels.waves_of(campaign):
            told = channels.make_batch(session, campaign, wave, sending(), sheet=sheet, now=now(), actor=actor())
            made += told.batch.letters if told.batch else 0
            unfit += len(told.unfit)
        if not made and not unfit:
            raise Refused("Aucune lettre sur papier n’est due : la page dit quand la prochaine le sera.")
        bad = french.plural(unfit, "adresse est à corriger", "adresses sont à corriger")
        tell(f"{french.plural(made, 'lettre préparée', 'lettres préparées')}{f' ; {bad}' if unfit else ''}.")
    return redirect(where)


@pages.post("/<number:number>/paper/<number:batch>/files")
@needs(RoleName.AUTHOR)
def paper_files(number: int, batch: int) -> Response | Redirect:
    """The files of a batch, as a job. They hold live codes: who fetches them stands in the audit."""
    work = job()
    if work is None:
        return later(f"Fichiers du lot de lettres {batch}", url_for(".paper", number=number))
    with database().writing() as session:
        channels.batch_of(session, planning.campaign_numbered(session, number), batch)
        audit.record_entry(session, now(), actor(), f"Fichiers du lot {batch} remis.", f"campaign:{number}")
    with reading() as session:
        found = channels.batch_of(session, planning.campaign_numbered(session, number), batch)
        name = accounts.colleagues(session)[actor()]
        made = channels.files_of(session, found, sending(), now=now(), author=name, progress=work.progress)
    end_reading()
    of_export(f"lettres sur papier : lot {batch}")
    suffix = Origin(now(), current_user.name).suffix()
    return attachment(made.archive(), "application/zip", f"lettres-lot-{batch}{suffix}.zip")


@pages.post("/<number:number>/paper/<number:batch>/posting")
@needs(RoleName.AUTHOR)
def post_batch(number: int, batch: int) -> Redirect | tuple[str, int]:
    try:
        on = parse_day(posted("day"))
        with database().writing() as session:
            found = channels.batch_of(session, planning.campaign_numbered(session, number), batch)
            count = channels.note_posted(session, found, on=on, today=current_day(), now=now(), actor=actor())
    except InputError as error:
        return _refused(number, f"day-{batch}", error)
    flash(f"{french.plural(count, 'lettre est postée', 'lettres sont postées')} le {french.day(on)}.", "success")
    return redirect(url_for(".paper", number=number))


@pages.post("/<number:number>/paper/<number:batch>/returns")
@needs(RoleName.AUTHOR)
def note_returns(number: int, batch: int) -> Redirect | tuple[str, int]:
    """Letters that came back, by the FASE numbers of their authorities."""
    try:
        numbers = _numbers(posted("numbers")[:MOST_RETURNED])
        with database().writing() as session:
            found = channels.batch_of(session, planning.campaign_numbered(session, number), batch)
            count = channels.came_back(session, found, numbers, on=current_day(), now=now(), actor=actor())
    except InputError as error:
        return _refused(number, f"numbers-{batch}", error)
    words = french.plural(count, "lettre est notée comme revenue", "lettres sont notées comme revenues")
    flash(f"{words} : leur adresse est à corriger.", "success")
    return redirect(url_for(".paper", number=number))


def _numbers(typed: str) -> list[int]:
    words = typed.replace(",", " ").replace(";", " ").split()
    numbers = [one for word in words if (one := whole_number(word)) is not None]
    if len(numbers) != len(words):
        raise InputError("Écrivez des numéros FASE, séparés par des espaces.")
    return numbers


def _refused(number: int, place: str, error: InputError) -> tuple[str, int]:
    with reading() as session:
        return _page(session, number, (place, str(error))), 422


def _page(session: Session, number: int, fault: tuple[str, str] | None = None) -> str:
    campaign = planning.campaign_numbered(session, number)
    listed = channels.list_batches(session, campaign, sort=sorting(request))
    names = accounts.colleagues(session)
    return show(
        "channels/paper/index",
        step_of(session, "paper", campaign),
        shown=Shown.of(request, listed, names=names, export=".export_batches"),
        due=channels.letters_due(session, campaign, now=now()),
        fault=fault,
        today=current_day(),
    )
