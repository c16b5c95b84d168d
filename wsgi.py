"""The application for granian, which `./run` and `./run web` start (`outreach/cli/running/web.py` has its words)."""

import gc

gc.disable()  # what a start loads stays: looking through it for garbage takes an eighth of the start
from outreach.cli.processes.web import application  # noqa: E402

app = application()
gc.freeze()
gc.enable()
