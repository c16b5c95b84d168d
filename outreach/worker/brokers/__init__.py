"""Brokers for wake-ups between work processes, one module for each kind.

A module, and so its library, is imported only where it is used. Each has `opened(url)`, which gives a broker whose
`flush` discards the messages that nobody took. None of its calls waits much longer than PATIENCE_SECONDS for a broker
that does not answer.
"""

from importlib import import_module
from urllib.parse import urlsplit

from dramatiq import Broker

KINDS = {
    "redis": "redis",
    "rediss": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
}
PATIENCE_SECONDS = 2


def opened(url: str) -> Broker:
    """The broker at a URL, whether or not it answers now."""
    broker: Broker = import_module(f"{__name__}.{KINDS[urlsplit(url).scheme]}").opened(url)
    return broker
