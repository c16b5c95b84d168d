"""The situation's pages: figures and sentences of any day, the lists behind each figure, their files."""

from outreach.web.situation import lists, overview
from outreach.web.situation.blueprint import pages

__all__ = ["lists", "overview", "pages"]
