from tests.application import (
    app,
    author,
    backend,
    client,
    launched_sample,
    password,
    signed_in,
    standing,
    while_writing,
)

__all__ = [
    "app",
    "author",
    "backend",
    "client",
    "launched_sample",
    "password",
    "signed_in",
    "standing",
    "while_writing",
]
