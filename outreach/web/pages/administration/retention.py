"""How long things are kept, for administrators: every rule, and another period where its bounds allow one."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.operations import retention
from outreach.web.ui.fields import SHORT
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("retention", __name__, url_prefix="/administration/retention")


class PeriodForm(FlaskForm):
    """Another period for a rule."""

    period = StringField("Durée", description="En jours, mois ou ans, par exemple « 18 mois ».", render_kw=SHORT)


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        rules = retention.in_force(session)
    grouped = {name: [rule for rule in rules if rule.group == group] for group, name in retention.GROUPS.items()}
    return render_template(
        "pages/administration/retention.html",
        folded=grouped.pop(retention.GROUPS[retention.OF_SERVICE]),
        grouped=grouped,
        rules=rules,
        kept=retention.KEPT,
        shows_kept="kept" in request.args,
        awaits_list=not settings().sorting_list,
    )


@pages.get("/<rule>")
@needs(RoleName.ADMINISTRATOR)
def period(rule: str) -> str:
    return _page(rule, None)


@pages.post("/<rule>")
@needs(RoleName.ADMINISTRATOR)
def change(rule: str) -> Redirect | tuple[str, int]:
    form = PeriodForm()
    try:
        with database().writing() as session:
            is_new = retention.change_rule(session, rule, form.period.data or "", now=now(), actor=actor())
    except InputError as error:
        form.period.errors = (str(error),)
        return _page(rule, form), 422
    flash("La durée est changée ; la page publique la montre." if is_new else "C’est déjà cette durée.", "success")
    return redirect(url_for(".index"))


def _page(name: str, form: PeriodForm | None) -> str:
    with reading() as session:
        shown = retention.rule_named(session, name)
        known = retention.rule_history(session, shown)
        form = form or PeriodForm(data={"period": shown.written})
        fields = {"rule": shown, "form": form, "known": known}
        return render_template("pages/administration/retention_rule.html", **fields)
