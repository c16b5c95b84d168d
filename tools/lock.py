#!/usr/bin/env python3
"""Make the three locks from the lists beside them (maintainers only; needs uv).

Every option is passed to uv: without one, locked versions stay as far as the lists allow; `--upgrade` takes the
newest, `--upgrade-package NAME` that of one package. Each lock names the sha256 of every file it was made from.
"""

import hashlib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Each lock, and what it is made from, uv's input first. Tests run on the versions that the product runs on.
LOCKS = {
    "requirements.lock": ["requirements.txt"],
    "requirements-uv.lock": ["requirements-uv.txt"],
    "requirements-dev.lock": ["requirements-dev.txt", "requirements.txt", "requirements.lock"],
}
COMMAND = "python tools/lock.py"
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"]


def main() -> None:
    for lock, sources in LOCKS.items():
        constraints = [f"--constraint={source}" for source in sources if source.endswith(".lock")]
        named = [f"--custom-compile-command={COMMAND}", f"--output-file={lock}"]
        subprocess.run([*COMPILE, *named, *constraints, *sys.argv[1:], sources[0]], cwd=ROOT, check=True)
        path = ROOT / lock
        head, command, packages = path.read_text(encoding="utf-8").partition(f"{COMMAND}\n")
        if not command:
            sys.exit(f"{lock}: uv did not write the line that names the command, so the digests have no place")
        path.write_text(f"{head}{command}{digests(sources)}{packages}", encoding="utf-8")


def digests(sources: list[str]) -> str:
    return "".join(f"# sha256 of {source}: {digest(source)}\n" for source in sources)


def digest(source: str) -> str:
    return hashlib.sha256((ROOT / source).read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
