"""The log of a process that runs for months: one line an event on standard error.

A line has the time (UTC), the level, the machine, the process, the event and a sentence. Of an error it has the class
and where it arose, and what it says only where that holds nothing that a person typed.
"""

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import TextIO

from outreach.core.text.log_lines import line

MOST_CAUSES = 4
MOST_FRAMES = 6
NO_EVENT = "library"  # of what a library logs
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def begin(process: str) -> None:
    """Have everything that this process logs be written so, and what ends it or a thread of it as well."""
    logging.basicConfig(handlers=[lines_to(sys.stderr, process)], level=logging.WARNING, force=True)
    logging.getLogger("outreach").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda *info: _ended("process_broke", info)
    threading.excepthook = lambda ended: _ended(
        "thread_broke", (ended.exc_type, ended.exc_value or ended.exc_type(), ended.exc_traceback)
    )


def lines_to(stream: TextIO, process: str) -> logging.Handler:
    """What writes each record as a line."""
    handler = _Stream(stream)
    handler.setFormatter(Lines(process))
    return handler


def told(error: BaseException) -> str:
    """An error and what it came of, without a word that a person may have typed."""
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(said) < MOST_CAUSES:
        said += [words] if (words := _named(cause)) not in said[-1:] else []
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " < ".join(said)


def _named(error: BaseException) -> str:
    name = type(error).__name__
    words = error.strerror if isinstance(error, OSError) else getattr(error, "concealed", "")
    words = str(error) if getattr(error, "may_be_logged", False) else words
    if words:
        return words if words.startswith(name) else f"{name}: {words}"
    where = _frames(error)
    return f"{name} at {where[-1]}" if where else name


def _frames(error: BaseException) -> list[str]:
    """Where an error arose, as "folder/file.py:12 function", the innermost last."""
    found = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in found]


class Lines(logging.Formatter):
    """Writes a record as a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        error = record.exc_info[1] if record.exc_info else None
        is_ours = record.name.partition(".")[0] == "outreach"
        # What a library says of an error may be anything: of that the error stays.
        said = record.getMessage() if is_ours or error is None else record.name
        arose = f"{told(error)}; {' < '.join(reversed(_frames(error)))}" if error else ""
        event, level = getattr(record, "event", NO_EVENT), record.levelname.lower()
        return line(self._process, event, said, level, at=record.created, pid=record.process or 0, error=arose)


class _Stream(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say that a line could not be written, without what stood in it, as the library would."""
        try:
            self.stream.write(f"a line of the log could not be written: {record.pathname}:{record.lineno}\n")
        except (OSError, ValueError):  # nobody reads any more
            return


def _ended(event: str, info: ExceptionInfo) -> None:
    if info[0] is not None and not issubclass(info[0], KeyboardInterrupt | SystemExit):
        logging.getLogger("outreach").critical("ended by an error", exc_info=info, extra={"event": event})
