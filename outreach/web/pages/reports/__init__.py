"""Notes: the list, a note and its files; questions; drafts and freezing; what a second person decides."""

from outreach.web.pages.reports import deciding, reading, requests, writing
from outreach.web.pages.reports.reading import pages

__all__ = ["deciding", "pages", "reading", "requests", "writing"]
