"""`campaign`: create, submit, approve, schedule, move and follow campaigns."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import click

from outreach import french
from outreach.accounts import staff
from outreach.adherence import programmes
from outreach.campaigns import audiences, counts, definitions, lifecycle, listing, wave_criteria
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.results import as_json, progress, reaction_list, reactions
from outreach.campaigns.results.reaction_list import ReactionFilters
from outreach.campaigns.review import approval, exceptions
from outreach.campaigns.schedule.moments import read_moment
from outreach.campaigns.waves import auto_pause, retrying
from outreach.campaigns.waves.retrying import Retriable
from outreach.cli.campaigns.effect import show_draw, show_effect
from outreach.cli.context import (
    NumberType,
    Operation,
    acting,
    json_option,
    pass_operation,
    replaced,
    say,
    say_json,
    say_rows,
)
from outreach.db import Session
from outreach.delivery.ledger import listing as ledger
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.outbox import Tally
from outreach.delivery.models import Reason
from outreach.directory import authority_sheet
from outreach.errors import InputError, Refused
from outreach.measuring.reactions import Reaction
from outreach.roles import RoleName
from outreach.segments.shown import explained
from outreach.settings import Mode

number_argument = click.argument("number", type=NumberType(), metavar="ID")
AUTHORS, APPROVERS = (RoleName.AUTHOR,), (RoleName.APPROVER,)
MOVERS = AUTHORS + APPROVERS


@click.group()
def campaign() -> None:
    """Les campagnes : écrire, faire valider, planifier, suivre."""


for of_effect in (show_draw, show_effect):
    campaign.add_command(of_effect)
PLAN = "l’étape *Vérifier* d’une campagne donne son plan : ce qui part, quand, et à combien de PO."
for gone in ("rehearse", "forecasts"):
    campaign.add_command(replaced(gone, PLAN))


@campaign.command(name="list")
@json_option
@pass_operation
def list_all(operation: Operation) -> None:
    """Énumère les campagnes."""
    with operation.database.reading() as session:
        say_rows(
            listing.listed(session, sort="campaign"),
            lambda row: f"{row.campaign.id}  {row.standing.label} : {row.campaign.title}",
            "Aucune campagne. Pour en créer une : ./run campaign new invitation-volet-1",
        )


@campaign.command(name="leave-out")
@number_argument
@click.argument("fases", type=NumberType(), metavar="FASE…", nargs=-1)
@click.option(
    "--because", default="", metavar="TEXTE", help="La raison, que lira la personne qui a validé la campagne."
)
@acting
@pass_operation
def leave_out(operation: Operation, number: int, fases: tuple[int, ...], because: str) -> None:
    """Écarte des PO d’une campagne par une exception : son contenu et sa validation restent."""
    with operation.database.writing() as session:
        actor = operation.actor(session, *MOVERS)
        keys = exceptions.keys_of(session, fases)
        found = lifecycle.in_turn(session, number)
        exceptions.leave_out(session, found, keys, because, now=operation.now, actor=actor)
    told = french.plural(len(keys), "PO est écarté", "PO sont écartés")
    say(f"{told} de la campagne {number}. La personne qui l’a validée est prévenue.")


@campaign.command()
@click.argument("definition", metavar="CAMPAGNE")
@click.option(
    "--received", type=NumberType(), metavar="ID", help="Pour ceux à qui un courriel de cette campagne est parti."
)
@click.option("--wave", type=NumberType(), metavar="N", help="Avec --received : de cette vague seulement.")
@click.option("--programme", "code", metavar="CODE", help="Le programme ; à nommer quand il y en a plusieurs.")
@click.option("--strand", type=NumberType(), metavar="N", help="Le volet ; sans lui, celui que la campagne nomme.")
@json_option
@acting
@pass_operation
def new(
    operation: Operation, definition: str, received: int | None, wave: int | None, code: str | None, strand: int | None
) -> None:
    """Crée une campagne depuis un fichier, ou une campagne prête à l’emploi par son nom."""
    stated = definitions.named(definition, *definitions.folders(operation.settings.mode))
    if received is not None:
        stated = definitions.to_those_who_received(stated, received, wave)
    elif wave is not None:
        raise InputError("--wave va avec --received, qui dit la campagne de cette vague.")
    with operation.database.writing() as session:
        author = staff.user_named(session, operation.actor(session, RoleName.AUTHOR))
        programme = programmes.named(session, code or stated.programme)
        chosen = programmes.strand_named(session, programme.code, strand or stated.strand)
        like = definitions.about(stated, programme, chosen, is_only=True)
        made = lifecycle.create(session, like, now=operation.now, author=author)
        said = programmes.strand_names(session)[chosen.id]
        number, told = made.id, {"campaign": made.id, "title": made.title, "state": made.state.value}
        told |= {"programme": programme.code, "strand": chosen.number}
    say_json(lambda: told)
    say(f"Campagne {number} créée : « {stated.title} », {said}. Ensuite : ./run campaign submit {number}")


def _move(
    operation: Operation, number: int, roles: Sequence[RoleName], move: Callable[..., Any], *details: Any
) -> tuple[Campaign, Any]:
    with operation.database.writing() as session:
        actor = operation.actor(session, *roles)
        moved_campaign = lifecycle.in_turn(session, number)
        result = move(session, moved_campaign, *details, now=operation.now, actor=actor)
        session.flush()
        session.expunge_all()
    return moved_campaign, result


@campaign.command()
@number_argument
@click.option(
    "--confirm", "confirmed", type=NumberType(), metavar="N", help="Le nombre de PO, si le courriel part à tous."
)
@acting
@pass_operation
def submit(operation: Operation, number: int, confirmed: int | None) -> None:
    """Demande la validation d’un brouillon."""
    sending = SenderIdentity.of(operation.settings)
    _, findings = _move(operation, number, AUTHORS, partial(approval.ask, confirmed=confirmed), sending)
    counts = findings.counts
    left_out = sum(counts.left_out.values())
    say(
        f"Campagne {number} soumise : {french.plural(counts.written, 'pouvoir organisateur', 'pouvoirs organisateurs')}"
        f", {french.plural(counts.addresses, 'adresse')}"
        f" ; {french.plural(left_out, 'pouvoir organisateur écarté', 'pouvoirs organisateurs écartés')}."
    )
    if findings.measured:
        say(findings.measured)
    for remark in findings.remarks:
        say(f"À vérifier. {remark}")


@campaign.command()
@number_argument
@click.option(
    "--overlap", type=NumberType(), metavar="N", default=0,
    help="Le nombre de PO qui reçoivent un autre courriel dans les sept jours, quand l’avis le donne.",
)  # fmt: skip
@acting
@pass_operation
def approve(operation: Operation, number: int, overlap: int) -> None:
    """Valide une campagne soumise, au nom d’une autre personne que l’auteur. En production : sur sa page seulement."""
    if operation.settings.mode is Mode.PRODUCTION:
        # Whoever has the machine could name any approver; on a page the approver has signed in.
        raise Refused("En production, une campagne se valide sur sa page, par la personne elle-même qui s’y connecte.")
    give = partial(approval.give, overlap=overlap)
    _move(operation, number, APPROVERS, give, SenderIdentity.of(operation.settings))
    say(f'Campagne {number} validée. Ensuite : ./run campaign schedule {number} --at "2021-05-18 09:30"')


@campaign.command(name="audience")
@number_argument
@click.option("--why", "fase", type=NumberType(), metavar="FASE", help="Pourquoi ce PO reçoit le courriel, ou pas.")
@json_option
@pass_operation
def show_audience(operation: Operation, number: int, fase: int | None) -> None:
    """Compte le public d’une campagne, et ceux qui sont écartés, par raison."""
    with operation.database.reading() as session:
        stored_campaign = lifecycle.campaign_numbered(session, number)
        if fase is not None:
            _tell_why(session, stored_campaign, fase, operation.now)
            return
        counts = audiences.count(session, stored_campaign, now=operation.now)
        said = wave_criteria.sentence(session, audiences.criterion_of(stored_campaign))
    names = ("authorities", "written", "addresses", "of_schools", "schools")
    told = {name: getattr(counts, name) for name in names}
    reasons = {reason.value: count for reason, count in counts.left_out.items()}
    say_json(lambda: {"criteria": said, **told, "left_out": reasons})
    say(said)
    say(
        f"  Visés {counts.authorities} : à écrire {counts.written}, "
        f"adresses {counts.addresses}, écoles {counts.schools}."
    )
    if counts.of_schools:
        say(f"  Adresses : {counts.told_boxes}.")
    for reason, count in counts.left_out.items():
        say(f"  Écartés, {reason.label} : {count}")


def _tell_why(session: Session, stored_campaign: Campaign, fase: int, now: datetime) -> None:
    authority = authority_sheet.authority_by_fase(session, fase)
    meant, scope = audiences.audience_of(stored_campaign), audiences.scope_of(session, stored_campaign, now=now)
    why = explained.explain(session, meant, scope, authority)
    names = wave_criteria.names(session, [leaf for leaf, _ in why.criteria])
    criteria = [{"criterion": leaf.words(names), "met": held} for leaf, held in why.criteria]
    mailboxes = [{"address": address, "left_out": reason} for address, reason in why.mailboxes]
    say_json(lambda: {"fase": fase, "written": why.is_written, "criteria": criteria, "mailboxes": mailboxes})
    say(f"{authority.display_name} (FASE {fase}) : {'reçoit' if why.is_written else 'ne reçoit pas'} le courriel.")
    for one in criteria:
        say(f"  {'oui' if one['met'] else 'non'} : {one['criterion']}")
    for address, reason in why.mailboxes:
        say(f"  {address or 'Sans adresse'} : {reason.label if reason else 'reçoit le courriel'}")


@campaign.command()
@number_argument
@click.option("--at", "moment", metavar="MOMENT", help="Date et heure de Bruxelles, par exemple 2021-05-18 09:30.")
@json_option
@acting
@pass_operation
def schedule(operation: Operation, number: int, moment: str | None) -> None:
    """Planifie l’envoi d’une campagne validée."""
    asked = read_moment(moment) if moment else None
    if asked and asked.note:
        click.echo(asked.note, err=True)
    _, wave = _move(operation, number, MOVERS, approval.plan_at, asked.at if asked else None)
    say_json(lambda: {"campaign": number, "number": wave.number, "due_at": wave.due_at.isoformat()})
    say(f"{french.initial(wave.name)} planifiée pour le {french.moment(wave.due_at)}.")


@campaign.command()
@number_argument
@acting
@pass_operation
def pause(operation: Operation, number: int) -> None:
    """Suspend l’envoi en cours ; plus rien ne part."""
    _move(operation, number, MOVERS, lifecycle.pause)
    say(f"Campagne {number} en pause.")


@campaign.command()
@number_argument
@acting
@pass_operation
def resume(operation: Operation, number: int) -> None:
    """Reprend une vague suspendue."""
    _move(operation, number, MOVERS, partial(_resume, by_page_only=operation.settings.mode is Mode.PRODUCTION))
    say(f"Campagne {number} reprise.")


def _resume(
    session: Session, stored_campaign: Campaign, *, now: datetime, actor: str, by_page_only: bool = False
) -> None:
    # To resume where the audience has drifted is to approve it.
    may_approve = not by_page_only and staff.user_named(session, actor).holds(RoleName.APPROVER)
    lifecycle.resume(session, stored_campaign, now=now, actor=actor, may_approve=may_approve)


@campaign.command()
@number_argument
@acting
@pass_operation
def cancel(operation: Operation, number: int) -> None:
    """Annule une campagne ; ce qui n’est pas parti ne partira pas."""
    _move(operation, number, MOVERS, lifecycle.cancel)
    say(f"Campagne {number} annulée.")


@campaign.command()
@number_argument
@acting
@pass_operation
def restore(operation: Operation, number: int) -> None:
    """Reprend en brouillon une campagne annulée ; elle est à valider de nouveau."""
    _move(operation, number, MOVERS, lifecycle.restore)
    say(f"Campagne {number} reprise en brouillon.")


@campaign.command()
@number_argument
@click.option("--wave", "wave", type=NumberType(), required=True, metavar="N", help="Le numéro de la vague.")
@click.option("--doubtful", is_flag=True, help="Les courriels en doute depuis 15 minutes, au lieu des échecs.")
@acting
@pass_operation
def retry(operation: Operation, number: int, wave: int, doubtful: bool) -> None:
    """Renvoie les courriels en échec d’une vague finie ; jamais ceux que le serveur d’envoi a acceptés."""
    verb = retrying.resend if doubtful else retrying.retry
    _, count = _move(operation, number, MOVERS, verb, wave)
    say(f"Vague {wave} : {french.plural(count, 'courriel repart', 'courriels repartent')}.")


@campaign.command()
@number_argument
@acting
@pass_operation
def close(operation: Operation, number: int) -> None:
    """Clôture une campagne dont toutes les vagues sont finies."""
    _move(operation, number, AUTHORS, lifecycle.close)
    say(f"Campagne {number} clôturée.")


@campaign.command(name="counts")
@number_argument
@json_option
@pass_operation
def show_counts(operation: Operation, number: int) -> None:
    """Compte les PO d’une campagne : visés, destinataires, atteints."""
    with operation.database.reading() as session:
        found = counts.of_campaign(session, lifecycle.campaign_numbered(session, number), now=operation.now)
    say_json(found.as_json)
    for key, number_of in found.authorities.as_json().items():
        say(f"{key}  {number_of}")


@campaign.command()
@number_argument
@json_option
@pass_operation
def status(operation: Operation, number: int) -> None:
    """Dit où en est une campagne, et ce qu’il est advenu de chaque courriel."""
    with operation.database.reading() as session:
        stored_campaign = lifecycle.campaign_numbered(session, number)
        standing, counted = listing.standing_of(session, stored_campaign), progress.tallies(session, stored_campaign)
        again = retrying.retriable(session, stored_campaign, now=operation.now)
        say_json(lambda: as_json.of(session, stored_campaign, now=operation.now))
        say(f"Campagne {stored_campaign.id}, « {stored_campaign.title} » : {standing.label}.")
        for wave, tally in counted:
            _tell(session, wave, tally, again.get(wave.number, Retriable()))


def _tell(session: Session, wave: Wave, tally: Tally, again: Retriable) -> None:
    say(f"{french.initial(wave.name)} (--wave {wave.number}), {french.moment(wave.due_at)} : {wave.state.label}.")
    if why := auto_pause.said_of_pause(session, wave):
        by_itself = " d’elle-même" if auto_pause.why_paused(session, wave) else ""
        say(f"  En pause{by_itself} : {why}.")
    if warns := auto_pause.warning(session, wave):
        say(f"  Attention : {warns}.")
    if not tally.intended:
        return
    say(
        f"  Visés {tally.intended} : remis {tally.accepted}, refusés {tally.refused}, expirés {tally.expired}, "
        f"en doute {tally.in_doubt}, reportés {tally.deferred}, en attente {tally.pending}, "
        f"écartés {tally.withdrawn.total()}."
    )
    for reason, count in sorted(tally.withdrawn.items()):
        say(f"  Écartés, {Reason(reason).label} : {count}")
    _tell_of_tries(session, wave, tally, again)


def _tell_of_tries(session: Session, wave: Wave, tally: Tally, again: Retriable) -> None:
    """Print what is retried automatically, and what may be retried by command."""
    if deferred := ledger.tried_again(session, wave.mailing_id) if wave.mailing_id else None:
        attempts, at = deferred
        when = "à la reprise" if wave.state is WaveState.PAUSED else f"vers {french.hour(at)}"
        say(f"  Reportés : {french.plural(attempts, 'essai')} au plus, prochain {when}.")
    if again.failed or again.kept:
        say(f"  Échecs qui peuvent repartir : {again.failed} sur {tally.refused + tally.expired}.")
    if again.doubtful:
        say(f"  En doute qui peuvent repartir, quitte à arriver deux fois : {again.doubtful} sur {tally.in_doubt}.")
    for message in outbox.doubtful(session, wave.mailing) if wave.mailing else ():
        say(f"  En doute : {message.address} ({_at(message.fenced_at)})")


def _at(moment: datetime | None) -> str:
    return french.moment(moment) if moment else ""


@campaign.command(name="reactions")
@number_argument
@click.option("--none", "only_none", is_flag=True, help="Seulement les PO qui n’ont ni répondu ni adhéré.")
@click.option("--wave", "wave", type=NumberType(), metavar="N", help="Le numéro d’une vague ; sinon, toutes.")
@json_option
@pass_operation
def list_reactions(operation: Operation, number: int, only_none: bool, wave: int | None) -> None:
    """Énumère ce que chaque destinataire a fait, courriel par courriel."""
    with operation.database.reading() as session:
        stored_campaign = lifecycle.campaign_numbered(session, number)
        asked = reactions.asked_of(stored_campaign, now=operation.now, wave=wave)
        filters = ReactionFilters(reaction=Reaction.NONE if only_none else None)
        listed = reaction_list.of(session, asked, filters, waves={})
        say_json(lambda: {"campaign": number, "items": listed.objects()})
        rows, counted = [row.letter for row in listed.every()], listed.counts
    for row in rows:
        say(f"{row.fase}  {row.authority}, {row.mailbox or 'sans adresse'} : {row.told}.")
    told = ", ".join(f"{reaction.label.lower()} {french.number(counted[reaction])}" for reaction in Reaction)
    say(f"Pouvoirs organisateurs {french.number(sum(counted.values()))} : {told}.")
