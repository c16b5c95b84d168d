"""What a page says came of a choice about being measured."""

from dataclasses import dataclass


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
            return "Il vaut à partir du prochain envoi."
        return "Plus rien n’est enregistré de ce que cette boîte ouvre, ni des liens qu’elle suit."
