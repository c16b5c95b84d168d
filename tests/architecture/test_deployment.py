"""The files of deploy/ are what systemd and Compose take, and agree with the program."""

import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from outreach.errors import SettingsError
from outreach.settings import PREFIX, ROOT, Settings, read
from outreach.settings.files import NAMED
from tests.test_settings import REAL

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = [path for path in FILES if path.suffix in {".service", ".timer"}]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_exists(path):
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= {*(PREFIX + field.upper() for field in Settings.model_fields), *NAMED}


def test_every_file_is_told_of_in_operations():
    told = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if path.name not in told] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_each_unit(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("OUTREACH_REQUIRE_ALL"):
            pytest.fail("systemd-analyze is required here and is missing")
        pytest.skip("systemd-analyze is missing")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text, encoding="utf-8")
    if unit.suffix == ".timer":  # it is about the service of its name
        (tmp_path / f"{unit.stem}.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    checked = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("unit", "command"),
    {
        "outreach": "up",
        "outreach-web": "web",
        "outreach-work@": "work",
        "outreach-backup": "backup --keep 14",
        "outreach-rehearse": "rehearse",
    }.items(),
)
def test_each_unit_starts_one_command_and_those_with_pages_reload_them(unit, command):
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
    assert re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE) == [f"/opt/outreach/run {command}"]
    reloads = re.findall(r"^ExecReload=(.*)$", text, re.MULTILINE)
    assert reloads == (["/bin/kill -HUP $MAINPID"] if command in {"up", "web"} else [])


def test_each_service_of_ours_in_a_composition_is_one_command():
    ours = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "outreach"}
    assert {name: service["command"] for name, service in ours.items()} == {name: [name] for name in ours}
    assert not any("entrypoint" in service for service in ours.values())


def test_all_processes_of_a_composition_are_one_installation():
    ours = [service for service in COMPOSE["services"].values() if service["image"] == "outreach"]
    assert len(ours) == 3
    for key in ("hostname", "volumes", "environment", "env_file", "secrets"):
        assert [service[key] for service in ours] == [ours[0][key]] * 3


def test_production_takes_the_settings_of_a_composition(tmp_path):
    web = COMPOSE["services"]["web"]
    named = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in web["environment"].items()}
    in_files = {NAMED[name]: Path(path) for name, path in named.items() if name in NAMED}
    assert {path.name for path in in_files.values()} == set(web["secrets"]) <= set(COMPOSE["secrets"])
    for name, path in in_files.items():
        path.write_text({**REAL, "OUTREACH_DATABASE_URL": "postgresql://outreach:x@database/outreach"}[name])
    own = {name: value for name, value in REAL.items() if name not in in_files} | named
    own["OUTREACH_DATA"] = REAL["OUTREACH_DATA"]
    assert read(own).private_hosts == "database,broker"
    with pytest.raises(SettingsError, match="autre machine"):
        read({**own, "OUTREACH_PRIVATE_HOSTS": ""})


def test_no_secret_of_a_composition_stands_in_an_environment():
    for service in COMPOSE["services"].values():
        named = {name for name in service.get("environment", {}) if not name.endswith("_FILE")}
        assert not [name for name in named if name in NAMED.values() and name != "OUTREACH_BROKER_URL"]
        assert not [name for name in named if "PASSWORD" in name]


def test_a_composition_believes_the_gateway_alone_that_the_web_server_in_front_comes_from():
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert ip_address(network["gateway"]) in ip_network(network["subnet"])
    assert COMPOSE["services"]["web"]["environment"]["OUTREACH_TRUSTED_PROXIES"] == network["gateway"]
    assert all("networks" not in service for service in COMPOSE["services"].values())


def test_what_an_image_is_made_of_is_there():
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    sources = " ".join(copied).split()
    assert {"outreach", "templates", "campaigns", "requirements.lock"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("path", ["run", "deploy/Dockerfile"])
def test_only_packages_of_a_known_hash_are_installed(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    installs = re.findall(r"pip install.*", text)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []
    assert set(re.findall(r"requirements[\w.-]*", text)) <= {"requirements.lock", "requirements-dev.lock"}
