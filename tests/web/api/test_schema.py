"""The interface keeps to its document: what the document allows is taken, what it does not is refused, as it states."""

import threading

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis import GenerationMode

from outreach.integrations import idempotency
from outreach.web.api import blueprint, feed
from outreach.web.api.limits import Reads
from tests.web.api.conftest import CODE, made

FEW = 20  # examples of the profile by which little is drawn; the deep run draws more


@pytest.fixture
def document(app, launched_sample, monkeypatch):
    """The document, asked with a key that meets no limit. No program waits for an event."""
    monkeypatch.setattr(blueprint, "COUNTED", Reads(10**9))
    monkeypatch.setattr(idempotency, "MOST", 10**9)
    monkeypatch.setattr(feed, "_WAITING", threading.Semaphore(0))
    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    loaded.config.update(headers={"Accept-Encoding": "identity"})  # it reads no other answer of an application
    # It would read all modules of the application, each time anew, for values that are seldom drawn.
    loaded.config.analysis.constants.enabled = hypothesis.settings().max_examples > FEW
    key = made(launched_sample, app.extensions["outreach.settings"].instant())

    @loaded.auth()
    class Shown:
        def get(self, _case, _context):
            return f"Bearer {key}"

        def set(self, case, header, _context):
            case.headers["Authorization"] = header

    return loaded


@pytest.mark.long
@pytest.mark.parametrize("mode", GenerationMode)
def test_what_the_document_allows_is_taken_and_nothing_else(document, mode):
    """Two requests of each operation, six in the deep run; three times as many that write, as few say what there is."""
    examples = hypothesis.settings().max_examples // 8
    for found in document.get_all_operations():
        operation = found.ok()
        if mode.is_negative and not (operation.query or operation.path_parameters or operation.body):
            continue
        seen = asked(operation, mode, examples * 3 if operation.body else examples)
        assert mode.is_negative or 200 in seen, f"nothing was taken: {operation.label}"


def asked(operation, mode, examples):
    """The statuses of answers to requests of one operation, each held to the document."""
    there = named = None
    if mode.is_positive:  # what there is: a drawn number names nothing, nor does a drawn code
        there = {one.name: int(CODE[one.name]) for one in operation.path_parameters} or None
        named = {one.name: "" for one in operation.query if one.name == "programme"} or None
    seen = []

    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode, path_parameters=there, query=named))
    def ask(case):
        answer = case.call()
        seen.append(answer.status_code)
        case.validate_response(answer)

    ask()
    return seen
