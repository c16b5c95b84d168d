"""`bench`: measurements, in processes of their own; the scripts stand in `benchmarks/`."""

import subprocess
import sys

import click

from outreach.settings import ROOT


@click.group()
def bench() -> None:
    """Les mesures de vitesse."""


@bench.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS]")
def send(options: tuple[str, ...]) -> None:
    """Mesure un envoi complet, sur une base à part ; --help énumère les options."""
    sys.exit(subprocess.call([sys.executable, str(ROOT / "benchmarks" / "send.py"), *options]))
