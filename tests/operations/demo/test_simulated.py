"""Simulated addresses do as their names say, so that the service records of them what it would of real ones."""

import smtplib
import subprocess

from outreach.delivery import bounces
from outreach.delivery.bounces import NoticeVerdict, read_notice
from outreach.delivery.letters import Keys, TokenKind
from outreach.operations.demo import mailbox
from tests.delivery.letters.test_mime import whole, wire
from tests.machine import free_port, wait_for_port

KEYS, LETTER = Keys((b"k" * 32,)), b"12345678"


def test_each_simulated_address_does_as_its_name_says(tmp_path):
    port, sender = free_port(), f"b-{KEYS.make(TokenKind.BOUNCE, LETTER)}@courriel.example"
    letter, replies = wire("Une lettre pour vous", **whole()), {}
    with (
        mailbox.serving(f"127.0.0.1:{port}", tmp_path / "box", tmp_path / "returns"),
        smtplib.SMTP("127.0.0.1", port) as client,
    ):
        client.ehlo()
        for name in ("livre", "Refuse+1", "absent", "plaint+7", "autre"):
            client.mail(sender)
            replies[name] = client.rcpt(f"{name}@simulateur.example")[0]
            if replies[name] == 250:
                assert client.data(letter)[0] == 250
            client.rset()
    assert [name for name, code in replies.items() if code != 250] == ["Refuse+1"]
    assert replies["Refuse+1"] == 550
    assert len(mailbox.letters_in(tmp_path / "box")) == 4
    with bounces.open_box(f"maildir://{tmp_path / 'returns'}") as box:
        notices = [read_notice(content, KEYS) for content in box.read(box.keys(9)).values()]
    assert {notice.verdict for notice in notices} == {NoticeVerdict.AUTO_REPLY, NoticeVerdict.COMPLAINT}
    assert [notice.proved for notice in notices] == [LETTER] * 2
    complaint = next(one for one in notices if one.verdict is NoticeVerdict.COMPLAINT)
    assert complaint.reports[0].failing == "plaint+7@simulateur.example"


def test_the_mailbox_takes_letters_as_the_program_that_the_demonstration_starts(tmp_path):
    port, sender = free_port(), "b@courriel.example"
    with subprocess.Popen(mailbox.command(f"127.0.0.1:{port}", tmp_path / "box")) as program:
        try:
            wait_for_port(port)
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail(sender, ["autre@commune.example"], wire("Une lettre pour vous", **whole()))
        finally:
            program.terminate()
    assert len(mailbox.letters_in(tmp_path / "box")) == 1
