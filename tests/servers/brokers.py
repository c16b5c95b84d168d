"""Real brokers for the tests, from Debian's packages, each in a temporary folder on its own port."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.machine import free_port, wait_for_port

RABBITMQ = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))


class Redis:
    """A Redis that stores nothing on disk: after `kill` and `start`, it has lost all its data."""

    missing = "" if shutil.which("redis-server") else "redis-server is missing"

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://:s3cret@127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "s3cret"]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        _until_it_listens(self)

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    stop = kill


class RabbitMQ:
    """A RabbitMQ of one node, without its name service (epmd) and without plug-ins."""

    missing = "" if RABBITMQ else "rabbitmq-server is missing"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-mq-"))
        self.port, self.node = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        (self.folder / "plugins").write_text("[].")
        self.start()

    def start(self):
        named = {
            "HOME": self.folder,  # where the Erlang cookie is
            "MNESIA_BASE": self.folder / "base",
            "LOG_BASE": self.folder / "log",
            "NODENAME": f"outreach{self.node}@localhost",
            "NODE_IP_ADDRESS": "127.0.0.1",
            "NODE_PORT": self.port,
            "DIST_PORT": self.node,
            "ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "CONFIG_FILE": self.folder / "none",
            "CONF_ENV_FILE": self.folder / "none.env",
            "SERVER_ADDITIONAL_ERL_ARGS": f"-start_epmd false -erl_epmd_port {self.node} "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        environment = {("" if name == "HOME" else "RABBITMQ_") + name: str(value) for name, value in named.items()}
        self.process = subprocess.Popen(
            [str(RABBITMQ[-1])],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _until_it_listens(self)

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)

    def stop(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _until_it_listens(broker):
    """On a busy machine RabbitMQ takes a minute. One that does not begin leaves nothing behind, not even a process."""
    try:
        wait_for_port(broker.port, 120)
    except BaseException:
        broker.stop()
        raise


def running(kind):
    """For a fixture: start a broker of this kind, yield it, then stop it.

    Without its package the test is skipped, or fails when OUTREACH_REQUIRE_ALL is set."""
    if kind.missing and os.environ.get("OUTREACH_REQUIRE_ALL"):
        pytest.fail(f"{kind.missing}, and is required here")
    if kind.missing:
        pytest.skip(kind.missing)
    started = kind()
    yield started
    started.stop()
