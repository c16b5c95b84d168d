"""Builds the editor of letters from `design/editor` into the static files (maintainers only; needs npm).

Usage: python -m tools.editor [--check]
The packages are those of the lock file. `--check` compares what is built with what is committed, and writes nothing.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools import vendor

SOURCE = vendor.ROOT / "design" / "editor"
PLACE = vendor.VENDORED[0]
OWN = "outreach-letter-editor"
STUBS = ("entities", "linkify-it", "punycode.js")  # of markdown-it, for what the letter language does without


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(SOURCE, Path(scratch) / "editor", ignore=shutil.ignore_patterns("node_modules")))
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=copy, check=True)
        built = {
            "letter-editor.js": bundle(copy),
            "letter-editor.css": styles(copy),
            "LICENSE": licences(copy),
        }
    packages = tomllib.loads((PLACE / "vendor.toml").read_text(encoding="utf-8"))
    if "--check" in sys.argv:
        different = [name for name, content in built.items() if (PLACE / "editor" / name).read_bytes() != content]
        sys.exit(f"not as built: {', '.join(different)}" if different else 0)
    (PLACE / "editor").mkdir(exist_ok=True)
    for name, content in built.items():
        (PLACE / "editor" / name).write_bytes(content)
    packages["editor"] = recorded(built)
    (PLACE / "vendor.toml").write_text(vendor.written(packages), encoding="utf-8")


def bundle(copy: Path) -> bytes:
    """Our sources and all they need, as one module."""
    stubs = [f"--alias:{name}=./src/without/{name.removesuffix('.js')}.js" for name in STUBS]
    asked = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", *stubs]
    found = subprocess.run(
        ["node_modules/.bin/esbuild", "src/index.js", *asked], cwd=copy, check=True, stdout=subprocess.PIPE
    )
    return b"/* Built by tools/editor.py from design/editor; licences in LICENSE. */\n" + found.stdout


def styles(copy: Path) -> bytes:
    """The style sheets that ProseMirror asks for."""
    parts = [copy / "node_modules" / f"prosemirror-{name}" / "style" for name in ("view", "gapcursor")]
    return b"\n".join(path.read_bytes() for part in parts for path in sorted(part.glob("*.css")))


def licences(copy: Path) -> bytes:
    """The licences of the packages that are in the bundle, each under its name and version."""
    texts = []
    for name, version, licence in locked(copy):
        text = next((copy / "node_modules" / name).glob("LICENSE*")).read_text(encoding="utf-8")
        texts.append(f"{name} {version} ({licence})\n\n{text.strip()}\n")
    return ("\n" + "-" * 72 + "\n\n").join(texts).encode()


def locked(folder: Path) -> list[tuple[str, str, str]]:
    """Each package of the bundle: its name, version and licence."""
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    entries = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}
    left_out = {*STUBS, "argparse"}  # argparse is of its command line
    return [
        (name, entry["version"], entry["license"])
        for name, entry in sorted(entries.items())
        if not entry.get("dev") and name not in left_out and not name.startswith("@types/")
    ]


def recorded(built: dict[str, bytes]) -> dict:
    """What `vendor.toml` says of the bundle: `integrity` is that of its sources, `packages` is what is in it."""
    return {
        "name": OWN,
        "version": json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))["version"],
        "licence": "EUPL-1.2",
        "integrity": integrity(),
        "packages": [" ".join(package) for package in locked(SOURCE)],
        "files": {
            name: {"from": "design/editor", "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(built.items())
        },
    }


def integrity() -> str:
    """The digest of the sources of the bundle, by path and content."""
    digest = hashlib.sha512()
    for path in sorted(path for path in SOURCE.rglob("*") if path.is_file() and "node_modules" not in path.parts):
        digest.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return "sha512-" + base64.b64encode(digest.digest()).decode()


if __name__ == "__main__":
    main()
