"""What changed in a letter since it was last approved."""

import pytest

from outreach.access.approvals import Rewording, compare_texts
from outreach.access.approvals._text_diff import DiffPiece, PieceKind
from outreach.campaigns import planning, review
from tests.campaigns.conftest import APPROVER, AUTHOR, NOW, approved, move

SAME, GONE, ADDED = PieceKind.SAME, PieceKind.GONE, PieceKind.ADDED


def test_words_that_left_and_came_stand_where_they_were():
    assert compare_texts("Bonjour, répondez avant lundi.", "Bonjour, répondez avant mardi soir.") == [
        DiffPiece(SAME, "Bonjour, répondez avant "),
        DiffPiece(GONE, "lundi."),
        DiffPiece(ADDED, "mardi soir."),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a b"),
        ("a  b\n\nc", "a b\nc d"),
        ("x " * 9_000, "x " * 9_001 + "y"),  # too much to compare: as a whole
        ("x y\n" * 400, "y z\n" * 9),  # by paragraphs
    ],
)
def test_pieces_make_both_texts_again_whatever_they_are(before, after):
    pieces = compare_texts(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind is not ADDED) == before
    assert "".join(piece.text for piece in pieces if piece.kind is not GONE) == after


def test_of_what_stayed_only_the_paragraph_beside_a_change_is_shown():
    same = "a" * 50
    before = f"{same}\n\n{same}\n\nUn mot.\n\n{same}\n\n{same}"
    told = Rewording("Courriel", compare_texts(before, before.replace("Un mot.", "Deux mots.")))
    assert "".join(piece.text for piece in told.shown) == f"…\n\nUn mot.\n\nDeux mots.\n\n{same}\n\n…"


def test_a_letter_is_compared_with_the_one_that_was_approved_last(database, strand):
    number = approved(database, subject="Un mot", letter="Répondez.")
    assert changed(database, number) == {}
    rewrite(database, number, "Répondez vite.")
    assert changed(database, number) == {"Courriel": [(GONE, "Répondez."), (ADDED, "Répondez vite.")]}
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    assert changed(database, number) == {}
    rewrite(database, number, "Répondez.")
    assert changed(database, number) == {"Courriel": [(GONE, "Répondez vite."), (ADDED, "Répondez.")]}


def rewrite(database, number, letter):
    with database.writing() as session:
        planning.revise_campaign(session, planning.in_turn(session, number), {"letter": letter}, now=NOW, actor=AUTHOR)


def changed(database, number):
    with database.reading() as session:
        found = review.since_approval(session, planning.campaign_numbered(session, number))
    return {text.name: [(one.kind, one.text) for one in text.pieces if one.kind is not SAME] for text in found}
