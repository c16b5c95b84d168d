"""Relays to test against, each a sink in a process of its own."""

import json
import subprocess
import sys

from outreach.settings import ROOT


class Relays:
    """A sink in its own process."""

    def __init__(self, folder, *options):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.sink", str(folder), *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def script(self, *rules):
        path = self.folder / "rules.new"
        path.write_text(json.dumps(list(rules)))
        path.rename(self.folder / "rules.json")

    @property
    def accepted(self):
        lines = (self.folder / "accepted.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def stop(self):
        self.process.kill()
        complaint = self.process.communicate()[1]
        assert "before it was its turn" not in complaint, complaint
        assert [entry["faults"] for entry in self.accepted if entry["faults"]] == []
