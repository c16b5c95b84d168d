"""The lines of curl in docs/api.md, and its table of events, are true."""

import re
import shlex

import pytest

from outreach.core.audit import EventKind
from outreach.core.settings import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def asked(line, key):
    """The method, the path, the headers and the body of a line of curl."""
    words = shlex.split(line.replace("$KEY", key).replace("$SERVICE", "").replace("$NAME", "n1"))
    method, headers, body, path = "GET", {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        else:
            path = word
    return method, path, headers, body


@pytest.mark.one_example
@pytest.mark.parametrize("line", LINES)
def test_every_line_of_curl_works(app, program, line):
    key = program.headers["Authorization"].removeprefix("Bearer ")
    method, path, headers, body = asked(line, key)
    answer = app.test_client().open(path, method=method, headers=headers, data=body)
    assert answer.status_code == 200, answer.text


def test_every_kind_of_event_is_told():
    table = TEXT.partition("| type, after")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+\.\w+)`", table)) == {kind.value for kind in EventKind}
