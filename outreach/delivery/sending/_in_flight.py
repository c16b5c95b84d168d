"""The letters that a dispatcher has in hand, from the composed batch to the recorded answer. No I/O."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum

from outreach.delivery.outbox import Composed, Settled
from outreach.delivery.smtp import AttemptResult, Verdict


class Failpoint(StrEnum):
    """A stage of a round. The dispatcher reports each to a callback, so that a test can kill it exactly there.

    AFTER_RCPT and MID_BODY are stages of a single letter: its RCPT and DATA were accepted; half its body is written.
    """

    AFTER_COMPOSE = "after_compose"
    AFTER_RCPT = "after_rcpt"
    MID_BODY = "mid_body"
    BEFORE_FENCE = "before_fence"
    AFTER_FENCE = "after_fence"
    AFTER_DOT = "after_dot"
    AFTER_REPLY = "after_reply"
    AFTER_RECORD = "after_record"


class InFlight:
    """Each letter is in one place: it waits, is carried, is awaited, or is settled (undecided at first, perhaps)."""

    def __init__(self) -> None:
        self.waiting: deque[Composed] = deque()  # composed letters of the current batch
        self.carried: dict[int, Composed] = {}  # on a connection, dot not written yet
        self.awaited: dict[int, str] = {}  # dot written, under this fence; no answer yet
        self.settled: list[Settled] = []  # answered, not recorded yet
        self.undecided: list[Settled] = []  # connection broke before the dot, no letter answered since

    def __bool__(self) -> bool:
        """Whether letters are under way, or answers wait to be recorded. Letters that only wait do not count."""
        return bool(self.carried or self.awaited or self.settled or self.undecided)

    @property
    def busy(self) -> int:
        """How many letters occupy a connection."""
        return len(self.carried) + len(self.awaited)

    def still_queued(self) -> set[int]:
        """The keys of letters that are queued in the database and must not be handed over a second time."""
        return {*self.carried, *(settled.message_id for settled in (*self.settled, *self.undecided))}

    def begin(self, letters: Iterable[Composed]) -> None:
        """Start on a batch. Letters that still wait of an earlier batch are left to its next holder."""
        self.waiting = deque(letters)

    def carry(self, letters: Iterable[Composed]) -> None:
        """These letters go on connections; they have left `waiting`."""
        self.carried.update((letter.id, letter) for letter in letters)

    def await_answers(self, keys: Iterable[int], fence_id: str) -> None:
        """The dots of these carried letters may be written, under this fence."""
        for key in keys:
            del self.carried[key]
            self.awaited[key] = fence_id

    def drop(self, letters: Iterable[Composed]) -> None:
        """Stop carrying these letters: their connections were closed without a dot."""
        for letter in letters:
            self.carried.pop(letter.id, None)

    def put_back(self, key: int) -> None:
        """A carried letter waits again, before the others: nothing was said about it."""
        letter = self.carried.pop(key, None)
        if letter:
            self.waiting.appendleft(letter)

    def settle(self, key: int, result: AttemptResult, *, is_undecided: bool = False) -> None:
        """Note the result of a letter; undecided when it may say more about the relay than about the letter."""
        self.carried.pop(key, None)
        settled = Settled(key, self.awaited.pop(key, None), result)
        (self.undecided if is_undecided else self.settled).append(settled)

    def defer_undecided(self) -> None:
        """Defer the undecided letters, as after a 4xx.

        The relay answers others, so it is the letter that breaks the connection.
        """
        self.settled += [
            settled._replace(outcome=settled.outcome._replace(verdict=Verdict.LATER)) for settled in self.undecided
        ]
        self.undecided = []

    def requeue_undecided(self) -> None:
        """Queue the undecided letters again, without counting an attempt.

        The relay serves nobody, or we closed the connection ourselves.
        """
        self.settled += self.undecided
        self.undecided = []

    def forget_settled(self) -> None:
        """The settled letters are recorded."""
        self.settled = []
