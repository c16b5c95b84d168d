import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from outreach.errors import SettingsError
from outreach.settings import Mode, kept_secret, read

REAL = {
    "OUTREACH_MODE": "production",
    "OUTREACH_SECRET_KEY": "k" * 40,
    "OUTREACH_SMTP_URL": "smtp://relay:587",
    "OUTREACH_PUBLIC_URL": "https://sensibilisation.example",
    "OUTREACH_MAIL_DOMAIN": "sensibilisation.example",
    "OUTREACH_MAILBOX_DOMAIN": "boites.example",
    "OUTREACH_TOKEN_KEYS": "t" * 40 + "," + "u" * 40,
}


def test_the_default_is_a_demonstration_on_this_machine(tmp_path):
    settings = read({"OUTREACH_DATA": str(tmp_path)})
    assert settings.mode is Mode.DEMO
    assert settings.host == "127.0.0.1"
    assert settings.database == f"sqlite:///{tmp_path}/outreach.sqlite3"
    assert settings.mailbox_domain == "adm.fwb.example"


def test_the_demonstration_makes_its_secret_once_and_hides_it(tmp_path):
    first, second = (read({"OUTREACH_DATA": str(tmp_path)}).secret_key.get_secret_value() for _ in range(2))
    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert first not in repr(read({"OUTREACH_DATA": str(tmp_path)}))


@pytest.mark.parametrize("broker", ["redis://h", "rediss://:p@h:6380/1", "amqp://u:p@h/%2F", "amqps://h"])
def test_a_broker_goes_with_postgresql(broker):
    named = {"OUTREACH_DATABASE_URL": "postgresql:///b", "OUTREACH_BROKER_URL": broker}
    assert read({**REAL, **named}).broker_url == broker


@pytest.mark.parametrize("name", ["DATABASE_URL", "BROKER_URL", "SMTP_URL", "BOUNCES_URL"])
def test_no_password_shows_when_an_address_is_refused(name):
    with pytest.raises(SettingsError) as refusal:
        read({**REAL, f"OUTREACH_{name}": "foo://u:hush@host/base"})
    assert f"OUTREACH_{name}" in str(refusal.value)
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("mode", ["trial", "production"])
def test_a_complete_configuration_is_accepted(mode):
    assert read({**REAL, "OUTREACH_MODE": mode}).mode == mode


@pytest.mark.parametrize("mode", ["trial", "production"])
@pytest.mark.parametrize("missing", sorted(REAL.keys() - {"OUTREACH_MODE"}))
def test_each_missing_setting_is_named_in_a_sentence(mode, missing):
    with pytest.raises(SettingsError, match=f"{missing} est obligatoire"):
        read({**REAL, "OUTREACH_MODE": mode, missing: ""})


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsError) as refusal:
        read({"OUTREACH_MODE": "trial"})
    assert len(str(refusal.value).splitlines()) == 6


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OUTREACH_MODE", "prod", "demo, trial et production"),
        ("OUTREACH_BIND", "127.0.0.1", "une adresse et un port"),
        ("OUTREACH_BIND", "127.0.0.1:99999", "une adresse et un port"),
        ("OUTREACH_BIND", "127.0.0.1:0", "une adresse et un port"),
        ("OUTREACH_DATABASE_URL", "foo", "sqlite:////chemin"),
        ("OUTREACH_DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("OUTREACH_BROKER_URL", "redis://localhost", "ce que SQLite ne permet pas"),
        ("OUTREACH_BROKER_URL", "kafka://localhost", "redis://…, rediss://…, amqp://"),
        ("OUTREACH_BROKER_URL", "redis://", "redis://…"),
        ("OUTREACH_BROKER_URL", "amqp://localhost:porte", "amqp://…"),
        ("OUTREACH_MAIL_DOMAIN", "not a domain", "un nom de domaine"),
        ("OUTREACH_SMTP_URL", "smtp:", "hôte"),
        ("OUTREACH_SECRET_KEY", "court", "trop courte"),
        ("OUTREACH_PUBLIC_URL", "http://x.example", "https"),
        ("OUTREACH_SMTP_URL", "relay:25", "smtp://"),
        ("OUTREACH_SMTP_URL", "smtp://a.example, b.example", "un relais ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://u:s,cret@a.example", "un relais ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://a.example:port", "un relais ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://[::1", "un relais ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://u:p@a.example smtp://a.example:25?rate=5", "deux fois le même relais"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?rate=fast", "« rate=fast » ne se comprend pas"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?connections=51", "« connections=51 » ne se comprend pas"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?startls=off", "starttls=off"),
        ("OUTREACH_SMTP_URL", "smtp://u:p@a.example?starttls=off", "jamais en clair"),
        ("OUTREACH_DOMAIN_RATES", "gmail.com", "« gmail.com » ne se comprend pas"),
        ("OUTREACH_DOMAIN_RATES", "gmail.com=0", "« gmail.com=0 » ne se comprend pas"),
        ("OUTREACH_DOMAIN_RATES", "*=5, gmail.com=2,5", "« 5 » ne se comprend pas"),
        ("OUTREACH_BOUNCES_URL", "imap://u:p@mail.example/INBOX", "sur cette machine seulement"),
        ("OUTREACH_BOUNCES_URL", "imaps://", "imaps://utilisateur"),
        ("OUTREACH_BOUNCES_URL", "imaps://u:p@mail.example:porte/INBOX", "imaps://utilisateur"),
        ("OUTREACH_BOUNCES_URL", "maildir://", "maildir:///chemin"),
        ("OUTREACH_BOUNCES_URL", "pop3://u:p@mail.example", "imaps://utilisateur"),
        ("OUTREACH_TOKEN_KEYS", "t" * 40 + ",court", "chaque clé"),
        ("OUTREACH_TOKEN_KEYS", "k" * 40, "doit différer"),
        ("OUTREACH_SENDING", "non", "on et off"),
        ("OUTREACH_SMTP_CONNECTIONS", "51", "de 1 à 50"),
        ("OUTREACH_WEB_PROCESSES", "0", "de 1 à 32"),
        ("OUTREACH_WEB_PROCESSES", "deux", "de 1 à 32"),
        ("OUTREACH_CLOCK_OFFSET", "60", "qu’en démonstration"),
        ("OUTREACH_DEMO_MAILBOX", "8025", "une adresse et un port"),
        ("OUTREACH_DATABSE_URL", "sqlite://", "Vouliez-vous écrire OUTREACH_DATABASE_URL"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(name, value, words):
    with pytest.raises(SettingsError, match=words):
        read({**REAL, name: value})


def test_no_password_shows_when_settings_are_printed(tmp_path):
    secret = {
        "OUTREACH_SMTP_URL": "smtp://u:hush@relay",
        "OUTREACH_DATABASE_URL": "postgresql://u:hush@db/x",
        "OUTREACH_BOUNCES_URL": "imaps://u:hush@mail.example/INBOX",
    }
    assert "hush" not in repr(read({"OUTREACH_DATA": str(tmp_path), **secret}))


@pytest.mark.parametrize(
    "url", ["imaps://u:p@mail.example", "imap://u:p@127.0.0.1:1143/INBOX", "maildir:///var/mail/retours"]
)
def test_a_mailbox_of_returns_is_an_imap_folder_or_a_maildir(url, tmp_path):
    assert read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_BOUNCES_URL": url}).bounces_url == url


@pytest.mark.parametrize("bind", ["0.0.0.0:8000", "192.0.2.1:80", "[::]:8000"])
def test_a_demonstration_never_listens_to_the_world(bind, tmp_path):
    with pytest.raises(SettingsError, match="doit rester sur la machine"):
        read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_BIND": bind})


@pytest.mark.parametrize("bind", ["localhost:8001", "[::1]:8000", "127.0.0.1:8765"])
def test_a_demonstration_may_choose_its_door(bind, tmp_path):
    assert read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_BIND": bind}).bind == bind


def test_processes_that_make_a_secret_at_once_agree_on_it_and_none_reads_half_of_it(tmp_path):
    for number in range(40):
        path = tmp_path / str(number) / "secret"
        with ThreadPoolExecutor(8) as pool:
            read_back = set(pool.map(kept_secret, [path] * 8))
        assert len(read_back) == 1
        assert len(read_back.pop()) > 32
        assert [one.name for one in path.parent.iterdir()] == ["secret"]
        assert path.stat().st_mode & 0o777 == 0o600


def test_settings_come_from_what_is_given_and_never_from_the_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTREACH_WEB_PROCESSES", "5")
    assert read({"OUTREACH_DATA": str(tmp_path)}).web_processes == 2


@pytest.mark.parametrize("name", ["WEB_PROCESSES", "MODE", "SMTP_RATE", "BIND", "DATABASE_URL"])
def test_an_empty_setting_is_one_that_is_not_made(monkeypatch, tmp_path, name):
    monkeypatch.setenv(f"OUTREACH_{name}", "")
    plain = {"OUTREACH_DATA": str(tmp_path)}
    field = name.lower()
    assert getattr(read({**plain, f"OUTREACH_{name}": ""}), field) == getattr(read(plain), field)
