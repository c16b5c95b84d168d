"""The locks are made from the lists as they stand, and the lists name every package that is imported."""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from outreach.core.settings import ROOT
from tools.lock import LOCKS, digests

# Lines as they are formatted: parsing every file takes twenty times as long.
NAMED = r"\w[\w.]*(?: as \w+)?"
IMPORTS = re.compile(rf"^ *(?:from ([a-z_]\w*)[\w.]* import\b|import ({NAMED}(?:, {NAMED})*)(?: *#.*)?$)", re.MULTILINE)
OURS = {"outreach", "tests", "benchmarks", "tools"}
PRODUCT = ["requirements.txt"]
ALL = ["requirements.txt", "requirements-dev.txt"]


def listed(names):
    """The direct requirements of these lists, by name."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    requirements = [Requirement(line) for line in re.findall(r"^[a-z][^#\n]+", text, re.MULTILINE)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def imported(folder):
    """The modules outside the standard library and the project that a folder's files import, by top-level name."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for of, several in IMPORTS.findall(path.read_text(encoding="utf-8")):
            names |= {of} if of else {one.split()[0].partition(".")[0] for one in several.split(",")}
    return names - OURS - set(sys.stdlib_module_names)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_of_its_sources_as_they_stand(lock):
    header = digests(LOCKS[lock])
    assert header in (ROOT / lock).read_text(encoding="utf-8"), "run `python tools/lock.py`"


@pytest.mark.parametrize(
    ("lock", "lists"),
    [("requirements.lock", PRODUCT), ("requirements-uv.lock", ["requirements-uv.txt"]), ("requirements-dev.lock", ALL)],
)
def test_a_lock_has_each_requirement_within_its_range(lock, lists):
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
    outside = [
        str(requirement)
        for name, requirement in listed(lists).items()
        if name not in locked or not requirement.specifier.contains(locked[name])
    ]
    assert outside == []


def test_the_bill_of_materials_is_that_of_the_lock():
    bill = json.loads((ROOT / "sbom.cdx.json").read_text(encoding="utf-8"))
    locked = re.findall(
        r"^([a-z0-9.-]+)==(\S+) ", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted((one["name"], one["version"]) for one in bill["components"]) == sorted(locked), "python tools/sbom.py"
    (of_all,) = [one for one in bill["dependencies"] if one["ref"] == "outreach"]
    assert sorted(of_all["dependsOn"]) == sorted(f"pkg:pypi/{name}@{version}" for name, version in locked)


def test_every_file_says_its_licence():
    assert subprocess.run([sys.executable, "-m", "reuse", "lint", "--quiet"], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash_and_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert len(re.findall(r"^\S+==", text, re.MULTILINE)) == len(re.findall(r"==.+\\\n +--hash=sha256:", text))
    assert "://" not in text


def test_tests_run_on_the_versions_of_the_product():
    product, everything = (
        set(re.findall(r"^[a-z0-9-]+==[^\s;]+", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert product <= everything


@pytest.mark.long
@pytest.mark.parametrize(
    ("folder", "lists"), [("outreach", PRODUCT), ("tests", ALL), ("benchmarks", ALL), ("tools", ALL)]
)
def test_every_package_that_is_imported_is_listed(folder, lists):
    distributions = packages_distributions()
    direct = listed(lists).keys()
    unlisted = {
        module
        for module in imported(folder)
        if not direct & {canonicalize_name(name) for name in distributions.get(module, [])}
    }
    assert unlisted == set()


def test_the_licence_of_every_package_at_run_time_is_told():
    table = (ROOT / "licences" / "README.md").read_text(encoding="utf-8")
    named = {canonicalize_name(name) for name in re.findall(r"[\w.-]+", table)}
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(locked) <= named
