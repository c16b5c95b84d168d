"""The interface for other programs: what they read with a key of theirs, and the joinings that they send."""

from outreach.web.api import feed, reads, writes
from outreach.web.api.blueprint import pages

__all__ = ["feed", "pages", "reads", "writes"]
