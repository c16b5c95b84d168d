"""Enumerations whose members have a French label beside their stored value."""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A stored value and its label: `DRAFT = "draft", "Brouillon"`. Its members equal their stored value.

    Where they have further words, these stand third, and a property of the enumeration tells what they are.
    """

    label: str
    words: str

    def __new__(cls, value: str, label: str = "", words: str = "") -> Self:
        """A look-up by value, `State("draft")`, reads to a type checker like a call without a label."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.words = value, label, words
        return member
