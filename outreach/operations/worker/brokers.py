"""The broker of wake-ups between work processes: Redis.

None of its calls waits much longer than PATIENCE_SECONDS for a server that does not answer.
"""

from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE_SECONDS = 2


class RedisWakeups(RedisBroker):
    """A broker whose `close` closes its connections."""

    def close(self) -> None:
        """Close every connection."""
        self.client.close()


def opened(url: str) -> RedisWakeups:
    """The broker at `redis://` or `rediss://`, whether or not it answers; a stale connection is opened once more.

    Its `flush` discards the messages that nobody took.
    """
    client = Redis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
    return RedisWakeups(client=client, namespace="outreach", middleware=[])  # type: ignore[no-untyped-call]
