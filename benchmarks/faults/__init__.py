"""The faults that break a sending, and the size of the wave that each is tried on.

A fault is a function that strikes once. It gets the ground and a random generator, and leaves the ground so that it can
strike again.
"""

from benchmarks.faults import decisions, outages, processes
from benchmarks.faults.ground import BOTH, Fault, slow

STORM: tuple[dict[str, object], ...] = (
    {"stage": "rcpt", "match": "7@", "reply": "451 4.7.1 greylisted", "times": 300},
    {"stage": "rcpt", "match": "13@", "reply": "550 5.2.2 full"},
    {"stage": "rcpt", "match": "19@", "reply": "421 4.3.2 shutting down", "times": 50},
    {"stage": "dot", "match": "3@", "reply": "452 4.3.1 no room", "times": 200},
    {"stage": "dot", "match": "11@", "reply": "close", "times": 50},
    {"stage": "data", "match": "5@", "reply": "reset", "times": 50},
    {"stage": "data", "match": "17@", "reply": "554 5.6.0 not like this"},
)

FAULTS = {
    "kill": Fault(processes.kill, 20_000, 200, is_tried_at_the_end=True),
    "storm": Fault(processes.kill, 20_000, 100, relay=STORM, is_tried_at_the_end=True),
    "stop": Fault(processes.stop, 20_000, 50),
    "freeze": Fault(processes.freeze, 20_000, 20, slow("dot", 0.2), is_tried_at_the_end=True),
    "hold": Fault(processes.hold, 20_000, 5, slow("dot", 0.2), databases=("postgresql",)),
    "workers": Fault(processes.workers, 20_000, 20, slow("dot", 0.2), is_tried_at_the_end=True),
    "skew": Fault(processes.skew, 20_000, 20, slow("dot", 0.2)),
    "crash": Fault(outages.crash, 20_000, 20, slow("dot", 0.1), databases=("postgresql",)),
    "locked": Fault(outages.locked, 20_000, 5, slow("dot", 0.1), databases=("sqlite",)),
    "full": Fault(outages.full, 20_000, 5, slow("dot", 0.1), needs_a_disk=True),
    "unsubscribe": Fault(decisions.unsubscribe, 2000, 300, slow("rcpt", 1.5)),
    "join": Fault(decisions.join, 2000, 300, slow("rcpt", 1.5)),
    "pause": Fault(decisions.pause, 10_000, 100, slow("rcpt", 1.5)),
}

__all__ = ["BOTH", "FAULTS", "Fault"]
