"""A document is set as PDF in a child, whose faults are refusals that say what is left."""

import struct

import pytest

from outreach.core.sandbox import pdf
from outreach.core.text.errors import Refused

EMPTY = {
    **dict.fromkeys(("name", "ministry", "stated", "programme", "title"), "x"),
    "number": "2021-001",
    "head": {"lines": [], "logo": []},
}


def made(template, document):
    return pdf.set_pdf(template, document, 0, lost_nothing="Rien n’est perdu")


def test_every_template_refuses_a_picture_without_words():
    """So that a template which forgets one cannot pass: typst checks what it compiles."""
    templates = [path.name for path in pdf.TEMPLATES.glob("*.typ")]
    papers = ("paper.typ", "paper_cover.typ", "paper_window.typ")
    others = ("note.typ", "picture.typ", "sheet.typ", "slide.typ", "summary.typ")
    assert sorted(templates) == sorted((*papers, *others)), "three of the others make no PDF of their own"
    wordless = {
        "kind": "picture",
        "svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "alternative": None,
        "caption": "",
        "width": 4,
    }
    more = {"date": [2021, 5, 15], "qr": wordless["svg"], "address": "x", "checking": "x", "data": "{}"}
    sections = [{"heading": "x", "blocks": [wordless]}]
    with pytest.raises(Refused, match="PDF/UA-1"):
        made("note.typ", {**EMPTY, **more, "sections": sections})


def test_a_slide_is_a_picture_of_full_definition():
    blank = "<svg xmlns='http://www.w3.org/2000/svg' width='1280' height='720'/>"
    slide = pdf.set_png("slide.typ", {"svg": blank, "told": "rien"}, lost_nothing="Rien n’est perdu")
    assert struct.unpack(">II", slide[16:24]) == (1920, 1080)


def test_a_typst_that_is_killed_is_a_refusal_that_says_so(monkeypatch, tmp_path):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nprintf %%PDF-1.7\nkill -9 $$\n", encoding="utf-8")
    killed.chmod(0o700)
    monkeypatch.setattr(pdf.sys, "executable", str(killed))
    with pytest.raises(Refused, match="interrompue") as refusal:
        made("note.typ", {})
    assert "Rien n’est perdu" in str(refusal.value)


def test_a_typst_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(pdf, "SECONDS", 0.01)
    with pytest.raises(Refused, match="n’est pas prêt"):
        made("note.typ", {})


def test_a_machine_that_starts_no_process_is_a_refusal(monkeypatch):
    monkeypatch.setattr(pdf.sys, "executable", "/nowhere/python")
    with pytest.raises(Refused, match="ne peut pas être composé"):
        made("note.typ", {})


def test_characters_that_no_font_has_are_said_by_their_number():
    assert pdf.settable("Élève 😀, Ђ\u0007\n中") == "Élève [U+1F600], Ђ\n[U+4E2D]"
