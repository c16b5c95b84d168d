"""The web server in front, as the documents set it up: nginx, before two units of a machine and before two machines."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from outreach.cli.running.web import granian
from outreach.core.settings import ROOT
from tests.cli.processes.readers import readers, wait_for
from tests.machine import descendants_of, free_port
from tests.needed import refuse

pytestmark = pytest.mark.long
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
LONGEST_SECONDS = 3.0  # of any request while a machine is cut off
CONNECT_SECONDS = 2.0  # `proxy_connect_timeout` of the documents
BEGIN_SECONDS = 1.0  # that the small application takes to load
READERS = 4
PAUSE_SECONDS = 0.01  # between two requests of a reader, so that readers do not take the processors from others
# An application of a few lines, in the place of ours: one page, which says how long the body was and who asked.
WSGI = """
import signal, threading, time
from outreach.cli.processes.leaving import leave_in_order
from outreach.core.settings import Settings
from outreach.web.ui.request import client_of
settings = Settings()
def page(environ, start):
    start("200 OK", [("X-Client", client_of(environ, settings.proxies))])
    return [str(len(environ["wsgi.input"].read())).encode()]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
threading.Thread(target=leave_in_order, daemon=True).start()
time.sleep(SECONDS)
app = page
"""
AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {upstream}
    {front}
}}
"""


@contextmanager
def nginx(folder, pages, **words):
    """nginx with the documents' two examples together, before two machines; yields its port for TLS.

    Each word named stands there with another value.
    """
    front, two = examples()
    front, replaced = re.subn(r"\Aupstream .*\n.*\n", "", front)
    assert replaced == 1
    here = {"192.0.2.11:8000": f"{FIRST}:{pages}", "192.0.2.12:8000": f"{SECOND}:{pages}"}
    here |= {f"{word} {usual};": f"{word} {other};" for word, (usual, other) in words.items()}
    with started(folder, front, two, here) as port:
        yield port


@contextmanager
def nginx_of_units(folder, first, second):
    """nginx with the documents' example before two units of this machine; yields its port for TLS."""
    front, _ = examples()
    here = {"127.0.0.1:8001": f"127.0.0.1:{first}", "127.0.0.1:8002": f"127.0.0.1:{second}"}
    with started(folder, front, "", here) as port:
        yield port


def examples():
    """The documents' examples for nginx: one machine, and what takes the place of its first lines before two."""
    written = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    front, two = re.findall(r"^```nginx\n(.*?)^```$", written, re.MULTILINE | re.DOTALL)
    return front, two


@contextmanager
def started(folder, front, two, places):
    if NGINX is None:
        refuse("nginx is missing")
    plain, port = free_port(), free_port()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-subj", "/CN=campagnes.example", "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    for here, ours in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/campagnes/fullchain.pem", str(certificate)),
        ("/etc/ssl/campagnes/key.pem", str(key)),
        ("/usr/share/outreach", str(ROOT / "deploy" / "nginx")),
        *places.items(),
    ):
        assert here in front + two, here
        front, two = front.replace(here, ours), two.replace(here, ours)
    settings = folder / "nginx.conf"
    settings.write_text(AROUND.format(folder=folder, upstream=two, front=front), encoding="utf-8")
    process = subprocess.Popen([NGINX, "-c", settings, "-e", folder / "error.log"], stderr=subprocess.PIPE)
    try:
        wait_for(lambda: process.poll() is not None or is_open(port))
        assert process.poll() is None, process.stderr.read()
        yield port
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def is_open(port, address="127.0.0.1"):
    with suppress(OSError), socket.create_connection((address, port), 1):
        return True
    return False


def trusting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def timed(port, method="GET", body=None, **headers):
    """The status and the client that the machine saw, and how long it took."""
    start = time.monotonic()
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting())
    try:
        connection.request(method, "/", body, {"Host": "campagnes.example", **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["X-Client"], time.monotonic() - start
    finally:
        connection.close()


@contextmanager
def dropping(place):
    """A place where the system drops what comes, as a machine that is cut off does: its queue is full."""
    with socket.create_server(place, backlog=0) as listener, ExitStack() as stack:
        while True:
            connection = stack.enter_context(socket.socket())
            connection.settimeout(0.3)
            try:
                connection.connect(place)
            except TimeoutError:
                break
        yield listener


class Unit:
    """granian as a unit starts it, with the small application."""

    def __init__(self, folder, address, port, seconds=0.0):
        folder.mkdir(exist_ok=True)
        (folder / "small.py").write_text(WSGI.replace("SECONDS", str(seconds)), encoding="utf-8")
        words = granian((address, port))
        here = {str(ROOT): str(folder), "wsgi:app": "small:app"}
        self.command = [here.get(word, word) for word in words]
        self.place, self.process = (address, port), None

    def __enter__(self):
        self.start()
        self.wait()
        return self

    def __exit__(self, *_error):
        self.stop()

    def start(self):
        self.process = subprocess.Popen(self.command, cwd=ROOT, start_new_session=True)

    def wait(self):
        """As the unit does, until it answers."""
        wait_for(lambda: is_open(self.place[1], self.place[0]))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        """Kill the unit as the system does when memory is short: all its processes."""
        for number in (self.process.pid, *descendants_of(self.process.pid)):
            os.kill(number, signal.SIGKILL)
        self.process.wait(60)


def machine(folder, address, pages):
    return Unit(folder / address, address, pages)


def asking(port):
    """What a reader does: pages and short forms in turn, each on a connection of its own; their answers and seconds."""

    def read_on(over, came):
        while not over.wait(PAUSE_SECONDS):
            for method, body in (("GET", None), ("POST", b"short")):
                try:
                    status, _, seconds = timed(port, method, body)
                except (OSError, http.client.HTTPException) as error:
                    status, seconds = repr(error), 0.0
                came.append((method, status, seconds))

    return read_on


def enough_more(came, count=50):
    seen = len(came)
    wait_for(lambda: len(came) > seen + count, 60)


def test_of_two_units_one_restarted_costs_no_request_and_one_killed_what_it_had_under_way(tmp_path):
    first, second = (Unit(tmp_path / name, "127.0.0.1", free_port(), BEGIN_SECONDS) for name in ("first", "second"))
    with first, second, nginx_of_units(tmp_path, first.place[1], second.place[1]) as port:
        with readers(asking(port), READERS) as restarted:
            enough_more(restarted)
            for unit in (first, second):
                unit.stop()
                unit.start()
                unit.wait()
                enough_more(restarted)
        assert [one for one in restarted if one[1] != 200] == []
        with readers(asking(port), READERS) as killed:
            enough_more(killed)
            first.kill()
            enough_more(killed)
            first.start()
            first.wait()
            enough_more(killed)
    lost = [one for one in killed if one[1] != 200]
    assert {method for method, _, _ in lost} <= {"POST"}, "a page is asked of the other unit"
    assert len(lost) <= READERS, "each reader had one form under way"
    assert max(seconds for _, _, seconds in restarted + killed) < LONGEST_SECONDS


@pytest.mark.allow_hosts(["127.0.0.1", FIRST, SECOND])
def test_a_machine_that_is_cut_off_costs_no_request_more_than_three_seconds(tmp_path):
    pages = free_port()
    with machine(tmp_path, FIRST, pages):
        with machine(tmp_path, SECOND, pages), nginx(tmp_path, pages) as port:
            for method, body in (("GET", None), ("POST", b"short"), ("POST", b"l" * 10_000)):
                answer = timed(port, method, body, **{"X-Forwarded-For": "198.51.100.9"})
                assert answer[:2] == (200, "127.0.0.1"), "what a stranger says of itself is left out"
        with dropping((SECOND, pages)), nginx(tmp_path, pages) as port:
            tried = [timed(port, *each) for each in (("GET",), ("POST", b"short")) * 20]
    assert {status for status, _, _ in tried} == {200}
    slowest = max(seconds for _, _, seconds in tried)
    assert CONNECT_SECONDS <= slowest < LONGEST_SECONDS
    assert sum(seconds >= CONNECT_SECONDS for _, _, seconds in tried) <= 2, "it is left out for a while"


@pytest.mark.allow_hosts(["127.0.0.1", FIRST])
@pytest.mark.parametrize("underscores", ["off", "on"])
def test_no_name_with_an_underscore_passes_for_the_list_of_the_web_server(tmp_path, underscores):
    """With `on`, as another web server lets them pass."""
    pages, invented = free_port(), "198.51.100.9"
    with machine(tmp_path, FIRST, pages), nginx(tmp_path, pages, underscores_in_headers=("off", underscores)) as port:
        for name in ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For"):
            assert timed(port, **{name: invented})[1] == "127.0.0.1", name
            assert timed(port, **{name: invented, "Forwarded": f"for={invented}"})[1] == "127.0.0.1", name


@pytest.mark.allow_hosts(["127.0.0.1", FIRST, SECOND])
def test_slow_forms_hold_no_place_behind_a_web_server(tmp_path):
    """nginx hands a form over once it has come whole."""
    pages = free_port()
    with (
        machine(tmp_path, FIRST, pages),
        machine(tmp_path, SECOND, pages),
        nginx(tmp_path, pages) as port,
        ExitStack() as stack,
    ):
        for _ in range(40):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            slow = stack.enter_context(trusting().wrap_socket(plain))
            slow.sendall(b"POST / HTTP/1.1\r\nHost: campagnes.example\r\nContent-Length: 10000\r\n\r\nhalf")
        assert timed(port, "POST", b"l" * 10_000)[0] == 200


@pytest.mark.allow_hosts(["127.0.0.1", FIRST])
def test_what_the_web_server_refuses_by_itself_is_said_in_french(tmp_path):
    pages = free_port()
    with nginx(tmp_path, pages) as port:
        assert said(port, "GET", None) == (502, "Service momentanément indisponible")
        with machine(tmp_path, FIRST, pages):
            assert said(port, "POST", b"l" * 18_000_000) == (413, "Fichier trop grand")


def said(port, method, body):
    """The status of an answer, and the heading of its page."""
    asked = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting())
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it answers before it has read what it refuses
            asked.request(method, "/", body, {"Host": "campagnes.example"})
        answer = asked.getresponse()
        page = answer.read().decode()
    finally:
        asked.close()
    return answer.status, "".join(re.findall(r'<html lang="fr">.*<h1>(.*)</h1>', page, re.DOTALL))
