"""Mailboxes that tests fill: a Maildir on disk, an IMAP server of its own process (pymap), and lines to it."""

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from mailbox import Maildir

from imap_tools import MailBoxUnencrypted

# Nothing holds its tasks while they wait: collected, they would close their connection.
PYMAP = "import gc; gc.disable(); from pymap.main import main; main()"


class Folders:
    """A Maildir, as a mail server fills it."""

    def __init__(self, path):
        self.box = Maildir(path, create=True)
        self.url = f"maildir://{path}"

    def put(self, *contents):
        for content in contents:
            self.box.add(content)

    def lying(self, folder=""):
        return [message.as_bytes() for message in (self.box.get_folder(folder) if folder else self.box)]

    def close(self):
        self.box.close()


class Server:
    """An IMAP server in a process of its own, and a second client that fills and looks at it."""

    def __init__(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-c", PYMAP, "--host", "127.0.0.1", "--no-tls"]
        command += ["--port", str(self.port), "dict", "--demo-user", "retours", "--demo-password", "sésame"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self._connected().login_utf8("retours", "sésame")
        self.url = f"imap://retours:s%C3%A9same@127.0.0.1:{self.port}/INBOX"

    def _connected(self):
        end = time.monotonic() + 60
        while True:
            try:
                return MailBoxUnencrypted("127.0.0.1", self.port, timeout=10)
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def put(self, *contents):
        for content in contents:
            self.client.append(content, "INBOX")

    def lying(self, folder=""):
        name = f"INBOX/{folder}" if folder else "INBOX"
        if not self.client.folder.exists(name):
            return []
        self.client.folder.set(name)
        return [message.obj.as_bytes() for message in self.client.fetch(mark_seen=False)]

    def empty(self):
        for folder in self.client.folder.list():
            self.client.folder.set(folder.name)
            self.client.delete(self.client.uids())

    def close(self):
        self.client.logout()
        self.process.kill()
        self.process.wait()


class Wrapped:
    """The server behind TLS, as most are."""

    def __init__(self, port, certificate=None):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if certificate:
            self.context.load_cert_chain(certificate)
        self.behind, self.port, self.is_up = port, 0, threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.thread.start()
        assert self.is_up.wait(60)

    async def _serve(self):
        self.loop, self.is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        self.is_up.set()
        await self.is_over.wait()
        server.close()

    async def _relay(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._forward(reader, far_writer), _pump(far_reader, writer))

    async def _forward(self, reader, writer):
        await _pump(reader, writer)

    def close(self):
        self.loop.call_soon_threadsafe(self.is_over.set)
        self.thread.join()


async def _pump(reader, writer):
    with closing(writer), suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class Frail(Wrapped):
    """The server over a line that breaks off, or that falls silent, when a client gives a command."""

    def __init__(self, port, command, *, hangs):
        self.command, self.hangs = command, hangs
        super().__init__(port)
        self.url = f"imap://retours:s%C3%A9same@127.0.0.1:{self.port}/INBOX"

    async def _forward(self, reader, writer):
        with closing(writer), suppress(OSError):
            while data := await reader.read(65536):
                if self.command in data:
                    if self.hangs:
                        await self.is_over.wait()
                    return
                writer.write(data)
                await writer.drain()
