"""Forms and files that come slowly or never in whole: they hold little, for a time, and leave the others alone."""

import http.client
import io
import os
import select
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from threading import Timer

import pytest

from outreach.processes import bodies, web
from outreach.processes.bodies import (
    BODY_BYTES,
    BODY_THREADS,
    CLIENT_THREADS,
    MEMORY_BYTES,
    SHORT_BYTES,
    SHORT_SECONDS,
    SHORT_THREADS,
    SHORT_WAITING,
    Bodies,
    Places,
    Unended,
    client_of,
)
from outreach.processes.supervisor import WEB_GRACE_SECONDS
from outreach.processes.web import HIT_THREADS, LONG_THREADS, THREADS, Answering
from outreach.settings import Mode, Settings
from outreach.settings.model import LOOPBACK
from outreach.web.client import came_by_https
from outreach.web.headers import EVERYWHERE, fixed
from tests.nursery import nursery
from tests.processes.test_supervisor import wait_for

HALF = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nhalf"
LONG, SHORT = HALF % (SHORT_BYTES + 1), HALF % SHORT_BYTES


@contextmanager
def serving(seconds):
    """A web process on a socket of its own, where a body has this long to come; yields its address and it."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener, serving_at(listener, seconds) as process:
        yield listener.getsockname(), process


@contextmanager
def serving_at(listener, seconds):
    """A web process on this socket, with one page: it says how long the body was."""
    told, tells = nursery.Pipe(duplex=False)
    process = nursery.Process(target=serve, args=(listener, seconds, tells), daemon=True)
    process.start()
    tells.close()
    try:
        assert told.recv() == "ready"
        yield process
    finally:
        process.kill()
        process.join()
        told.close()


def serve(listener, seconds, tells):
    held = Bodies(Places(BODY_THREADS, seconds), headers=fixed(Mode.DEMO))

    def app(environ, start):
        start("200 OK", [("X-Client", client_of(environ, held.proxies))])
        return [str(len(environ["wsgi.input"].read())).encode()]

    web.serve(app, listener.fileno(), lambda: tells.send("ready"), held)
    os._exit(0)


def ended(process):
    """How a process that was asked to end did so, within its time."""
    process.join(WEB_GRACE_SECONDS)
    return process.exitcode


@contextmanager
def half_sent(place, count, half=LONG, clients=("127.0.0.1",)):
    """So many connections, each with half a form, of these clients in turn."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(place, 20, (clients[number % len(clients)], 0)))
            for number in range(count)
        ]
        for connection in connections:
            connection.sendall(half)
        yield connections


def sent(place, body=b"w" * (SHORT_BYTES + 1), client="127.0.0.1", **headers):
    """The answer to a form: status, headers, body."""
    connection = http.client.HTTPConnection(*place, 20, (client, 0))
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
        assert (status, body) == (200, b"4097")
        assert time.monotonic() - start < 5


def test_no_one_click_is_refused_of_two_hundred_at_once_from_one_address():
    """RFC 8058: whoever sends them need not come again."""
    with serving(30) as (place, _), ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(place, timeout=20)) for _ in range(200)]
        for connection in connections:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 26\r\n\r\n")
        for connection in connections:
            connection.sendall(b"List-Unsubscribe=One-Click")
        assert {whole(connection).partition(b"\r\n")[0] for connection in connections} == {b"HTTP/1.1 200 OK"}


def test_forty_slow_answers_of_forty_clients_delay_others_for_seconds_only():
    slow = [f"127.0.0.{number}" for number in range(2, 42)]
    with serving(30) as (place, _), half_sent(place, 40, SHORT, slow):
        start = time.monotonic()
        assert sent(place, b"short", "127.0.0.99")[::2] == (200, b"5")
        assert time.monotonic() - start < 10


def test_half_sent_answers_of_one_client_delay_neither_others_nor_pages():
    with serving(30) as (place, _), half_sent(place, 100, SHORT, ["127.0.0.2"]):
        start = time.monotonic()
        assert sent(place, b"short")[0] == sent(place)[0] == sent(place, b"")[0] == 200
        assert time.monotonic() - start < SHORT_SECONDS


def test_a_half_sent_form_is_told_that_it_is_late_and_leaves_room_to_the_next():
    with (
        serving(1) as (place, _),
        half_sent(place, CLIENT_THREADS) as long,
        half_sent(place, CLIENT_THREADS, SHORT) as short,
    ):
        answers = [whole(connection) for connection in (*long, *short)]
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
        assert all(answer.endswith(b"</p>\n") for answer in answers)
        for name, value in EVERYWHERE:
            assert all(f"\r\n{name}: {value}\r\n".lower().encode() in answer.lower() for answer in answers), name
        wait_for(lambda: sent(place)[0] == sent(place, b"short")[0] == 200)


def test_a_half_sent_form_does_not_keep_a_process_from_ending():
    with (
        serving(30) as (place, process),
        half_sent(place, 1, SHORT),
        half_sent(place, CLIENT_THREADS + 1) as connections,
    ):
        wait_for(lambda: select.select(connections, [], [], 0)[0])
        process.terminate()
        assert ended(process) == 0


def test_a_process_that_is_asked_to_end_says_so_on_connections_that_are_kept_and_answers():
    with serving(30) as (place, process):
        kept = http.client.HTTPConnection(*place, timeout=20)
        assert asked(kept) == (200, None)
        process.terminate()
        while (answer := asked(kept)) == (200, None):
            pass
        assert answer == (200, "close")
        assert ended(process) == 0


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
            assert ended(process) == 0
        with serving_at(listener, 30):
            assert asked(late)[0] == 200
            late.close()


def asked(connection):
    """The status of an answer on this connection, and what it says about the connection."""
    connection.request("POST", "/", b"whole")
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers["Connection"]


def test_a_body_is_handed_over_whole():
    with serving(20) as (place, _):
        for length in (1, SHORT_BYTES, SHORT_BYTES + 1, MEMORY_BYTES + 1):
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

    answering = Answering(app, Bodies())
    answering(exchange, environ(body, **own))
    answering.wait(20)
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


@pytest.mark.parametrize("length", [SHORT_BYTES, SHORT_BYTES + 1])
def test_a_body_that_comes_when_it_was_refused_already_asks_for_no_page(length, monkeypatch):
    monkeypatch.setattr(bodies, "LEAST_SECONDS", 0.01)
    held, exchange, asked = Held(), Exchange(), []
    hurried = Bodies(Places(1, 0), Places(1, 0))
    answering = Answering(lambda _environ, _start: asked.append(True) or [], hurried)
    thread = threading.Thread(target=answering, args=(exchange, environ(held, CONTENT_LENGTH=str(length))))
    thread.start()
    wait_for(lambda: exchange.answers)
    held.may_come.set()
    thread.join(20)
    answering.wait(20)
    assert asked == []
    assert [status for status, _ in exchange.answers] == [408]


def test_all_clients_together_leave_threads_to_those_who_read():
    held, long = Held(), Places(3, 20)
    reading = Bodies(long)
    for number in range(3):
        own = {"CONTENT_LENGTH": "5000", "REMOTE_ADDR": f"192.0.2.{number}"}
        app = Answering(lambda _environ, start: start("200 OK", []) and [], reading)
        threading.Thread(target=app, args=(Exchange(), environ(held, **own)), daemon=True).start()
    wait_for(lambda: long._held.total() == 3)
    exchange = Exchange()
    assert reading.read(exchange, environ(held, CONTENT_LENGTH="5000", REMOTE_ADDR="192.0.2.9")) is None
    assert exchange.answers[0][0] == 503
    held.may_come.set()
    wait_for(lambda: not long._held)


def test_of_long_bodies_that_wait_for_pages_no_more_are_kept_than_there_are_threads_for():
    held, asked = Held(), threading.Semaphore(0)

    class Read(io.BytesIO):
        def read(self, size=-1):
            asked.release()
            return super().read(size)

    def app(_environ, start):
        held.read()
        start("200 OK", [])
        return []

    answering, exchanges = Answering(app), [Exchange() for _ in range(LONG_THREADS + 1)]
    for number, exchange in enumerate(exchanges):
        own = environ(Read(b"x" * 5000), CONTENT_LENGTH="5000", REMOTE_ADDR=f"192.0.2.{number}")
        threading.Thread(target=answering, args=(exchange, own), daemon=True).start()
        if number < LONG_THREADS:
            assert asked.acquire(timeout=20)
    assert not asked.acquire(timeout=0.2)
    held.may_come.set()
    assert asked.acquire(timeout=20)
    wait_for(lambda: all(exchange.answers for exchange in exchanges))
    assert {status for exchange in exchanges for status, _ in exchange.answers} == {200}


def test_clients_take_turns_for_places_and_only_too_many_who_wait_are_refused():
    places, order, come = Places(1, 20, waiting=4, waiting_of_one=2), [], []

    def take(client):
        come.append((client, places.enter(client)))
        if come[-1][1]:
            order.append(client)
            places.leave(client)

    assert places.enter("a")
    threads = []
    for client, waits in zip("aaabbc", (1, 2, 2, 3, 4, 4), strict=True):
        threads.append(threading.Thread(target=take, args=(client,)))
        threads[-1].start()
        if client != "c":
            wait_for(lambda waits=waits: sum(map(len, places._waiting.values())) == waits)
    wait_for(lambda: sorted(come) == [("a", False), ("c", False)])
    places.leave("a")
    for thread in threads:
        thread.join(20)
    assert order == ["a", "b", "a", "b"]
    assert not places._held
    assert not places._waiting


def test_a_client_with_all_its_places_lets_others_pass():
    places = Places(CLIENT_THREADS + 1, 20, waiting=9, waiting_of_one=9)
    assert all(places.enter("a") for _ in range(CLIENT_THREADS))
    waits = threading.Thread(target=places.enter, args=("a",))
    waits.start()
    wait_for(lambda: places._waiting)
    assert places.enter("b")
    places.leave("b")
    assert places._waiting
    places.leave("a")
    waits.join(20)
    assert not waits.is_alive()


def test_a_body_has_less_time_where_it_waited_for_its_place(monkeypatch):
    """By then it lies on this machine, or does not come."""
    given = []
    monkeypatch.setattr(threading, "Timer", lambda seconds, what: given.append(seconds) or Timer(seconds, what))
    places = Places(1, 20, waiting=1, waiting_of_one=1)
    monkeypatch.setattr(places, "enter", lambda _client: time.sleep(0.1) or Places.enter(places, _client))
    for seconds in (20, 0):
        places.seconds = seconds
        assert (
            Bodies(short=places).read(Exchange(), environ(io.BytesIO(b"whole"), CONTENT_LENGTH="5")).read() == b"whole"
        )
    assert 0 < given[0] < 19.91
    assert given[1] == bodies.LEAST_SECONDS


def test_an_answer_that_does_not_end_says_all_but_the_last_byte_of_its_length():
    page = Unended(b"late")
    assert dict(page.headers())["Content-Length"] == "5"
    assert next(page) == b"late"
    with pytest.raises(StopIteration):
        next(page)


@pytest.mark.parametrize(
    ("named", "place", "said", "client"),
    [
        ("", "192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("", "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "::1", "invented, 198.51.100.1", "198.51.100.1"),
        ("", "127.0.0.1", "", "127.0.0.1"),
        ("", "127.0.0.1", "not an address", "127.0.0.1"),
        ("none", "127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("192.0.2.1", "192.0.2.1", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "198.51.100.1:4711", "198.51.100.1"),
        ("192.0.2.0/24, 2001:db8::/64", "192.0.2.9", "invented, 198.51.100.1, 2001:db8::5", "198.51.100.1"),
        ("192.0.2.0/24", "192.0.2.9", "192.0.2.8, 192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "198.51.100.1", "192.0.2.8", "198.51.100.1"),
        ("192.0.2.1", "a socket", "198.51.100.1", "a socket"),
    ],
)
def test_only_the_web_servers_in_front_are_believed_about_who_asks(named, place, said, client):
    proxies = Settings(trusted_proxies=named).proxies
    own = {"REMOTE_ADDR": place, "HTTP_X_FORWARDED_FOR": said}
    assert client_of(own, proxies) == client
    is_believed = came_by_https(own | {"HTTP_X_FORWARDED_PROTO": "https"}, proxies)
    assert is_believed == (client != place or said in {"", "not an address"})


@pytest.mark.parametrize(
    ("place", "client"),
    [
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("2001:db8:0:7::ffff%eth0", "2001:db8:0:7::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_who_takes_a_new_ipv6_address_for_each_request_is_one_client(place, client):
    assert client_of({"REMOTE_ADDR": place}, ()) == client
    assert client_of({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": place}, LOOPBACK) == client


def test_a_length_of_thousands_of_digits_is_the_number_that_it_states():
    body = {"CONTENT_LENGTH": "0" * 5000 + "4", "wsgi.input": io.BytesIO(b"form"), "REMOTE_ADDR": "192.0.2.1"}
    assert bodies.is_short(body)
    with Bodies().read(None, body) as kept:
        assert kept.read() == b"form"


def test_a_machine_short_of_threads_loses_no_place(monkeypatch):
    def refuse(_timer):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Timer, "start", refuse)
    held = Bodies(short=Places(1, 3))
    body = {"CONTENT_LENGTH": "4", "wsgi.input": io.BytesIO(b"form"), "REMOTE_ADDR": "192.0.2.1"}
    with pytest.raises(RuntimeError):
        held.read(None, body)
    monkeypatch.undo()
    with held.read(None, body) as kept:
        assert kept.read() == b"form"


def test_a_list_of_hops_as_long_as_the_headers_costs_nothing():
    assert client_of({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "a, " * 10_000 + "192.0.2.1"}, LOOPBACK) == (
        "192.0.2.1"
    )


def test_the_shares_of_threads_leave_some_to_each():
    assert min(BODY_THREADS, SHORT_THREADS) > CLIENT_THREADS * 2
    assert LONG_THREADS > BODY_THREADS
    assert SHORT_THREADS + SHORT_WAITING + LONG_THREADS + HIT_THREADS < THREADS
