"""A scripted relay for tests, in its own process: it replies by its rules, and logs the letters it accepts.

`python -m tests.servers.sink FOLDER [OPTIONS]` prints its port. Rules (`FOLDER/rules.json`) are read again when they
change. A rule is `{"stage", "match", "reply", "times", "every"}`: at a stage (connect, ehlo, helo, starttls, auth,
mail, rcpt, data, early, dot, rset), for recipients that match a pattern, `reply` replaces the usual reply, at most
`times` times, once in `every` times that the rule fits.

Some replies are actions: close, reset, stall, endless, noise (bytes below the encryption). `slow:SECONDS:REPLY` is sent
after a delay, `held:REPLY` once a file `FOLDER/released` exists, `raw:TEXT` without a line end. After `raw:` or a
reply 421 it disconnects. `accept:REPLY` at stage dot accepts the letter whatever the reply.

A letter is logged (`FOLDER/accepted.jsonl`) before its 250 is written, so the log has every letter that the sender may
count as accepted.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import socket
import ssl
import struct
import sys
import time
from collections import Counter
from email import message_from_bytes
from functools import partial
from pathlib import Path

from tests.delivery.letters.linter import faults

OFFERS = ["SIZE {size}", "ENHANCEDSTATUSCODES"]


class Sink:
    def __init__(self, options):
        self.options, self.folder = options, Path(options.folder)
        self.used, self.met, self.rules, self.read_at = Counter(), Counter(), [], None
        self.log = (self.folder / "accepted.jsonl").open("a", encoding="utf-8")
        self.context, self.taken = None, 0
        if options.certificate:
            self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(options.certificate)

    def scripted(self, stage, recipient):
        path = self.folder / "rules.json"
        stamp = path.stat().st_mtime_ns if path.exists() else None
        if stamp != self.read_at:
            self.rules, self.read_at = json.loads(path.read_text()) if stamp else [], stamp
        for number, rule in enumerate(self.rules):
            fits = rule["stage"] == stage and re.search(rule.get("match", ""), recipient)
            self.met[stamp, number] += bool(fits)
            fits = fits and self.met[stamp, number] % rule.get("every", 1) == 0
            if fits and self.used[stamp, number] < rule.get("times", 10**9):
                self.used[stamp, number] += 1
                return rule["reply"]
        return None

    def accept(self, sender, recipient, wire, session):
        entry = {
            "id": message_from_bytes(wire)["Message-ID"],
            "from": sender,
            "to": recipient,
            "sha": hashlib.sha256(wire).hexdigest(),
            "at": time.time(),
            "session": session,
            "faults": faults(wire, socket.gethostname())
            if self.options.lint and self.taken % self.options.lint == 0
            else [],
        }
        self.taken += 1
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()
        if self.options.keep:
            (self.folder / f"{entry['id'].strip('<>')}.eml").write_bytes(wire)

    async def serve(self, tell):
        server = await asyncio.start_server(self.talk, "127.0.0.1", self.options.port, limit=2**21)
        tell(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    async def talk(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            if self.options.tls:
                await writer.start_tls(self.context)
            await Session(self, reader, writer).run()
        writer.close()


class Gone(ConnectionError):
    pass


class Session:
    def __init__(self, sink, reader, writer):
        self.sink, self.reader, self.writer = sink, reader, writer
        self.sender, self.recipient, self.name = "", "", os.urandom(4).hex()

    async def run(self):
        await self.say("connect", "220 sink")
        while line := await self.reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self.write("221 2.0.0 bye")
                return
            handler = getattr(self, f"on_{verb.lower()}", None)
            if handler is None:
                await self.write("500 5.5.2 unknown")
            else:
                await handler(rest)

    async def on_ehlo(self, _rest):
        options = self.sink.options
        offers = [offer.format(size=options.size) for offer in OFFERS] + options.offer
        offers += ["PIPELINING"] if options.pipelining else []
        lines = ["sink", *offers]
        await self.say("ehlo", "\r\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines))

    async def on_helo(self, _rest):
        await self.say("helo", "250 sink")

    async def on_starttls(self, _rest):
        if await self.say("starttls", "220 go on"):
            await self.writer.start_tls(self.sink.context)

    async def on_auth(self, rest):
        if rest == "LOGIN":
            for question in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
                await self.write(f"334 {question}")
                rest += " " + (await self.reader.readline()).decode().strip()
        with (self.sink.folder / "auth.txt").open("a") as file:
            file.write(f"{rest}\n")
        await self.say("auth", "235 2.7.0 welcome")

    async def on_mail(self, rest):
        await self.refuse_a_rush()
        self.sender = re.search("<(.*?)>", rest)[1]
        await self.say("mail", "250 2.1.0 ok")

    async def on_rcpt(self, rest):
        await self.refuse_a_rush()
        self.recipient = re.search("<(.*?)>", rest)[1]
        await self.say("rcpt", "250 2.1.5 ok")

    async def on_data(self, _rest):
        reply = self.sink.scripted("data", self.recipient)
        if reply and not reply.startswith("354"):
            await self.obey(reply)
            return
        await self.write(reply or "354 go on")
        early = self.sink.scripted("early", self.recipient)
        if early:
            await self.reader.readline()
            await self.obey(early)
        wire = await self.reader.readuntil(b"\r\n.\r\n")
        scripted = self.sink.scripted("dot", self.recipient)
        if scripted is None or scripted.startswith(("2", "accept:")):
            self.sink.accept(self.sender, self.recipient, wire[:-3], self.name)
        await self.obey((scripted or "250 2.0.0 ok queued").removeprefix("accept:"))

    async def on_rset(self, _rest):
        self.sender = self.recipient = ""
        await self.say("rset", "250 2.0.0 ok")

    async def refuse_a_rush(self):
        """Without PIPELINING, disconnect when a command arrives before the reply to the previous one."""
        if not self.sink.options.pipelining and self.reader._buffer:
            print("a command came before it was its turn", file=sys.stderr, flush=True)
            raise Gone

    async def say(self, stage, usual):
        reply = self.sink.scripted(stage, self.recipient or self.sender)
        if reply is None:
            await self.write(usual)
            return True
        await self.obey(reply)
        return False

    async def obey(self, reply):
        if reply == "stall":
            await asyncio.sleep(3600)
        if reply.startswith("slow:"):
            _, seconds, reply = reply.split(":", 2)
            await asyncio.sleep(float(seconds))
        if reply.startswith("held:"):
            while not (self.sink.folder / "released").exists():
                await asyncio.sleep(0.01)
            reply = reply.removeprefix("held:")
        if reply == "reset":
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise Gone
        if reply == "close":
            raise Gone
        if reply == "endless":
            self.writer.write(b"250-" + b"x" * 70_000)
            await self.writer.drain()
            await asyncio.sleep(3600)
        if reply == "noise":
            os.write(self.writer.get_extra_info("socket").fileno(), b"this is no record of TLS\r\n" * 9)
            await asyncio.sleep(3600)
        raw = reply.startswith("raw:")
        await self.write(reply.removeprefix("raw:"), end="" if raw else "\r\n")
        if raw or reply.startswith("421"):
            raise Gone

    async def write(self, text, end="\r\n"):
        self.writer.write((text + end).encode("latin-1"))
        await self.writer.drain()


def main(arguments, tell):
    """Serve for ever. `tell` is called with the port first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--size", type=int, default=10_000_000)
    parser.add_argument("--offer", action="append", default=[])
    parser.add_argument("--no-pipelining", dest="pipelining", action="store_false")
    parser.add_argument("--certificate")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--lint-every", dest="lint", type=int, default=1, help="0: none; reading one takes 10 ms")
    parser.add_argument("--keep", action="store_true")
    asyncio.run(Sink(parser.parse_args(arguments)).serve(tell))


if __name__ == "__main__":
    main(sys.argv[1:], partial(print, flush=True))
