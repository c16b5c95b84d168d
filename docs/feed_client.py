"""Follows the feed of events, keeps it in a file, and counts from it the situation of any day. Python alone suffices.

    python feed_client.py https://service.example KEY kept.sqlite            # read what is new
    python feed_client.py https://service.example KEY kept.sqlite 2021-05-15 # and count that day

The programme whose code follows the day is counted, or the only one there is. The client may be killed at any moment: a
batch is kept whole or not at all, and the next run goes on after the last one.
"""

import json
import sqlite3
import sys
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable

Kept = sqlite3.Connection
Fetch = Callable[[str, str, int], list]


def opened(path: str) -> Kept:
    """The file that keeps the events."""
    kept = sqlite3.connect(path)
    kept.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, type TEXT, subject TEXT, data TEXT)")
    return kept


def fetched(service: str, key: str, after: int) -> list:
    """The events after one."""
    address = f"{service}/api/v1/events?after={after}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def follow(kept: Kept, service: str, key: str, fetch: Fetch = fetched) -> int:
    """Read every batch that there is; returns how many events came."""
    came = 0
    while True:
        after = kept.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
        batch = fetch(service, key, after)
        if not batch:
            return came
        rows = [(int(one["id"]), one["type"], one["subject"], json.dumps(one["data"])) for one in batch]
        if [row[0] for row in rows] != list(range(after + 1, after + 1 + len(rows))):
            raise SystemExit("an event is missing: begin anew with an empty file, and tell the service's staff")
        with kept:
            kept.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
        came += len(rows)


def holds(period: dict, day: str) -> bool:
    """Whether a period holds at the end of a day."""
    return (period["since"] or "") <= day and (period["until"] is None or day < period["until"])


def states(kept: Kept, code: str) -> tuple:
    """The networks of authorities, the schools, a programme's strands and its records that stand, as the events say."""
    networks, schools, programmes, records = {}, {}, {}, {}
    for kind, text in kept.execute("SELECT type, data FROM events ORDER BY id"):
        data = json.loads(text)
        match kind.removeprefix("outreach."):
            case "register.authority":
                networks[data["authority"]] = data["network"]
            case "register.school":
                schools[data["school"]] = data
            case "programme.stated":
                programmes[data["code"]] = data["strands"]
            case "adherence.recorded":
                records[data["record"]] = data
            case "adherence.withdrawn":
                records.pop(data["record"], None)
    named = [one for one in programmes if code in ("", one)]
    if len(named) > 1 or (code and not named):
        raise SystemExit(f"name one of the programmes: {', '.join(programmes)}")
    theirs = [one for _, one in sorted(records.items()) if one["programme"] in named]
    return networks, schools, programmes[named[0]] if named else [], theirs


def situation(kept: Kept, day: str, code: str = "") -> dict:
    """By strand, network and status: how many schools. `declared` is a joining that the service has not confirmed."""
    networks, schools, strands, records = states(kept, code)
    latest: dict = {}
    for one in records:
        pair, on = (one["school"], one["strand"]), one["effective_on"]
        if on <= day and on >= latest.get(pair, one)["effective_on"]:
            latest[pair] = one
    counted: dict = defaultdict(lambda: defaultdict(Counter))
    for strand in strands:
        for fase, school in schools.items():
            owners = [one["authority"] for one in school["listings"] if holds(one, day)]
            levels = {one["level"] for one in school["teachings"] if holds(one, day)}
            if strand["opened_on"] <= day and owners and levels.intersection(strand["levels"]):
                one = latest.get((fase, strand["number"]), {"status": "none", "word": ""})
                status = "declared" if (one["status"], one["word"]) == ("joined", "declared") else one["status"]
                counted[strand["number"]][networks[owners[0]]][status] += 1
    return counted


if __name__ == "__main__":
    store = opened(sys.argv[3])
    print(follow(store, sys.argv[1].rstrip("/"), sys.argv[2]), "events came", file=sys.stderr)
    if len(sys.argv) > 4:
        print(json.dumps(situation(store, *sys.argv[4:6]), indent=2))
