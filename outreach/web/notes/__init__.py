"""Notes: the list, a note and its files; questions; drafts and freezing; what a second person decides."""

from outreach.web.notes import asking, deciding, reading, writing
from outreach.web.notes.blueprint import pages

__all__ = ["asking", "deciding", "pages", "reading", "writing"]
