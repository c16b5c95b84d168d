"""The page from which whoever lacks a role asks those who have it to do a task, with the page where it is done."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import HiddenField, SelectChoice, SelectField, StringField

from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.roles import RoleName
from outreach.staff_mail import handing_over
from outreach.web.signing_in.kept import keeps_text, of_fields
from outreach.web.ui.fields import WORDS, remark, telling
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("handing_over", __name__, url_prefix="/ask/<any(author, approver, administrator):role>")


class AskForm(FlaskForm):
    """Whom to ask, in which words; `page` is the path of the page where it is done."""

    to = SelectField("À qui", validate_choice=False)
    words = StringField(
        "Ce que vous demandez",
        [remark("Dites ce que vous demandez.")],
        description="L’adresse de la page s’ajoute d’elle-même.",
        render_kw=WORDS,
    )
    page = HiddenField()


@pages.get("")
@needs(RoleName.READER)
def index(role: str) -> str:
    return _page(RoleName(role), AskForm(formdata=None, data={"page": request.args.get("page", "/")}))


@pages.post("")
@needs(RoleName.READER)
@keeps_text(of_fields({"words": "Ce que vous demandez"}))
def ask(role: str) -> Redirect | tuple[str, int]:
    form, asked = AskForm(), RoleName(role)
    page = form.page.data or ""
    if form.validate_on_submit():
        with telling(form):
            with reading() as session:
                words, to = form.words.data or "", form.to.data or ""
                mail = handing_over.write(session, asked, to, page, words, _sending(), now=now(), actor=actor())
            with database().writing() as session:
                count = handing_over.ask(session, mail, asked, _sending(), now=now(), actor=actor())
            flash("La demande part par courriel." if count == 1 else f"La demande part à {count} personnes.", "success")
            return redirect(url_for("situation.index"))
    return _page(asked, form), 422


def _page(role: RoleName, form: AskForm) -> str:
    page = form.page.data or "/"
    if not handing_over.is_page(page):
        abort(404)
    with reading() as session:
        able = handing_over.able(session, role, actor())
    everybody = SelectChoice("", f"Toutes les personnes qui ont le rôle « {role.label} »")
    form.to.choices = [*([everybody] if len(able) > 1 else []), *(SelectChoice(one.email, one.name) for one in able)]
    return render_template("pages/ask.html", role=role, form=form, able=able, page=page)


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())
