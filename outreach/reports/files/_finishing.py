"""Finishes a numbered note: signs it and makes its files. Whoever approves a note hands this to the approval."""

from outreach.core.settings import Settings
from outreach.core.site import NONE, Letterhead
from outreach.reports.notes import Finish, FinishedNote, NumberedNote, sign_note, signing_key


def make_finisher(settings: Settings, head: Letterhead = NONE) -> Finish:
    """What an approval finishes a note with, under a letterhead.

    It raises Refused, with a French sentence, where there is no key to sign with or no PDF can be made.
    """

    def finish(note: NumberedNote) -> FinishedNote:
        from outreach.reports.files._rendering import render  # noqa: PLC0415 - 18 MB, for approvals alone

        signature = sign_note(note, signing_key(settings))
        return FinishedNote(signature.value, signature.public_key, render(note, signature, head))

    return finish
