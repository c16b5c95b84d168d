"""Notes: the list, a note and its files; drafts, their preview and freezing; what a second person decides."""

from outreach.web.notes import deciding, reading, writing
from outreach.web.notes.blueprint import pages

__all__ = ["deciding", "pages", "reading", "writing"]
