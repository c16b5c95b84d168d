"""Sets a note as PDF/UA-1, and its pictures as PNG, by typst, in a child process with limits of time and memory.

Typst's caches grow with each document and stay, so a process of its own is cheaper than a service that keeps them. The
child may be killed at any moment without harm: the note is then not approved, and nothing of it is stored.

Run as a module, this file is the child: it reads the document as JSON on standard input and prints the PDF or the PNG.
"""

import json
import subprocess
import sys
import threading
from typing import Any, Final

from outreach import children
from outreach.errors import Refused

SECONDS = 30  # of work, and of waiting; a long note takes half a second
MEMORY = 1_500_000_000
TEMPLATES = children.ROOT / "templates" / "notes"
FONTS = TEMPLATES / "fonts"
STANDARD: Final = "ua-1"  # typst refuses to write a PDF that breaks it: a picture without words, a skipped heading
AT_ONCE = 2
DOTS = 220  # an inch, of a PNG
BEGINNINGS = {"pdf": b"%PDF", "png": b"\x89PNG"}
_room = threading.BoundedSemaphore(AT_ONCE)
LOST_NOTHING = "La note n’est pas validée, rien n’est perdu"


def set_pdf(document: dict[str, Any], at: int, template: str = "note.typ") -> bytes:
    """The PDF of a document, made at a time (seconds since 1970). The same arguments give the same bytes.

    Raises Refused, with a French sentence, when it cannot be made: too long, killed, no memory, a fault of typst.
    """
    return _set({"template": template, "document": document, "at": at}, "pdf")


def set_png(svg: str, width: float) -> bytes:
    """A picture as PNG, so many centimetres wide. Raises Refused as `set_pdf` does."""
    return _set({"template": "picture.typ", "document": {"svg": svg, "width": width}, "at": 0}, "png")


def _set(told: dict[str, Any], kind: str) -> bytes:
    asked = json.dumps({**told, "kind": kind}).encode()
    if not _room.acquire(timeout=SECONDS):
        raise Refused(f"D’autres notes sont mises en PDF en ce moment. {LOST_NOTHING} : réessayez dans une minute.")
    try:
        return _set_apart(asked, kind)
    finally:
        _room.release()


def _set_apart(asked: bytes, kind: str) -> bytes:
    try:
        child = children.run_module("outreach.notes.files.pdf", asked, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise Refused(f"Le PDF n’est pas prêt après {SECONDS} secondes. {LOST_NOTHING} : réessayez.") from None
    except OSError as error:
        raise Refused(f"Le PDF ne peut pas être composé ({error.strerror}). {LOST_NOTHING} : réessayez.") from None
    if child.returncode < 0:
        raise Refused(
            f"La mise en PDF a été interrompue (signal {-child.returncode}). {LOST_NOTHING} : réessayez, et prévenez "
            "l’exploitant si cela se répète."
        )
    if child.returncode or not child.stdout.startswith(BEGINNINGS[kind]):
        said = child.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(f"Le PDF ne peut pas être composé ({(said or ['sans raison'])[-1][:200]}). {LOST_NOTHING}.")
    return child.stdout


def _child() -> None:
    children.limit(seconds=SECONDS, memory=MEMORY)
    import typst  # noqa: PLC0415 - the parent only asks for it

    asked = json.load(sys.stdin.buffer)
    of_kind = {"pdf_standards": [STANDARD], "timestamp": asked["at"]} if asked["kind"] == "pdf" else {"ppi": DOTS}
    try:
        made = typst.compile(
            str(TEMPLATES / asked["template"]),
            root=str(TEMPLATES),
            font_paths=[str(FONTS)],  # typst reads no TYPST_FONT_PATHS
            ignore_system_fonts=True,
            format=asked["kind"],
            sys_inputs={"note": json.dumps(asked["document"])},
            **of_kind,
        )
    except typst.TypstError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    _child()
