"""The situation's pages: figures and sentences of any day, the lists behind each figure, their files."""

from outreach.web.situation import lists, overview
from outreach.web.situation.blueprint import pages
from outreach.web.situation.overview import awaited

__all__ = ["awaited", "lists", "overview", "pages"]
