"""The characters that a PDF can show, as its font has them: typst refuses a whole document because of one it lacks."""

import struct
from functools import cache

from outreach.pdf import FONTS
from outreach.text import cleaned


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
