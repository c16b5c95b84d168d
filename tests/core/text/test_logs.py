"""The log: one line an event, and no word that a person typed, whatever goes wrong."""

import ast
import io
import logging
import os
import re
import subprocess
import sys

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Database
from outreach.core.settings import ROOT
from outreach.core.text import logs
from outreach.core.text.errors import InputError
from outreach.delivery.bounces import BoxError
from outreach.directory.models import Network
from outreach.operations.health import AlertWatch
from outreach.operations.worker import resilience
from outreach.operations.worker.resilience import going_on
from outreach.web.public.tracking_endpoint import Batches, NotHandled
from tests.application import app, author, backend, client, password, signed_in, standing, while_writing
from tests.delivery.conftest import addresses, clock, dispatcher, mail_to, relay
from tests.web.test_account import few

__all__ = [
    "app",
    "author",
    "backend",
    "client",
    "clock",
    "dispatcher",
    "few",
    "password",
    "relay",
    "signed_in",
    "standing",
    "while_writing",
]
MARK = "zqmarque"  # in every address, name, token and sentence that the tests below type
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning|error|critical) \S+ test\[\d+\] (\w+): \S.*")


@pytest.fixture
def log():
    """What the log has, from here on."""
    stream = io.StringIO()
    handler = logs.lines_to(stream, "test")
    logging.getLogger().addHandler(handler)

    def lines():
        return stream.getvalue().splitlines()

    lines.handler = handler
    yield lines
    logging.getLogger().removeHandler(handler)


def events(lines):
    """The events of these lines, none of which has a marked word."""
    assert [line for line in lines if MARK in line.casefold()] == []
    found = [LINE.fullmatch(line) for line in lines]
    assert None not in found, lines
    return {match[2] for match in found}


@pytest.mark.journey
@pytest.mark.long
def test_what_is_typed_into_pages_stands_in_no_log(app, author, few, log, monkeypatch):
    def broken(**_named):
        raise ValueError(f"{MARK}@ecole.be is no number")

    app.config["TESTING"] = False
    for _ in range(5):
        app.test_client().sign_in(f"{MARK}@fwb.example", MARK)
        app.test_client().sign_in("nadia.lambert@fwb.example", MARK)
    author.send("/directory/9300/contacts/new", {"address": f"{MARK}@ecole.be\r\nBcc: x", "name": MARK})
    sheet = f"FASE;Courriel;Nom;{MARK}\n9300;{MARK}@;{MARK};x\n{MARK};a@ecole.be;{MARK};\n"
    for place, name in (("/directory/contact-lists", "contacts.csv"), ("/adherence/lists", f"{MARK}.xlsx")):
        author.send(place, {"file": (io.BytesIO(sheet.encode()), name)})
    for address in (f"/a/{MARK}", f"/u/{MARK}", f"/c/{MARK}", f"/o/{MARK}.gif", f"/directory?q={MARK}"):
        author.get(address)
    author.post(f"/a/{MARK}", data={"comment": MARK, "name": MARK})
    for view in ("public.answer", "responses.index"):
        monkeypatch.setitem(app.view_functions, view, broken)
    assert author.get(f"/a/{MARK}?comment={MARK}").status_code == 500
    assert author.get(f"/responses?q={MARK}").status_code == 500
    assert {"sign_in_slowed", "view_failed", "page_failed"} <= events(log())


def test_a_database_error_that_quotes_values_is_told_without_them(app, author, log, monkeypatch, tmp_path):
    monkeypatch.setattr(resilience, "_failing", {})  # nothing failed before in this process

    def clash(**_named):
        with app.extensions["outreach.database"].writing() as session:
            row = {"code": MARK, "label": MARK, "position": 99}
            session.execute(insert(Network), [row, row])

    app.config["TESTING"] = False
    monkeypatch.setitem(app.view_functions, "responses.index", clash)
    assert author.get("/responses").status_code == 500
    with going_on("settling", app.extensions["outreach.database"]):
        clash()
    assert {"view_failed", "page_failed", "step_broke_off"} <= events(log())
    assert sum("UNIQUE" in line or "constraint" in line for line in log()) >= 3, "and says which constraint"


def test_what_a_relay_a_mailbox_or_a_library_says_stands_in_no_log(
    settings, database, relay, dispatcher, clock, log, monkeypatch
):
    monkeypatch.setattr(resilience, "_failing", {})  # nothing failed before in this process
    sink = relay()
    sink.script(
        {"stage": "rcpt", "reply": f"550 5.1.1 <{MARK}@ecole.be> unknown", "times": 2},
        {"stage": "rcpt", "reply": f"421 4.7.0 too many for {MARK}", "times": 2},
    )
    dispatcher(sink).deliver(mail_to(database, [f"{MARK}{one}" for one in addresses(6)]))
    gone = dispatcher(sink, url=f"smtp://{MARK}:{MARK}@127.0.0.1:1")
    gone.deliver(mail_to(database, [f"{MARK}@other.be"]))
    AlertWatch(settings, database, [gone.pool.relays[0].name], SenderIdentity.of(settings), "w", least_free=0).look("")
    with going_on("reading what came back", database):
        unread()
    with going_on("reading rows", database):
        int(f"{MARK} 1")
    with going_on("asking", database):
        raise InputError(f"« {MARK} » n’est pas une adresse.")
    batches = Batches("hits are lost", lambda given: [int(one) for one in given])
    with pytest.raises(NotHandled):
        batches.put(MARK)
    fault = KeyError(MARK)
    logging.getLogger("somelibrary").error("a request of %s failed", MARK, exc_info=fault)
    found = events(log())
    assert {"step_broke_off", "batch_failed", "library"} <= found
    assert any("refused" in line for line in log()), "what the system says is told"


def test_what_ends_a_process_or_a_thread_is_one_line_without_its_words(tmp_path):
    script = f"""
import threading
from outreach.core.text import logs
logs.begin("test")
def fails():
    raise ValueError("{MARK}\\n{MARK}")
one = threading.Thread(target=fails)
one.start(); one.join()
fails()
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert events(ended.stderr.splitlines()) == {"thread_broke", "process_broke"}
    assert "ValueError" in ended.stderr


def full(path):
    raise OSError(28, "No space left on device", path)


def unread():
    raise BoxError(MARK) from ConnectionRefusedError(111, "refused")


def test_a_journal_is_told_the_priority_of_each_line_and_nothing_else_is():
    code = (
        "from outreach.core.text.log_lines import line; import sys; print(line('test', 'tried', 'said', sys.argv[1]))"
    )
    reading, writing = os.pipe()
    found = os.fstat(writing)
    for stream, marks in ((f"{found.st_dev}:{found.st_ino}", ["<2>", "<3>", "<4>", "<6>"]), ("1:1", [""] * 4)):
        own = {**os.environ, "JOURNAL_STREAM": stream}
        for mark, level in zip(marks, ("critical", "error", "warning", "info"), strict=True):
            command = [sys.executable, "-c", code, level]
            ended = subprocess.run(command, env=own, stdout=subprocess.PIPE, stderr=writing, text=True, check=True)
            begun, _, rest = ended.stdout.partition("20")
            assert (begun, "said" in rest) == (mark, True)
    os.close(reading)
    os.close(writing)


def test_a_line_that_cannot_be_written_is_told_without_what_stood_in_it(log, capsys):
    record = logging.LogRecord("outreach.here", logging.WARNING, "here.py", 5, "%d", (MARK,), None)
    log.handler.handle(record)
    (line,) = log()
    assert "could not be written" in line
    assert MARK not in line + capsys.readouterr().err


def test_causes_are_told_and_those_that_were_set_aside_are_not():
    with pytest.raises(BoxError) as broken:
        unread()
    assert re.fullmatch(r"BoxError at \S+ \w+ < ConnectionRefusedError: refused", logs.told(broken.value))
    with pytest.raises(OperationalError) as caught, Database("postgresql://127.0.0.1:1/none").reading() as session:
        session.connection()
    assert logs.told(caught.value).startswith("OperationalError, connection failed")


def calls():
    """Each call that logs, of ours: its module and the event that it names, or None."""
    for path in sorted((ROOT / "outreach").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "logger" not in source and "getLogger" not in source:  # to parse the others takes two seconds
            continue
        for node in ast.walk(ast.parse(source)):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_call and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical", "log"}:
                owner = ast.unparse(node.func.value)
                if owner.endswith("logger") or owner == "logging.getLogger('outreach')":
                    yield path.relative_to(ROOT).as_posix(), {keyword.arg for keyword in node.keywords}


def test_every_line_names_its_event_and_the_page_of_operations_tells_each():
    found = list(calls())
    assert len(found) > 20
    assert [module for module, given in found if "extra" not in given] == []
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "outreach").rglob("*.py"))
    named = set(re.findall(r'"event": "(\w+)"', sources)) | set(re.findall(r'_log\("(\w+)"', sources))
    named |= set(re.findall(r'_ended\("(\w+)"', sources)) | set(re.findall(r'_ended\(\s*"(\w+)"', sources))
    told = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").partition("### The log")[2]
    assert {event for event in named if f"`{event}`" not in told.partition("\n### ")[0]} == set()
