"""A school's sheet: what the register says of it, and the mailboxes that answer for it."""

from flask import Blueprint, render_template

from outreach.core.text.roles import RoleName
from outreach.directory import authorities, contacts, register
from outreach.web.ui.request import needs, reading

pages = Blueprint("schools", __name__, url_prefix="/directory/schools/<number:fase>")


@pages.get("")
@needs(RoleName.READER)
def index(fase: int) -> str:
    with reading() as session:
        school, authority = authorities.school_by_fase(session, fase)
        return render_template(
            "pages/directory/school.html",
            school=school,
            authority=authority,
            answering=contacts.answering_for(session, authority, school) if authority else [],
            reported=register.of_school(session, authority, school) if authority else [],
        )
