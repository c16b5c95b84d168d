"""The timeouts of an SMTP connection."""

from dataclasses import dataclass

from outreach.delivery.smtp.protocol import State


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The timeouts of an SMTP connection, in seconds (RFC 5321 §4.5.3.2)."""

    connect: float = 30
    greeting: float = 300
    command: float = 300
    body: float = 180
    dot: float = 600

    def of(self, state: State) -> float:
        """How long a conversation may stay in a state."""
        match state:
            case State.GREETING:
                return self.greeting
            case State.BODY:
                return self.body
            case State.VERDICT:
                return self.dot
        return self.command
