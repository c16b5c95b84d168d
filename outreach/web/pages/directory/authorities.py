"""The directory: search authorities, open one, correct its addresses, download the list."""

from dataclasses import asdict

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.adherence import records
from outreach.adherence.models import RollUp
from outreach.adherence.programmes import names_among_several, of_programme
from outreach.campaigns import channels, correspondence, results
from outreach.campaigns.results import Planned, WrittenList
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing, QueryListing, Total
from outreach.core.text.addresses import Judgement
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.directory import authorities, contacts, reference, register
from outreach.directory.authorities import ListedRow, ListedSchool, ReachFilter
from outreach.directory.contacts import Particulars
from outreach.directory.models import Authority, Contact, MailboxKind
from outreach.directory.reference import PROVINCES
from outreach.engagement import mailboxes
from outreach.engagement.mailboxes import ListedMailbox
from outreach.web.pages.directory import filters as filtering
from outreach.web.shared import programmes
from outreach.web.shared.list_files import has_files
from outreach.web.shared.write_to_list import call_those, write_to
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui import programme as of_request
from outreach.web.ui.fields import posted_number
from outreach.web.ui.forms import ContactForm
from outreach.web.ui.pager import Shown, most_counted, sorting, sought
from outreach.web.ui.request import actor, current_day, database, is_scoped, needs, now, reading

pages = Blueprint("directory", __name__, url_prefix="/directory")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        strands = filtering.offered_strands(session)
        filters = authorities.resolve_text(session, filtering.asked(request.args, strands, current_day()))
        counts = authorities.count_authorities(session, filters, most := most_counted(request))
        found = authorities.list_authorities(session, filters, sorting(request))
        networks = authorities.list_networks(session)
        labels = {network.code: network.label for network in networks}
        return render_template(
            "pages/directory/index.html",
            filters=filters,
            counts=counts,
            shown=Shown.of(
                request,
                found,
                total=Total.of(counts.authorities, most),
                export=".export",
                write=".write_to_list",
                call=".call_list",
                most_called=channels.MOST if _may_call(session) else 0,
            ),
            chips=filtering.chips(filters, labels),
            sentence=filtering.sentence(filters, labels),
            corrections=filtering.corrections(filters),
            strands=strands,
            strand_of=of_programme(of_request.name()),
            states=list(RollUp),
            standings={strand.number: "" for strand in strands} | dict(filters.standings),
            municipalities=authorities.list_municipalities(session),
            networks=networks,
            federations=authorities.list_federations(session),
            zones=authorities.list_zones(session),
            provinces=PROVINCES,
            levels=filtering.LEVELS,
            reaches=list(ReachFilter),
            edition=register.last_import(session),
            renamed=register.asked_again(session),
            contradicted=register.contradicted_reports(session),
        )


@pages.route("/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list() -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities that the filters find: a rule where criteria say the same, else a list."""
    with reading() as session:
        filters = filtering.asked(request.args, filtering.asked_strands(session), current_day())
        rule = results.rule_of_directory(filters)
        labels = {network.code: network.label for network in authorities.list_networks(session)}
        keys = authorities.list_authorities(session, filters).keys() if rule is None else ()
    said = ", ".join(chip.label for chip in filtering.chips(filters, labels))
    return write_to(WrittenList(f"Annuaire : {said}" if said else "Tout l’annuaire", rule, keys))


def _may_call(session: Session) -> bool:
    """Whether the person may have those of a list be called for a campaign, as far as there is one."""
    return current_user.holds(RoleName.AUTHOR) and bool(channels.campaigns_to_call_for(session))


@pages.post("/calls")
@needs(RoleName.AUTHOR)
def call_list() -> Redirect | str:
    """Call the authorities that the filters find: for the campaign that the form names, or a page that asks which."""
    with reading() as session:
        keys = _listed(session).keys()
        offered = channels.campaigns_to_call_for(session)
        chosen = posted_number("campaign")
        if chosen not in offered and len(offered) != 1:
            return render_template("pages/directory/calls.html", campaigns=offered, count=len(keys))
    return call_those(chosen if chosen in offered else next(iter(offered)), keys)


@pages.get("/<number:fase>")
@needs(RoleName.READER)
def authority(fase: int) -> str:
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        return render_template(
            "pages/directory/schools.html",
            authority=authority_row,
            federations=authorities.represented_by(session, authority_row),
            stands=_stands(session, authority_row),
            failing=contacts.failing_of(session, authority_row),
            received=_received(session, authority_row),
            wrote_on=correspondence.last_written(session, authority_row),
            shown=Shown.of(
                request,
                _schools(session, fase, authority_row),
                few=True,
                export=".export_schools",
                hidden=() if current_user.holds(RoleName.AUTHOR) or is_scoped() else ("report",),
            ),
            text=sought(request),
            renamed=[asked for asked in register.asked_again(session) if asked.owner == fase],
            reported=register.list_reports(session, authority_row),
            why=_why(session, authority_row),
        )


@pages.get("/<number:fase>/contacts")
@needs(RoleName.READER)
def authority_contacts(fase: int) -> str:
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        found = _mailboxes(session, fase, authority_row)
        return render_template(
            "pages/directory/contacts.html",
            authority=authority_row,
            federations=authorities.represented_by(session, authority_row),
            shown=Shown.of(request, found, export=".export_contacts"),
            text=sought(request),
        )


@pages.get("/<number:fase>/contacts/new")
@needs(RoleName.AUTHOR)
def new_contact(fase: int) -> str:
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        return _form_page(
            authority_row, ContactForm(request.args if {"address", "schools"} & set(request.args) else None)
        )


@pages.post("/<number:fase>/contacts")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ContactForm))
def add_contact(fase: int) -> Redirect | tuple[str, int]:
    return _save(fase, None)


@pages.get("/<number:fase>/contacts/<number:contact_id>")
@needs(RoleName.AUTHOR)
def contact(fase: int, contact_id: int) -> str:
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        old = contacts.contact(session, authority_row, contact_id)
        schools = " ".join(str(school.fase) for school in contacts.schools_of(session, old))
        shown = {"address": old.address, "kind": old.mailbox_kind, "schools": schools}
        return _form_page(authority_row, ContactForm(data=shown | asdict(Particulars.of(old))), old)


@pages.post("/<number:fase>/contacts/<number:contact_id>")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ContactForm))
def correct_contact(fase: int, contact_id: int) -> Redirect | tuple[str, int]:
    return _save(fase, contact_id)


@pages.get("/<number:fase>/contacts/<number:contact_id>/retirement")
@needs(RoleName.AUTHOR)
def retirement(fase: int, contact_id: int) -> str:
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        old = contacts.contact(session, authority_row, contact_id)
        known, coming = contacts.contacts_of(session, authority_row), _to_come(session, authority_row, old)
        return render_template(
            "pages/directory/retirement.html",
            authority=authority_row,
            old=old,
            others=[held for held in known if held.retired_at is None and held.id != old.id],
            queued=[planned.wave for planned in coming if planned.is_queued],
            planned=[planned.wave for planned in coming if not planned.is_queued],
        )


@pages.post("/<number:fase>/contacts/<number:contact_id>/retirement")
@needs(RoleName.AUTHOR)
def retire_contact(fase: int, contact_id: int) -> Redirect:
    with database().writing() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        old = contacts.contact(session, authority_row, contact_id)
        contacts.retire(session, authority_row, old, now=now(), actor=actor())
        flash(f"L’adresse {old.address} n’est plus utilisée.", "success")
    return redirect(url_for(".authority_contacts", fase=fase))


@pages.post("/<number:fase>/contacts/<number:contact_id>/restoration")
@needs(RoleName.AUTHOR)
def restore_contact(fase: int, contact_id: int) -> Redirect:
    with database().writing() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        back = contacts.restore(session, authority_row, contact_id, now=now(), actor=actor())
        sentence = f"L’adresse {back.address} est remise en usage."
    flash(sentence, "success")
    return redirect(url_for(".authority_contacts", fase=fase))


@pages.post("/<number:fase>/contacts/<number:contact_id>/review")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def review_contact(fase: int, contact_id: int) -> Redirect:
    with database().writing() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        waiting = contacts.contact(session, authority_row, contact_id)
        contacts.review(session, authority_row, waiting, now=now(), actor=actor())
        flash(f"L’adresse {waiting.address} est vérifiée et peut servir.", "success")
    return redirect(url_for(".authority_contacts", fase=fase))


@has_files(pages, "/export", "pouvoirs-organisateurs", RoleName.READER)
def _listed(session: Session) -> QueryListing[ListedRow]:
    filters = filtering.asked(request.args, filtering.asked_strands(session), current_day())
    return authorities.list_authorities(session, filters, sorting(request))


@has_files(pages, "/<number:fase>/schools", "ecoles-{fase}", RoleName.READER, endpoint="export_schools")
def _schools(session: Session, fase: int, found: Authority | None = None) -> QueryListing[ListedSchool]:
    authority_row = found or authorities.authority_by_fase(session, fase)
    return authorities.list_schools(session, authority_row, text=sought(request), sort=sorting(request))


def _why(session: Session, authority_row: Authority) -> str:
    """Why a federation's or a network's account sees it, as one sentence; '' for staff."""
    scope = current_user.access_scope
    if scope is None:
        return ""
    own = [levels for one, levels in authorities.represented_by(session, authority_row) if one.code == scope.code]
    return reference.reason(session, scope, [level.label for levels in own for level in levels])


def _stands(session: Session, authority_row: Authority) -> list[tuple[str, str, str]]:
    """Where it stands in each open strand that concerns its schools: what the strand is called, the code of its
    programme where several are loaded, and where it stands in it, in French."""
    names, found = names_among_several(session), []
    for programme in programmes.offered(session):
        rows, is_one_of_several = records.list_standings(session, authority_row, programme, current_day()), bool(names)
        for strand in programme.open_on(current_day()):
            if words := records.standing_in_words(rows, strand):
                label = f"{programme.name}, volet" if is_one_of_several else "Volet"
                found.append((f"{label} {strand.number}", programme.code if is_one_of_several else "", words))
    return found


def _received(session: Session, authority_row: Authority) -> str:
    """How many letters of campaigns it received this school year, by colour, in French."""
    counts = results.letters_received_by(session, [authority_row.id], now=now())
    return results.letters_in_words(counts.get(authority_row.id, {}))


@has_files(pages, "/<number:fase>/contacts", "contacts-{fase}", RoleName.READER, endpoint="export_contacts")
def _mailboxes(session: Session, fase: int, found: Authority | None = None) -> InMemoryListing[ListedMailbox]:
    authority_row, names = found or authorities.authority_by_fase(session, fase), accounts.colleagues(session)
    return mailboxes.list_mailboxes(session, authority_row, names, text=sought(request), sort=sorting(request))


def _to_come(session: Session, authority_row: Authority, held: Contact) -> list[Planned]:
    """The waves to come that write to an address, the letters in the outbox among them."""
    coming = results.to_come(session, authority_row, now=now())
    return [planned for planned in coming if held.address in planned.addresses]


def _form_page(authority_row: Authority, form: ContactForm, old: Contact | None = None) -> str:
    return render_template("pages/directory/contact.html", authority=authority_row, form=form, old=old)


def _save(fase: int, contact_id: int | None) -> Redirect | tuple[str, int]:
    form = ContactForm()
    with reading() as session:
        form.offer(contacts.own_schools(session, authorities.authority_by_fase(session, fase)))
    is_fit, asks = form.validate_on_submit(), False
    if is_fit and form.judged is not None:
        with reading() as session:
            form.judged = contacts.weigh(form.judged, contacts.in_use(session), fase=fase)
        asks = bool(form.judged.display_name or form.judged.warnings) and form.confirmed.data != form.judged.address
        if asks:
            form.ask_to_confirm()
        elif _stored(fase, contact_id, form, form.judged):
            return redirect(url_for(".authority_contacts", fase=fase))
    elif any(mark in (form.address.data or "") for mark in "\r\n\0"):
        extra = {"event": "line_break_refused"}
        current_app.logger.warning(
            "an address with a line break was refused, of account %s", current_user.id, extra=extra
        )
    with reading() as session:
        authority_row = authorities.authority_by_fase(session, fase)
        old = contacts.contact(session, authority_row, contact_id) if contact_id is not None else None
        return _form_page(authority_row, form, old), 200 if asks else 422


def _stored(fase: int, contact_id: int | None, form: ContactForm, judged: Judgement) -> bool:
    """Add the address of a valid form, or replace another, and say so; whether that worked.

    If not, the form holds the error.
    """
    told, kind = form.particulars, MailboxKind(form.kind.data)
    try:
        with database().writing() as session:
            authority_row = authorities.authority_by_fase(session, fase)
            if contact_id is None:
                held = contacts.add(
                    session, authority_row, judged, now=now(), actor=actor(), particulars=told, kind=kind
                )
            else:
                old = contacts.contact(session, authority_row, contact_id)
                held = contacts.correct(
                    session, authority_row, old, judged, now=now(), actor=actor(), particulars=told, kind=kind
                )
            if form.chosen or (form.chosen is not None and contact_id is not None):
                contacts.answer_for(session, authority_row, held, form.chosen, now=now(), actor=actor())
            outbox.vouch_for_address(session, judged.key, now=now(), actor=actor())
    except InputError as error:
        form.address.errors = [str(error)]
        return False
    flash(" ".join([f"L’adresse {judged.address} est enregistrée.", *judged.notes]), "success")
    return True
