"""`./run letter send`: a letter to one authority, which a second person approves, and what it refuses."""

import pytest
from click.testing import CliRunner

from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.settings import read
from tests.conftest import NOW

TEXT = "Objet : Rendez-vous\n\nBonjour **((nom_po))**,\n\nÀ lundi.\n"


@pytest.fixture
def send(sample_database, templates, tmp_path):
    """Run the command in this process with a text; returns its status and what it printed."""

    def run(fase, content, *words):
        operation = Operation()
        operation.settings = read({"OUTREACH_DATA": str(templates.data)})
        operation.database, operation.now = sample_database, NOW
        file = tmp_path / "lettre.md"
        file.write_bytes(content)
        call = ["letter", "send", fase, "--text", str(file), *words]
        result = CliRunner().invoke(commands, call, obj=operation)
        return result.exit_code, result.stdout_bytes.decode() + str(result.exception or "")

    return run


def test_a_letter_waits_for_approval_and_the_same_one_again_is_not_kept_twice(send):
    status, told = send("9300", TEXT.encode())
    assert (status, "attend la validation d’une autre personne" in told) == (0, True)
    status, told = send("9300", TEXT.encode())
    assert (status, "déjà enregistré" in told) == (0, True)


@pytest.mark.parametrize(
    ("fase", "content", "words", "said"),
    [
        ("9300", b"Bonjour", (), "première ligne"),
        ("9300", b"\xff\xfe", (), ""),
        ("9300", b"x" * 100_001, (), "trop long"),
        ("1", TEXT.encode(), (), "FASE 1"),
        ("9300", TEXT.encode(), ("--to", "x@y.example"), "Aucune boîte utilisable"),
        ("9300", TEXT.encode(), ("--as", "personne@fwb.example"), ""),
    ],
)
def test_a_fault_ends_with_status_1(send, fase, content, words, said):
    status, told = send(fase, content, *words)
    assert (status, said in told) == (1, True), told
