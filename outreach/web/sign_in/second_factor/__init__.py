"""The pages of second factors: giving one after the password, setting one up, and one's own on *Mon compte*."""

from outreach.web.sign_in.second_factor import entering, own
from outreach.web.sign_in.second_factor.blueprint import pages

__all__ = ["entering", "own", "pages"]
