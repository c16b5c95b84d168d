"""The accounts of staff, for administrators: who may sign in, with which roles."""

from flask import Blueprint, render_template

from outreach.accounts import staff
from outreach.roles import RoleName
from outreach.web.ui.frame import database, needs

pages = Blueprint("accounts", __name__, url_prefix="/administration/accounts")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with database().reading() as reading:
        return render_template("pages/administration/accounts.html", users=staff.everybody(reading))
