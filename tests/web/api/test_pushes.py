"""Events pushed to programs: signed, in order, tried again for three days, to public machines alone."""

import base64
import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.audit import EventKind, tell_all
from outreach.core.text.errors import InputError, Refused
from outreach.integrations import signatures, webhooks_out
from outreach.integrations.webhooks_out import WebhookEndpoint, https
from outreach.integrations.webhooks_out._deliveries import NotDelivered
from outreach.integrations.webhooks_out._endpoints import PushState
from outreach.operations.health import _others as others
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import text_of

BY = {"now": NOW, "actor": AUTHOR}
URL = "https://entrepot.example/evenements?x=1"
KEY = https.key_of("x" * 32)


def happen(database, count):
    with database.writing() as session:
        tell_all(session, EventKind.STATUS_RECORDED, [(f"school:{n}", {"school": n}) for n in range(count)], at=NOW)
    audit.number_waiting(database)


@pytest.fixture
def target(database):
    with database.writing() as session:
        return webhooks_out.make_endpoint(session, name="Entrepôt", url=URL, **BY).id


def held(database, number, now=NOW):
    with database.reading() as session:
        one = session.get(WebhookEndpoint, number)
        return one.after, one.failures, one.state(now), one.said


@pytest.mark.postgresql
def test_events_are_pushed_in_order_and_tried_again_under_the_same_name(database, target):
    happen(database, 150)
    seen, fails, at = [], [True], [NOW]

    def deliver(url, identity, body, now):
        seen.append((url, identity, [one["id"] for one in json.loads(body)]))
        if fails[0]:
            raise NotDelivered("La réponse est 500.")
        return "Réponse 204."

    assert not webhooks_out.push_next(database, target, "https://s.example", deliver, lambda: at[0])
    assert held(database, target)[:3] == (0, 1, PushState.FAILS)
    assert not webhooks_out.push_next(database, target, "https://s.example", deliver, lambda: at[0])
    assert len(seen) == 1, "it waits before it tries again"
    at[0], fails[0] = NOW + timedelta(seconds=5), False
    while webhooks_out.push_next(database, target, "https://s.example", deliver, lambda: at[0]):
        pass
    assert [one[1] for one in seen] == [f"evt_s-example_{target}_1_100"] * 2 + [f"evt_s-example_{target}_101_150"]
    assert [name for _, _, ids in seen[1:] for name in ids] == [str(n) for n in range(1, 151)]
    assert held(database, target) == (150, 0, PushState.FOLLOWS, "Réponse 204.")


def test_what_is_signed_names_the_service_so_that_no_other_pushes_in_its_name(database, target):
    happen(database, 1)
    names = []

    def deliver(_url, identity, _body, _now):
        names.append(identity)
        raise NotDelivered("non")

    for at, source in enumerate(("https://campagnes.example", "https://essai.campagnes.example:8443")):
        webhooks_out.push_next(database, target, source, deliver, lambda at=at: NOW + timedelta(hours=at))
    assert names == [f"evt_campagnes-example_{target}_1_1", f"evt_essai-campagnes-example-8443_{target}_1_1"]


def test_the_audit_names_the_machine_of_an_address_and_nothing_that_may_be_a_secret(database, target):
    with database.reading() as session:
        (entry,) = audit.entries_about(session, f"push_target:{target}")
    assert "(entrepot.example)" in entry.sentence
    assert "x=1" not in entry.sentence


@pytest.mark.long
def test_after_three_days_it_is_given_up_with_an_alert_until_somebody_resumes_it(database, target):
    happen(database, 1)
    at = NOW

    def deliver(*_):
        raise NotDelivered("Aucune réponse (TimeoutError).")

    tries = 0
    while at < NOW + timedelta(days=5):
        with database.reading() as session:
            tries += len(webhooks_out.due_endpoints(session, now=at))
        webhooks_out.push_next(database, target, "x", deliver, lambda: at)  # noqa: B023 - called at once
        at += timedelta(minutes=10)
    assert 5 < tries < 20
    assert held(database, target, at)[2] is PushState.GIVEN_UP
    with database.reading() as session:
        assert others.GIVEN_UP.look(session, None, at) == {str(target): NOW}
    with database.writing() as session:
        webhooks_out.resume_endpoint(session, target, now=at, actor=AUTHOR)
        with pytest.raises(Refused):
            webhooks_out.resume_endpoint(session, target, now=at, actor=AUTHOR)
    assert webhooks_out.push_next(database, target, "x", lambda *_: "Réponse 200.", lambda: at)
    with database.writing() as session:
        webhooks_out.end_endpoint(session, target, **BY)
    happen(database, 1)
    assert not webhooks_out.push_next(database, target, "x", lambda *_: "Réponse 200.", lambda: at)


@pytest.mark.parametrize(
    "url",
    [
        *("", "http://a.example/", "https://", "https://user@a.example/", "https://a.example:0/", "ftp://a.example"),
        *(
            "https://localhost/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
        ),
        *("https://intranet/", "https://a.local/", "https://a.example/ b", "https://é.example/", "https://[fe80::1]/"),
        *("https://0.0.0.0/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://a.example:x/"),
        "https://a.example/" + "x" * 500,
    ],
)
def test_an_address_that_is_no_public_https_one_is_refused(url):
    with pytest.raises(InputError):
        webhooks_out.check_address(url)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255",
     "::127.0.0.1", "::ffff:0:7f00:1", "fec0::1", "5f00::1", "4000::1"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch, address):
    def refuse(*_arguments, **_named):
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "create_connection", refuse)
    deliver = https.Delivering(KEY, lambda _host, _port: ["93.184.216.34", address])
    with pytest.raises(NotDelivered, match="pas publique"):
        deliver(URL, "evt_1", b"[]", NOW)


class Answering:
    """A plain socket that answers once, in place of one that speaks TLS."""

    def __init__(self, status):
        self.status, self.sent = status, b""

    def sendall(self, data):
        self.sent += data

    def makefile(self, *_):
        import io

        return io.BytesIO(
            f"HTTP/1.1 {self.status} X\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n".encode()
        )

    def close(self):
        pass

    def do_handshake(self):
        pass


@pytest.mark.parametrize(("status", "is_taken"), [(200, True), (204, True), (301, False), (307, False), (500, False)])
def test_a_batch_is_signed_and_a_redirect_is_followed_nowhere(monkeypatch, status, is_taken):
    answering, asked, connected = Answering(status), [], []

    def resolve(host, port):
        asked.append((host, port))
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]  # a DNS that changes its mind

    class Trusted:
        def wrap_socket(self, plain, server_hostname, **_):
            connected.append(server_hostname)
            return plain

    def connect(address, _timeout):
        connected.append(address)
        return answering

    monkeypatch.setattr(socket, "create_connection", connect)
    deliver = https.Delivering(KEY, resolve, Trusted())
    with contextlib.nullcontext() if is_taken else pytest.raises(NotDelivered):
        deliver(URL, "evt_1", b"[]", NOW)
    assert asked == [("entrepot.example", 443)], "resolved once"
    assert connected == [("93.184.216.34", 443), "entrepot.example"]
    head, _, body = answering.sent.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert head.startswith(b"POST /evenements?x=1 HTTP/1.1")
    public = base64.b64decode(https.public_of(KEY).removeprefix("whpk_"))
    signature, *told = (lines[f"webhook-{name}"] for name in ("signature", "id", "timestamp"))
    assert signatures.is_signed(signature, *told, body, key=public, secret=b"s")


CLOSES = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.fixture
def dripping(tmp_path, monkeypatch):
    """Delivers to a machine that says something at once, and then a byte at a time for ever; returns how it ended."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example", "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    trusted, own = ssl.create_default_context(cafile=certificate), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    monkeypatch.setattr(https, "is_public", lambda _address: True)
    monkeypatch.setattr(https, "WHOLE_SECONDS", 0.5)
    is_over = threading.Event()

    def drip(server, said, secured):
        with contextlib.suppress(OSError), contextlib.ExitStack() as ends:
            one = ends.enter_context(server.accept()[0])
            if secured:
                one = ends.enter_context(own.wrap_socket(one, server_side=True))
                one.recv(65_536)
            one.sendall(said)
            while not is_over.wait(0.05):
                one.sendall(b"x")

    def deliver(said, *, secured=True):
        with socket.create_server(("127.0.0.1", 0)) as server:
            waiting = threading.Thread(target=drip, args=(server, said, secured))
            waiting.start()
            began = time.monotonic()
            try:
                asking = https.Delivering(KEY, lambda _host, _port: ["127.0.0.1"], trusted)
                return asking(f"https://a.example:{server.getsockname()[1]}/", "evt_1", b"[]", NOW)
            finally:
                assert time.monotonic() - began < https.WHOLE_SECONDS + 3, "it was held up"
                is_over.set()
                waiting.join()

    return deliver


@pytest.mark.timeout(20)
def test_no_body_is_read_of_an_answer_that_never_ends(dripping):
    assert dripping(CLOSES + b"\r\n") == "Réponse 200."


@pytest.mark.timeout(20)
def test_headers_that_never_end_are_cut_in_time(dripping):
    with pytest.raises(NotDelivered):
        dripping(b"HTTP/1.1 ")


@pytest.mark.timeout(20)
def test_a_handshake_that_never_ends_is_cut_in_time(dripping):
    with pytest.raises(NotDelivered):
        dripping(b"\x16\x03\x03\x3f\x00\x02\x00\x3e\xfc", secured=False)


@pytest.mark.journey
@pytest.mark.long
def test_the_page_adds_resumes_and_ends(signed_in, sample_database, password):
    chief, place = signed_in("administrator"), "/administration/pushes"
    assert "whpk_" in chief.get(place).text
    assert chief.send(place, {"name": "X", "url": "https://10.0.0.1/"}).status_code == 422
    assert "Confirmez que c’est vous" in text_of(chief.send(place, {"name": "Entrepôt", "url": URL}))
    with sample_database.reading() as session:
        assert session.scalars(select(WebhookEndpoint)).all() == []
    assert chief.send(place, {"name": "Entrepôt", "url": URL, "password": password}).status_code == 302
    with sample_database.writing() as session:
        one = session.scalars(select(WebhookEndpoint)).one()
        one.failures, one.failing_since, one.said = 1, NOW, "La réponse est 500."
    assert "Réessayer maintenant" in text_of(chief.get(place))
    chief.send(f"{place}/1/resume", page=place)
    chief.send(f"{place}/1/end", page=f"{place}/1/end")
    assert "terminé" in text_of(chief.get(place))
    assert signed_in("author").get(place).status_code == 403
