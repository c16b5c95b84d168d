"""`replies`: mails that people write back."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from outreach.cli.context import Operation, json_option, pass_operation, say, say_json, working
from outreach.core.text import french
from outreach.delivery import received
from outreach.delivery.letters import Keys
from outreach.delivery.received import MOST_BYTES, REFUSED, MailVerdict, Taken, Trust
from outreach.staff import asked_addresses

# What the counts are called.
COUNTS = {
    MailVerdict.REPLY: "attached",
    MailVerdict.UNATTACHED: "unattached",
    MailVerdict.AUTOMATIC: "automatic",
    MailVerdict.RETURN: "returns",
    MailVerdict.REFUSED: "refused",
}


@click.group()
def replies() -> None:
    """Les courriels que des personnes écrivent en réponse."""


@replies.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DOSSIER")
@json_option
@pass_operation
def read(operation: Operation, folder: Path) -> None:
    """Lit les fichiers .eml d’un dossier, comme ceux de la boîte des réponses, et dit à qui chacun appartient.

    Un courriel déjà lu n’est pas enregistré une seconde fois ; une absence annoncée devient une proposition.
    """
    with working("Lecture des courriels…"):
        taken = dict(_taken(operation, folder))
        asked_addresses.propose_absences(operation.database, now=operation.now)
    counts = Counter(one.verdict for one in taken.values())
    say_json(lambda: _as_json(taken, counts))
    say(f"{french.plural(len(taken), 'courriel lu', 'courriels lus')}.")
    for verdict in (verdict for verdict in MailVerdict if counts[verdict]):
        say(f"  {french.initial(verdict.label)} : {counts[verdict]}")


def _taken(operation: Operation, folder: Path) -> Iterator[tuple[str, Taken]]:
    """What became of each file, by its name: a transaction for each, as a mailbox gives them one by one."""
    settings, database = operation.settings, operation.database
    keys, trust = Keys(settings.signing_keys), Trust.of(settings)
    for file in sorted(folder.glob("*.eml")):
        content = _content(file)
        read = (database, content, keys, trust, settings.kept_kinds)
        yield file.name, received.take_in(*read, now=operation.now) if content else REFUSED


def _content(file: Path) -> bytes:
    """The bytes of a file; none of one that is too large or cannot be read."""
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= MOST_BYTES else b""
    except OSError:
        return b""


def _as_json(taken: dict[str, Taken], counts: Counter[MailVerdict]) -> dict[str, Any]:
    mails = [
        {"file": name, "verdict": one.verdict.value, "fase": one.fase, "by": one.by, "text": one.text}
        for name, one in taken.items()
    ]
    return {"read": len(taken), **{name: counts[verdict] for verdict, name in COUNTS.items()}, "mails": mails}
