"""The account page, and the demonstration's accounts for the sign-in page.

Signing in, signing out and changing a password are views of flask-security.
"""

from flask import Blueprint, render_template

from outreach.demo import people
from outreach.roles import RoleName
from outreach.settings import Mode
from outreach.web.ui.frame import needs, settings

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    return render_template("pages/account/index.html")


@pages.app_context_processor
def demo_accounts() -> dict[str, object]:
    """Give templates `demo_accounts()`: in a demonstration its people and their password, elsewhere None."""

    def demo() -> tuple[list[people.Person], str] | None:
        if settings().mode is not Mode.DEMO:
            return None
        return list(people.PEOPLE), people.password(settings().data)

    return {"demo_accounts": demo}
