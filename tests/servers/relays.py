"""Relays for tests: each is a sink in its own process."""

import json
import os
from pathlib import Path

from tests.nursery import nursery
from tests.servers import sink


class Relays:
    """A sink in its own process."""

    def __init__(self, folder, *options):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        heard, tells = nursery.Pipe(duplex=False)
        self.process = nursery.Process(target=_serve, args=([str(folder), *options], tells), daemon=True)
        self.process.start()
        tells.close()
        self.port = heard.recv()
        heard.close()

    def script(self, *rules):
        path = self.folder / "rules.new"
        path.write_text(json.dumps(list(rules)))
        path.rename(self.folder / "rules.json")

    def release(self):
        """Send the replies that were held."""
        (self.folder / "released").touch()

    @property
    def accepted(self):
        whole, _, _ = (self.folder / "accepted.jsonl").read_text().rpartition("\n")  # omits a line still being written
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self):
        self.process.kill()
        self.process.join()
        complaint = (self.folder / "complaints").read_text()
        assert "before it was its turn" not in complaint, complaint
        assert [entry["faults"] for entry in self.accepted if entry["faults"]] == []


def _serve(arguments, tells):
    with Path(arguments[0], "complaints").open("w") as complaints:
        os.dup2(complaints.fileno(), 2)
    sink.main(arguments, tells.send)
