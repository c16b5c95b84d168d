"""Threads that do something again and again while a test reloads, kills or stops processes."""

import threading
from contextlib import contextmanager


@contextmanager
def readers(read_on, size=4):
    """Threads in `read_on(over, came)` until the block ends, which sets `over`; yields what came of each request."""
    over, came = threading.Event(), []
    threads = [threading.Thread(target=read_on, args=(over, came)) for _ in range(size)]
    for thread in threads:
        thread.start()
    try:
        yield came
    finally:
        over.set()
        for thread in threads:
            thread.join()
