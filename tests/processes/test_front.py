"""The web server in front, as the documents set it up: nginx, before one machine and before two."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from outreach.settings import ROOT
from tests.machine import free_port
from tests.processes.test_bodies import serving_at
from tests.processes.test_supervisor import wait_for

pytestmark = pytest.mark.long
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
LONGEST_SECONDS = 3.0  # of any request while a machine is cut off
CONNECT_SECONDS = 2.0  # `proxy_connect_timeout` of the documents
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
def nginx(folder, pages):
    """nginx with the documents' two examples together, before two machines; yields its port for TLS."""
    if NGINX is None:
        if os.environ.get("OUTREACH_REQUIRE_ALL"):
            pytest.fail("nginx is required here and is missing")
        pytest.skip("nginx is missing")
    written = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    front, two = re.findall(r"^```nginx\n(.*?)^```$", written, re.MULTILINE | re.DOTALL)
    front, replaced = re.subn(r"^upstream .*$", "", front, count=1, flags=re.MULTILINE)
    assert replaced == 1
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
        ("192.0.2.11:8000", f"{FIRST}:{pages}"),
        ("192.0.2.12:8000", f"{SECOND}:{pages}"),
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


def is_open(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
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


@contextmanager
def machine(address, pages):
    with socket.create_server((address, pages), backlog=500) as listener, serving_at(listener, 30) as process:
        yield process


@pytest.mark.allow_hosts(["127.0.0.1", SECOND])
def test_a_machine_that_is_cut_off_costs_no_request_more_than_three_seconds(tmp_path):
    pages = free_port()
    with machine(FIRST, pages):
        with machine(SECOND, pages), nginx(tmp_path, pages) as port:
            for method, body in (("GET", None), ("POST", b"short"), ("POST", b"l" * 10_000)):
                answer = timed(port, method, body, **{"X-Forwarded-For": "198.51.100.9"})
                assert answer[:2] == (200, "127.0.0.1"), "what a stranger says of itself is left out"
        with dropping((SECOND, pages)), nginx(tmp_path, pages) as port:
            tried = [timed(port, *each) for each in (("GET",), ("POST", b"short")) * 20]
    assert {status for status, _, _ in tried} == {200}
    slowest = max(seconds for _, _, seconds in tried)
    assert CONNECT_SECONDS <= slowest < LONGEST_SECONDS
    assert sum(seconds >= CONNECT_SECONDS for _, _, seconds in tried) <= 2, "it is left out for a while"


def test_slow_forms_hold_no_place_behind_a_web_server(tmp_path):
    """nginx hands a form over once it has come whole."""
    pages = free_port()
    with machine(FIRST, pages), machine(SECOND, pages), nginx(tmp_path, pages) as port, ExitStack() as stack:
        for _ in range(40):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            slow = stack.enter_context(trusting().wrap_socket(plain))
            slow.sendall(b"POST / HTTP/1.1\r\nHost: campagnes.example\r\nContent-Length: 10000\r\n\r\nhalf")
        assert timed(port, "POST", b"l" * 10_000)[0] == 200


def test_what_the_web_server_refuses_by_itself_is_said_in_french(tmp_path):
    pages = free_port()
    with nginx(tmp_path, pages) as port:
        assert said(port, "GET", None) == (502, "Service momentanément indisponible")
        with machine(FIRST, pages):
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
