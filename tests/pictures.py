"""Pictures that tests send: a PNG of one colour, with more in it than shows it."""

import struct
import zlib
from random import Random


def png(wide=120, high=40, *, more=(), noisy=False):
    """A PNG in RGB, of one colour or of noise; `more` are chunks (kind, data) that stand before its end."""
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    of = Random(wide)
    row = [of.randbytes(3 * wide) if noisy else bytes((48, 54, 117)) * wide for _ in range(high)]
    rows = b"".join(b"\0" + each for each in row)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), *more, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk):
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
