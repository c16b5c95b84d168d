"""Enumerations whose members have a French label beside their stored value."""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A stored value and its label: `DRAFT = "draft", "Brouillon"`. Its members equal their stored value."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """A look-up by value, `State("draft")`, reads to a type checker like a call without a label."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member
