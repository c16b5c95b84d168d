"""The words that hand the answer page to a colleague. We send nothing: the authority's own mail program does."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from outreach.adherence import programmes
from outreach.french import initial, spelt_day, typeset
from outreach.responses.answers import Question
from outreach.text import CONTROLS

DELIMITERS = "!$*(),:@"  # a part may have these as they are (RFC 6068 §2)
SUBJECT = "Où en sont nos écoles ? {about}, à répondre au plus tard le {day} (FASE {fase})"
TEXT = """Bonjour,

Le ministère demande où en sont nos écoles pour le volet {strand}{of} ({named}), à répondre au plus tard le {day}.

La page pour répondre : {address}

Toute personne qui a ce lien peut répondre pour {authority} : ne le transmettez pas plus loin.
"""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A subject and a text, ready to be sent by somebody else."""

    subject: str
    text: str

    @classmethod
    def of(cls, asked: Question, deadline: date, address: str, programme: str = "") -> "Forwarding":
        """The words about what a letter asks; `address` is that of its answer page.

        `programme` is the name of the strand's programme where there are several.
        """
        strand, authority = asked.strand, asked.authority
        named = f"{strand.name}, circulaire {strand.circular}" if strand.circular else strand.name
        about, of = initial(programmes.called(programme, strand.number)), programmes.of_programme(programme)
        told = {"strand": strand.number, "of": of, "day": spelt_day(deadline), "fase": authority.fase}
        name = CONTROLS.sub("", authority.display_name)
        text = TEXT.format(named=named, authority=name, address="((address))", **told)
        return cls(typeset(SUBJECT.format(about=about, **told)), typeset(text).replace("((address))", address))

    @property
    def mailto(self) -> str:
        """The address that opens a mail program with it (RFC 6068)."""
        body = self.text.replace("\n", "\r\n")
        return f"mailto:?subject={quote(self.subject, safe=DELIMITERS)}&body={quote(body, safe=DELIMITERS)}"
