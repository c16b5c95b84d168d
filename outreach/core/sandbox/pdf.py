"""Sets a document as PDF/UA-1, or as PNG, by typst, in a child process with limits of time and memory.

Typst's caches grow with each document and stay, so a process of its own is cheaper than a service that keeps them. The
child may be killed at any moment without harm: whoever asked for the document is then refused, and nothing is stored.

Run as a module, this file is the child: it reads the document as JSON on standard input and prints the file.
"""

import json
import struct
import subprocess
import sys
import threading
from functools import cache
from typing import Any, Final, Literal

from outreach.core import sandbox
from outreach.core.text.errors import Refused
from outreach.core.text.typed import cleaned

SECONDS = 30  # of work, and of waiting; a long note takes half a second
MEMORY = 1_500_000_000
TEMPLATES = sandbox.ROOT / "templates" / "pdf"
FONTS = TEMPLATES / "fonts"
STANDARD: Final = "ua-1"  # typst refuses to write a PDF that breaks it: a picture without words, a skipped heading
ARCHIVED: Final = "a-2a"
BEGINNINGS = {"pdf": b"%PDF", "png": b"\x89PNG"}
DOTS = 108  # an inch, of a PNG: a slide of 1280 by 720 points has 1920 by 1080 pixels
AT_ONCE = 2
_room = threading.BoundedSemaphore(AT_ONCE)


def set_pdf(template: str, document: dict[str, Any], at: int, *, lost_nothing: str, archived: bool = False) -> bytes:
    """The PDF of a document by a template, made at a time (seconds since 1970). The same arguments give the same bytes.

    Raises Refused, with a French sentence, when it cannot be made: too long, killed, no memory, a fault of typst.
    `lost_nothing` is what the sentence then says of what was under way, without a full stop. An `archived` one is also
    PDF/A-2a.
    """
    values = {"template": template, "document": document, "at": at, "kind": "pdf", "archived": archived}
    return _set(values, lost_nothing)


def set_png(template: str, document: dict[str, Any], *, lost_nothing: str, dots: int = DOTS) -> bytes:
    """The PNG of a document of one page by a template, so many pixels an inch; otherwise as `set_pdf`."""
    values = {"template": template, "document": document, "at": 0, "kind": "png", "dots": dots}
    return _set(values, lost_nothing)


def settable(text: str) -> str:
    """The text with « [U+1F600] » for each character that our fonts lack: typst would refuse the whole document."""
    known = _characters()
    return "".join(one if one in "\n\t" or ord(one) in known else f"[U+{ord(one):04X}]" for one in cleaned(text))


@cache
def _characters() -> frozenset[int]:
    """The characters that our fonts have, all the same: those of the tables for all of Unicode (`cmap`, format 12)."""
    font = (FONTS / "source-sans" / "SourceSans3-Regular.otf").read_bytes()
    (tables,) = struct.unpack_from(">H", font, 4)
    starts = {font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0] for at in range(12, 12 + 16 * tables, 16)}
    cmap, found = starts[b"cmap"], set[int]()
    for place in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        start = cmap + struct.unpack_from(">I", font, cmap + 8 + 8 * place)[0]
        if struct.unpack_from(">H", font, start)[0] == 12:
            groups = struct.iter_unpack(
                ">III", font[start + 16 :][: 12 * struct.unpack_from(">I", font, start + 12)[0]]
            )
            found.update(one for first, last, _ in groups for one in range(first, last + 1))
    return frozenset(found)


def _set(asked: dict[str, Any], lost_nothing: str) -> bytes:
    if not _room.acquire(timeout=SECONDS):
        raise Refused(f"D’autres documents se composent en ce moment. {lost_nothing} : réessayez dans une minute.")
    try:
        return _set_apart(asked, lost_nothing)
    finally:
        _room.release()


def _set_apart(asked: dict[str, Any], lost_nothing: str) -> bytes:
    what = asked["kind"].upper()
    try:
        child = sandbox.run_module("outreach.core.sandbox.pdf", json.dumps(asked).encode(), seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise Refused(f"Le {what} n’est pas prêt après {SECONDS} secondes. {lost_nothing} : réessayez.") from None
    except OSError as error:
        raise Refused(f"Le {what} ne peut pas être composé ({error.strerror}). {lost_nothing} : réessayez.") from None
    if child.returncode < 0:
        raise Refused(
            f"La mise en {what} a été interrompue (signal {-child.returncode}). {lost_nothing} : réessayez, et "
            "prévenez la personne qui exploite le service si cela se répète."
        )
    if child.returncode or not child.stdout.startswith(BEGINNINGS[asked["kind"]]):
        said = child.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(f"Le {what} ne peut pas être composé ({(said or ['sans raison'])[-1][:200]}). {lost_nothing}.")
    return child.stdout


def _standards(asked: dict[str, Any]) -> "list[Literal['ua-1', 'a-2a']]":
    if asked["kind"] != "pdf":
        return []
    return [STANDARD, ARCHIVED] if asked["archived"] else [STANDARD]


def _child() -> None:
    sandbox.limit(seconds=SECONDS, memory=MEMORY)
    import typst  # noqa: PLC0415 - the parent only asks for it

    asked = json.load(sys.stdin.buffer)
    is_pdf = asked["kind"] == "pdf"
    try:
        made = typst.compile(
            str(TEMPLATES / asked["template"]),
            root=str(TEMPLATES),
            font_paths=[str(FONTS)],  # typst reads no TYPST_FONT_PATHS
            ignore_system_fonts=True,
            format=asked["kind"],
            ppi=None if is_pdf else asked["dots"],
            sys_inputs={"document": json.dumps(asked["document"])},
            pdf_standards=[*_standards(asked)],
            timestamp=asked["at"],
        )
    except typst.TypstError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    _child()
