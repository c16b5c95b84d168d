"""An authority's measuring: what allows each of its mailboxes to be measured by itself, recorded and withdrawn."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import SelectChoice, SelectField, StringField, TextAreaField

from outreach.core.db import Session
from outreach.core.text.dates import parse_day
from outreach.core.text.roles import RoleName
from outreach.directory import authorities, contacts
from outreach.directory.models import Authority, Contact
from outreach.engagement import replies, tracking
from outreach.engagement.tracking import LONGEST_LINE, LONGEST_WORDING
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import DAY, WORDS, a_day, line, lines, posted, telling
from outreach.web.ui.forms import SOURCES
from outreach.web.ui.request import actor, current_day, database, needs, now, reading


class ConsentForm(FlaskForm):
    """The agreement of a mailbox's holder to be measured: who, when, to which words, by which channel."""

    given_by = StringField(
        "Qui l’a donné",
        [line("Indiquez qui l’a donné.", LONGEST_LINE)],
        description="Le nom et la fonction de la personne qui relève cette boîte.",
        render_kw=WORDS,
    )
    day = StringField(
        "Date", [a_day], description="Le jour où l’accord a été donné, par exemple 30/06/2021.", render_kw=DAY
    )
    channel = SelectField("Par quel moyen", choices=[SelectChoice(source.lower(), source) for source in SOURCES])
    wording = TextAreaField(
        "À quels mots",
        [lines("Écrivez les mots auxquels la personne a dit oui.", LONGEST_WORDING)],
        description="Le texte exact auquel la personne a dit oui, 2 000 caractères au plus.",
    )


class ConsentDecisionForm(FlaskForm):
    """The data protection officer's decision about a function's mailbox."""

    reference = StringField(
        "Référence de la décision",
        [line("Indiquez la référence de la décision.", LONGEST_LINE)],
        description="Le numéro ou le nom du document qui la contient.",
    )
    given_by = StringField(
        "Qui l’a prise",
        [line("Indiquez qui l’a prise.", LONGEST_LINE)],
        description="Le délégué à la protection des données, par son nom.",
        render_kw=WORDS,
    )
    day = StringField("Date", [a_day], description="Le jour de la décision, par exemple 30/06/2021.", render_kw=DAY)


pages = Blueprint("measure", __name__, url_prefix="/directory/<number:fase>/measure")


@pages.get("")
@needs(RoleName.READER)
def index(fase: int) -> str:
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        recorded = tracking.of_authority(session, authority)
        return render_template(
            "pages/directory/measure.html",
            authority=authority,
            federations=authorities.represented_by(session, authority),
            mailboxes=[held for held in contacts.contacts_of(session, authority) if held.retired_at is None],
            standing={basis.contact_id: basis for basis in recorded if basis.withdrawn_at is None},
            recorded=recorded,
            sources=SOURCES,
            colleagues=replies.known_names(session, authority),
        )


@pages.get("/<number:contact_id>/consent")
@needs(RoleName.AUTHOR)
def consent_form(fase: int, contact_id: int) -> str:
    with reading() as session:
        authority, contact = _mailbox(session, fase, contact_id)
        form = ConsentForm(
            data={"day": current_day().isoformat(), "wording": tracking.consent_wording(contact.address)}
        )
        return _form_page(authority, contact, form)


@pages.post("/<number:contact_id>/consent")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ConsentForm))
def record_consent(fase: int, contact_id: int) -> Redirect | tuple[str, int]:
    form = ConsentForm()

    def record(session: Session, contact: Contact) -> None:
        tracking.record_consent(
            session,
            contact,
            given_by=form.given_by.data or "",
            taken_on=parse_day(form.day.data or ""),
            wording=form.wording.data or "",
            channel=form.channel.data or "",
            now=now(),
            actor=actor(),
        )

    return _save(fase, contact_id, form, record, "L’accord est enregistré. Il vaut à partir du prochain courriel.")


@pages.get("/<number:contact_id>/decision")
@needs(RoleName.AUTHOR)
def decision_form(fase: int, contact_id: int) -> str:
    with reading() as session:
        authority, contact = _mailbox(session, fase, contact_id)
        return _form_page(authority, contact, ConsentDecisionForm(data={"day": current_day().isoformat()}))


@pages.post("/<number:contact_id>/decision")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ConsentDecisionForm))
def record_decision(fase: int, contact_id: int) -> Redirect | tuple[str, int]:
    form = ConsentDecisionForm()

    def record(session: Session, contact: Contact) -> None:
        tracking.record_decision(
            session,
            contact,
            reference=form.reference.data or "",
            given_by=form.given_by.data or "",
            taken_on=parse_day(form.day.data or ""),
            now=now(),
            actor=actor(),
        )

    return _save(
        fase, contact_id, form, record, "La décision est enregistrée. Elle vaut à partir du prochain courriel."
    )


@pages.post("/bases/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(fase: int, number: int) -> Redirect:
    asked = posted("channel")
    channel = asked.lower() if asked in SOURCES else ""
    with database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        basis = tracking.basis_numbered(session, authority, number)
        tracking.withdraw_basis(session, basis, now=now(), actor=actor(), channel=channel)
    flash("C’est retiré : plus rien n’est enregistré pour cette boîte.", "success")
    return redirect(url_for(".index", fase=fase))


def _mailbox(session: Session, fase: int, contact_id: int) -> tuple[Authority, Contact]:
    authority = authorities.authority_by_fase(session, fase)
    return authority, contacts.contact(session, authority, contact_id)


def _save(
    fase: int, contact_id: int, form: FlaskForm, record: Callable[[Session, Contact], None], told: str
) -> Redirect | tuple[str, int]:
    if form.validate_on_submit():
        with telling(form), database().writing() as session:
            record(session, _mailbox(session, fase, contact_id)[1])
        if not form.errors:
            flash(told, "success")
            return redirect(url_for(".index", fase=fase))
    with reading() as session:
        return _form_page(*_mailbox(session, fase, contact_id), form), 422


def _form_page(authority: Authority, contact: Contact, form: FlaskForm) -> str:
    return render_template("pages/directory/measure_form.html", authority=authority, contact=contact, form=form)
