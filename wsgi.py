"""The application for granian, which `./run` and `./run web` start (`outreach/cli/running/web.py` has its words)."""

from outreach.cli.processes.web import application

app = application()
