import json
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.notes import signing
from outreach.notes.content import read_figures
from outreach.notes.files.data import data_file
from outreach.notes.verifying import ONLY_DATA, KeptFile, KnownNotes, verify


@pytest.fixture
def known(files, full_note, signature):
    """What the database holds of the note."""
    kept = [KeptFile(full_note.number, kind, sha256(content).hexdigest()) for kind, content in files.items()]
    figures = {full_note.number: full_note.content.sha256()}
    return KnownNotes(kept, figures, frozenset({signature.public_key}))


def reordered(content):
    """The same JSON with its keys the other way round, indented."""

    def turned(value):
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(each) for each in value] if isinstance(value, list) else value

    return json.dumps(turned(json.loads(content)), indent=1).encode()


def altered(content, before, after):
    assert before in content
    return content.replace(before, after, 1)


def test_every_kept_file_is_known_by_its_digest(files, known):
    for kind, content in files.items():
        verdict = verify(content, known)
        assert verdict.is_valid, verdict
        assert kind.upper() in verdict.said


@pytest.mark.parametrize("has_database", [True, False])
def test_a_json_is_valid_whatever_the_order_of_its_keys(files, known, has_database):
    content = reordered(files["json"])
    assert content != files["json"]
    verdict = verify(content, known if has_database else None)
    assert verdict.is_valid, verdict
    assert verdict.number == "2021-002"


@pytest.mark.parametrize("has_database", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'["WBE",1,147,14,', b'["WBE",1,147,15,'),  # a figure
        (b'"number":"2021-002"', b'"number":"2021-003"'),  # the seal
        (b'"approved_by":"validation"', b'"approved_by":"personne"'),
        (b'"value":"', b'"value":"A'),  # the signature
        (b'"format":"note-1"', b'"format":"note-2"'),
        (b'"seal":{', b'"remark":"vrai","seal":{'),  # a part that nothing signs
        (b'"number":', b'"remark":"vrai","number":'),
        (b'"approved_by":"validation"', b'"approved_by":1'),
    ],
)
def test_an_altered_json_is_refused(files, known, has_database, before, after):
    content = altered(files["json"], before, after)
    for written in (content, reordered(content)):
        verdict = verify(written, known if has_database else None)
        assert not verdict.is_valid
        assert verdict.sentences


def test_figures_signed_by_a_stranger_are_refused_by_who_knows_the_keys(full_note, known):
    forged = replace(full_note, content=replace(full_note.content, title="Autre chose"))
    content = data_file(forged, signing.sign(forged, Ed25519PrivateKey.generate()))
    assert "clé que ce service ne connaît pas" in verify(content, known).said
    alone = verify(content)
    assert alone.is_valid  # in itself: so the verdict names the key to compare
    assert "/n/key" in alone.said


def test_a_pdf_altered_by_a_byte_is_refused_and_says_what_was_checked(files, known):
    pdf = bytearray(files["pdf"])
    place = pdf.rindex(b"%%EOF")
    pdf[place - 8] ^= 1
    verdict = verify(bytes(pdf), known)
    assert not verdict.is_valid
    kept = next(file.sha256 for file in known.files if file.kind == "pdf")
    assert kept in verdict.said
    assert sha256(pdf).hexdigest() in verdict.said
    assert "Le fichier entier est vérifié" in verdict.said


def test_a_pdf_alone_is_checked_by_the_data_that_it_carries(files):
    verdict = verify(files["pdf"])
    assert verdict.is_valid
    assert verdict.sentences[-1] == ONLY_DATA


def test_a_pdf_whose_data_were_altered_is_refused_without_a_database(files):
    verdict = verify(files["pdf"].replace(b"/EmbeddedFile", b"/EmbeddedFale"))
    assert not verdict.is_valid
    assert "aucun fichier n’y est joint" in verdict.said


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b"null", b'"x"', b"\xff\xfe", b'{"format":NaN}', b'{"format":1,"format":1}'),
        *(b'{"format":"note-1","signature":[],"seal":{},"figures":{}}', b"[" * 100_000, b"%PDF-1.7", b"PK\x03\x04"),
    ],
    ids=range(12),
)
def test_any_other_file_is_no_note(known, content):
    assert not verify(content, known).is_valid
    assert not verify(content).is_valid


def test_half_a_character_in_the_seal_is_refused_and_no_fault(files):
    content = altered(files["json"], b'"number":"2021-002"', b'"number":"\\ud800"')
    assert "JSON lisible" in verify(content).said


def test_the_figures_of_a_json_can_be_read_back(files, full_note):
    figures = json.loads(files["json"])["figures"]
    assert read_figures(figures, full_note.content.text) == full_note.content
