"""`bounces`, `suppressions`, `consent`: what came back from mailboxes, which are excluded, which may be measured."""

import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

import click

from outreach import days, french
from outreach.accounts import colleagues
from outreach.cli.context import (
    DayType,
    NumberType,
    Operation,
    acting,
    json_option,
    pass_operation,
    say,
    say_json,
    working,
)
from outreach.db import Session
from outreach.delivery.bounces import collecting
from outreach.delivery.bounces.boxes import BoxError
from outreach.delivery.bounces.elsewhere import excluded_for_another
from outreach.delivery.bounces.models import Handling
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.delivery.ledger import suppression_list
from outreach.delivery.ledger.suppression_list import Excluded
from outreach.delivery.models import SuppressionReason
from outreach.directory import authority_sheet, contacts
from outreach.directory.models import Contact
from outreach.errors import NotFound, Refused
from outreach.mail.addresses import key_of
from outreach.measuring import bases
from outreach.measuring import consent as own
from outreach.measuring.models import TrackingBasis
from outreach.roles import RoleName

MISSING = "La boîte des retours nommée par OUTREACH_BOUNCES_URL n’existe pas : créez-la, ou corrigez ce réglage."


@click.command()
@json_option
@pass_operation
def bounces(operation: Operation) -> None:
    """Lit la boîte des retours : rejets, plaintes, désinscriptions reçues par courriel."""
    if not operation.settings.returns_url:
        raise Refused("Aucune boîte de retours n’est nommée : indiquez-la dans OUTREACH_BOUNCES_URL.")
    clock = operation.settings.instant
    try:
        with working("Lecture de la boîte des retours…"):
            collected = collecting.collect(operation.database, operation.settings, clock, most=sys.maxsize)
    except BoxError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise Refused(MISSING) from error
        raise
    say_json(collected.as_json)
    read = french.plural(collected.verdicts.total(), "courriel lu", "courriels lus")
    say(f"{read}, dont déjà connus : {collected.known}.")
    for verdict in (verdict for verdict in NoticeVerdict if collected.verdicts[verdict]):
        say(f"  {french.initial(verdict.label)} : {collected.verdicts[verdict]}")
    if collected.handled:
        say("Ce qu’ils ont changé :")
    for handled in (handled for handled in Handling if collected.handled[handled]):
        say(f"  {french.initial(handled.label)} : {collected.handled[handled]}")


@click.command()
@click.option(
    "--reason", type=click.Choice([reason.value for reason in SuppressionReason]), help="Seulement celles de ce motif."
)
@click.option("--elsewhere", is_flag=True, help="Seulement celles dues au rejet d’une autre adresse : à lever.")
@json_option
@pass_operation
def suppressions(operation: Operation, reason: str | None, elsewhere: bool) -> None:
    """La liste d’exclusion : à quelles adresses on n’écrit plus, pourquoi, depuis quand."""
    with operation.database.reading() as session:
        counts = suppression_list.counts(session)
        further = excluded_for_another(session)
        asked = SuppressionReason(reason) if reason else None
        listed = suppression_list.listed(session, asked, further=further, is_further=elsewhere)
        say_json(lambda: {"counts": counts, "items": listed.objects()})
        rows = list(listed.every())
        names = {who: colleagues.name_of(session, who) for who in {excluded.entry.created_by for excluded in rows}}
        for excluded in rows:
            say(_sentence(excluded, names))
    counted = (f"{counted_reason.label} : {french.number(count)}" for counted_reason, count in counts.items())
    say(f"Exclusions, par motif : {', '.join(counted)}.")


def _sentence(excluded: Excluded, names: Mapping[str, str]) -> str:
    entry, whose = excluded.entry, ", ".join(f"FASE {authority.fase}" for authority in excluded.authorities)
    said = f" « {entry.detail} »" if entry.detail else ""
    failed = f" ; rejet de {excluded.elsewhere}, à qui cette boîte transmet" if excluded.elsewhere else ""
    since = f"{french.day(entry.created_at)}, {names[entry.created_by]}"
    return f"{excluded.address} ({whose or 'à personne'}) : {entry.reason.label}, {since}{said}{failed}"


fase_argument = click.argument("fase", type=NumberType(), metavar="FASE")
address_argument = click.argument("address", metavar="ADRESSE")


@click.group()
def consent() -> None:
    """Les accords à être mesuré boîte par boîte : enregistrer, retirer, énumérer."""


@consent.command()
@fase_argument
@address_argument
@click.option("--by", "given_by", required=True, metavar="NOM", help="Qui a donné l’accord, ou pris la décision.")
@click.option("--on", "day", type=DayType(), help="Le jour de l’accord ou de la décision ; par défaut, aujourd’hui.")
@click.option("--channel", metavar="MOYEN", help="Par quel moyen l’accord a été donné.")
@click.option("--wording", metavar="TEXTE", help="En quels termes ; par défaut, ceux que la page propose.")
@click.option("--decision", "reference", metavar="RÉFÉRENCE", help="La décision du DPD, au lieu d’un accord.")
@acting
@pass_operation
def record(
    operation: Operation,
    fase: int,
    address: str,
    given_by: str,
    day: date | None,
    channel: str | None,
    wording: str | None,
    reference: str | None,
) -> None:
    """Enregistre un accord, ou la décision du délégué à la protection des données pour une boîte de fonction."""
    if (reference is None) == (channel is None):
        raise click.UsageError("Donnez --channel pour un accord, ou --decision pour une décision.")
    if reference is not None and wording is not None:
        raise click.UsageError("--wording ne vaut que pour un accord.")
    with operation.database.writing() as session:
        contact, now = _mailbox(session, fase, address), operation.now
        by: dict[str, Any] = {"now": now, "actor": operation.actor(session, RoleName.AUTHOR)}
        given: dict[str, Any] = {"given_by": given_by, "taken_on": day or days.today(now)}
        if reference is not None:
            basis = bases.record_decision(session, contact, reference=reference, **given, **by)
        else:
            words = own.wording(contact.address) if wording is None else wording
            basis = bases.record_consent(session, contact, wording=words, channel=channel or "", **given, **by)
        told = f"{basis.kind.label.capitalize()} pour {contact.address} : vaut à partir du prochain courriel."
    say(told)


@consent.command()
@fase_argument
@address_argument
@click.option("--channel", default="", metavar="MOYEN", help="Par quel moyen le retrait a été demandé.")
@acting
@pass_operation
def withdraw(operation: Operation, fase: int, address: str, channel: str) -> None:
    """Retire ce qui permet de mesurer une boîte ; aussitôt, plus rien n’est enregistré."""
    with operation.database.writing() as session:
        actor, contact = operation.actor(session, RoleName.AUTHOR), _mailbox(session, fase, address)
        standing = bases.standing(session, contact)
        if not standing:
            raise Refused(f"Rien ne permet de mesurer {contact.address} : il n’y a rien à retirer.")
        for basis in standing:
            bases.withdraw(session, basis, now=operation.now, actor=actor, channel=channel)
        told = f"Retiré pour {contact.address} : plus rien n’est enregistré."
    say(told)


@consent.command(name="list")
@json_option
@pass_operation
def list_all(operation: Operation) -> None:
    """Énumère les accords et les décisions, retirés compris, du plus ancien au plus récent."""
    with operation.database.reading() as session:
        rows = [_row(basis) for basis in bases.every(session)]
    say_json(lambda: rows)
    for row in rows:
        until = f", retiré le {row['withdrawn_at'][:10]}" if row["withdrawn_at"] else ""
        proof = row["reference"] or row["channel"]
        say(f"{row['fase']}  {row['mailbox']} : {row['label']} du {row['on']}, {row['by']} ({proof}){until}")
    if not rows:
        say("Aucun accord, aucune décision : toute mesure se fait par groupe.")


def _mailbox(session: Session, fase: int, address: str) -> Contact:
    """An authority's address in use. Raises NotFound."""
    authority = authority_sheet.authority_by_fase(session, fase)
    for contact in contacts.contacts_of(session, authority):
        if contact.retired_at is None and contact.address_key == key_of(address.strip()):
            return contact
    raise NotFound(f"{authority.display_name} (FASE {fase}) n’a pas l’adresse {address} en usage.")


def _row(basis: TrackingBasis) -> dict[str, Any]:
    """One agreement or decision as JSON; times are ISO with an offset, or null."""
    return {
        "fase": basis.contact.authority.fase,
        "mailbox": basis.contact.address,
        "kind": basis.kind.value,
        "label": basis.kind.label,
        "by": basis.given_by,
        "on": basis.taken_on.isoformat(),
        "channel": basis.channel,
        "wording": basis.wording,
        "reference": basis.reference,
        "recorded_at": basis.recorded_at.isoformat(),
        "recorded_by": basis.recorded_by,
        "withdrawn_at": basis.withdrawn_at.isoformat() if basis.withdrawn_at else None,
        "withdrawn_by": basis.withdrawn_by,
        "withdrawn_through": basis.withdrawn_through,
    }
