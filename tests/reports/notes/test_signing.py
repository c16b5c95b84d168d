from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from outreach.core.settings import Mode
from outreach.core.text.errors import Refused
from outreach.reports import notes
from tests.reports.notes.contents import numbered

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings(path=None, mode=Mode.PRODUCTION, data=None):
    return SimpleNamespace(note_key_file=path, mode=mode, data=data)


def test_a_signature_is_over_the_seal_of_one_note():
    note = numbered()
    signature = notes.sign_note(note, KEY)
    assert signature == notes.sign_note(note, KEY)
    assert notes.is_signed(note.sealed_json(), signature)
    other = replace(note, number="2021-003")
    assert not notes.is_signed(other.sealed_json(), signature)


@pytest.mark.parametrize("value", ["", "AAAA", "é", "x" * 90])
def test_what_is_no_signature_is_not_believed(value):
    note = numbered()
    signature = notes.sign_note(note, KEY)
    assert not notes.is_signed(note.sealed_json(), replace(signature, value=value))
    assert not notes.is_signed(note.sealed_json(), replace(signature, public_key=value))


def test_a_demonstration_makes_its_key_once(tmp_path):
    demo = settings(mode=Mode.DEMO, data=tmp_path)
    made = notes.public_key_of(notes.signing_key(demo))
    assert made == notes.public_key_of(notes.signing_key(demo))
    assert (tmp_path / notes.OWN_KEY).stat().st_mode & 0o777 == 0o600


def test_without_a_key_nothing_is_signed(tmp_path):
    with pytest.raises(Refused, match="OUTREACH_NOTE_KEY_FILE"):
        notes.signing_key(settings())
    with pytest.raises(Refused, match="ne peut pas être lue"):
        notes.signing_key(settings(tmp_path / "none.pem"))


def test_another_kind_of_key_is_refused(tmp_path):
    path = tmp_path / "rsa.pem"
    key = rsa.generate_private_key(65537, 1024)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Refused, match="Ed25519"):
        notes.signing_key(settings(path))
    path.write_text("pas une clé", encoding="utf-8")
    with pytest.raises(Refused, match="Ed25519"):
        notes.signing_key(settings(path))


def test_a_public_key_is_written_as_other_programs_read_it():
    public = notes.public_key_of(KEY)
    read = load_pem_public_key(notes.pem(public).encode())
    assert read.public_bytes(Encoding.Raw, PublicFormat.Raw) == b64decode(public)
