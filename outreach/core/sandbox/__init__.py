"""Child processes that read what others sent or wrote: without our environment, within limits of time and memory.

The environment of a process holds its secrets: keys, the passwords of the database and the relay. A child that reads a
stranger's file gets none of them. It may be killed at any moment without harm to the service.
"""

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def run_module(module: str, given: bytes, *arguments: str, seconds: int) -> "subprocess.CompletedProcess[bytes]":
    """Run a module of ours as a child, with this on its standard input, and return what it wrote once it has ended.

    Raises subprocess.TimeoutExpired when it takes longer than `seconds` (it is killed), OSError when it cannot begin.
    """
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=seconds, cwd=ROOT, env={}, check=False)  # noqa: S603 our own module


def limit(*, seconds: int, memory: int) -> None:
    """Bound the processor time and the memory (bytes) of the process that calls this: the child, as it begins."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the file that it reads
