"""The Redis broker."""

from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from outreach.worker.brokers import PATIENCE_SECONDS


class RedisWakeups(RedisBroker):
    """A broker whose `close` closes its connections."""

    def close(self) -> None:
        """Close every connection."""
        self.client.close()


def opened(url: str) -> RedisWakeups:
    """The broker at `redis://` or `rediss://`; a stale connection is opened once more."""
    client = Redis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
    return RedisWakeups(client=client, namespace="outreach", middleware=[])
