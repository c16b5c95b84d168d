"""The application for any WSGI server; `./run` serves it by processes of its own (`outreach/processes/web.py`)."""

from outreach.app import create_app
from outreach.settings import read

app = create_app(read())
