"""The recipe "a new criterion" of docs/develop.md, followed on a toy: an authority whose name begins so."""

from typing import Annotated, ClassVar

import pytest
from pydantic import Field
from sqlalchemy import select

from outreach.adherence.models import Programme
from outreach.campaigns.segments import (
    EVERYBODY,
    LEAVES,
    Fields,
    Not,
    context_at,
    from_json,
    listed_authorities,
    sentence_of,
    to_json,
)
from outreach.campaigns.segments import _presentation as presentation
from outreach.campaigns.segments._context import NO_NAMES
from outreach.directory.models import Authority
from tests.application import app, author, backend, signed_in, standing, while_writing
from tests.conftest import NOW
from tests.pages import elements, text_of
from tests.web.campaigns.test_campaigns import begun

__all__ = ["app", "author", "backend", "begun", "signed_in", "standing", "while_writing"]
STATED = '{"begins":{"letter":"c"}}'


class Begins(Fields):
    """Step 1: a class with its word, its parts, its condition and its words."""

    word: ClassVar = "begins"
    letter: Annotated[str, Field(min_length=1, max_length=1)]

    def where(self, _context):
        return Authority.folded.startswith(self.letter, autoescape=True)

    def words(self, _names=NO_NAMES):
        return f"un nom qui commence par {self.letter.upper()}"


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    monkeypatch.setitem(LEAVES, Begins.word, Begins)  # step 2: one of `Leaf`, from which `LEAVES` is made
    monkeypatch.setitem(presentation.TITLES, Begins.word, ("Première lettre du nom", "initiale alphabet"))  # step 3
    monkeypatch.setitem(presentation.LABELS, "letter", "Lettre")


def test_it_is_read_and_written_counted_and_said(sample_database):
    criterion = from_json(STATED)
    assert to_json(criterion) == STATED
    assert sentence_of(criterion) == "Pouvoirs organisateurs : un nom qui commence par C."
    assert sentence_of(Not(criterion)) == "Pouvoirs organisateurs : sauf (un nom qui commence par C)."
    with sample_database.reading() as session:
        context = context_at(session, session.scalars(select(Programme.id)).one(), now=NOW)
        rows = session.execute(
            select(Authority.id, Authority.folded).where(Authority.id.in_(listed_authorities(context, EVERYBODY)))
        )
        begins = {key: name.startswith("c") for key, name in rows}
        meant, others = (
            set(session.scalars(listed_authorities(context, asked))) for asked in (criterion, Not(criterion))
        )
    assert meant == {key for key, does in begins.items() if does} != set()
    assert others == {key for key, does in begins.items() if not does} != set()


@pytest.mark.long
def test_it_is_offered_on_the_page_of_an_audience_and_its_value_is_typed_there(author, begun):
    page = author.get(f"{begun}/audience", query_string={"find": "initiale"})
    assert {button.get("value"): text_of(button) for button in elements(page, "button[@name='add']")} == {
        "begins": "Première lettre du nom"
    }
    page = author.get(f"{begun}/audience", query_string={"asked": "1", "line": "1:begins", "1.letter": "c"})
    assert "Lettre" in page.text
    assert text_of(elements(page, "p[@id='said']")[0]) == "Pouvoirs organisateurs : un nom qui commence par C."
    author.send(f"{begun}/audience", {"asked": "1", "line": "1:begins", "1.letter": "c"})
    page = author.get(f"{begun}/audience")
    assert text_of(elements(page, "p[@id='said']")[0]) == "Pouvoirs organisateurs : un nom qui commence par C."


def test_it_is_not_forgotten_in_the_documentation():
    """Step 4: `test_every_criterion_and_reason_is_documented` asks for its line in docs/commands.md."""
    from tests.architecture.test_sweeps import COMMANDS

    assert [word for word in LEAVES if f"`{word}" not in COMMANDS] == [Begins.word]
