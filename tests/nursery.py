"""Processes forked from one that has imported the program, so that each test worker imports it only once."""

import multiprocessing
import os
import subprocess
import sys

from outreach.cli.main import MODULES, run
from outreach.core.settings import ROOT

nursery = multiprocessing.get_context("forkserver")
PROGRAM = ["outreach.cli.processes.web", *(f"outreach.cli.{name}" for name in MODULES)]
nursery.set_forkserver_preload(["tests.nursery", "tests.servers.sink", *PROGRAM])


def run_command(arguments, environment, folder, answer="", seconds=120):
    """Run a command as `./run` would, in its own process. Its streams are files. Returns a CompletedProcess."""
    folder.mkdir(exist_ok=True)
    (folder / "stdin").write_text(answer, encoding="utf-8")
    process = nursery.Process(target=_command, args=(arguments, environment, folder), daemon=True)
    process.start()
    process.join(seconds)
    said = [(folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)


def _command(arguments, environment, folder):
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        with (folder / name).open(mode) as file:
            os.dup2(file.fileno(), number)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a stream
    sys.argv = ["outreach", *arguments]
    run()
