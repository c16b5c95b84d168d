"""What tests of processes share: to wait for something, and threads that ask again and again meanwhile."""

import threading
import time
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


def wait_for(is_so, seconds=20):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
