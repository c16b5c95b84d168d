"""Finishes a numbered note: signs it and makes its files. Whoever approves a note hands this to the approval."""

from outreach.about.letterheads import NONE, Letterhead
from outreach.notes.approving import Finish, FinishedNote
from outreach.notes.content import NumberedNote
from outreach.notes.signing import sign, signing_key
from outreach.settings import Settings


def finisher(settings: Settings, head: Letterhead = NONE) -> Finish:
    """What an approval finishes a note with, under a letterhead.

    It raises Refused, with a French sentence, where there is no key to sign with or no PDF can be made.
    """

    def finish(note: NumberedNote) -> FinishedNote:
        from outreach.notes.files.rendering import render  # noqa: PLC0415 - 18 MB, for approvals alone

        signature = sign(note, signing_key(settings))
        return FinishedNote(signature.value, signature.public_key, render(note, signature, head))

    return finish
