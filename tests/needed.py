"""Programs that tests need and a newcomer's machine may lack: there a test is skipped, and in .ci/run it fails."""

import os
import shutil
import subprocess

import pytest


def refuse(hindrance: str) -> None:
    """Ends the test: what it needs is not here."""
    if os.environ.get("OUTREACH_REQUIRE_ALL"):
        pytest.fail(f"required here: {hindrance}")
    pytest.skip(hindrance)


def program(name: str, package: str) -> str:
    """The path of a program of one of Debian's packages."""
    path = shutil.which(name)
    if path is None:
        refuse(f"{name} is missing: it is in Debian's package {package}")
    return path


def words_of_pdf(content: bytes, *options: str) -> str:
    """What a person reads in a PDF."""
    command = [program("pdftotext", "poppler-utils"), *options, "-", "-"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()
