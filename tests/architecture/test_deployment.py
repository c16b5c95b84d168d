"""The files of deploy/ are what systemd and Compose take, and agree with the program."""

import json
import os
import re
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from outreach.core.settings import PREFIX, ROOT, Settings, read
from outreach.core.settings.reading import NAMED
from outreach.core.text.errors import SettingsError
from tests.core.sandbox.test_pdf import EMPTY
from tests.core.settings.test_settings import REAL
from tests.needed import program

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = [path for path in FILES if path.suffix == ".service"]
UNIT_COMMANDS = {
    "outreach": "up",
    "outreach-web@": "web --port %i",
    "outreach-work@": "work",
    "outreach-backup": "backup --keep 14",
    "outreach-rehearse": "rehearse",
    "outreach-verify": "verify",
}
CONFINES = re.compile("(No|Protect|Private|Restrict|Remove|Lock|MemoryDeny|SystemCall|Capability|UMask)")
MOST_EXPOSED = "15"  # tenths of what systemd calls exposure: 1.5 of 10
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_exists(path):
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= {*(PREFIX + field.upper() for field in Settings.model_fields), *NAMED}


def test_every_file_is_told_of_to_whoever_runs_it():
    text = "".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("install", "operate"))
    assert [path.name for path in FILES if path.name not in text] == []


def analysed(tmp_path, unit, *command):
    """What systemd-analyze finds of a unit, whose program need not be there."""
    program("systemd-analyze", "systemd")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text, encoding="utf-8")
    return subprocess.run(["systemd-analyze", *command, copy], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_each_unit_and_finds_it_confined(unit, tmp_path):
    checked = analysed(tmp_path, unit, "verify")
    assert (checked.returncode, checked.stderr) == (0, "")
    confined = analysed(tmp_path, unit, "security", "--offline=true", f"--threshold={MOST_EXPOSED}")
    assert confined.returncode == 0, confined.stdout.splitlines()[-1]


@pytest.mark.parametrize("timer", [path for path in FILES if path.suffix == ".timer"], ids=lambda path: path.name)
def test_systemd_takes_each_timer_with_its_unit(timer, tmp_path):
    analysed(tmp_path, timer.with_suffix(".service"), "verify")
    checked = analysed(tmp_path, timer, "verify")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_all_units_are_confined_alike():
    first, *others = ([line for line in own(unit) if CONFINES.match(line)] for unit in UNITS)
    assert len(first) > 20
    assert others == [first] * len(others)
    assert [unit.name for unit in UNITS if not any(line.startswith("MemoryMax=") for line in own(unit))] == []


@pytest.mark.long
@pytest.mark.parametrize(
    "command", [("outreach.core.sandbox.pdf",), ("outreach", "migrate")], ids=lambda words: words[0]
)
def test_what_a_unit_leaves_is_enough_to_set_a_pdf_and_to_ask_a_database(command, tmp_path):
    unit = DEPLOY / "systemd" / "outreach.service"
    more = {"date": [2021, 5, 15], "qr": "<svg xmlns='http://www.w3.org/2000/svg'/>", "sections": []}
    more |= {"address": "x", "checking": "x", "data": "{}"}
    asked = (
        json.dumps({"template": "note.typ", "document": {**EMPTY, **more}, "at": 0, "kind": "pdf", "archived": False})
        if len(command) == 1
        else ""
    )
    own = {"PATH": os.environ["PATH"], "OUTREACH_DATA": str(tmp_path)}
    filtered = [sys.executable, "-m", "tests.architecture.filtered", unit, sys.executable, "-m", *command]
    ended = subprocess.run(filtered, input=asked.encode(), cwd=ROOT, env=own, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"%PDF" if asked else b"Une base")


@pytest.mark.long
def test_the_filter_of_a_unit_is_felt():
    unit = DEPLOY / "systemd" / "outreach.service"
    for tried in ("import os; os.setuid(0)", "import socket; socket.socket(socket.AF_NETLINK)"):
        filtered = [sys.executable, "-m", "tests.architecture.filtered", unit, sys.executable, "-c", tried]
        ended = subprocess.run(filtered, cwd=ROOT, capture_output=True, text=True, check=False)
        assert "PermissionError" in ended.stderr, tried


def own(unit):
    """The lines of a unit, without comments."""
    return [line for line in unit.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("unit", "command"), UNIT_COMMANDS.items())
def test_each_unit_starts_one_command_and_none_is_reloaded(unit, command):
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
    assert re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE) == [f"/opt/outreach/run {command}"]
    assert "ExecReload" not in text, "with code that does not begin, granian would end"


def test_a_web_unit_has_begun_once_its_pages_answer_where_it_listens():
    """By then the next one may be restarted."""
    text = (DEPLOY / "systemd" / "outreach-web@.service").read_text(encoding="utf-8")
    (written,) = re.findall(r"^ExecStartPost=/bin/sh -c '(.*)'$", text, re.MULTILINE)
    script = written.replace("%i", "8001").replace("$$", "$").replace("%%", "%").replace("exec curl", "echo")
    for own, address in (
        ({}, "http://127.0.0.1:8001/healthz"),
        ({"OUTREACH_BIND": "192.0.2.11:8000"}, "http://192.0.2.11:8001/healthz"),
        ({"OUTREACH_BIND": "[2001:db8::1]:8000"}, "http://[2001:db8::1]:8001/healthz"),
    ):
        ended = subprocess.run(["/bin/sh", "-c", script], env=own, capture_output=True, text=True, check=True)
        assert ended.stdout.split()[-1] == address


def test_each_service_of_ours_in_a_composition_is_one_command():
    ours = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "outreach"}
    assert {name: service["command"] for name, service in ours.items()} == {
        name: [name.partition("-")[0]] for name in ours
    }
    assert not any("entrypoint" in service for service in ours.values())


def test_all_processes_of_a_composition_are_one_installation():
    ours = [service for service in COMPOSE["services"].values() if service["image"] == "outreach"]
    assert len(ours) == 4
    for key in ("hostname", "volumes", "environment", "env_file", "secrets"):
        assert [service[key] for service in ours] == [ours[0][key]] * 4


def test_production_takes_the_settings_of_a_composition(tmp_path):
    web = COMPOSE["services"]["web-a"]
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
    assert COMPOSE["services"]["web-a"]["environment"]["OUTREACH_TRUSTED_PROXIES"] == network["gateway"]
    assert all("networks" not in service for service in COMPOSE["services"].values())


def test_the_role_that_a_composition_names_is_made_with_its_database_and_granted_to_its_login():
    database, web = COMPOSE["services"]["database"], COMPOSE["services"]["web-a"]["environment"]
    role, login = web["OUTREACH_SIGHT_ROLE"], database["environment"]["POSTGRES_USER"]
    assert "./sight-role.sql:/docker-entrypoint-initdb.d/sight-role.sql:ro" in database["volumes"]
    made = [line for line in (DEPLOY / "sight-role.sql").read_text(encoding="utf-8").splitlines() if line[:2] != "--"]
    assert made == [f"CREATE ROLE {role} NOLOGIN;", f"GRANT {role} TO {login};"]
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert f"postgresql://{login}:$password@database/{database['environment']['POSTGRES_DB']}" in text
    words = " ".join(text.split())
    assert f"exec database psql -U {login} -c '{made[0][:-1]}'" in words, "that login is the server's superuser"
    assert all(f"psql -c '{line[:-1]}'" in words for line in made)


def test_each_process_of_a_composition_says_whether_it_is_well_and_has_a_limit_of_memory():
    for name in ("web-a", "web-b", "work"):
        service = COMPOSE["services"][name]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["mem_limit"]
    assert COMPOSE["services"]["work"]["healthcheck"]["test"][-2:] == ["healthy", "work"]


def test_what_an_image_is_made_of_is_there():
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    sources = " ".join(copied).split()
    assert {"outreach", "wsgi.py", "templates", "campaigns", "requirements.lock"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_an_image_can_back_up_the_database_of_the_composition():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"postgresql-client-(\d+)", text) == [COMPOSE["services"]["database"]["image"].split(":")[1]]
    folder = COMPOSE["services"]["work"]["environment"]["OUTREACH_BACKUPS"]
    assert f"backups:{folder}" in COMPOSE["services"]["work"]["volumes"]
    assert re.search(rf"--owner=outreach .*{folder}$", text, re.MULTILINE)  # a new volume has its owner from there


@pytest.mark.parametrize("path", ["run", "deploy/Dockerfile"])
def test_only_packages_of_a_known_hash_are_installed(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    installs = re.findall(r"pip install.*", text)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []
    assert set(re.findall(r"requirements[\w.-]*", text)) <= {
        "requirements.lock",
        "requirements-uv.lock",
        "requirements-dev.lock",
    }
