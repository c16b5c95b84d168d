"""Whose turn it is: the mailings that wait for a postman, by lane."""

import threading
from collections import deque

from outreach.delivery.sending.batches import Lane


class Turns:
    """Mailings wait in lanes: staff mail goes first, then waves and single letters by turns. For several threads.

    Staff mail never has two turns in a row while others wait. A mailing waits once, however often it is added.
    """

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[int]] = {lane: deque() for lane in Lane}
        self._changed = threading.Condition()
        self._last = self._last_of_others = Lane.SINGLE
        self._is_to_attend = self._is_over = False

    def add(self, mailing: int, lane: Lane) -> None:
        """Have a mailing wait for its turn, after the others of its lane."""
        with self._changed:
            if mailing not in self._lanes[lane]:
                self._lanes[lane].append(mailing)
                self._changed.notify()

    def attend(self) -> None:
        """Have slow connections looked after once no mailing waits."""
        with self._changed:
            self._is_to_attend = True
            self._changed.notify()

    def end(self) -> None:
        """Have `next` return None from now on."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def others(self, mailing: int, *lanes: Lane) -> bool:
        """Whether a mailing other than this one waits, in any lane or in one of these."""
        return any(other != mailing for lane in lanes or Lane for other in tuple(self._lanes[lane]))

    def next(self) -> tuple[int, Lane] | None:
        """Wait for the next turn: a mailing and its lane, or None to look after slow connections."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._is_to_attend or any(self._lanes.values()))
            lane = None if self._is_over else self._chosen()
            if lane is None:
                self._is_to_attend = False
                return None
            self._last = lane
            if lane is not Lane.STAFF:
                self._last_of_others = lane
            return self._lanes[lane].popleft(), lane

    def _chosen(self) -> Lane | None:
        other = Lane.SINGLE if self._last_of_others is Lane.WAVE else Lane.WAVE
        order = [Lane.STAFF, other, self._last_of_others]
        if self._last is Lane.STAFF:
            order = [other, self._last_of_others, Lane.STAFF]
        return next((lane for lane in order if self._lanes[lane]), None)
