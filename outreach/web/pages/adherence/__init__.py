"""The situation's pages: figures and sentences of any day, the lists behind each figure, their files."""

from outreach.web.pages.adherence import lists, situation, why
from outreach.web.pages.adherence.asked import pages

__all__ = ["lists", "pages", "situation", "why"]
