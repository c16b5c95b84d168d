"""`paper make` prints what is due of a campaign into a folder, once."""

import json

from click.testing import CliRunner
from sqlalchemy import select

from outreach.campaigns.paper.models import PaperLetter
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.delivery.models import Message
from outreach.reach import steps
from outreach.reach.models import ReachChannel, StepReason
from tests.conftest import NOW
from tests.factories import AUTHOR


def test_letters_that_are_due_are_printed_into_a_folder_once(launched_sample, settings, tmp_path):
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).all()
        for letter in {letter.authority_id: letter for letter in letters[:2]}.values():
            of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
            told = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.SILENT}
            steps.open_step(session, **of, **told, now=NOW, actor=AUTHOR)

    def run(*words):
        operation = Operation()
        operation.settings, operation.now = settings, NOW
        operation.opened = operation.database = launched_sample
        result = CliRunner().invoke(
            commands, ["paper", "make", "1", "--out", str(tmp_path / "out"), *words], obj=operation
        )
        return json.loads(result.stdout)

    said = run("--sheet", "--json")
    with launched_sample.reading() as session:
        assert said["letters"] == len(session.scalars(select(PaperLetter)).all()) > 0
    assert {*said["files"], said["list"]} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "out").iterdir())
    assert "due" in run("--json")["error"]
