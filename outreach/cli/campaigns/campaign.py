"""`campaign`: begin a campaign from a file, and read where campaigns stand."""

from datetime import datetime

import click

from outreach.access import accounts
from outreach.adherence import programmes
from outreach.campaigns import counting, planning, results, segments, waves
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.waves import Retriable
from outreach.cli.campaigns.about import about_of, called_of
from outreach.cli.campaigns.experiments import show_draw, show_effect
from outreach.cli.context import NumberType, Operation, acting, json_option, pass_operation, say, say_json, say_rows
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.models import Reason
from outreach.delivery.outbox import Tally
from outreach.directory import authorities

number_argument = click.argument("number", type=NumberType(), metavar="ID")


@click.group()
def campaign() -> None:
    """Les campagnes : en créer une d’un fichier, les suivre."""


for of_effect in (show_draw, show_effect):
    campaign.add_command(of_effect)


@campaign.command(name="list")
@json_option
@pass_operation
def list_all(operation: Operation) -> None:
    """Énumère les campagnes."""
    with operation.database.reading() as session:
        say_rows(
            planning.list_campaigns(session, sort="campaign"),
            lambda row: f"{row.campaign.id}  {row.standing.label} : {row.campaign.title} ({row.about})",
            "Aucune campagne. Pour en créer une : ./run campaign new invitation-volet-1",
        )


@campaign.command()
@click.argument("definition", metavar="CAMPAGNE")
@click.option("--programme", "code", metavar="CODE", help="Le programme ; à nommer quand il y en a plusieurs.")
@click.option("--strand", type=NumberType(), metavar="N", help="Le volet ; sans lui, celui que la campagne nomme.")
@json_option
@acting
@pass_operation
def new(operation: Operation, definition: str, code: str | None, strand: int | None) -> None:
    """Crée une campagne depuis un fichier, ou une campagne prête à l’emploi par son nom."""
    stated = planning.get_definition(definition, *planning.definition_folders(operation.settings.mode))
    with operation.database.writing() as session:
        author = accounts.user_named(session, operation.actor(session, RoleName.AUTHOR))
        programme, there = (
            programmes.get_programme(session, code or stated.programme),
            programmes.all_programmes(session),
        )
        chosen = planning.strand_of(there, stated, programme) if strand is None else programme.strand(strand)
        if chosen is None:
            raise Refused(f"Rien n’est créé : nommez le volet du programme « {programme.name} » par --strand.")
        was = planning.strand_of(there, stated)
        like = planning.definition_about(stated, programme, chosen, is_only=len(there) == 1, was=was)
        made = planning.create_campaign(session, like, now=operation.now, author=author)
        said = programmes.strand_names(session)[chosen.id]
        number, values = made.id, {"campaign": made.id, "title": made.title, "state": made.state.value}
        values |= {"programme": programme.code, "strand": chosen.number}
    say_json(lambda: values)
    say(f"Campagne {number} créée : « {stated.title} », {said}. {operation.settings.address}/campaigns/{number}")


@campaign.command(name="audience")
@number_argument
@click.option("--why", "fase", type=NumberType(), metavar="FASE", help="Pourquoi ce PO reçoit le courriel, ou pas.")
@json_option
@pass_operation
def show_audience(operation: Operation, number: int, fase: int | None) -> None:
    """Compte le public d’une campagne, et ceux qui sont écartés, par raison."""
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        if fase is not None:
            _tell_why(session, stored_campaign, fase, operation.now)
            return
        counts = planning.count_campaign_audience(session, stored_campaign, now=operation.now)
        said = planning.criterion_sentence(session, planning.criterion_of(stored_campaign))
        about, called = about_of(stored_campaign), called_of(session, stored_campaign)
    names = ("authorities", "written", "addresses", "of_schools", "schools")
    fields = {name: getattr(counts, name) for name in names}
    reasons = {reason.value: count for reason, count in counts.left_out.items()}
    say_json(lambda: {**about, "criteria": said, **fields, "left_out": reasons})
    say(f"{called}.")
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
    authority = authorities.authority_by_fase(session, fase)
    meant, context = planning.audience_of(stored_campaign), planning.context_of(session, stored_campaign, now=now)
    why = segments.explain_authority(session, meant, context, authority)
    names = planning.criteria_names(session, [leaf for leaf, _ in why.criteria])
    criteria = [{"criterion": leaf.words(names), "met": held} for leaf, held in why.criteria]
    mailboxes = [{"address": address, "left_out": reason} for address, reason in why.mailboxes]
    about = about_of(stored_campaign)
    say_json(lambda: {**about, "fase": fase, "written": why.is_written, "criteria": criteria, "mailboxes": mailboxes})
    say(f"{called_of(session, stored_campaign)}.")
    say(f"{authority.display_name} (FASE {fase}) : {'reçoit' if why.is_written else 'ne reçoit pas'} le courriel.")
    for one in criteria:
        say(f"  {'oui' if one['met'] else 'non'} : {one['criterion']}")
    for address, reason in why.mailboxes:
        say(f"  {address or 'Sans adresse'} : {reason.label if reason else 'reçoit le courriel'}")


@campaign.command(name="counts")
@number_argument
@json_option
@pass_operation
def show_counts(operation: Operation, number: int) -> None:
    """Compte les PO d’une campagne : visés, destinataires, atteints."""
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        found = counting.of_campaign(session, stored_campaign, now=operation.now)
        called = called_of(session, stored_campaign)
    say_json(found.as_json)
    say(f"{called}.")
    for key, number_of in found.authorities.as_json().items():
        say(f"{key}  {number_of}")


@campaign.command()
@number_argument
@json_option
@pass_operation
def status(operation: Operation, number: int) -> None:
    """Dit où en est une campagne, et ce qu’il est advenu de chaque courriel."""
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        standing, counted = (
            planning.standing_of(session, stored_campaign),
            results.wave_tallies(session, stored_campaign),
        )
        again = waves.list_retriable(session, stored_campaign, now=operation.now)
        say_json(lambda: results.campaign_as_json(session, stored_campaign, now=operation.now))
        say(f"{called_of(session, stored_campaign)} : {standing.label}.")
        for wave, tally in counted:
            _tell(session, wave, tally, again.get(wave.number, Retriable()))


def _tell(session: Session, wave: Wave, tally: Tally, again: Retriable) -> None:
    say(f"{french.initial(wave.name)} (--wave {wave.number}), {french.moment(wave.due_at)} : {wave.state.label}.")
    if why := waves.said_of_pause(session, wave):
        by_itself = " d’elle-même" if waves.why_paused(session, wave) else ""
        say(f"  En pause{by_itself} : {why}.")
    if warns := waves.pause_warning(session, wave):
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
    if deferred := outbox.tried_again(session, wave.mailing_id) if wave.mailing_id else None:
        attempts, at = deferred
        when = "à la reprise" if wave.state is WaveState.PAUSED else f"vers {french.hour(at)}"
        say(f"  Reportés : {french.plural(attempts, 'essai')} au plus, prochain {when}.")
    if again.failed or again.kept:
        say(f"  Échecs qui peuvent repartir : {again.failed} sur {tally.refused + tally.expired}.")
    if again.doubtful:
        say(f"  En doute qui peuvent repartir, quitte à arriver deux fois : {again.doubtful} sur {tally.in_doubt}.")
    for message in outbox.doubtful_letters(session, wave.mailing) if wave.mailing else ():
        say(f"  En doute : {message.address} ({_at(message.fenced_at)})")


def _at(moment: datetime | None) -> str:
    return french.moment(moment) if moment else ""
