"""What an operation costs: processor seconds of a process and of its database server, and the most memory it takes."""

import gc
import json
import os
import resource
import statistics
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, event

from tests.machine import children_of

TICKS = os.sysconf("SC_CLK_TCK")
SERVING = (b"[local]", b"parallel worker", b"io worker")  # the processes of PostgreSQL that answer statements
LONG = 5.0  # seconds; an operation that takes less is measured again, once its templates and statements are compiled
AGAIN, MOST_RUNS = 1.0, 5  # for as many seconds in all, and at most so often
Action = Callable[[], object]  # a number that it returns is its longest writing transaction, in seconds by the clock


@dataclass(frozen=True)
class Cost:
    """Processor seconds and mebibytes; None of both where the operation failed, and `fault` says how.

    `longest_s` is the longest writing transaction, by the clock, where that was looked at. `clock_s` is how long it
    took, and `statements` how many it asked of the database.
    """

    cpu_s: float | None
    peak_mb: float | None
    fault: str = ""
    longest_s: float | None = None
    clock_s: float | None = None
    statements: int | None = None


def cost_in_child(prepare: Callable[[], Action], server: int | None, *, again: bool) -> Cost:
    """Prepare an operation in a process of its own, and measure it there; `again` says that it may be repeated.

    `server` is the main process of PostgreSQL. Of several runs the median counts.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(writing, prepare, server, again=again)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return Cost(**json.loads(told)) if told else Cost(None, None, "the process died")


def _answer(writing: int, prepare: Callable[[], Action], server: int | None, *, again: bool) -> None:
    """Measure, tell the parent by the pipe, and end this process at once: what the parent holds is not its own."""
    gc.freeze()  # nor is it to be looked through for garbage: that would be measured, too
    try:
        cost = _measured(prepare(), server, again=again)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent tells it
        last = traceback.extract_tb(error.__traceback__)[-1]
        cost = Cost(None, None, f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})")
    with os.fdopen(writing, "w") as answer:
        answer.write(json.dumps(asdict(cost)))
    os._exit(0)


def _measured(action: Action, server: int | None, *, again: bool) -> Cost:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak of memory begins anew
    asked = list[str]()
    event.listen(Engine, "before_cursor_execute", lambda *details: asked.append(details[2]))
    first, returned = _run(action, server)
    spent = [first]
    if again and first[0] < LONG:
        asked.clear()
        spent = [_run(action, server)[0]]
        while sum(seconds for seconds, _ in spent) < AGAIN and len(spent) < MOST_RUNS:
            spent.append(_run(action, server)[0])
    longest = returned if isinstance(returned, float) else None
    cpu, clock = (round(statistics.median(each), 4) for each in zip(*spent, strict=True))
    peak = round(_peak_kilobytes() / 1024, 1)
    return Cost(cpu, peak, longest_s=longest, clock_s=clock, statements=len(asked) // len(spent))


def _run(action: Action, server: int | None) -> tuple[tuple[float, float], object]:
    before, began = _processor(server), time.perf_counter()
    returned = action()
    clock = time.perf_counter() - began
    return (_processor(server) - before, clock), returned


def _processor(server: int | None) -> float:
    """What this process has spent, with the children that it waited for, and the server."""
    over = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + over.ru_utime + over.ru_stime + (of_server(server) if server else 0)


def of_processes(numbers: Iterable[int]) -> float:
    """What processes have spent, all their threads together, without children of theirs that are over."""
    return sum(sum(map(int, _fields(number)[11:13])) for number in numbers) / TICKS


def of_server(server: int) -> float:
    """What the processes of a server that answer statements have spent, and those of them that are over."""
    return sum(map(int, _fields(server)[13:15])) / TICKS + sum(map(_of_process, children_of(server))) / 1e9


def _fields(number: int) -> list[str]:
    """What `stat` says of a process, from its state on."""
    return Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _of_process(number: int) -> int:
    try:
        if not any(word in Path(f"/proc/{number}/cmdline").read_bytes() for word in SERVING):
            return 0
        return int(Path(f"/proc/{number}/schedstat").read_text(encoding="ascii").split()[0])
    except OSError:  # it is over by now
        return 0


def _peak_kilobytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
