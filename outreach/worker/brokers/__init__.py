"""Brokers that carry knocks between work processes, one module for each kind: its library is read where it is used.

Each gives `opened(url)`: a broker whose `flush` forgets what nobody has heard, and none of whose calls waits for a
broker that does not answer much longer than PATIENCE_SECONDS.
"""

from importlib import import_module
from urllib.parse import urlsplit

from dramatiq import Broker

KINDS = {
    "redis": "redis",
    "rediss": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "postgresql": "postgresql",
}
PATIENCE_SECONDS = 2


def opened(url: str) -> Broker:
    """The broker at a URL, whether or not it answers now."""
    broker: Broker = import_module(f"{__name__}.{KINDS[urlsplit(url).scheme]}").opened(url)
    return broker
