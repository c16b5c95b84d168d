"""A web process, as `./run web` starts it: its limits, and what it leaves out of requests and answers."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from werkzeug import Request, Response

from outreach.cli.processes import web
from outreach.cli.processes.web import PAGE_THREADS
from outreach.cli.running.web import HEAD_BYTES, THREADS
from outreach.core.settings import ROOT, Mode, Settings, read
from outreach.web.ui import headers
from outreach.web.ui.templates import asset
from tests.cli.processes.readers import wait_for
from tests.machine import serving


@pytest.fixture(scope="module")
def served(templates, tmp_path_factory):
    """`./run web`, on a database of its own with the sample."""
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
        wait_for(lambda: self.process.poll() is not None or self.serving(), 60)
        assert self.process.poll() is None, self.process.stderr.read()
        wait_for(lambda: self.answers("/o/x.gif"))
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

    def answers(self, address):
        """Whether something answers there."""
        try:
            return bool(self.open(address))
        except (OSError, http.client.HTTPException):
            return False

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


@pytest.mark.parametrize("ends", [b"0\r\n\r\n", b"", b"40\r\nand"])
@pytest.mark.parametrize("address", ["/u/x", "/sign-in", "/hooks/adherence/x", "/api/v1/adherence-lists"])
def test_a_body_in_chunks_is_refused_as_none_tells_that_it_came_whole(served, address, ends):
    head = f"POST {address} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n".encode()
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    line, _ = served.said(head + b"1a\r\nList-Unsubscribe=One-Click\r\n" + ends)
    assert line == "HTTP/1.1 411 Length Required"


@pytest.mark.long
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


def test_a_process_that_is_killed_is_started_again(served):
    before = served.serving()
    os.kill(next(iter(before)), signal.SIGKILL)
    wait_for(lambda: len(served.serving()) == 1 and not served.serving() & before, 60)
    wait_for(lambda: served.answers("/sign-in"), 60)


def test_when_granian_is_killed_its_process_ends(templates, tmp_path):
    for url in templates.copy("sqlite", "sample", tmp_path):
        with Served(tmp_path, url) as run:
            (number,) = run.serving()
            run.process.kill()
            wait_for(partial(is_gone, number))


@pytest.mark.long
def test_whoever_has_connected_when_it_is_asked_to_stop_is_answered_and_whoever_comes_later_refused(
    templates, tmp_path
):
    """A web server in front then asks another unit, with a form too."""
    for url in templates.copy("sqlite", "sample", tmp_path):
        with Served(tmp_path, url) as run, socket.create_connection(run.place, timeout=20) as connected:
            wait_for(lambda: run.answers("/o/x.gif"))
            run.process.terminate()
            wait_for(partial(refuses, run.place))
            connected.sendall(b"POST /u/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert connected.recv(12) == b"HTTP/1.1 404"
            assert run.process.wait(20) == 0


def refuses(place):
    try:
        socket.create_connection(place, timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def is_gone(number):
    return not Path(f"/proc/{number}").exists()


def test_granian_takes_at_most_30_megabytes_beside_its_process(served):
    rollup = Path(f"/proc/{served.process.pid}/smaps_rollup").read_text(encoding="ascii")
    assert int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1]) < 30_000


@pytest.mark.long
def test_an_address_that_is_taken_is_refused_in_a_sentence(served):
    command = [sys.executable, "-m", "outreach", "web"]
    second = subprocess.run(
        command, cwd=ROOT, env=served.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert "ne peut pas être ouverte" in second.stderr
    assert "OUTREACH_DEMO_MAILBOX" in second.stderr


@pytest.fixture
def answer_of():
    """What granian would send of a page's answer: its status, its headers, the pieces of its body."""

    def answer_of(app, mode=Mode.DEMO, **own):
        said = []
        fields = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1", "wsgi.url_scheme": "http"}
        body = web.Served(app, Settings(mode=mode))({**os.environ, **fields, **own}, lambda *told: said.append(told))
        return *said[-1], body

    return answer_of


def told(environ, start):
    start("200 OK", [])
    return [repr(environ).encode()]


@pytest.mark.parametrize("path", ["/", "/o/x.gif"])
def test_the_environment_of_the_process_is_not_that_of_a_request(answer_of, monkeypatch, path):
    """granian puts the one into the other."""
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "not to be seen")
    assert b"not to be seen" not in answer_of(told, PATH_INFO=path)[2][0]
    assert b"PATH'" not in answer_of(told)[2][0]


def test_what_the_environment_says_passes_for_no_header(monkeypatch):
    for name in ("HTTP_X_FORWARDED_PROTO", "CONTENT_LENGTH", "REMOTE_USER"):
        monkeypatch.setenv(name, "https")
    web.Served(told, Settings())
    assert not {"HTTP_X_FORWARDED_PROTO", "CONTENT_LENGTH", "REMOTE_USER"} & set(os.environ)


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
def test_only_a_web_server_that_is_believed_says_that_it_was_asked_by_https(answer_of, place, said, scheme):
    def app(environ, start):
        start("200 OK", [])
        return [environ["wsgi.url_scheme"].encode()]

    assert answer_of(app, REMOTE_ADDR=place, HTTP_X_FORWARDED_PROTO=said)[2] == [scheme.encode()]


def test_an_answer_is_handed_over_whole_and_closed(answer_of):
    closed = []

    class Pieces(list):
        def close(self):
            closed.append(True)

    def app(environ, start):
        start("404 NOT FOUND", [("X-A", "1")])
        return Pieces([b"a", b"b"])

    assert answer_of(app) == ("404 NOT FOUND", [("X-A", "1")], [b"ab"])
    assert closed == [True]


def test_a_fault_beneath_the_pages_is_a_page_with_the_usual_headers(answer_of, caplog):
    def app(_environ, _start):
        raise FileNotFoundError("a static file that went away")

    status, said, (body,) = answer_of(app, mode=Mode.PRODUCTION)
    assert status.startswith("500 ")
    assert "Rien n’a été enregistré" in body.decode()
    assert set(headers.fixed(Mode.PRODUCTION)) < set(said)
    assert "went away" in caplog.text


def test_pages_take_eight_threads_and_leave_the_others_to_openings_and_clicks():
    may_end, come = threading.Event(), threading.Semaphore(0)

    def app(environ, start):
        if environ["PATH_INFO"] == "/":
            come.release()
            may_end.wait(20)
        start("200 OK", [])
        return []

    served, statuses = web.Served(app, Settings()), []
    asked = [
        threading.Thread(target=served, args=({"PATH_INFO": "/"}, lambda status, _headers: statuses.append(status)))
        for _ in range(PAGE_THREADS + 1)
    ]
    for thread in asked:
        thread.start()
    for _ in range(PAGE_THREADS):
        assert come.acquire(timeout=20)
    for path in ("/o/x.gif", "/c/x"):
        assert served({"PATH_INFO": path}, lambda *_: None) == [b""]
    assert not come.acquire(blocking=False)
    may_end.set()
    for thread in asked:
        thread.join(20)
    assert statuses == ["200 OK"] * (PAGE_THREADS + 1)


def test_a_form_whose_browser_went_away_in_the_middle_is_refused(answer_of):
    @Request.application
    def app(request):
        return Response(request.get_data())

    for body, length, status in ((b"email=a", "7", 200), (b"email", "7", 400)):
        own = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length, "wsgi.input": BytesIO(body)}
        assert answer_of(app, **own, **{"wsgi.input_terminated": True})[0].startswith(str(status)), body


def test_threads_never_wait_for_each_other_s_connections(database):
    """A page may hold two, and has a thread of its own; whatever else granian's threads do holds one."""
    pool = database.engine.pool
    assert pool.size() + pool._max_overflow >= 2 * PAGE_THREADS + THREADS


@pytest.mark.deep
def test_memory_that_pages_have_freed_goes_back_though_something_above_it_is_held():
    """In a process of its own: this one may hold whatever other tests left."""
    program = """
from pathlib import Path
from outreach.cli.processes.web import give_back_memory
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000
many = [bytes(1000) for _ in range(60_000)]
del many[:-1]
before = held()
give_back_memory()
print(before - held())
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    assert int(ended.stdout) > 40
