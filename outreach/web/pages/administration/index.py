"""The first page of the administration: how the service is, and each of its subjects with a fact of today."""

from collections.abc import Callable, Mapping
from datetime import date

from flask import Blueprint, render_template

from outreach.access import accounts
from outreach.adherence import programmes
from outreach.campaigns import planning
from outreach.core import site
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.integrations import api_keys, webhooks_in, webhooks_out
from outreach.integrations.api_keys import KeyState
from outreach.operations import backups, retention
from outreach.web.shared.alerts import alarms
from outreach.web.ui.request import current_day, needs, now, reading, settings

pages = Blueprint("administration", __name__, url_prefix="/administration")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        groups = {
            title: [(view, name, french.typeset(fact(session))) for view, name, fact in subjects]
            for title, subjects in SUBJECTS.items()
        }
        return render_template(
            "pages/administration/index.html",
            groups=groups,
            alarms=alarms(session),
            proven=backups.last_proven(session),
            keeps_backups=settings().backups is not None,
        )


def _accounts(session: Session) -> str:
    held = [one for one in accounts.everybody(session) if one.active]
    waiting = sum(one.accepted_at is None for one in held)
    said = french.plural(len(held), "compte ouvert", "comptes ouverts")
    return f"{said}, {french.plural(waiting, 'invitation attend', 'invitations attendent')}" if waiting else said


def _trail(session: Session) -> str:
    came = [(one.last_sign_in_at, one.name) for one in accounts.everybody(session) if one.last_sign_in_at]
    if not came:
        return "Personne n’est entré"
    at, name = max(came)
    return f"Dernière entrée : {name}, {french.moment(at)}"


def _programmes(session: Session) -> str:
    every, day = programmes.all_programmes(session), current_day()
    strands = [strand for one in every for strand in one.strands]
    opened = sum(strand.is_open(day) and not strand.is_closed(day) for strand in strands)
    counts = french.plural(len(every), "programme"), french.plural(len(strands), "volet")
    return f"{', '.join(counts)}, dont {french.plural(opened, 'ouvert')}"


def _closures(session: Session) -> str:
    day = current_day()
    year = planning.school_year_of(day)
    added = [(one.first, one.last, one.name) for one in planning.in_force(session)]
    runs = [(run.first, run.last, run.closing.name) for run in planning.computed_closings(year)]
    coming = [one for one in [*added, *runs] if one[1] >= day]
    return f"La prochaine : {_days(*min(coming))}" if coming else "Aucune n’est à venir cette année scolaire"


def _days(first: date, last: date, name: str) -> str:
    return f"{french.day(first)}, {name}" if first == last else f"du {french.day(first)} au {french.day(last)}, {name}"


def _statements(session: Session) -> str:
    missing = site.missing_statements(session)
    return f"À remplir : {french.all_of([one.label for one in missing])}" if missing else "Toutes sont remplies"


def _letterhead(session: Session) -> str:
    head = site.current_letterhead(session)
    lines = french.plural(len(head.lines), "ligne") if head.lines else "aucune ligne"
    return f"{'Un logo' if head.logo else 'Aucun logo'}, {lines}"


def _retention(session: Session) -> str:
    changed = sum(rule is not stated for rule, stated in zip(retention.in_force(session), retention.RULES, strict=True))
    said = french.plural(len(retention.RULES), "durée")
    return (
        f"{said}, dont {french.plural(changed, 'changée ici', 'changées ici')}"
        if changed
        else f"{said}, aucune changée"
    )


def _keys(session: Session) -> str:
    serve = sum(key.state(now()) is KeyState.SERVES for key in api_keys.listed(session, {}, now=now()).rows)
    return french.plural(serve, "clé en usage", "clés en usage") if serve else "Aucune : rien ne lit le service"


def _hooks(session: Session) -> str:
    senders = [one for one in webhooks_in.all_sources(session) if one.ended_at is None]
    last = next(iter(webhooks_in.list_deliveries(session).page(1, 1)), None)
    said = french.plural(len(senders), "service en envoie", "services en envoient") if senders else "Aucun service"
    return f"{said} ; le dernier envoi, {french.moment(last.received_at)}" if last else said


def _pushes(session: Session) -> str:
    served = sum(one.ended_at is None for one in webhooks_out.list_endpoints(session, {}, now=now()).rows)
    return f"Vers {french.plural(served, 'logiciel')}" if served else "Aucun logiciel n’est prévenu"


# By group: a view, the name of its page, and what to say of it; `PLACES` of `web.ui.navigation` names the blueprints.
SUBJECTS: Mapping[str, tuple[tuple[str, str, Callable[[Session], str]], ...]] = {
    "Les personnes": (
        ("accounts.index", "Comptes", _accounts),
        ("trail.index", "Journal des accès", _trail),
        ("persons.index", "Personnes", lambda _: "Remettre ou effacer ce que le service sait d’une adresse"),
    ),
    "Le service": (
        ("programmes.index", "Programmes", _programmes),
        ("closures.index", "Fermetures", _closures),
        ("retention.index", "Conservation", _retention),
        ("statements.index", "Pages publiques", _statements),
        ("letterhead.index", "En-tête", _letterhead),
    ),
    "Les autres logiciels": (
        ("api_keys.index", "Accès des logiciels", _keys),
        ("hook_senders.index", "Adhésions envoyées", _hooks),
        ("pushes.index", "Évènements poussés", _pushes),
    ),
}
