"""A real Prometheus (Debian's) reads the figures during a sending, and our alert rules."""

import json
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from outreach.core.settings import ROOT
from outreach.operations.health import _figures as figures
from outreach.web.public.health import Metrics
from tests.delivery.conftest import addresses, clock, dispatcher, mail_to, relay
from tests.needed import program
from tests.operations.health.test_metrics import TOKEN

__all__ = ["clock", "dispatcher", "relay"]
LETTERS = 4000
pytestmark = [pytest.mark.long, pytest.mark.deep]


def needed(name):
    return program(name, "prometheus")


def test_promtool_accepts_our_rules():
    rules = ROOT / "deploy" / "prometheus" / "alerts.yml"
    subprocess.run([needed("promtool"), "check", "rules", rules], check=True, capture_output=True)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_words):
        pass


@contextmanager
def served(app):
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def prometheus(folder, port):
    """One that reads our figures each second; yields a function that asks it."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "deploy" / "prometheus" / "alerts.yml")],
        "scrape_configs": [
            {
                "job_name": "outreach",
                "authorization": {"credentials": TOKEN},
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command = [needed("prometheus"), *options, f"--web.listen-address=127.0.0.1:{own}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:

        def ask(path):
            with urlopen(f"http://127.0.0.1:{own}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)["data"]

        try:
            yield ask
        finally:
            process.terminate()


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except OSError:
            pass  # it begins
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_real_prometheus_follows_a_sending_and_evaluates_every_rule(
    settings, database, relay, dispatcher, tmp_path, monkeypatch
):
    monkeypatch.setattr(figures, "KEPT_SECONDS", 0.5)
    named = settings.model_copy(update={"metrics_token": type(settings.metrics_token)(TOKEN)})
    sink = relay("--lint-every", "0")
    mailing = mail_to(database, addresses(LETTERS))
    carrier = dispatcher(sink, url=f"smtp://127.0.0.1:{sink.port}?rate=400")
    metrics = Metrics(lambda _environ, _start: [], database, named)
    with served(metrics) as port, prometheus(tmp_path, port) as ask:
        query = 'query?query=outreach_letters{state="queued"}'

        def values(window="5m"):
            found = ask(f"{query}[{window}]")["result"]
            return [float(value) for _, value in found[0]["values"]] if found else []

        until(values)
        sending = threading.Thread(target=carrier.deliver, args=(mailing,))
        sending.start()
        sending.join(120)
        until(lambda: values()[-1:] == [0.0])
        seen = values()
        up = ask("query?query=min_over_time(up[5m])")["result"]
        until(lambda: all(rule["health"] == "ok" for rule in ask("rules")["groups"][0]["rules"]))
        rules = ask("rules")["groups"][0]["rules"]
    assert seen[0] == LETTERS
    assert len({*seen} - {0.0, float(LETTERS)}) >= 2, "it saw the sending on its way"
    assert seen == sorted(seen, reverse=True)
    assert [value for _, value in [one["value"] for one in up]] == ["1"]
    assert len(rules) == 10
