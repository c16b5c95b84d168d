"""What a member of staff may do: the names, without the accounts and all it takes to sign in."""

from enum import StrEnum


class RoleName(StrEnum):
    """What a member of staff may do; a person may hold several."""

    READER = "reader"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        """The role's name in the interface."""
        return _LABELS[self]


_LABELS = {
    RoleName.READER: "lecture",
    RoleName.AUTHOR: "rédaction",
    RoleName.APPROVER: "validation",
    RoleName.ADMINISTRATOR: "administration",
}
