"""The blueprint of the situation's pages."""

from flask import Blueprint

pages = Blueprint("situation", __name__)
