#!/usr/bin/env python3
"""Measure how many openings or clicks a second the web process stores, each before it is answered.

Usage: ./run bench hits [--kind open|click|individual] [--database sqlite|postgresql] [--seconds 10]
[--connections 32] [--processes 2] [--json]. Needs Debian's wrk, which takes its share of the processor. The yardstick
is nginx's `empty_gif` under the same wrk in the same run, in answers a second, where nginx is installed.
`per_cpu_second` are the hits stored in a second of the processor, of the web processes and of PostgreSQL together.
A clock moves them meanwhile, as it does where letters leave; `clock_cpu_seconds` is what that takes it beside.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import moving
from benchmarks.growth import meter
from benchmarks.output import show
from benchmarks.web import Ground, Letters, database_of
from tests.machine import descendants_of, free_port, wait_for_port
from tests.servers.postgresql import Server

PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
KINDS = ("open", "click", "individual")
LETTERS, READERS, WARM_SECONDS, YARDSTICK_SECONDS = 10_000, 5000, 3, 3
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
SCRIPT = """
local requests, at = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, reader, agent = line:match("([^\\t]+)\\t([^\\t]+)\\t(.+)")
    requests[#requests + 1] = wrk.format("GET", path, {["User-Agent"] = agent, ["X-Forwarded-For"] = reader})
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  io.write(string.format('\\n{"requests": %d, "refused": %d, "microseconds": %d, "p50": %d, "p99": %d}\\n',
    summary.requests, summary.errors.status, summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""
NGINX = """
daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
}}
"""


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the exit stack stops what was started
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outreach-bench-")))
        url, server = stack.enter_context(database_of(options.database, folder))
        alone = LETTERS if options.kind == "individual" else 0
        ground = Ground(url, folder, recipients=alone or 90, alone=alone, processes=options.processes)
        stack.callback(ground.stop)
        ground.start()
        clock = moving.started(ground.database)
        stack.callback(clock.wait)
        stack.callback(clock.kill)
        (folder / "wrk.lua").write_text(SCRIPT)
        (folder / "requests").write_text("\n".join(_requests(options.kind, ground.letters)))
        place = f"127.0.0.1:{ground.port}"
        _wrk(place, WARM_SECONDS, options.connections, folder)
        before, spent, moved = ground.stored(), _spent(ground, server), meter.of_processes((clock.pid,))
        told = _wrk(place, options.seconds, options.connections, folder)
        spent, stored = _spent(ground, server) - spent, ground.stored() - before
        moved = meter.of_processes((clock.pid,)) - moved
        ground.stop()
        yardstick = _yardstick(folder, options.connections)
    answered = told["requests"] - told["refused"]
    seconds = told["microseconds"] / 1e6
    measured = {
        "kind": options.kind,
        "database": options.database,
        "seconds": round(seconds, 2),
        "connections": options.connections,
        "answered": answered,
        "stored": stored,
        "rate": round(min(answered, stored) / seconds, 1),
        "per_cpu_second": round(stored / spent, 1),
        "clock_cpu_seconds": round(moved, 2),
        "p50_ms": told["p50"] / 1000,
        "p99_ms": told["p99"] / 1000,
        "yardstick": yardstick,
    }
    show(measured, rate="rate", yardstick="yardstick", as_json=options.json)
    sys.exit(stored < answered)


def _spent(ground: Ground, server: Server | None) -> float:
    """The processor seconds of the web processes, and of the database's server."""
    web = ground.process.pid
    own = meter.of_processes((web, *descendants_of(web)))
    return own + (meter.of_server(server.process.pid) if server and server.process else 0.0)


def _requests(kind: str, letters: Letters) -> list[str]:
    """Lines of path, reader's address and User-Agent, separated by tabs, in the order of the requests."""
    chance = random.Random(1)
    if kind == "individual":
        visits = [_visits_of_letter(letters, identity, number) for number, identity in enumerate(letters.alone)]
    else:
        visits = [_visit_of_group(kind, letters, number) for number in range(READERS)]
    lines = []
    for number, paths in enumerate(visits):
        reader, agent = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", AGENTS[number % len(AGENTS)]
        lines.append([f"{path}\t{reader}\t{agent}" for path in paths])
    chance.shuffle(lines)
    return [line for block in lines for line in block]


def _visit_of_group(kind: str, letters: Letters, number: int) -> list[str]:
    identity = letters.groups[number % len(letters.groups)]
    if kind == "open":
        return [letters.pixel(identity)]
    links = letters.links if number % 10 == 0 else [letters.links[number % len(letters.links)]]
    return [letters.link(identity, link) for link in links]


def _visits_of_letter(letters: Letters, identity: bytes, number: int) -> list[str]:
    links = letters.links if number % 10 == 0 else [letters.links[number % len(letters.links)]]
    return [letters.pixel(identity), *(letters.link(identity, link) for link in links)]


def _wrk(place: str, seconds: int, connections: int, folder: Path) -> dict[str, Any]:
    """What wrk tells of some seconds of these requests."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(folder / "wrk.lua"), f"http://{place}"]
    done = subprocess.run([*command, str(folder / "requests")], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _yardstick(folder: Path, connections: int) -> float | None:
    """Answers a second of nginx's `empty_gif` to plain wrk, or None without nginx."""
    if shutil.which("nginx", path=PATHS) is None:
        return None
    with _nginx(folder) as place:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{YARDSTICK_SECONDS}s", f"http://{place}/"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Requests/sec:"))
    return float(line.split()[1])


@contextlib.contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    program = str(shutil.which("nginx", path=PATHS))
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")])
    try:
        wait_for_port(port, 5)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="open")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2, help="web processes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed (Debian's package wrk)")
    return options


if __name__ == "__main__":
    main()
