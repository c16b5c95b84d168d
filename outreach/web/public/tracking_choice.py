"""The choice about being measured on pages: what its form shows, and what a page says came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from outreach.core.db import Session
from outreach.delivery.models import Message
from outreach.engagement import tracking


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """What came of a choice about being measured: it was refused, has to be confirmed, or is what holds now."""

    fault: str
    confirms: bool
    holds: bool

    @property
    def heading(self) -> str:
        """In a few words."""
        if self.fault:
            return "Rien n’est enregistré"
        if self.confirms:
            return "Un dernier geste"
        return "Votre accord est enregistré" if self.holds else "Cette boîte n’est pas mesurée"

    @property
    def sentence(self) -> str:
        """What follows from it."""
        if self.confirms:
            return "Confirmez que ce choix est bien le vôtre, en l’enregistrant une seconde fois."
        if self.holds:
            return "Il vaut à partir du prochain courriel."
        return "Plus rien n’est enregistré des courriels ouverts ni des liens suivis dans cette boîte."


def shown_measure(
    session: Session, message: Message, typed: Mapping[str, str], *, confirms: bool = False
) -> dict[str, Any]:
    """What the form of the agreement to be measured shows: its box as it was left, else as it is stored."""
    choice = tracking.choice_of(session, message)
    ticked = "measure" in typed if "wording" in typed else bool(choice and choice.basis)
    return {"choice": choice, "wording": tracking.consent_wording(), "ticked": ticked, "confirms_measure": confirms}


def unsaved_measure(session: Session, message: Message) -> dict[str, Any]:
    """As `shown_measure`, when an answer was sent with the box changed and not saved; else without a choice."""
    shown = shown_measure(session, message, request.values)
    stored = shown_measure(session, message, {})
    return shown if shown["ticked"] != stored["ticked"] else {"choice": None}


def left_unsaved(unsaved: Mapping[str, Any]) -> dict[str, str]:
    """What the address of the next page says of the box that was changed and not saved, as the form does."""
    if unsaved["choice"] is None:
        return {}
    return {"wording": "1", **({"measure": "1"} if unsaved["ticked"] else {})}
