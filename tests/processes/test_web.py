"""A web process, as `./run web` starts it: its limits, and that no crowd of idle or slow connections is felt."""

import http.client
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from outreach.processes import web
from outreach.processes.bodies import Bodies
from outreach.processes.web import HEAD_BYTES, HIT_THREADS, PAGE_THREADS, Answering, FairTurns
from outreach.settings import ROOT, Mode, read
from outreach.web import headers
from outreach.web.ui.templates import asset
from tests.machine import serving
from tests.processes.readers import readers
from tests.processes.test_supervisor import wait_for

GIF_BYTES = 43
PAUSE_SECONDS = 0.01  # between two requests of a reader, so that readers do not take the processors from others


@pytest.fixture(scope="module")
def served(templates, tmp_path_factory):
    """`./run web` with two processes, on a database of its own with the sample."""
    folder = tmp_path_factory.mktemp("served")
    for url in templates.copy("sqlite", "sample", folder):
        with Served(folder, url) as run:
            yield run


class Served:
    """`./run web`, until the block ends."""

    def __init__(self, folder, url, **settings):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.place = free.getsockname()
        bind = f"127.0.0.1:{self.place[1]}"
        own = {"OUTREACH_DATA": str(folder), "OUTREACH_DATABASE_URL": url, "OUTREACH_BIND": bind, **settings}
        self.settings = read(own)
        self.environment = {"PATH": "/usr/bin:/bin", **own}

    def __enter__(self):
        command = [sys.executable, "-m", "outreach", "web"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: self.process.poll() is not None or len(self.serving()) == self.settings.web_processes, 60)
        assert self.process.poll() is None, self.process.stderr.read()
        self.first_line = self.process.stdout.readline().decode()
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()
        self.process.stderr.close()

    def serving(self):
        """The numbers of the web processes that serve: their other threads have begun."""
        return set(serving(self.process.pid))

    def open(self, address, seconds=20, **headers):
        """The answer to a GET on a connection of its own: its status and its body."""
        status, _, body = self.answered(address, headers, seconds)
        return status, body

    def answered(self, address, headers, seconds=20, method="GET"):
        """The answer on a connection of its own: its status, its headers and its body."""
        connection = http.client.HTTPConnection(*self.place, timeout=seconds)
        try:
            connection.request(method, address, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def said(self, request):
        """The first line of the answer to these bytes, and its body."""
        with socket.create_connection(self.place, timeout=20) as connection:
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer and (more := connection.recv(65536)):
                answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.partition(b"\r\n")[0].decode(), body


def test_the_terminal_says_where_the_pages_are(served):
    assert served.first_line.split() == ["Adresse", served.settings.address]


def test_five_hundred_idle_and_slow_connections_are_not_felt(served):
    before = min(timed(served) for _ in range(3))
    half = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nUser-Ag"
    body = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    body += b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
    idle = b"GET /o/x.gif HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        for number in range(500):
            connection = stack.enter_context(socket.create_connection(served.place, timeout=20))
            connection.sendall((b"", half, body, idle)[number % 4])
        assert min(timed(served) for _ in range(5)) < before + 1.0


def timed(served):
    """How long a page and a hit take together, each on a connection of its own."""
    start = time.monotonic()
    status, _ = served.open("/sign-in")
    hit, gif = served.open("/o/x.gif")
    assert (status, hit, len(gif)) == (200, 200, GIF_BYTES)
    return time.monotonic() - start


def test_a_browser_s_longest_requests_are_read_and_longer_ones_refused_without_a_word(served):
    line, field = "/sign-in?next=/" + "a" * 8150, "b" * 16_300
    assert served.open(line, Cookie=field)[0] == 200
    too_long = f"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nCookie: {'c' * 2 * HEAD_BYTES}\r\n\r\n".encode()
    assert served.said(too_long) == ("HTTP/1.1 431 Request Header Fields Too Large", b"")
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(101))
    assert served.said(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")[1] == b""


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"rubbish\r\n\r\n",
        b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX y: 1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_without_a_word_of_english(served, request_bytes):
    line, body = served.said(request_bytes)
    assert line == "HTTP/1.1 400 Bad Request"
    assert body == b""


@pytest.mark.parametrize(
    "header",
    [
        "SCRIPT_NAME",
        "Script-Name",
        "X-Script-Name",
        "HTTP_SCRIPT_NAME",
        "X-Forwarded-Prefix",
        "X_FORWARDED_PREFIX",
        "X-Forwarded-Path",
        "X-Original-URL",
        "X-Rewrite-URL",
        "PATH_INFO",
        "REQUEST_URI",
    ],
)
def test_no_header_moves_an_address(served, header):
    for value in ("/a", "/campaigns"):
        status, said, _ = served.answered("/a/campaigns", {header: value})
        assert (status, said["Location"]) == (404, None)
        status, said, _ = served.answered("/campaigns", {header: value})
        assert (status, said["Location"]) == (302, "/sign-in?next=/campaigns")
    assert served.answered("/campaigns", {header: "/sign-in"})[0] == 302


def test_no_answer_names_the_program_that_gives_it(served):
    """Nor do refusals that granian writes itself: it has no more to say there than what HTTP needs."""
    asked = [("GET", "/sign-in"), ("GET", "/o/x.gif"), ("GET", "/c/x"), ("GET", asset("app.css")), ("PUT", "/o/x.gif")]
    for method, address in asked:
        _, said, _ = served.answered(address, {}, method=method)
        assert said.get_all("Server") == [""], address
        assert {"granian", "werkzeug", "python"}.isdisjoint(re.findall(r"[a-z]+", str(said).lower())), address
        assert all(said.get_all(name) == [value] for name, value in headers.EVERYWHERE), address
    for refused in (b"rubbish\r\n\r\n", b"GET /" + b"a" * 2 * HEAD_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with socket.create_connection(served.place, timeout=20) as connection:
            connection.sendall(refused)
            answer = connection.recv(65_536).lower()
        assert answer.startswith(b"http/1.1 4")
        assert b"server" not in answer


def test_a_form_may_come_in_chunks(served):
    head = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.test\r\n\r\n"
    # Another test's half-sent forms may still take this client's room for a moment: 503.
    wait_for(lambda: served.said(head + b"5\r\nemail\r\n0\r\n\r\n")[0] == "HTTP/1.1 400 Bad Request")


def test_no_one_click_is_refused_of_two_hundred_at_once_from_one_address(served):
    """Their tokens are no good here, which a page says: RFC 8058 obliges nobody to come again after a 503."""
    request = b"POST /u/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(served.place, timeout=60)) for _ in range(200)]
        for connection in connections:
            connection.sendall(request + b"Content-Length: 26\r\n\r\n")
        for connection in connections:
            connection.sendall(b"List-Unsubscribe=One-Click")
        assert {connection.recv(12) for connection in connections} == {b"HTTP/1.1 404"}


def test_a_body_that_is_too_large_is_refused_by_our_page_before_it_comes(served):
    head = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n"
    line, _ = served.said(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=")
    assert line == "HTTP/1.1 413 Payload Too Large"


def test_a_reload_under_load_costs_no_request_and_takes_every_process_away(served):
    """Neither on new connections nor on connections that are kept."""
    old = served.serving()
    on_new, on_kept = partial(read_on_new_connections, served), partial(read_on_kept_connections, served)
    with readers(on_new) as came, readers(on_kept, 8) as came_on_kept:
        os.kill(served.process.pid, signal.SIGHUP)
        wait_for(lambda: len(served.serving()) == 2 and not served.serving() & old, 60)
        seen, seen_on_kept = len(came), len(came_on_kept)
        wait_for(lambda: len(came) > seen + 20 and len(came_on_kept) > seen_on_kept + 20)
    assert ({*came}, {*came_on_kept}) == ({200}, {200})


def read_on_kept_connections(served, over, came):
    """Open one page after another on a connection, and a new one when an answer said that it was the last."""
    connection = http.client.HTTPConnection(*served.place, timeout=20)
    while not over.wait(PAUSE_SECONDS):
        try:
            connection.request("GET", "/o/x.gif")
            answer = connection.getresponse()
            answer.read()
            came.append(answer.status)
        except (OSError, http.client.HTTPException) as error:
            came.append(repr(error))
            connection.close()
    connection.close()


def test_a_process_that_is_killed_is_replaced_and_what_comes_meanwhile_is_answered(served):
    before = served.serving()
    os.kill(next(iter(before)), signal.SIGKILL)
    for _ in range(5):
        assert served.open("/sign-in")[0] == 200
    wait_for(lambda: len(served.serving()) == 2 and len(served.serving() & before) == 1, 60)


def read_on_new_connections(served, over, came):
    """Open one page after another, each on a connection of its own."""
    while not over.wait(PAUSE_SECONDS):
        try:
            came.append(served.open("/sign-in")[0])
        except OSError as error:
            came.append(repr(error))


def test_the_supervisor_takes_at_most_30_megabytes(served):
    rollup = Path(f"/proc/{served.process.pid}/smaps_rollup").read_text(encoding="ascii")
    kilobytes = int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1])
    assert kilobytes < 30_000


def test_an_address_that_is_taken_is_refused_in_a_sentence(served):
    command = [sys.executable, "-m", "outreach", "web"]
    second = subprocess.run(
        command, cwd=ROOT, env=served.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert "ne peut pas être ouverte" in second.stderr
    assert "OUTREACH_DEMO_MAILBOX" in second.stderr


def environ(**own):
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1", "wsgi.url_scheme": "http", **own}


class Exchange:
    def response_bytes(self, status, headers, body):
        self.answered = status, headers, body


def exchanged(app, **own):
    return exchanged_by(Answering(app), **own)


def exchanged_by(answering, **own):
    exchange = Exchange()
    answering(exchange, environ(**own))
    answering.wait(20)
    return exchange.answered


def test_the_environment_of_the_process_is_not_that_of_a_request(monkeypatch):
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "not to be seen")
    monkeypatch.setenv("HTTP_X_FORWARDED_PROTO", "https")

    def app(environ, start):
        start("200 OK", [])
        return [repr(environ).encode()]

    _, _, body = exchanged(app)
    assert b"not to be seen" not in body
    assert b"https" not in body


@pytest.mark.parametrize(
    ("place", "said", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("::1", "https", "https"),
        ("192.0.2.1", "https", "http"),
        ("::1", "ftp", "http"),
        ("::1", "http, https", "https"),
    ],
)
def test_only_a_web_server_that_is_believed_says_that_it_was_asked_by_https(place, said, scheme):
    def app(environ, start):
        start("200 OK", [])
        return [environ["wsgi.url_scheme"].encode()]

    assert exchanged(app, REMOTE_ADDR=place, HTTP_X_FORWARDED_PROTO=said)[2] == scheme.encode()


def test_an_answer_is_handed_over_whole_and_closed():
    closed = []

    class Pieces(list):
        def close(self):
            closed.append(True)

    def app(environ, start):
        start("404 NOT FOUND", [("X-A", "1")])
        return Pieces([b"a", b"b"])

    assert exchanged(app) == (404, [("X-A", "1")], b"ab")
    assert closed == [True]


def test_a_fault_beneath_the_pages_is_a_page_with_the_usual_headers(caplog):
    def app(_environ, _start):
        raise FileNotFoundError("a static file that went away")

    exchange = Exchange()
    fixed = headers.fixed(Mode.PRODUCTION)
    answering = Answering(app, Bodies(headers=fixed))
    answering(exchange, environ())
    answering.wait(20)
    status, said, body = exchange.answered
    assert status == 500
    assert "Rien n’a été enregistré" in body.decode()
    assert set(fixed) < set(said)
    assert "went away" in caplog.text


class Held:
    """An application whose requests stay under way until `go_on`."""

    def __init__(self):
        self.may_end, self.come = threading.Event(), threading.Semaphore(0)

    def __call__(self, environ, start):
        if "held" in environ:
            self.come.release()
            self.may_end.wait()
        start("200 OK", [])
        return []


@pytest.fixture
def held():
    app = Held()
    yield app
    app.may_end.set()


def test_pages_hold_no_thread_of_openings_and_clicks_and_wait_for_each_other(held):
    answering, exchanges = Answering(held), [Exchange() for _ in range(PAGE_THREADS + 1)]
    for exchange in exchanges:
        answering(exchange, environ(held=True))
    for _ in range(PAGE_THREADS):
        assert held.come.acquire(timeout=20)
    for path in ("/o/x.gif", "/c/x"):
        exchange = Exchange()
        answering(exchange, environ(PATH_INFO=path))
        assert exchange.answered[0] == 200
    assert not held.come.acquire(blocking=False)
    held.may_end.set()
    answering.wait(20)
    assert {exchange.answered[0] for exchange in exchanges} == {200}


def test_turns_come_in_the_order_of_those_who_wait():
    turns, order = FairTurns(1), []

    def take(number):
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            wait_for(lambda count=number + 1: len(turns._waiting) == count)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_the_limit_of_files_leaves_room_for_the_database(monkeypatch):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 1000))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: asked.append(limits))
    assert web.most_open() == 1000 - web.OTHER_FILES
    assert asked == [(1000, 1000)]


def test_threads_never_wait_for_each_other_s_connections(database):
    pool = database.engine.pool
    assert pool.size() + pool._max_overflow >= 3 * PAGE_THREADS + HIT_THREADS


def test_memory_that_pages_have_freed_goes_back_though_something_above_it_is_held():
    """In a process of its own: this one may hold whatever other tests left."""
    program = """
from pathlib import Path
from outreach.processes.web import give_back_memory
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000
many = [bytes(1000) for _ in range(60_000)]
del many[:-1]
before = held()
give_back_memory()
print(before - held())
"""
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    assert int(told.stdout) > 40
