"""The stages of a round, by name."""

from enum import StrEnum


class Failpoint(StrEnum):
    """Where a round stands; a watcher is told, so that a test can pull the plug exactly there.

    AFTER_RCPT and MID_BODY are one letter's: its recipient and DATA were taken; half its body is written.
    """

    AFTER_COMPOSE = "after_compose"
    AFTER_RCPT = "after_rcpt"
    MID_BODY = "mid_body"
    BEFORE_FENCE = "before_fence"
    AFTER_FENCE = "after_fence"
    AFTER_DOT = "after_dot"
    AFTER_REPLY = "after_reply"
    AFTER_RECORD = "after_record"
