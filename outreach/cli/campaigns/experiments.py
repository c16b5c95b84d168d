"""`campaign draw` and `effect`: departures drawn by lot, and what they showed."""

import click

from outreach.campaigns import experiments, planning
from outreach.campaigns.experiments import EffectState
from outreach.campaigns.models import CLOCK
from outreach.cli.campaigns.about import about_of, called_of
from outreach.cli.context import NumberType, Operation, json_option, pass_operation, say, say_json, working
from outreach.core.text import french
from outreach.core.text.errors import Refused


@click.command(name="draw")
@click.argument("number", type=NumberType(), metavar="ID")
@click.option("--check", is_flag=True, help="Refait le tirage ; termine par 0 s’il est celui qui est enregistré.")
@json_option
@pass_operation
def show_draw(operation: Operation, number: int, check: bool) -> None:
    """Montre le tirage au sort des départs et de quoi le refaire, ou le vérifie."""
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        about, called = about_of(stored_campaign), called_of(session, stored_campaign)
        attempt = experiments.latest_attempt(session, number)
        told = experiments.attempt_as_json(session, attempt)
        if check and attempt.drawn_at is None:
            raise Refused("Ce tirage n’est pas fait : il se fait à la validation.")
        if check and (found := experiments.find_mismatches(session, attempt)):
            raise Refused(" ".join(one.label for one in found))
        sizes, kept = experiments.sizes_of(session, attempt), experiments.is_followed(attempt, number)
        attempts = experiments.attempts_of(session, attempt.campaign_id)
        void = sum(one.voided_at is not None for one in attempts)
    say_json(lambda: {**about, **told})
    say(f"{called}.")
    of_other = f", repris de la campagne {attempt.campaign_id}" if kept else ""
    say(f"Tirage n° {attempt.number}{of_other}, {french.plural(void, 'annulé') if void else 'aucun annulé'}.")
    for name in ("commitment", "nonce", "content_digest", "seed"):
        say(f"  {name} : {told[name] or 'pas encore révélé'}")
    for departure, (count, _) in sorted(sizes.items()):
        say(f"  Départ {departure} : {french.number(count)} PO")
    if check:
        say("Le tirage refait est celui qui est enregistré.")


@click.command(name="effect")
@click.argument("number", type=NumberType(), metavar="ID")
@json_option
@pass_operation
def show_effect(operation: Operation, number: int) -> None:
    """Dit ce que le tirage d’une campagne a montré ; une fois les jours comparés couverts, le calcule et le fige."""
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        lock, kept = experiments.lock_of(session, stored_campaign), experiments.frozen_effect(session, stored_campaign)
        is_to_compute = kept is None and lock.state is EffectState.READY
        with working("L’effet se calcule…"):
            outcome = experiments.compute_effect(session, stored_campaign, lock) if is_to_compute else None
    if outcome:
        with operation.database.writing() as session:
            stored_campaign = planning.campaign_numbered(session, number)
            experiments.freeze_effect(session, stored_campaign, lock, outcome, now=operation.now, actor=CLOCK)
    with operation.database.reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        told, about = experiments.told_of(session, stored_campaign), about_of(stored_campaign)
        called = called_of(session, stored_campaign)
    say_json(lambda: {**about, **told})
    say(f"{called}.")
    say(f"{EffectState(told['state']).label}. {told['told']}")
