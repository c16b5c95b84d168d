"""The recipients of a wave: the outcome of each, the letter as received, the list as a file."""

from datetime import datetime, timedelta

from flask import Response, abort, request
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.letter import composing
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.planning import lifecycle
from outreach.campaigns.results import openings
from outreach.campaigns.results.from_lists import WrittenList
from outreach.campaigns.waves import retrying
from outreach.core.db import Session
from outreach.core.erasure import digests
from outreach.core.text import french
from outreach.core.text.errors import NotFound
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, MessageState, Reason
from outreach.delivery.outbox import listing, outbox
from outreach.delivery.outbox.listing import LetterOutcome
from outreach.web.pages.campaigns.blueprint import pages, sending, show, step_of, title_in_file
from outreach.web.shared.write_to_list import write_to
from outreach.web.ui import exports, letter_frame
from outreach.web.ui.pager import Shown, member, sorting
from outreach.web.ui.request import held_roles, needs, now, reading

MOVERS = (RoleName.AUTHOR, RoleName.APPROVER)
USUAL = 250  # a relay's usual code for an accepted letter; any other 2xx reply is shown


@pages.get("/<number:number>/waves/<number:wave>")
@needs(RoleName.READER)
def recipients(number: int, wave: int) -> str:
    with reading() as session:
        campaign, shown_wave, mailing = _wave(session, number, wave)
        outcome, reason = _asked()
        recipients = listing.listed(session, mailing, outcome, reason, sorting(request))
        return show(
            "recipients",
            step_of(session, "recipients", campaign),
            wave=shown_wave,
            tally=outbox.tallies(session, [mailing])[mailing],
            outcome=outcome,
            reason=reason,
            outcomes=list(LetterOutcome),
            Reason=Reason,
            shown=Shown.of(request, recipients, export=".export_recipients", write=".write_to_wave"),
            outcome_of=listing.outcome_of,
            tries=lambda message: _tries(message, shown_wave),
            why=listing.why,
            says_more=_says_more,
            resendable_from=_resendable(session, campaign, wave),
            up_to_the_minute=timedelta(seconds=59),
        )


@pages.get("/<number:number>/waves/<number:wave>/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_recipients(number: int, wave: int, kind: str) -> Response:
    with reading() as session:
        campaign, exported, mailing = _wave(session, number, wave)
        name = exported.name.replace(" ", "-").translate(str.maketrans("èé", "ee"))
        table = listing.listed(session, mailing, *_asked(), sorting(request)).table()
        return exports.download(table, kind, f"campagne-{number}-{name}", campaign=title_in_file(session, campaign))


@pages.route("/<number:number>/waves/<number:wave>/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_wave(number: int, wave: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the listed authorities, stored as a list."""
    with reading() as session:
        campaign, chosen, mailing = _wave(session, number, wave)
        outcome, reason = _asked()
        keys = listing.listed(session, mailing, outcome, reason).keys()
        chosen_by = reason or outcome
        said = chosen_by.label if chosen_by else "Visés"
        name, strand = f"{said}, {chosen.name} : {campaign.title}", campaign.strand_id
    return write_to(WrittenList(name, None, keys), strand=strand)


@pages.get("/<number:number>/letters/<number(max=9223372036854775807):message>")
@needs(RoleName.READER)
def received(number: int, message: int) -> Response:
    with reading() as session:
        campaign, letter = _letter(session, number, message)
        subject = composing.subject_read(session, letter, sending(), now=now())
        step, outcome = step_of(session, "recipients", campaign), listing.outcome_of(letter)
        seen = openings.of_letters(session, [letter.id], now=now()).get(letter.id)
        shown = {"message": letter, "outcome": outcome, "subject": subject, "seen": seen, "meaning": openings.MEANING}
        return letter_frame.around(show("received", step, **shown))


@pages.get("/<number:number>/letters/<number(max=9223372036854775807):message>/html")
@needs(RoleName.READER)
def received_html(number: int, message: int) -> Response:
    with reading() as session:
        _, letter = _letter(session, number, message)
        return letter_frame.alone(composing.as_shown(session, letter, sending(), now=now()))


def _wave(session: Session, number: int, wave_number: int) -> tuple[Campaign, Wave, int]:
    """A campaign, one of its waves, and that wave's mailing. Raises NotFound when the wave has none."""
    campaign = lifecycle.campaign_numbered(session, number)
    wave = next((candidate for candidate in campaign.waves if candidate.number == wave_number), None)
    if wave is None or wave.mailing_id is None:
        raise NotFound(f"La vague {wave_number} de cette campagne n’a pas encore de destinataires.")
    return campaign, wave, wave.mailing_id


def _letter(session: Session, number: int, key: int) -> tuple[Campaign, Message]:
    """A letter of a campaign, to be opened. Raises Refused where only administrators open it."""
    campaign = lifecycle.campaign_numbered(session, number)
    message = session.get(Message, key)
    if message is None or message.mailing_id not in {wave.mailing_id for wave in campaign.waves}:
        abort(404)
    digests.refuse_closed(message.address_key, held_roles())
    return campaign, message


def _resendable(session: Session, campaign: Campaign, wave: int) -> dict[int, datetime]:
    """From when the person may resend each letter in doubt of the wave, by message id."""
    return retrying.resendable_from(session, campaign, wave, now=now()) if current_user.holds(*MOVERS) else {}


def _tries(message: Message, wave: Wave) -> str:
    """For a deferred letter, the number of attempts and the time of the next one; '' for any other."""
    if listing.outcome_of(message) is not LetterOutcome.DEFERRED:
        return ""
    soon = "sous peu" if message.due_at <= now() else f"vers {french.hour(message.due_at)}"
    when = "à la reprise" if wave.state is WaveState.PAUSED else soon
    return f"{french.plural(message.attempts, 'essai')}, prochain {when}"


def _says_more(message: Message) -> bool:
    """Whether the relay's reply adds something to the outcome."""
    is_as_usual = message.state is MessageState.ACCEPTED and message.reply_code == USUAL
    return bool(message.reply_text) and not is_as_usual


def _asked() -> tuple[LetterOutcome | None, Reason | None]:
    outcome = member(LetterOutcome, request.args.get("outcome"))
    return outcome, member(Reason, request.args.get("reason")) if outcome is LetterOutcome.WITHDRAWN else None
