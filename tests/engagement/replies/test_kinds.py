"""Kinds of answers: each row has what pages need of it, and a ninth one is a row and a migration."""

import re
import subprocess
import sys

import pytest

from outreach.core.settings import ROOT
from outreach.engagement.replies import OF_SCHOOLS, REQUESTS, Action, Answer, Tray
from outreach.web.ui.templates import STATIC
from tests.application import launched_sample

__all__ = ["launched_sample"]

MOST_BUTTONS = 3  # of a letter, side by side


@pytest.mark.parametrize("answer", Answer)
def test_a_row_has_what_pages_need_of_it(answer):
    facts = answer.facts
    assert (answer in REQUESTS) != (answer in OF_SCHOOLS)
    assert answer.awaits_staff == any(answer in tray.answers for tray in Tray if tray is not Tray.HANDLED)
    assert not facts.promise or answer.awaits_staff, "only what somebody sees can be promised"
    assert answer.status or answer.awaits_staff, "it declares something, or asks somebody for something"
    assert not facts.is_yielding or answer.status


def test_every_action_has_its_words_and_every_tray_its_answers():
    for action in Action:
        assert action.facts.verb
        assert action.facts.done
        assert bool(action.facts.button) == bool(action.facts.sentence)
    assert all(tray.answers for tray in Tray)


def test_letters_have_buttons_for_some_answers():
    assert 0 < sum(answer.facts.is_in_letters for answer in Answer) <= MOST_BUTTONS


def test_the_style_sheet_knows_the_place_of_every_answer():
    style = (STATIC / "app.css").read_text(encoding="utf-8")
    for answer in Answer:
        assert f'[data-place="{answer.place}"]:checked) .of-answer[data-place="{answer.place}"]' in style
        assert f'[data-place="{answer.place}"]:checked) [data-repeats~="{answer.place}"]' in style
    assert re.search(r"\[data-keeps\]:checked\) \.recorded \{ display: none", style)


@pytest.mark.long  # the same recipe is followed on PostgreSQL for a status
def test_a_ninth_kind_of_answer_is_a_row_and_a_migration(launched_sample, templates):
    """On the answer page, in the sheet, the receipt, the inbox, the results and the files: without another line."""
    url = launched_sample.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.engagement.replies.ninth_kind", url, str(templates.data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
