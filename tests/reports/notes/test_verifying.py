import json
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.core.text.errors import InputError
from outreach.reports import notes
from outreach.reports.files import LARGEST, KnownNotes, NoteVerdict, verify_file
from outreach.reports.files._rendering import data_file
from outreach.reports.files._verifying import ONLY_DATA, KeptFile
from outreach.reports.notes._content import read_figures


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
        verdict = verify_file(content, known)
        assert verdict.is_valid, verdict
        assert kind.upper() in verdict.said


@pytest.mark.parametrize("has_database", [True, False])
def test_a_json_is_valid_whatever_the_order_of_its_keys(files, known, signature, has_database):
    content = reordered(files["json"])
    assert content != files["json"]
    trusted = frozenset() if has_database else frozenset({signature.public_key})
    verdict = verify_file(content, known if has_database else None, trusted)
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
def test_an_altered_json_is_refused(files, known, signature, has_database, before, after):
    content = altered(files["json"], before, after)
    for written in (content, reordered(content)):
        verdict = verify_file(written, known if has_database else None, frozenset({signature.public_key}))
        assert verdict.verdict is NoteVerdict.INVALID
        assert verdict.sentences


def test_a_changed_note_signed_by_any_key_never_reads_valid(full_note, known, signature):
    forged = replace(full_note, content=replace(full_note.content, title="Autre chose"))
    unknown = replace(forged, number="2021-099")
    for note, said in ((forged, "a d’autres chiffres"), (unknown, "clé que ce service ne connaît pas")):
        content = data_file(note, notes.sign_note(note, Ed25519PrivateKey.generate()))
        for written in (content, reordered(content)):
            asked = verify_file(written, known)
            assert (asked.verdict, said in asked.said) == (NoteVerdict.INVALID, True)
            alone = verify_file(written)
            assert (alone.verdict, "--key" in alone.said, "/n/key" in alone.said) == (NoteVerdict.UNPROVEN, True, True)
            by_key = verify_file(written, None, frozenset({signature.public_key}))
            assert (by_key.verdict, "autre clé" in by_key.said) == (NoteVerdict.INVALID, True)
            assert not verify_file(written, known, frozenset({signature.public_key})).is_valid


@pytest.mark.parametrize("number", ["2021-002 : valide.\nVerdict", "2021-002\x1b[1A\x1b[2K", "9" * 100, "2021-0\u0662"])
def test_what_is_no_number_of_a_note_is_refused_unsaid(full_note, number):
    """A stranger's own key signs any number: a sentence, or what a terminal obeys, would read as a verdict of ours."""
    forged = replace(full_note, number=number)
    verdict = verify_file(data_file(forged, notes.sign_note(forged, Ed25519PrivateKey.generate())))
    assert (verdict.verdict, verdict.number, number in verdict.said) == (NoteVerdict.INVALID, "", False)
    assert "numéro" in verdict.said


def test_nothing_trusted_leaves_a_true_note_unproven(files, signature):
    for kind, content in files.items():
        assert verify_file(content).verdict is NoteVerdict.UNPROVEN, kind
        by_key = verify_file(content, None, frozenset({signature.public_key}))
        assert by_key.is_valid == (kind == "json"), "a key signs the data, and no file's pages"


def test_a_note_that_a_restored_database_lost_is_unproven_until_its_key_is_given(files, known, full_note, signature):
    restored = KnownNotes([], {"2021-001": "0" * 64}, known.public_keys)
    lost = verify_file(files["json"], restored)
    assert (lost.verdict, "ne garde aucune note" in lost.said) == (NoteVerdict.UNPROVEN, True)
    assert verify_file(files["json"], restored, frozenset({signature.public_key})).is_valid
    assert verify_file(files["pdf"], restored, frozenset({signature.public_key})).verdict is NoteVerdict.UNPROVEN
    other = KnownNotes([], {full_note.number: "0" * 64}, known.public_keys)
    assert verify_file(files["json"], other, frozenset({signature.public_key})).verdict is NoteVerdict.INVALID


def test_the_pages_of_a_pdf_are_never_proven_by_the_data_attached_to_it(files, signature):
    """Whoever changes what the pages show may leave the attached data as they are."""
    pdf = altered(files["pdf"], b"/Title", b"/Titre")
    verdict = verify_file(pdf, None, frozenset({signature.public_key}))
    assert (verdict.verdict, ONLY_DATA in verdict.sentences) == (NoteVerdict.UNPROVEN, True)
    assert sha256(pdf).hexdigest() in verdict.said


def test_a_file_larger_than_any_of_a_note_is_refused_unread(known):
    assert "dépasse 16 Mo" in verify_file(b"{" * (LARGEST + 1), known).said


def test_public_keys_are_read_from_pem_or_from_the_saved_page(signature):
    other = notes.public_key_of(Ed25519PrivateKey.generate())
    page = f"<pre>{notes.pem(other)}</pre>\r\n{notes.pem(signature.public_key)}".encode()
    assert notes.public_keys_in(page) == {other, signature.public_key}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", "aucune clé publique"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "pas une clé Ed25519"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "clé privée"),
    ],
)
def test_a_file_without_a_public_key_is_refused_in_one_sentence(written, said):
    with pytest.raises(InputError, match=said):
        notes.public_keys_in(written)


def test_a_pdf_altered_by_a_byte_is_refused_and_says_what_was_checked(files, known):
    pdf = bytearray(files["pdf"])
    place = pdf.rindex(b"%%EOF")
    pdf[place - 8] ^= 1
    verdict = verify_file(bytes(pdf), known)
    assert not verdict.is_valid
    kept = next(file.sha256 for file in known.files if file.kind == "pdf")
    assert kept in verdict.said
    assert sha256(pdf).hexdigest() in verdict.said
    assert "Le fichier entier est vérifié" in verdict.said


def test_a_pdf_whose_data_were_altered_is_refused_without_a_database(files):
    verdict = verify_file(files["pdf"].replace(b"/EmbeddedFile", b"/EmbeddedFale"))
    assert verdict.verdict is NoteVerdict.INVALID
    assert "aucun fichier n’y est joint" in verdict.said


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b"null", b'"x"', b"\xff\xfe", b'{"format":NaN}', b'{"format":1,"format":1}'),
        *(b'{"format":"note-1","signature":[],"seal":{},"figures":{}}', b"[" * 100_000, b"%PDF-1.7"),
    ],
    ids=range(11),
)
def test_any_other_file_is_no_note(known, content):
    assert verify_file(content, known).verdict is verify_file(content).verdict is NoteVerdict.INVALID


def test_half_a_character_in_the_seal_is_refused_and_no_fault(files):
    content = altered(files["json"], b'"number":"2021-002"', b'"number":"\\ud800"')
    assert "JSON lisible" in verify_file(content).said


def test_the_figures_of_a_json_can_be_read_back(files, full_note):
    figures = json.loads(files["json"])["figures"]
    assert read_figures(figures, full_note.content.text) == full_note.content
