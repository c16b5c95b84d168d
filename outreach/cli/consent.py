"""`consent`: record, withdraw and list what allows a mailbox to be measured by itself."""

from datetime import date
from typing import Any

import click

from outreach import days
from outreach.cli.context import DayType, NumberType, Operation, acting, json_option, pass_operation, say, say_json
from outreach.db import Session
from outreach.directory import authority_sheet, contacts
from outreach.directory.models import Contact
from outreach.errors import NotFound, Refused
from outreach.roles import RoleName
from outreach.tracking import bases
from outreach.tracking import consent as own
from outreach.tracking.models import TrackingBasis

fase_argument = click.argument("fase", type=NumberType(), metavar="FASE")
address_argument = click.argument("address", metavar="ADRESSE")


@click.group()
def consent() -> None:
    """Les accords à être mesuré boîte par boîte : enregistrer, retirer, énumérer."""


@consent.command()
@fase_argument
@address_argument
@click.option("--by", "given_by", required=True, metavar="NOM", help="Qui a donné l’accord, ou pris la décision.")
@click.option("--on", "day", type=DayType(), help="Le jour où c’était ; par défaut, aujourd’hui.")
@click.option("--channel", metavar="MOYEN", help="Par quel moyen l’accord a été donné.")
@click.option("--wording", metavar="TEXTE", help="À quels mots ; par défaut, ceux que la page propose.")
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
        told = f"{basis.kind.label.capitalize()} pour {contact.address} : vaut à partir du prochain envoi."
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
def list_all(operation: Operation, as_json: bool) -> None:
    """Énumère les accords et les décisions, retirés compris, du plus ancien au plus récent."""
    with operation.database.reading() as session:
        rows = [_row(basis) for basis in bases.every(session)]
    if as_json:
        say_json(rows)
        return
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
        if contact.retired_at is None and contact.address_key == address.strip().casefold():
            return contact
    raise NotFound(f"{authority.name} (FASE {fase}) n’a pas l’adresse {address} en usage.")


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
