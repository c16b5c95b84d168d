"""Writes the compressed twin of each static file that compresses, in Brotli and gzip; the web server sends those.

Usage: python tools/precompress.py
"""

import gzip
import re
from pathlib import Path

import brotli

STATIC = Path(__file__).parent.parent / "outreach" / "web" / "static"
TEXTS = {".css", ".js", ".svg"}
VENDOR = STATIC / "vendor"
COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
SPACES = re.compile(rb'("[^"]*")|\s*([{};])\s*')  # around what ends a rule or a declaration; not within a string
LEAST = 1000  # bytes: below, a twin saves less than a packet


def sources() -> list[Path]:
    """The static files that have compressed twins."""
    return sorted(
        path for path in STATIC.rglob("*") if path.suffix in TEXTS and path.is_file() and path.stat().st_size >= LEAST
    )


def twins(source: Path) -> dict[Path, bytes]:
    """The compressed twins of a file: where each stands, and its content. The same source gives the same bytes.

    Comments and indentation of our own style sheets stay behind: they are a tenth of what a first visit loads of them.
    """
    content = source.read_bytes()
    if source.suffix == ".css" and VENDOR not in source.parents:
        content = SPACES.sub(lambda part: part[1] or part[2], COMMENT.sub(b"", content))
    return {
        source.with_name(f"{source.name}.br"): brotli.compress(content, quality=11, mode=brotli.MODE_TEXT),
        source.with_name(f"{source.name}.gz"): gzip.compress(content, 9, mtime=0),
    }


def main() -> None:
    """Write every twin, and delete those whose source is gone."""
    written = {path: content for source in sources() for path, content in twins(source).items()}
    for path in STATIC.rglob("*"):
        if path.suffix in {".br", ".gz"} and path not in written:
            path.unlink()
    for path, content in written.items():
        path.write_bytes(content)


if __name__ == "__main__":
    main()
