import os
import re
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from outreach.core.settings import PROTECTED, FactorPolicy, Mode, Settings, faults, kept_secret, read, reading
from outreach.core.settings.model import SECRETS
from outreach.core.settings.reading import NAMED
from outreach.core.settings.values import is_guessable
from outreach.core.text.errors import SettingsError
from outreach.delivery import letters
from tests.factories import DRAWN

REAL = {
    "OUTREACH_MODE": "production",
    "OUTREACH_DATA": "/var/lib/nobody-has-this",
    "OUTREACH_DATABASE_URL": "sqlite:////var/lib/nobody-has-this/outreach.sqlite3",
    "OUTREACH_SECRET_KEY": DRAWN[0],
    "OUTREACH_SMTP_URL": "smtp://relay:587",
    "OUTREACH_PUBLIC_URL": "https://sensibilisation.example",
    "OUTREACH_MAIL_DOMAIN": "sensibilisation.example",
    "OUTREACH_MAILBOX_DOMAIN": "boites.test",
    "OUTREACH_TOKEN_KEYS": ",".join(DRAWN[1:]),
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


def test_production_names_its_database_and_a_trial_need_not():
    unnamed = {**REAL, "OUTREACH_DATABASE_URL": ""}
    with pytest.raises(SettingsError) as refusal:
        read(unnamed)
    assert f"ajoutez OUTREACH_DATABASE_URL={REAL['OUTREACH_DATABASE_URL']}" in str(refusal.value)
    assert read({**unnamed, "OUTREACH_MODE": "trial"}).database == REAL["OUTREACH_DATABASE_URL"]


@pytest.mark.parametrize(("mode", "nothing"), [("trial", ""), ("production", ""), ("production", " , ")])
@pytest.mark.parametrize("missing", sorted(REAL.keys() - {"OUTREACH_MODE", "OUTREACH_DATA", "OUTREACH_DATABASE_URL"}))
def test_each_missing_setting_is_named_in_a_sentence(mode, missing, nothing):
    with pytest.raises(SettingsError, match=f"{missing} est obligatoire"):
        read({**REAL, "OUTREACH_MODE": mode, missing: nothing})


@pytest.mark.parametrize(
    ("named", "policy"),
    [
        ({}, FactorPolicy.REQUIRED),
        ({"OUTREACH_MODE": "trial"}, FactorPolicy.OPTIONAL),
        ({"OUTREACH_SECOND_FACTOR": "off"}, FactorPolicy.OFF),
        ({"OUTREACH_MODE": "trial", "OUTREACH_SECOND_FACTOR": "required"}, FactorPolicy.REQUIRED),
    ],
)
def test_a_second_factor_is_required_in_production_unless_a_setting_says_otherwise(named, policy):
    assert read({**REAL, **named}).factor_policy is policy


def test_a_secret_key_in_front_signs_and_the_one_before_still_reads_second_factors():
    assert read(REAL).secret_keys == (DRAWN[0],)
    key = secrets.token_hex(32)
    settings = read({**REAL, "OUTREACH_SECRET_KEY": f"{key},{DRAWN[0]}"})
    assert (settings.own_key, settings.secret_keys) == (key, (key, DRAWN[0]))
    assert key not in repr(settings)


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
        ("OUTREACH_BROKER_URL", "kafka://localhost", "redis://…, rediss://…"),
        ("OUTREACH_BROKER_URL", "redis://", "redis://…"),
        ("OUTREACH_BROKER_URL", "redis://localhost:porte", "redis://…"),
        ("OUTREACH_BROKER_URL", "amqps://localhost", "RabbitMQ ne convient plus, indiquez un serveur Redis"),
        ("OUTREACH_MAIL_DOMAIN", "not a domain", "un nom de domaine"),
        ("OUTREACH_MAILBOX_DOMAIN", "boites.example", "réservé aux exemples"),
        ("OUTREACH_SMTP_URL", "smtp:", "hôte"),
        ("OUTREACH_SECRET_KEY", "court", "trop courte"),
        ("OUTREACH_PUBLIC_URL", "http://x.example", "https"),
        ("OUTREACH_SMTP_URL", "relay:25", "smtp://"),
        ("OUTREACH_SMTP_URL", "smtp://a.example, b.example", "un serveur d’envoi ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://u:s,cret@a.example", "un serveur d’envoi ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://a.example:port", "un serveur d’envoi ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://[::1", "un serveur d’envoi ou plusieurs"),
        ("OUTREACH_SMTP_URL", "smtp://u:p@a.example smtp://a.example:25?rate=5", "deux fois le même serveur d’envoi"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?rate=fast", "« rate=fast » ne se comprend pas"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?connections=51", "« connections=51 » ne se comprend pas"),
        ("OUTREACH_SMTP_URL", "smtp://a.example?startls=off", "starttls=off"),
        ("OUTREACH_SMTP_URL", "smtp://u:p@a.example?starttls=off", "jamais en clair"),
        *(("OUTREACH_CALM", wrong, "awareness=1/7") for wrong in ("1/7", "awareness=0/7", "statutory=1/7")),
        *(
            ("OUTREACH_OIDC_ISSUER", wrong, "l’adresse de l’émetteur")
            for wrong in ("idp.example", "http://idp.example", "https://u:p@idp.example", "https://idp.example/?a=b")
        ),
        ("OUTREACH_OIDC_ISSUER", "https://idp.example", "vont ensemble"),
        ("OUTREACH_OIDC_SCOPES", "profile", "doit contenir openid"),
        ("OUTREACH_OIDC_ROLES", "groups:a=chief", "« groups:a=chief » ne se comprend pas"),
        ("OUTREACH_OIDC_ROLES", "groups=author", "« groups=author » ne se comprend pas"),
        ("OUTREACH_OIDC_ROLES", "groups:a=author", "OUTREACH_OIDC_ISSUER est indiqué"),
        ("OUTREACH_EMERGENCY_ACCOUNT", "chef", "l’adresse du compte"),
        ("OUTREACH_EMERGENCY_ACCOUNT", "a@fwb.example", "indiquez aussi OUTREACH_OIDC_ISSUER"),
        ("OUTREACH_BOUNCES_URL", "imap://u:p@mail.example/INBOX", "sur cette machine seulement"),
        ("OUTREACH_BOUNCES_URL", "imaps://", "imaps://utilisateur"),
        ("OUTREACH_BOUNCES_URL", "imaps://u:p@mail.example:porte/INBOX", "imaps://utilisateur"),
        ("OUTREACH_BOUNCES_URL", "maildir://", "maildir:///chemin"),
        ("OUTREACH_BOUNCES_URL", "pop3://u:p@mail.example", "imaps://utilisateur"),
        ("OUTREACH_REPLIES_URL", "imap://u:p@mail.example/INBOX", "sur cette machine seulement"),
        ("OUTREACH_REPLIES_URL", "imaps://u:p@mail.example/INBOX?proven-by=", "« proven-by= » ne se comprend pas"),
        ("OUTREACH_REPLIES_URL", "imaps://u:p@mail.example/INBOX?proved=mx", "« proved=mx » ne se comprend pas"),
        ("OUTREACH_REPLIES_URL", "imaps://u:p@mail.example/INBOX?address=a+b@c.be", "« address=a b@c.be » ne se"),
        ("OUTREACH_REPLIES_URL", "imaps://u:p@mail.example/INBOX?marks=on", "ajoutez address"),
        ("OUTREACH_TOKEN_KEYS", f"{DRAWN[1]},court", "chaque clé"),
        ("OUTREACH_TOKEN_KEYS", DRAWN[0], "doit différer"),
        ("OUTREACH_TOKEN_KEYS", f"{DRAWN[1]},{'k' * 40}", "une clé se devine"),
        ("OUTREACH_PUBLIC_URL", "https://x.example/campagnes", "rien d’autre"),
        ("OUTREACH_PUBLIC_URL", "https://x.example?", "rien d’autre"),
        ("OUTREACH_PUBLIC_URL", "https://x.example/?a=b", "rien d’autre"),
        ("OUTREACH_PUBLIC_URL", "https://x.example#a", "rien d’autre"),
        ("OUTREACH_PUBLIC_URL", "https://u@x.example", "ni mot de passe"),
        ("OUTREACH_PUBLIC_URL", "https://x.example:porte", "adresse complète"),
        ("OUTREACH_PUBLIC_URL", "https://[x.example", "adresse complète"),
        ("OUTREACH_PUBLIC_URL", "https://x.example\\@y.example", "adresse complète"),
        ("OUTREACH_PUBLIC_URL", "https://a b.example", "adresse complète"),
        ("OUTREACH_PUBLIC_URL", "x.example", "adresse complète"),
        ("OUTREACH_ALLOWED_RECIPIENTS", "a@b.example,essais.example", "« essais.example » n’est ni une adresse"),
        ("OUTREACH_ALLOWED_RECIPIENTS", "@", "« @ » n’est ni une adresse"),
        ("OUTREACH_ALLOWED_RECIPIENTS", "a@b.example;c@b.example", "n’est ni une adresse"),
        ("OUTREACH_ALLOWED_RECIPIENTS", "Claire <a@b.example>", "n’est ni une adresse"),
        ("OUTREACH_ALLOWED_RECIPIENTS", "*@b.example", "n’est ni une adresse"),
        ("OUTREACH_DKIM", "s1", "un sélecteur et le fichier de sa clé"),
        ("OUTREACH_DKIM", "s 1:/etc/s1.pem", "un sélecteur et le fichier de sa clé"),
        ("OUTREACH_SIGHT_ROLE", "x; DROP", "le nom d’un rôle"),
        ("OUTREACH_SORTING_LIST", "a\nb", "sur une ligne"),
        ("OUTREACH_OFFICIAL_PAGE", "http://a.example", "en https"),
        ("OUTREACH_TRUSTED_PROXIES", "proxy.example", "n’est ni une adresse"),
        ("OUTREACH_TRUSTED_PROXIES", "none", "n’existe plus : placez un serveur web devant"),
        ("OUTREACH_TRUSTED_PROXIES", "none, 192.0.2.1", "« none » n’est"),
        ("OUTREACH_TRUSTED_PROXIES", "192.0.2.1/24", "« 192.0.2.1/24 » n’est"),
        ("OUTREACH_TRUSTED_PROXIES", "0.0.0.0/0", "ferait croire n’importe qui"),
        ("OUTREACH_TRUSTED_PROXIES", "::/0", "ferait croire n’importe qui"),
        ("OUTREACH_TRUSTED_PROXIES", "10.0.0.0/8, 0.0.0.0/1", "« 0.0.0.0/1 » ferait croire n’importe qui"),
        ("OUTREACH_PRIVATE_HOSTS", "redis://broker", "n’est pas le nom ou l’adresse d’une machine"),
        ("OUTREACH_SENDING", "non", "on et off"),
        ("OUTREACH_ATTACHMENTS", "pdf, .exe", "contient « .exe »"),
        ("OUTREACH_CHECK_DOMAINS", "oui", "on, off et l’adresse IP"),
        ("OUTREACH_CHECK_DOMAINS", "resolver.example", "on, off et l’adresse IP"),
        ("OUTREACH_CHECK_DOMAINS", "127.0.0.1:99999", "on, off et l’adresse IP"),
        ("OUTREACH_SECOND_FACTOR", "yes", "required, optional et off"),
        ("OUTREACH_SECRET_KEY", f"{DRAWN[0]},court", "trop courte"),
        ("OUTREACH_SECRET_KEY", f"{'k' * 40},{DRAWN[0]}", "se devine"),
        ("OUTREACH_SECRET_KEY", f"{DRAWN[0]},{DRAWN[1]}", "doit différer"),
        ("OUTREACH_CLOCK_OFFSET", "60", "qu’en démonstration"),
        ("OUTREACH_CLOCK_OFFSET", "demain", "« demain » : cette valeur ne se comprend pas"),
        ("OUTREACH_DEMO_MAILBOX", "8025", "une adresse et un port"),
        ("OUTREACH_DATABSE_URL", "sqlite://", "Vouliez-vous écrire OUTREACH_DATABASE_URL"),
        ("OUTREACH_SECRETKEY_FILE", "/x", "Vouliez-vous écrire OUTREACH_SECRET_KEY_FILE"),
        ("OUTREACH_SECRET_KEY_FILE", "/x", "OUTREACH_SECRET_KEY et OUTREACH_SECRET_KEY_FILE sont donnés tous les deux"),
        ("OUTREACH_PUBLIC_URL", "http://u:hush@x.example/", "OUTREACH_PUBLIC_URL"),
        *(
            (f"OUTREACH_{name}_URL", "foo://u:hush@host/base", f"OUTREACH_{name}_URL")
            for name in ("DATABASE", "BROKER", "SMTP", "BOUNCES", "REPLIES")
        ),
        *(
            ("OUTREACH_ALERTS_TO", f"a@b.example, {wrong}", "OUTREACH_ALERTS_TO")
            for wrong in ("a", "@b.example", "a@b", "é@b.example", "Nom <a@b.example>")
        ),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence_without_its_password(name, value, words):
    with pytest.raises(SettingsError, match=words) as refusal:
        read({**REAL, name: value})
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("value", ["0.0.0.0:8000", "192.0.2.1:80", "[::]:8000"])
def test_a_demonstration_stays_on_its_machine(value, tmp_path):
    for name, outside in (
        ("BIND", value),
        ("PUBLIC_URL", f"http://{value}"),
        ("PUBLIC_URL", "http://localhost.example"),
    ):
        with pytest.raises(SettingsError, match=f"OUTREACH_{name}.* doit rester sur la machine"):
            read({"OUTREACH_DATA": str(tmp_path), f"OUTREACH_{name}": outside})


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        *(("demo", "bind", place) for place in ("localhost:8001", "[::1]:8000", "127.0.0.1:8765")),
        *(("demo", "public_url", url) for url in ("http://localhost:8000", "http://[::1]:8000", "http://a.localhost")),
        *(("production", "public_url", url) for url in ("https://x.example:8443/", "https://[2001:db8::7]")),
        *(
            ("demo", "bounces_url", url)
            for url in ("imaps://u:p@m.example", "imap://u:p@127.0.0.1:1/I", "maildir:///r")
        ),
        ("trial", "allowed_recipients", "claire.o'neil+essai@b.example, @essais.example,@école.example"),
    ],
)
def test_a_right_value_is_taken_as_it_is(mode, name, value, tmp_path):
    around = {"OUTREACH_DATA": str(tmp_path)} if mode == "demo" else {**REAL, "OUTREACH_MODE": mode}
    settings = read({**around, f"OUTREACH_{name.upper()}": value})
    assert getattr(settings, name) == value
    assert not settings.address.endswith("/")


def test_no_password_shows_when_settings_are_printed(tmp_path):
    secret = {
        "OUTREACH_SMTP_URL": "smtp://u:hush@relay",
        "OUTREACH_DATABASE_URL": "postgresql://u:hush@db/x",
        "OUTREACH_BOUNCES_URL": "imaps://u:hush@mail.example/INBOX",
        "OUTREACH_REPLIES_URL": "imaps://u:hush@mail.example/INBOX?proven-by=mx.example",
    }
    assert "hush" not in repr(read({"OUTREACH_DATA": str(tmp_path), **secret}))


@pytest.mark.parametrize(("marks", "address"), [("", "r@fwb.example"), ("&marks=on", "r+@fwb.example")])
def test_letters_name_the_address_of_the_mailbox_of_replies_and_room_for_a_mark(marks, address, tmp_path):
    url = f"maildir:///var/mail/r?address=r@fwb.example{marks}"
    assert read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_REPLIES_URL": url}).replies_to == address
    assert read({"OUTREACH_DATA": str(tmp_path)}).replies_to == ""


@pytest.mark.parametrize("bind", ["0.0.0.0:8000", "192.0.2.1:80", "[::]:8000"])
def test_production_open_to_other_machines_says_which_web_servers_stand_in_front(bind):
    """Else all strangers would be one client, whose failed sign-ins shut everybody out."""
    for nothing in ("", " ", " , "):
        with pytest.raises(SettingsError, match=r"OUTREACH_TRUSTED_PROXIES l’adresse"):
            read({**REAL, "OUTREACH_BIND": bind, "OUTREACH_TRUSTED_PROXIES": nothing})
    named = {"OUTREACH_TRUSTED_PROXIES": "192.0.2.7, 198.51.100.0/24"}
    assert read({**REAL, "OUTREACH_BIND": bind, **named}).bind == bind


@pytest.mark.parametrize("name", reading.GONE)
def test_a_setting_that_means_nothing_any_more_is_told_with_what_takes_its_place(name):
    assert read({**REAL, name: "3"}) == read(REAL)
    (told,) = reading.gone({name: "3"})
    assert told == f"{name} ne sert plus, retirez-le : {reading.GONE[name]}."
    assert reading.gone({**REAL, name: ""}) == []


@pytest.mark.parametrize("name", reading.REFUSED)
def test_one_that_decided_what_leaves_or_who_comes_in_stops_the_start(name):
    with pytest.raises(SettingsError) as refusal:
        read({**REAL, name: "3"})
    assert str(refusal.value) == f"{name} ne sert plus, retirez-le : {reading.REFUSED[name]}."
    assert read({**REAL, name: ""}) == read(REAL)


def test_a_setting_that_is_no_more_names_none_that_is():
    named = {f"OUTREACH_{field.upper()}" for field in Settings.model_fields}
    assert not named & {*reading.GONE, *reading.REFUSED}
    for sentence in (*reading.GONE.values(), *reading.REFUSED.values()):
        assert set(re.findall("OUTREACH_[A-Z_]+", sentence)) <= named


def test_settings_stay_few():
    """Each is changed by somebody, whom docs/commands.md names. What nobody changes is a constant."""
    assert len(Settings.model_fields) <= 39


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
    monkeypatch.setenv("OUTREACH_BIND", "127.0.0.1:9000")
    assert read({"OUTREACH_DATA": str(tmp_path)}).bind == Settings().bind == "127.0.0.1:8000"


@pytest.mark.parametrize("name", ["CHECK_DOMAINS", "MODE", "CLOCK_OFFSET", "BIND", "DATABASE_URL"])
def test_an_empty_setting_is_one_that_is_not_made(monkeypatch, tmp_path, name):
    monkeypatch.setenv(f"OUTREACH_{name}", "")
    plain = {"OUTREACH_DATA": str(tmp_path)}
    field = name.lower()
    assert getattr(read({**plain, f"OUTREACH_{name}": ""}), field) == getattr(read(plain), field)


@pytest.mark.parametrize(
    "key",
    [
        "k" * 40,
        "ab" * 20,
        "0123456789abcdef" * 2,
        DRAWN[0][:16] * 2,
        "changeme-changeme-changeme-changeme",
        "Please-Change-Me-Please-Change-Me-Please-2026",
        "une-cle-tres-secrete-pour-la-production-2026",
        "motdepasse" * 3 + "12345678901234567890",
        "my_secret_key_for_outreach_test_example_1234567890",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "xyzxyzxyzzxyxyzxzyxzyxyzxyzzxyxyzxzy",
    ],
)
@pytest.mark.parametrize("name", ["OUTREACH_SECRET_KEY", "OUTREACH_TOKEN_KEYS"])
def test_a_key_that_can_be_guessed_is_refused_and_not_repeated(name, key):
    with pytest.raises(SettingsError, match="devine") as refusal:
        read({**REAL, name: key})
    assert key not in str(refusal.value)


def test_a_retired_key_of_tokens_may_be_guessable_as_letters_that_left_bear_it():
    keys = ",".join([DRAWN[1], DRAWN[0][::-1], "k" * 40])
    assert len(read({**REAL, "OUTREACH_TOKEN_KEYS": keys}).signing_keys) == 3
    assert faults.LIVE_KEYS == letters.LIVE_KEYS


def test_no_key_that_is_drawn_at_random_is_taken_for_a_guessable_one():
    draws = (secrets.token_hex, 16), (secrets.token_hex, 32), (secrets.token_urlsafe, 24), (secrets.token_urlsafe, 32)
    assert [key for _ in range(500) for draw, size in draws if is_guessable(key := draw(size))] == []


CLEAR = [
    ("DATABASE", "postgresql://u:hush@db.example/b"),
    ("DATABASE", "postgresql+psycopg://u:hush@db.example/b?sslmode=prefer"),
    ("DATABASE", "postgresql://u:hush@db.example/b?sslmode=disable"),
    ("DATABASE", "postgresql:///b?host=db.example&user=u&password=hush"),
    ("DATABASE", "postgresql:///b?host=/run/postgresql&host=db.example:5432"),
    ("DATABASE", "postgresql://localhost/b?hostaddr=192.0.2.7"),
    ("DATABASE", "postgresql://u:hush@192.0.2.7/b"),
    ("BROKER", "redis://:hush@broker.example:6379/0"),
    ("BROKER", "redis://[2001:db8::7]:6379/0"),
]


@pytest.mark.parametrize(("what", "url"), CLEAR)
def test_what_goes_to_another_machine_is_encrypted(what, url):
    named = {"OUTREACH_DATABASE_URL": "postgresql:///b", f"OUTREACH_{what}_URL": url}
    with pytest.raises(SettingsError, match=f"OUTREACH_{what}_URL.*autre machine.*OUTREACH_PRIVATE_HOSTS") as refusal:
        read({**REAL, **named})
    assert "hush" not in str(refusal.value)
    private = "DB.example, broker.example,192.0.2.7, 2001:db8::7"
    assert read({**REAL, **named, "OUTREACH_PRIVATE_HOSTS": private}).mode is Mode.PRODUCTION


@pytest.mark.parametrize(
    ("what", "url"),
    [
        ("DATABASE", "sqlite:////var/lib/x.sqlite3"),
        ("DATABASE", "postgresql:///b"),
        ("DATABASE", "postgresql://u@/b?host=/run/postgresql"),
        ("DATABASE", "postgresql://u:p@127.0.0.1/b"),
        ("DATABASE", "postgresql://u:p@localhost:5433/b"),
        *(
            ("DATABASE", f"postgresql://u:p@db.example/b?sslmode={mode}")
            for mode in ("require", "verify-ca", "verify-full")
        ),
        ("BROKER", "rediss://:p@broker.example"),
        ("BROKER", "redis://:p@[::1]:6379/0"),
    ],
)
def test_what_is_encrypted_or_stays_on_this_machine_is_accepted(what, url):
    named = {"OUTREACH_DATABASE_URL": "postgresql:///b", f"OUTREACH_{what}_URL": url}
    assert read({**REAL, **named}).mode is Mode.PRODUCTION


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
def test_no_variable_of_the_database_library_leads_to_another_machine(name, tmp_path):
    named = {**REAL, "OUTREACH_DATABASE_URL": "postgresql:///b"}
    with pytest.raises(SettingsError, match=f"{name} n’est pas un réglage"):
        read({**named, name: "db.example"})
    read({**named, name: "/run/postgresql"})
    read({**REAL, name: "db.example"})
    read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_DATABASE_URL": "postgresql:///b", name: "db.example"})


def test_a_service_file_may_name_any_machine_so_the_address_says_that_it_is_encrypted():
    with pytest.raises(SettingsError, match="sslmode=require"):
        read({**REAL, "OUTREACH_DATABASE_URL": "postgresql:///b?service=x"})
    read({**REAL, "OUTREACH_DATABASE_URL": "postgresql:///b?service=x&sslmode=verify-full"})


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o755, 0o710, 0o702])
def test_a_data_folder_that_others_may_open_is_closed_in_a_demonstration_and_refused_elsewhere(tmp_path, mode):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 700 {folder}$"):
        read({**REAL, "OUTREACH_DATA": str(folder)})
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    for _ in range(2):  # empty, then with what a demonstration keeps in it
        folder.chmod(mode)
        read({"OUTREACH_DATA": str(folder)})
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert read({**REAL, "OUTREACH_DATA": str(folder)}).data == folder


def test_a_demonstration_does_not_close_a_folder_of_other_things(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "letters").mkdir()
    with pytest.raises(SettingsError, match="chmod 700"):
        read({"OUTREACH_DATA": str(tmp_path)})
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_in_a_trial_alerts_go_to_addresses_of_its_list():
    trial = {**REAL, "OUTREACH_MODE": "trial", "OUTREACH_ALERTS_TO": "a@b.example, c@d.example"}
    with pytest.raises(SettingsError, match=r"« c@d\.example » doit aussi être dans OUTREACH_ALLOWED_RECIPIENTS"):
        read({**trial, "OUTREACH_ALLOWED_RECIPIENTS": "@b.example"})
    listed = {**trial, "OUTREACH_ALLOWED_RECIPIENTS": "@b.example, C@d.example"}
    assert read(listed).alerts_to
    theirs = f"@{PROTECTED[0]}"
    with pytest.raises(SettingsError, match=f"« a{theirs} », une boîte de PO"):
        read({**trial, "OUTREACH_ALERTS_TO": f"a{theirs}", "OUTREACH_ALLOWED_RECIPIENTS": theirs})


def test_an_issuer_with_its_roles_is_accepted_and_its_secret_hidden():
    named = {"ISSUER": "https://idp.example/realms/fwb", "CLIENT_ID": "outreach", "CLIENT_SECRET": "hush"}
    named["ROLES"] = "groups:a:b=author, realm_access.roles:x=y=approver"
    settings = read({**REAL, **{f"OUTREACH_OIDC_{name}": value for name, value in named.items()}})
    assert settings.role_rules == (("groups", "a:b", "author"), ("realm_access.roles", "x=y", "approver"))
    assert settings.issuer_name == "idp.example"
    assert "hush" not in repr(settings)


def test_a_password_is_taken_from_everybody_or_from_the_emergency_account_alone():
    assert read(REAL).takes_password("a@fwb.example")
    named = {"OIDC_ISSUER": "https://idp.example", "OIDC_CLIENT_ID": "outreach"}
    named["EMERGENCY_ACCOUNT"] = "Chef@fwb.example"
    settings = read({**REAL, **{f"OUTREACH_{name}": value for name, value in named.items()}})
    assert settings.takes_password(" chef@fwb.example")
    assert not settings.takes_password("a@fwb.example")
    assert not settings.takes_password("")


def in_file(folder, held, setting="OUTREACH_SECRET_KEY"):
    """The settings of production, one of which stands in a file."""
    path = folder / "value"
    path.write_bytes(held)
    return {**{name: value for name, value in REAL.items() if name != setting}, f"{setting}_FILE": str(path)}


def test_each_secret_may_stand_in_a_file_and_nothing_else():
    hidden = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr or not field.repr}
    assert set(SECRETS) == hidden - {"public_url"}, "it is public, and hidden until it is refused"
    assert not {name.removeprefix("OUTREACH_").lower() for name in NAMED} & set(Settings.model_fields)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_the_file_that_is_named_without_its_last_end_of_line(tmp_path, end):
    assert read(in_file(tmp_path, (DRAWN[0] + end).encode())).secret_key.get_secret_value() == DRAWN[0]
    url = "postgresql://u:p%20@localhost/b"
    named = in_file(tmp_path, (url + end).encode(), "OUTREACH_DATABASE_URL")
    assert read(named).database == url


@pytest.mark.parametrize(
    ("held", "words"), [(b"hush" * 20_000, "trop long"), (b"\xffhush", "UTF-8"), (b"\n", "vide"), (b"hush", "courte")]
)
def test_a_file_that_does_not_do_is_refused_in_a_sentence_that_does_not_repeat_it(tmp_path, held, words):
    with pytest.raises(SettingsError, match=words) as refusal:
        read(in_file(tmp_path, held))
    assert "OUTREACH_SECRET_KEY" in str(refusal.value)
    assert "hush" not in str(refusal.value)


def test_files_that_cannot_be_read_are_all_named_with_their_settings(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wrong = {"SECRET_KEY": tmp_path / "absent", "TOKEN_KEYS": tmp_path, "SMTP_URL": tmp_path / "pipe"}
    own = {name: value for name, value in REAL.items() if name.removeprefix("OUTREACH_") not in wrong}
    with pytest.raises(SettingsError) as refusal:
        read({**own, **{f"OUTREACH_{name}_FILE": str(path) for name, path in wrong.items()}})
    told = str(refusal.value).splitlines()
    assert len(told) == 3
    for name, path in wrong.items():
        assert [line for line in told if line.startswith(f"OUTREACH_{name}_FILE") and str(path) in line]
