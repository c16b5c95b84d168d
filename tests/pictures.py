"""Pictures that tests send: a PNG of one colour, with more in it than shows it."""

import struct
import zlib


def png(wide=120, high=40, *, more=()):
    """A PNG in RGB; `more` are chunks (kind, data) that stand before its end."""
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((48, 54, 117)) * wide) * high
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), *more, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk):
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
