"""Addresses that programs look up on any site: whom to tell about a weakness, and where a password is changed."""

from datetime import timedelta

from flask import Blueprint, Response, abort, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.web.ui.request import now, settings

VALID_FOR = timedelta(days=180)  # RFC 9116 §2.5.5 asks for less than a year
pages = Blueprint("well_known", __name__, url_prefix="/.well-known")


@pages.get("/security.txt")
def security() -> Response:
    """RFC 9116. 404 where the ministry names no page."""
    contact = settings().official_page
    if not contact:
        abort(404)
    lines = (
        f"Contact: {contact}",
        f"Expires: {now() + VALID_FOR:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: fr, en",
        f"Canonical: {settings().address}/.well-known/security.txt",
    )
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")


@pages.get("/change-password")
def change_password() -> Redirect:
    """Where password managers send people (https://w3c.github.io/webappsec-change-password-url/)."""
    return redirect(url_for("account.password"))
