"""The entry of a WSGI server: `gunicorn wsgi:app`."""

from outreach.app import create_app
from outreach.settings import read

app = create_app(read())
