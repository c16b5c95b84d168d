"""The register of processing activities and the points of an impact assessment, from what the service does.

Articles 30 and 35 of the GDPR. What is kept comes from `retention.toml`, who reads it from the roles and the open
accounts, where it goes from the settings, who answers for it from the page on data protection. The points of the
assessment are those that the service can state of itself; whoever signs it weighs them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from outreach.access.accounts import Role, User, role_holders
from outreach.core import site
from outreach.core.db import Session
from outreach.core.settings import ROOT, FactorPolicy, Settings
from outreach.core.site import StatementKind
from outreach.core.text.french import typeset
from outreach.core.text.roles import RoleName
from outreach.operations.retention._policy import KEPT, in_force

documents = Environment(  # noqa: S701 - Markdown: its own signs are taken from what is shown in it
    loader=FileSystemLoader(ROOT / "templates" / "privacy"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that is kept: what, why, on what ground, how long, and what then becomes of it."""

    what: str
    why: str
    ground: str
    kept: str


@dataclass(frozen=True, slots=True)
class Access:
    """A role, what it permits, and how many open accounts hold it."""

    role: str
    permits: str
    accounts: int


@dataclass(frozen=True, slots=True)
class Channel:
    """Where data goes because a setting says so: what for, to which host, and what it learns."""

    purpose: str
    host: str
    learns: str


@dataclass(frozen=True, slots=True)
class Processing:
    """What both documents state. `stated` is the page on data protection, field by field, empty until it is written."""

    stated: Mapping[str, str]
    activities: Sequence[Activity]
    accesses: Sequence[Access]
    channels: Sequence[Channel]
    factor: FactorPolicy
    has_backups: bool


def describe_processing(session: Session, settings: Settings) -> Processing:
    """The facts of this installation, as they are now."""
    held = site.current_statement(session, StatementKind.DATA_PROTECTION)
    return Processing(
        stated=held.words if held else {},
        activities=[
            *(
                Activity(rule.what, rule.why, rule.ground, f"{rule.duration} après {rule.moment}, puis {rule.then}")
                for rule in in_force(session)
            ),
            *(Activity(kept.what, kept.why, kept.ground, kept.until) for kept in KEPT),
        ],
        accesses=_accesses(session),
        channels=_channels(settings),
        factor=settings.factor_policy,
        has_backups=settings.backups is not None,
    )


def write_register(found: Processing) -> str:
    """Both documents, as one text in Markdown."""
    return typeset(documents.get_template("privacy.md").render(found=found, cell=_cell, labels=_labels()))


def _accesses(session: Session) -> list[Access]:
    query = select(Role.name, func.count()).join(role_holders).join(User).where(User.active).group_by(Role.name)
    holders = {name: accounts for name, accounts in session.execute(query)}  # noqa: C416 - a Row is no pair to mypy
    return [Access(role.label, role.permits, holders.get(role, 0)) for role in RoleName]


def _channels(settings: Settings) -> list[Channel]:
    database, (dns, _) = make_url(settings.database), settings.dns_server or ("", 0)
    named = [
        ("Base de données", database.host or "cette machine", "tout ce que ce registre énumère"),
        *(
            ("Serveur d’envoi", urlsplit(relay).hostname, "les courriels : adresse, objet et texte")
            for relay in settings.relays
        ),
        ("Boîte des retours", urlsplit(settings.returns_url).hostname, "les avis de non-remise et leur adresse"),
        ("Boîte des réponses", urlsplit(settings.replies_url).hostname, "les courriels que des personnes écrivent"),
        ("Réveil des processus d’envoi", urlsplit(settings.broker_url).hostname, "aucune donnée d’une personne"),
        ("Service d’identité du personnel", urlsplit(settings.oidc_issuer).hostname, "qui du personnel se connecte"),
        (
            "Noms de domaine",
            dns,
            "les domaines des adresses, sans ce qui précède l’arobase",
        ),
    ]
    return [Channel(purpose, host, learns) for purpose, host, learns in named if host]


def _labels() -> dict[str, str]:
    return site.field_labels(StatementKind.DATA_PROTECTION)


def _cell(words: str) -> str:
    """Words for a cell of a Markdown table: on one line, without what ends a cell."""
    return " ".join(words.split()).replace("\\", "\\\\").replace("|", "\\|")
