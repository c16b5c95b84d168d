"""The RabbitMQ broker."""

import logging

from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika import URLParameters
from pika.exceptions import AMQPError

from outreach.worker.brokers import PATIENCE_SECONDS

logging.getLogger("pika").setLevel(logging.CRITICAL)  # for a silent server it logs ten lines and a traceback


class RabbitmqWakeups(RabbitmqBroker):
    """A broker whose `flush` works before the queue exists, and after its connection was closed."""

    def flush(self, queue_name: str) -> None:
        """Discard the messages that nobody took. Raises AMQPError."""
        try:
            self._forget(queue_name)
        except AMQPError:
            del self.connection
            self._forget(queue_name)

    def _forget(self, queue_name: str) -> None:
        self.declare_queue(queue_name, ensure=True)
        super().flush(queue_name)


def opened(url: str) -> RabbitmqWakeups:
    """The broker at `amqp://` or `amqps://`."""
    parameters = URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = PATIENCE_SECONDS
    parameters.blocked_connection_timeout = PATIENCE_SECONDS
    parameters.connection_attempts = 1
    broker = RabbitmqWakeups(middleware=[])
    broker.parameters = parameters
    return broker
