"""`work`, `mailbox`, `verify`, `audit`, `instance`, `relay`: sending, the demo mailbox, checks, the relays."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

import click

from outreach.campaigns import results
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.cli.context import Operation, acting, json_option, pass_operation, say, say_json
from outreach.cli.running import web
from outreach.core.audit import SealCheck, verify_seals
from outreach.core.db import Database, Session
from outreach.core.settings import Settings
from outreach.core.text import french, logs
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import sending, workers
from outreach.delivery.models import ClockPass, RelayState
from outreach.delivery.sending import Failpoint, LetterSource
from outreach.operations.worker.clock import clock
from outreach.operations.worker.process import WorkProcess

ASKED = {signal.SIGTERM, signal.SIGINT}
SELDOM = 10_000  # garbage collection took a third of the time to write 20,000 rows


@click.command()
@pass_operation
def work(operation: Operation) -> None:
    """Envoie ce qui est dû, jusqu’à un signal d’arrêt ; s’arrête sans rien laisser en doute."""
    run_worker(operation.settings, operation.database)


def run_worker(settings: Settings, database: Database, on_failpoint: Callable[[Failpoint], None] | None = None) -> None:
    """Work until a signal asks to stop. The round under way ends, and no letter is left in doubt."""
    logs.begin("work")
    _leave_signals()
    gc.freeze()
    gc.set_threshold(SELDOM)
    database.dispose()  # no connection may be shared with the process that is forked here
    with sending.forked_source(letter_source_for(settings, database), settings.database) as beside:
        process = WorkProcess(settings, database, beside, on_failpoint)
        ticking = clock(process.due)
        process.open()
        ticking.start()
        signal.sigwait(ASKED)
        process.stop.set()
        ticking.shutdown()
        process.close()


def letter_source_for(settings: Settings, database: Database) -> LetterSource:
    """The letter source of an installation. It signs letters (DKIM) when a key is set; otherwise the relay signs.

    Raises InputError or OSError when the key cannot be used.
    """
    signer = None
    if settings.dkim_key_file is not None:
        from outreach.delivery.letters.dkim import Signer  # noqa: PLC0415 - it takes seven megabytes of memory

        signer = Signer.of(settings.sending_domain, settings.dkim_selector, settings.dkim_key_file.read_bytes())
    return LetterSource(database, Composer(SenderIdentity.of(settings), settings.instant, signer), settings.instant)


@click.command()
@pass_operation
def mailbox(operation: Operation) -> None:
    """Tient la boîte de démonstration, où arrivent les courriels tant qu’aucun serveur d’envoi n’est nommé."""
    settings = operation.settings
    if not settings.stays_here:
        raise Refused("La boîte de démonstration ne sert qu’en démonstration, sans serveur d’envoi nommé.")
    command = web.mailbox_command(settings)
    os.execv(command[0], command)


@click.command()
@json_option
@pass_operation
def verify(operation: Operation) -> None:
    """Vérifie que le registre des envois est cohérent et que le journal est intact ; sinon, termine par 1."""
    with operation.database.reading() as session:
        breaches = results.verify_ledger(session, now=operation.now)
        findings = verify_seals(session)
    is_well = not breaches and not findings.fault
    told = [breach.as_json() for breach in breaches]
    say_json(lambda: {"ok": is_well, "breaches": told, "audit": asdict(findings)})
    if not breaches:
        say("Le registre tient toutes ses promesses.")
    for breach in breaches:
        say(f"Règle {breach.rule}, vague {breach.wave} : lignes {', '.join(map(str, breach.rows[:20]))}.")
    say(_told(findings))
    sys.exit(0 if is_well else 1)


@click.group()
def audit() -> None:
    """Le journal : qui a fait quoi, et quand."""


@audit.command(name="verify")
@click.option(
    "--head", default="", metavar="CODE", help="Un code de contrôle relevé plus tôt : la chaîne doit le contenir."
)
@json_option
@pass_operation
def verify_audit(operation: Operation, head: str) -> None:
    """Vérifie que les sceaux du journal tiennent ; sinon, nomme la première entrée et termine par 1."""
    with operation.database.reading() as session:
        findings = verify_seals(session, head=head.strip().lower())
    say_json(lambda: {"ok": not findings.fault, **asdict(findings)})
    say(_told(findings))
    sys.exit(1 if findings.fault else 0)


@click.group()
def instance() -> None:
    """L’installation : laquelle peut envoyer depuis cette base."""


@instance.command()
@acting
@pass_operation
def confirm(operation: Operation) -> None:
    """Confirme que cette installation peut envoyer (base copiée, déplacée ou restaurée)."""
    here = workers.read(operation.settings.data)
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        workers.confirm(session, here, now=operation.now, actor=actor)
    say("Cette installation peut envoyer.")


@click.group()
def relay() -> None:
    """Les serveurs d’envoi : leur état, et un essai tout de suite."""


@relay.command(name="status")
@json_option
@pass_operation
def relay_status(operation: Operation) -> None:
    """Dit par installation ce qui retient les courriels, et quels serveurs d’envoi ont échoué ou doivent répondre."""
    here, now = workers.place_of(operation.settings.data), operation.now
    with operation.database.reading() as session:
        passes = {passed.place: passed for passed in workers.last_passes(session)}
        states = sending.relay_states(session)
        places = sorted({here, *passes, *(state.place for state in states)}, key=lambda place: (place != here, place))
        of_each = [_InstallationState(place, passes.get(place), _at(place, states)) for place in places]
        waiting = workers.waiting(session, now=now)
        objects, owed = [one.as_json() for one in of_each], [one.as_json() for one in waiting]
        say_json(lambda: {**objects[0], "installations": objects, "waiting": owed})
        for one in of_each:
            _say_state(session, one, is_here=one.place == here, is_waited=bool(waiting), now=now)
        for worker in waiting:
            say(worker.sentence)


class _InstallationState(NamedTuple):
    """An installation as `relay status` tells of it: its place, its clock's last pass, what it finds of relays."""

    place: str
    passed: ClockPass | None
    relays: Sequence[RelayState]

    def as_json(self) -> dict[str, object]:
        """The state with times in ISO 8601, in UTC."""
        return {
            "installation": self.place,
            "clock": self.passed and self.passed.at.isoformat(),
            "hindrance": self.passed.hindrance if self.passed else "",
            "relays": [
                {
                    "name": state.name,
                    "failures": state.failures,
                    "rests_until": state.rests_until and state.rests_until.isoformat(),
                    "alarmed_at": state.alarmed_at and state.alarmed_at.isoformat(),
                    "said": state.said,
                }
                for state in self.relays
            ],
        }


def _at(place: str, states: Sequence[RelayState]) -> list[RelayState]:
    return [state for state in states if state.place == place]


def _say_state(session: Session, one: _InstallationState, *, is_here: bool, is_waited: bool, now: datetime) -> None:
    say(f"Installation {one.place}{' (celle-ci)' if is_here else ''} :")
    passed = one.passed
    clock = f"Dernier passage de l’horloge : {french.moment(passed.at)}." if passed else "L’horloge n’a jamais tourné."
    say(f"  {clock}")
    names = [state.name for state in one.relays]
    held = sending.relay_hindrances(session, names, place=one.place, now=now)
    reasons = [sentence for sentence in (*held.values(), passed.hindrance if passed else "") if sentence]
    for sentence in dict.fromkeys(reasons):
        say(f"  {sentence}")
    if passed and not (reasons or is_waited):
        say("  Rien ne retient les courriels.")


@relay.command(name="retry")
@acting
@pass_operation
def retry_relays(operation: Operation) -> None:
    """Fait essayer tout de suite les serveurs d’envoi qui attendent ou sont en alarme."""
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR)
        tried = sending.try_now(session, now=operation.now, actor=actor)
    for name in tried:
        say(f"Le serveur d’envoi {name} est essayé de nouveau dans les secondes qui viennent.")
    if not tried:
        say("Aucun serveur d’envoi n’attend : rien n’est changé.")


def _leave_signals() -> None:
    """Block the stop signals in this thread and those that it starts, until `sigwait` takes them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)


def _told(findings: SealCheck) -> str:
    if findings.fault:
        return f"Le journal a été touché. {findings.fault}"
    waiting = f"{french.plural(findings.waiting, 'entrée attend', 'entrées attendent')} le prochain"
    if not findings.seals:
        return f"Le journal n’a pas encore de sceau ; {waiting}."
    erased = f", dont {french.plural(findings.erased, 'effacée')}" if findings.erased else ""
    sealed = f"{french.plural(findings.entries, 'entrée')}{erased}, {french.plural(findings.seals, 'sceau', 'sceaux')}"
    return f"Le journal est intact : {sealed} ; {waiting}. Empreinte : {findings.head}."
