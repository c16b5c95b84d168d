"""Forms and files that come slowly or never in whole: they hold little, for a time, and leave the others alone."""

import http.client
import io
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from outreach.processes.bodies import (
    BODY_BYTES,
    BODY_THREADS,
    CLIENT_THREADS,
    MEMORY_BYTES,
    Bodies,
    Unended,
    client_of,
)
from outreach.processes.supervisor import WEB_GRACE_SECONDS
from outreach.processes.web import PAGE_THREADS, THREADS, Answering
from outreach.settings import ROOT
from outreach.web.headers import EVERYWHERE
from tests.processes.test_supervisor import wait_for

# A web process with one page, which says how long the body was; a body has a second to come.
WEB = """
import os, sys
from outreach.processes import bodies, web
from outreach.settings import Mode
from outreach.web.headers import fixed
def app(environ, start):
    start("200 OK", [("X-Client", bodies.client_of(environ))])
    return [str(len(environ["wsgi.input"].read())).encode()]
held = bodies.Bodies(seconds=float(sys.argv[2]), headers=fixed(Mode.DEMO))
web.serve(app, int(sys.argv[1]), lambda: print("ready", flush=True), held)
os._exit(0)
"""
HALF = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"


@contextmanager
def serving(seconds):
    """A web process on a socket of its own, where a body has this long to come; yields its address and it."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener, serving_at(listener, seconds) as process:
        yield listener.getsockname(), process


@contextmanager
def serving_at(listener, seconds):
    """A web process on this socket."""
    command = [sys.executable, "-c", WEB, str(listener.fileno()), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def half_sent(place, count):
    """So many connections, each with half a form."""
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(place, timeout=20)) for _ in range(count)]
        for connection in connections:
            connection.sendall(HALF)
        yield connections


def sent(place, body=b"whole", **headers):
    """The answer to a form: status, headers, body."""
    connection = http.client.HTTPConnection(*place, timeout=20)
    try:
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def whole(connection):
    """What comes until the connection ends."""
    answer = b""
    while more := connection.recv(65_536):
        answer += more
    return answer


def test_half_sent_forms_of_one_client_hold_up_nobody_else():
    with serving(30) as (place, _), half_sent(place, 100) as connections:
        wait_for(lambda: len(select.select(connections, [], [], 0)[0]) == 100 - CLIENT_THREADS)
        status, said, body = sent(place)
        assert status == 503
        assert said["Retry-After"] == "5"
        assert all(said.get_all(name) == [value] for name, value in EVERYWHERE)
        assert "Réessayez" in body.decode()
        start = time.monotonic()
        status, _, body = sent(place, **{"X-Forwarded-For": "192.0.2.7"})
        assert (status, body) == (200, b"5")
        assert time.monotonic() - start < 5


def test_a_half_sent_form_is_told_that_it_is_late_and_leaves_room_to_the_next():
    with serving(1) as (place, _), half_sent(place, CLIENT_THREADS) as connections:
        answers = [whole(connection) for connection in connections]
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
        assert all(answer.endswith(b"</p>\n") for answer in answers)
        for name, value in EVERYWHERE:
            assert all(f"\r\n{name}: {value}\r\n".lower().encode() in answer.lower() for answer in answers), name
        wait_for(lambda: sent(place)[0] == 200)


def test_a_half_sent_form_does_not_keep_a_process_from_ending():
    with serving(30) as (place, process), half_sent(place, CLIENT_THREADS + 1) as connections:
        wait_for(lambda: select.select(connections, [], [], 0)[0])
        process.terminate()
        assert process.wait(WEB_GRACE_SECONDS) == 0


def test_a_process_that_is_asked_to_end_says_so_on_connections_that_are_kept_and_answers():
    with serving(30) as (place, process):
        kept = http.client.HTTPConnection(*place, timeout=20)
        assert asked(kept) == (200, None)
        process.terminate()
        while (answer := asked(kept)) == (200, None):
            pass
        assert answer == (200, "close")
        assert process.wait(WEB_GRACE_SECONDS) == 0


def test_who_comes_while_a_process_ends_is_answered_by_the_next_one():
    """It has sent nothing yet when the process ends, which would close it without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        place = listener.getsockname()
        with serving_at(listener, 30) as process:
            kept = http.client.HTTPConnection(*place, timeout=20)
            assert asked(kept) == (200, None)
            process.terminate()
            while asked(kept) == (200, None):
                pass
            late = http.client.HTTPConnection(*place, timeout=20)
            late.connect()
            assert process.wait(WEB_GRACE_SECONDS) == 0
        with serving_at(listener, 30):
            assert asked(late)[0] == 200
            late.close()


def asked(connection):
    """The status of an answer on this connection, and what it says about the connection."""
    connection.request("POST", "/", b"whole")
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers["Connection"]


@pytest.mark.parametrize("length", [1, MEMORY_BYTES + 1])
def test_a_body_is_handed_over_whole(length):
    with serving(20) as (place, _):
        assert sent(place, b"x" * length)[2] == str(length).encode()
        pieces = (b"x" for _ in range(3))
        assert sent(place, pieces)[2] == b"3"


class Exchange:
    def __init__(self):
        self.answers = []

    def response_bytes(self, status, _headers, body):
        self.answers.append((status, body))

    def response_iter(self, status, _headers, body):
        self.answers.append((status, next(body)))


def environ(body, **own):
    return {"REMOTE_ADDR": "192.0.2.1", "PATH_INFO": "/", "wsgi.input": body, **own}


def handed(body, **own):
    """What a page gets of this body: a list, empty where none was asked."""
    got, exchange = [], Exchange()

    def app(environ, start):
        start("200 OK", [])
        got.append(environ["wsgi.input"].read())
        return []

    Answering(app, Bodies(seconds=20))(exchange, environ(body, **own))
    assert len(exchange.answers) == 1
    return got


def test_a_form_whose_browser_went_away_in_the_middle_asks_for_no_page():
    assert handed(io.BytesIO(b"email=a"), CONTENT_LENGTH="7") == [b"email=a"]
    assert handed(io.BytesIO(b"email"), CONTENT_LENGTH="7") == []


def test_of_a_body_that_no_page_takes_at_most_that_much_is_read():
    endless = type("Endless", (), {"read": lambda _self, size: b"x" * size})()
    assert handed(endless, CONTENT_LENGTH=str(BODY_BYTES + 1)) == [b""]
    assert [len(body) for body in handed(endless, HTTP_TRANSFER_ENCODING="chunked")] == [BODY_BYTES]


class Held(io.RawIOBase):
    """A body that comes once it may."""

    def __init__(self):
        self.may_come, self.asked = threading.Event(), threading.Event()

    def read(self, size=-1):
        self.asked.set()
        self.may_come.wait(20)
        return b"x" * size


def test_a_body_that_comes_when_it_was_refused_already_asks_for_no_page():
    held, exchange, asked = Held(), Exchange(), []
    answering = Answering(lambda _environ, _start: asked.append(True) or [], Bodies(seconds=0.01))
    thread = threading.Thread(target=answering, args=(exchange, environ(held, CONTENT_LENGTH="5")))
    thread.start()
    wait_for(lambda: exchange.answers)
    held.may_come.set()
    thread.join(20)
    assert asked == []
    assert [status for status, _ in exchange.answers] == [408]


def test_all_clients_together_leave_threads_to_those_who_read():
    held, bodies = Held(), Bodies(room=3, for_one=2)
    for number in range(3):
        own = {"CONTENT_LENGTH": "5", "REMOTE_ADDR": f"192.0.2.{number}"}
        app = Answering(lambda _environ, start: start("200 OK", []) and [], bodies)
        threading.Thread(target=app, args=(Exchange(), environ(held, **own)), daemon=True).start()
    wait_for(lambda: bodies._held.total() == 3)
    exchange = Exchange()
    with bodies.read(exchange, environ(held, CONTENT_LENGTH="5", REMOTE_ADDR="192.0.2.9")) as body:
        assert body is None
    assert exchange.answers[0][0] == 503
    held.may_come.set()
    wait_for(lambda: not bodies._held)


def test_an_answer_that_does_not_end_says_all_but_the_last_byte_of_its_length():
    page = Unended(b"late")
    assert dict(page.headers())["Content-Length"] == "5"
    assert next(page) == b"late"
    with pytest.raises(StopIteration):
        next(page)


@pytest.mark.parametrize(
    ("place", "said", "client"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "invented, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_only_a_web_server_on_this_machine_is_believed_about_its_client(place, said, client):
    assert client_of({"REMOTE_ADDR": place, "HTTP_X_FORWARDED_FOR": said}) == client


def test_the_shares_of_threads_leave_some_to_each():
    assert CLIENT_THREADS * 2 < BODY_THREADS
    assert BODY_THREADS + PAGE_THREADS < THREADS
