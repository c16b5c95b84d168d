#!/usr/bin/env python3
"""Fetch vendored web assets and fonts from npm again, as each `vendor.toml` lists them (maintainers only).

Needs npm. Each package is downloaded, its integrity is compared with the recorded one, and the listed files are copied.
Their sha256 sums are compared with the recorded ones, too. `--record` writes integrity and sums instead of comparing.
"""

import base64
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENDORED = (ROOT / "outreach" / "web" / "static" / "vendor", ROOT / "templates" / "pdf" / "fonts")


def main() -> None:
    record = "--record" in sys.argv
    for place in VENDORED:
        packages = tomllib.loads((place / "vendor.toml").read_text(encoding="utf-8"))
        for folder, package in packages.items():
            if "packages" in package:  # built here, of several: tools/editor.py
                continue
            with tempfile.TemporaryDirectory() as scratch:
                bring(pathlib.Path(scratch), place / folder, package, record)
        if record:
            (place / "vendor.toml").write_text(written(packages), encoding="utf-8")


def bring(scratch: pathlib.Path, folder: pathlib.Path, package: dict, record: bool) -> None:
    name = f"{package['name']}@{package['version']}"
    subprocess.run(["npm", "pack", "--silent", name], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    (archive,) = scratch.glob("*.tgz")
    digest = hashlib.sha512(archive.read_bytes()).digest()
    compare(package, "integrity", "sha512-" + base64.b64encode(digest).decode(), name, record)
    with tarfile.open(archive) as packed:
        for target, entry in package["files"].items():
            content = packed.extractfile(f"package/{entry['from']}").read()
            compare(entry, "sha256", hashlib.sha256(content).hexdigest(), f"{name} {target}", record)
            folder.mkdir(exist_ok=True)
            (folder / target).write_bytes(content)


def compare(where: dict, key: str, actual: str, what: str, record: bool) -> None:
    if record:
        where[key] = actual
    elif where.get(key) != actual:
        sys.exit(f"{what}: {key} is {actual}, recorded is {where.get(key)}")


def written(packages: dict) -> str:
    lines = [
        "# What is vendored, from where, under which licence. `python tools/vendor.py` brings it again and compares."
    ]
    for folder, package in packages.items():
        lines += ["", f"[{folder}]"]
        lines += [f'{key} = "{package[key]}"' for key in ("name", "version", "licence", "integrity")]
        if "packages" in package:
            lines += ["packages = [", *(f'    "{each}",' for each in package["packages"]), "]"]
        lines += [
            f'files."{target}" = {{ from = "{entry["from"]}", sha256 = "{entry["sha256"]}" }}'
            for target, entry in package["files"].items()
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
