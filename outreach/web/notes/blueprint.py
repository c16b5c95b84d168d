"""The blueprint of the pages of notes."""

from flask import Blueprint

pages = Blueprint("notes", __name__, url_prefix="/notes")
