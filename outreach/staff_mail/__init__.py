"""What the service writes to its own people, by the outbox: once to each, as often as the person wishes."""
