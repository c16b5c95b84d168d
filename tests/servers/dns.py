"""A DNS server on this machine: it answers for the names it is given, and remembers what it was asked."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zones = dict[str, dict[str, str]]


class NameServer(socketserver.ThreadingUDPServer):
    """Answers from `zones`: of each name its records by kind, one a line. Names in `silent` get no answer."""

    daemon_threads = True

    def __init__(self, zones: Zones, silent: frozenset[str], on_question) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.zones, self.silent, self.on_question = zones, silent, on_question
        self.asked: list[str] = []

    @property
    def place(self) -> tuple[str, int]:
        return self.server_address


class Asked(socketserver.BaseRequestHandler):
    """One question."""

    def handle(self) -> None:
        data, socket = self.request
        question = dns.message.from_wire(data)
        name, kind = question.question[0].name.to_text().rstrip("."), question.question[0].rdtype
        self.server.asked.append(name)
        self.server.on_question(name)
        if name in self.server.silent:
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        records = self.server.zones.get(name)
        if records is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif text := records.get(dns.rdatatype.to_text(kind)):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *text.splitlines()))
        socket.sendto(answer.to_wire(), self.client_address)


@contextmanager
def name_server(zones: Zones, *, silent=frozenset(), on_question=lambda _name: None) -> Iterator[NameServer]:
    with NameServer(zones, silent, on_question) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
