"""Proposals: federations and networks make them from a sheet, staff accept or refuse them, and all read the answer."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField, TextAreaField

from outreach.access import colleagues
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.directory import authorities, confirmations, contacts, register
from outreach.directory.models import Contact
from outreach.engagement import replies
from outreach.staff import asked_addresses, proposals
from outreach.staff.proposals import Proposal, ProposalState, ProposalTarget
from outreach.web.shared.list_files import has_files
from outreach.web.ui.fields import WORDS, posted, remark, telling
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import actor, current_day, database, is_scoped, judged, needs, now, reading, settings

pages = Blueprint("proposals", __name__)


class ProposalForm(FlaskForm):
    """What is proposed about a member: another address, or that a school is gone, and how one knows."""

    address = StringField("Nouvelle adresse de courriel", description="Par exemple direction@ecole.example.")
    said = TextAreaField(
        "Comment le savez-vous ?",
        [remark("Dites comment vous le savez.")],
        description="Le service le lit avant d’accepter, par exemple « appel du secrétariat, le 3 mai ».",
        render_kw=WORDS,
    )


class ProposalAnswerForm(FlaskForm):
    """What staff say to whoever proposed."""

    answer = TextAreaField(
        "Réponse", [remark()], description="La personne la reçoit. Un refus dit toujours pourquoi.", render_kw=WORDS
    )


@pages.get("/proposals")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        return render_template(
            "pages/proposals/index.html",
            shown=Shown.of(request, _listed(session), export=".export"),
            state=_state(),
            states=list(ProposalState),
            text=sought(request),
        )


@pages.get("/directory/<number:fase>/proposals/new")
@needs(RoleName.READER)
def new(fase: int) -> str | Redirect:
    """The form of a proposal. Staff correct the address themselves."""
    if not is_scoped():
        return redirect(url_for("directory.authority_contacts", fase=fase))
    return _form_page(fase, ProposalForm(formdata=None))


@pages.post("/directory/<number:fase>/proposals")
@needs(RoleName.READER)
def propose(fase: int) -> Redirect | tuple[str, int]:
    """Record a proposal: its target is read through the scope, and it is written on the ordinary connection."""
    if current_user.access_scope is None:
        raise Refused("Une proposition vient d’une fédération ou d’un réseau : corrigez vous-même la fiche.")
    form, about = ProposalForm(), _about()
    with reading() as seen:
        target = ProposalTarget(seen, fase, contact=about["contact"], school=about["school"])
    new_address = None
    if form.validate_on_submit() and about["school"] is None:
        with telling(form.address):
            new_address = judged(form.address.data or "")
    if not form.errors:
        with telling(form.said), database().writing() as session:
            said = form.said.data or ""
            proposals.propose(
                session, target, current_user.access_scope, said, judged=new_address, now=now(), actor=actor()
            )
    if form.errors:
        return _form_page(fase, form), 422
    flash("Votre proposition est envoyée au service. Sa réponse vous parviendra par courriel, et ici.", "success")
    return redirect(url_for(".index"))


@pages.get("/proposals/<number:number>")
@needs(RoleName.AUTHOR)
def one(number: int) -> str:
    return _page(number, ProposalAnswerForm(formdata=None))


@pages.post("/proposals/<number:number>/acceptance")
@needs(RoleName.AUTHOR)
def accept(number: int) -> Redirect | tuple[str, int]:
    return _decide(number, accepts=True)


@pages.post("/proposals/<number:number>/refusal")
@needs(RoleName.AUTHOR)
def refuse(number: int) -> Redirect | tuple[str, int]:
    return _decide(number, accepts=False)


def _decide(number: int, *, accepts: bool) -> Redirect | tuple[str, int]:
    form, sending, answer = ProposalAnswerForm(), SenderIdentity.of(settings()), posted("answer")
    if form.validate_on_submit():
        with telling(form.answer):
            with reading() as session:
                made = proposals.by_key(session, number)
                fields = {"name": colleagues.name_of(session, made.proposed_by), "contact": actor()}
                mail = proposals.answered(made, accepts=accepts, answer=answer, sending=sending, now=now(), **fields)
                address = (
                    contacts.weigh(judged(made.address), contacts.in_use(session), fase=made.authority.fase)
                    if made.address
                    else None
                )
            with database().writing() as writing:
                taken = proposals.by_key(writing, number)
                if accepts:
                    done = writing, taken, answer, mail, sending
                    proposals.accept(*done, judged=address, today=current_day(), now=now(), actor=actor())
                else:
                    proposals.refuse(writing, taken, answer, mail, sending, now=now(), actor=actor())
    if form.errors:
        return _page(number, form), 422
    flash("La proposition est acceptée, et faite." if accepts else "La proposition est refusée.", "success")
    return redirect(url_for(".index"))


@has_files(pages, "/proposals/export", "propositions", RoleName.READER)
def _listed(session: Session) -> QueryListing[Proposal]:
    return proposals.listed(
        session, current_user.access_scope, state=_state(), text=sought(request), sort=sorting(request)
    )


def _state() -> ProposalState | None:
    return member(ProposalState, request.args.get("state"))


def _about() -> dict[str, int | None]:
    """Which mailbox or school of the member the address of the request names. Raises NotFound on what is no number."""
    return {name: _named(name) for name in ("contact", "school")}


def _named(name: str) -> int | None:
    if name not in request.args:
        return None
    number = whole_number(request.args[name])
    if number is None:  # to go on without it would propose something else
        raise NotFound("Ce PO n’a ni boîte ni école de ce numéro.")
    return number


def _form_page(fase: int, form: ProposalForm) -> str:
    about = _about()
    with reading() as session:
        owner = authorities.authority_by_fase(session, fase)
        held = contacts.contact(session, owner, about["contact"]) if about["contact"] is not None else None
        school = register.school_of(session, owner, about["school"]) if about["school"] is not None else None
        return render_template(
            "pages/proposals/form.html", authority=owner, contact=held, school=school, form=form, about=about
        )


def _page(number: int, form: ProposalAnswerForm) -> str:
    with reading() as session:
        made = proposals.by_key(session, number)
        if made.scope_kind is None:
            form.answer.description = "Elle reste ici : personne ne la reçoit."
        who = replies.known_names(session, made.authority)
        last = confirmations.latest(session, Contact.id == made.contact_id) if made.contact_id else {}
        shown = {"made": made, "form": form, "colleagues": who, "last": next(iter(last.values()), None)}
        shown["mail"] = asked_addresses.mail_of(session, made)
        return render_template("pages/proposals/proposal.html", **shown)
