"""The files that mails bring: which are kept, and under what name one is handed out. Anybody may send any of them."""

from collections.abc import Collection, Iterator

from outreach.core.db import Session
from outreach.core.text.errors import NotFound
from outreach.core.text.typed import file_stem
from outreach.delivery.received._models import ReceivedFile, ReceivedMail
from outreach.delivery.received._reading import MailKind, Read

MOST_KEPT = 10
MOST_KEPT_BYTES = 10 * 1024 * 1024  # of all files of a mail


def kept_files(mail: Read, kinds: Collection[str]) -> list[ReceivedFile]:
    """The files of a mail, the first of these kinds with what they hold; none of an automatic answer's."""
    keeps = set(_kept(mail, kinds)) if mail.kind is MailKind.PERSON else set()
    return [
        ReceivedFile(
            number=number,
            name=file.name,
            kind=file.kind,
            size=len(file.content),
            content=file.content if number in keeps else None,
        )
        for number, file in enumerate(mail.files, 1)
    ]


def _kept(mail: Read, kinds: Collection[str]) -> Iterator[int]:
    left, count = MOST_KEPT_BYTES, 0
    for number, file in enumerate(mail.files, 1):
        if count < MOST_KEPT and 0 < len(file.content) <= left and _ending(file.name) in kinds:
            left, count = left - len(file.content), count + 1
            yield number


def may_open(file: ReceivedFile, kinds: Collection[str]) -> bool:
    """Whether a file may be handed out: it is kept, and of a kind that the setting still names."""
    return file.is_kept and _ending(file.name) in kinds


def file_to_hand_out(session: Session, mail: ReceivedMail, number: int, kinds: Collection[str]) -> tuple[str, bytes]:
    """The name and the bytes of a file of a mail; nothing in the name means anything to a system of files or a header.

    Raises NotFound for one that may not be opened.
    """
    file = session.get(ReceivedFile, (mail.id, number))
    if file is None or not may_open(file, kinds) or not file.content:
        raise NotFound("Cette pièce jointe n’est pas gardée ici : ouvrez-la dans la boîte des réponses.")
    stem = file_stem(file.name.rpartition(".")[0])
    return f"courriel-{mail.id}-{number}{stem and '-'}{stem}.{_ending(file.name)}", file.content


def _ending(name: str) -> str:
    return name.rpartition(".")[2].casefold()
