#!/usr/bin/env python3
"""Measure what several web processes miss of the bursts by which scanners are recognised.

Usage: .venv/bin/python benchmarks/bursts.py [bursts]. A scanner that calls itself a browser follows every link of a
letter within a second; each hit goes to any of the processes, as a connection of its own does. A line says the share of
such hits that are taken for a person's. Two machines behind one address, or one keep-alive connection, are other cases.
"""

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.engagement.tracking import Agent, HitClass, Readers, Signals

START = datetime(2021, 5, 15, 9, tzinfo=UTC)
LINKS, PROCESSES = (2, 3, 4, 6, 8), (1, 2, 4)


def missed(bursts: int, links: int, processes: int, chance: random.Random) -> float:
    """The share of the hits of bursts that stay classified as a person's."""
    human = 0
    for number in range(bursts):
        memories = [Readers() for _ in range(processes)]
        reader, begun = number.to_bytes(8), START + timedelta(minutes=number)
        for link in range(1, links + 1):
            signals = Signals(link, begun + timedelta(seconds=chance.random()), Agent.BROWSER, is_head=False)
            hit_class, unmasked = chance.choice(memories).meet(reader, signals, None)
            human += (hit_class is HitClass.HUMAN) - sum(met.thought is HitClass.HUMAN for met in unmasked)
    return human / (bursts * links)


def main() -> None:
    bursts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print("links " + "".join(f"{f'{count} process(es)':>16}" for count in PROCESSES))
    for links in LINKS:
        shares = [missed(bursts, links, count, random.Random(7)) for count in PROCESSES]
        print(f"{links:5} " + "".join(f"{share:16.1%}" for share in shares))


if __name__ == "__main__":
    main()
