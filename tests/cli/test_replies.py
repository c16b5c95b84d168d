"""`replies read`: what it prints of a folder of mails, and what it keeps."""

import json
from functools import partial

import pytest
from sqlalchemy import select

from outreach.delivery.received import ReceivedMail
from outreach.directory.models import Authority, Contact
from tests.commands import invoke
from tests.delivery.received.corpus import mail, opening, quoted

pytestmark = pytest.mark.only_one


@pytest.fixture
def run(sample_database, templates):
    return partial(invoke, sample_database, {"OUTREACH_DATA": str(templates.data)})


def test_a_folder_of_mails_is_counted_and_each_told(run, sample_database, tmp_path):
    with sample_database.reading() as session:
        held = select(Contact.address, Authority.fase).join(Authority, Authority.id == Contact.authority_id)
        address, fase = session.execute(held.where(Contact.retired_at.is_(None)).order_by(Contact.id)).first()
    text = f"Oui.\n\n{opening('thunderbird', 'fr')}\n{quoted('Madame')}\n"
    files = {
        "a.eml": mail(text, sender=address),
        "b.eml": mail("Oui.", sender="x@inconnu.example"),
        "c.eml": mail("Absente.", sender="x@inconnu.example", Auto_Submitted="auto-replied"),
        "d.eml": mail("<x@y.example>: no such user", sender="MAILER-DAEMON@inconnu.example"),
        "e.eml": b"",
        "f.eml": b"x" * 100,
        "g.txt": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "h.eml").mkdir()
    for _ in range(2):
        printed = json.loads(run("replies", "read", str(tmp_path), "--json").stdout)
        told = printed.pop("mails")
        assert printed == {"read": 7, "attached": 1, "unattached": 1, "automatic": 1, "returns": 1, "refused": 3}
        assert told[0] == {"file": "a.eml", "verdict": "reply", "fase": fase, "by": "sender", "text": "Oui."}
        assert told[1] == {"file": "b.eml", "verdict": "unattached", "fase": None, "by": None, "text": "Oui."}
        assert [one["verdict"] for one in told[2:]] == ["automatic", "return", "refused", "refused", "refused"]
    with sample_database.reading() as session:
        assert session.scalars(select(ReceivedMail.text).order_by(ReceivedMail.id)).all() == [
            "Oui.",
            "Oui.",
            "Absente.",
        ]


def test_without_json_sentences_tell_how_many_there_were(run, tmp_path):
    (tmp_path / "b.eml").write_bytes(mail("Oui.", sender="x@inconnu.example"))
    result = run("replies", "read", str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "1\u00a0courriel lu.\n  À rattacher\u00a0: 1\n")


def test_a_folder_that_is_none_is_refused(run, tmp_path):
    assert run("replies", "read", str(tmp_path / "none"), "--json").exit_code == 2
