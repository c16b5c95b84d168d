"""The roles of staff, apart from accounts, so that importing them loads nothing for signing in."""

from enum import StrEnum


class RoleName(StrEnum):
    """A role of a member of staff; a person may hold several."""

    READER = "reader"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        """The French label."""
        return _LABELS[self]


_LABELS = {
    RoleName.READER: "lecture",
    RoleName.AUTHOR: "rédaction",
    RoleName.APPROVER: "validation",
    RoleName.ADMINISTRATOR: "administration",
}
