"""The actions of a programme: its waves that left, with what came of them, and those planned, with whom they mean.

Every figure counts authorities, each once a wave, by network. Pages, files, the command and notes take them from here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from outreach.access import scopes
from outreach.access.scopes import AccessScope
from outreach.adherence.models import Programme
from outreach.campaigns import planning
from outreach.campaigns.counting import IS_TRIED
from outreach.campaigns.models import ON_ITS_WAY, Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.results._reached import MOST_TOLD, CampaignReach, of_campaigns
from outreach.core.db import Session
from outreach.core.tables import Column, InMemoryListing, Kind
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.directory.models import Authority, Network
from outreach.engagement.replies import Response
from outreach.engagement.tracking import AUTHORITY, LEFT_AT

Counts = Mapping[str, int]  # authorities by network's code
NO_REPLY = "aucun n’a répondu"
WOULD_GET = "Écrirait à"  # of a wave to come, to whom it would write if it left now
_COUNTED = {"meant": "Visés", "sent": "Destinataires", "delivered": "Remis", "answered": "Ont répondu"}


@dataclass(frozen=True, slots=True)
class WaveAction:
    """A wave of a campaign: when it left or is planned for, and how many authorities of each network it means.

    Of one that left, `meant` counts all its recipients, those left out too, and the others what came of its letters by
    the moment asked. Of one planned, `meant` counts those to whom it would write if it left now; None where the
    moment asked is past, as that is known of now only. `part` says that it counts some networks alone, in French after
    whom it means, or is ''; `scope`, whose members alone.
    """

    campaign: int
    title: str
    strand: int
    wave: str
    at: datetime
    is_planned: bool
    meant: Counts | None = None
    sent: Counts = field(default_factory=dict)
    delivered: Counts = field(default_factory=dict)
    answered: Counts = field(default_factory=dict)
    part: str = ""
    scope: AccessScope | None = None

    def sentence(self, labels: Mapping[str, str]) -> str:
        """The action in French, with its day and whom it means by network; `labels` as in `Actions`.

        Notes have it.
        """
        day, wave = french.day(self.at), f"la {self.wave} de « {self.title} »"
        if self.is_planned and self.meant is None:
            return french.typeset(f"Le {day}, {wave} est prévue.")
        meant = (self.meant if self.is_planned else self.sent) or {}
        total = sum(meant.values())
        if not total:
            none = "doit partir : à ce jour, elle n’écrirait" if self.is_planned else "n’a écrit"
            among = f" parmi les {scopes.authorities_in_words(self.scope)}" if self.scope else ""
            return french.typeset(f"Le {day}, {wave} {none} à personne{among}{self.part}.")
        whose = f" {scopes.members_in_words(self.scope, total)}" if self.scope else ""
        whom = french.plural(total, "pouvoir organisateur", "pouvoirs organisateurs") + whose + self.part
        codes = [code for code in labels if code in meant]
        each = ", ".join(f"{labels[code]} {french.number(meant[code])}" for code in codes)
        networks = "" if self.part and len(codes) == 1 else f" ({each})"  # one network alone is the part named
        if self.is_planned:
            return french.typeset(f"Le {day}, {wave} doit partir : à ce jour, elle écrirait à {whom}{networks}.")
        return french.typeset(f"Le {day}, {wave} a écrit à {whom}{networks} ; {self._received(total)}{self._replied}.")

    @property
    def _replied(self) -> str:
        """How many answered."""
        answered = sum(self.answered.values())
        return f"{french.number(answered)} {'a' if answered == 1 else 'ont'} répondu" if answered else NO_REPLY

    def _received(self, sent: int) -> str:
        """To how many our relay took the letter, where not to all."""
        delivered = sum(self.delivered.values())
        if delivered == sent:
            return ""
        return (
            f"le courriel a été remis à {french.number(delivered)}, "
            if delivered
            else "le courriel n’a été remis à aucun, "
        )

    @property
    def means_some(self) -> bool:
        """Whether it means somebody, as far as that is known."""
        return self.meant is None or any(self.meant.values())

    def among(self, codes: Collection[str]) -> "WaveAction":
        """The action as far as it means authorities of these networks.

        Where it means others, too, its sentence says that it counts those of these networks.
        """
        has_others = any(count for code, count in {**self.sent, **(self.meant or {})}.items() if code not in codes)
        these = " de ces réseaux" if len(set(codes)) > 1 else " de ce réseau"
        return replace(
            self,
            part=these if has_others else "",
            meant=None if self.meant is None else _among(self.meant, codes),
            sent=_among(self.sent, codes),
            delivered=_among(self.delivered, codes),
            answered=_among(self.answered, codes),
        )

    def as_json(self) -> dict[str, Any]:
        """The action as JSON, under fixed names; each count has the codes of networks, and a total."""
        counts = {name: with_total(getattr(self, name)) for name in ("meant", "sent", "delivered", "answered")}
        return {
            "campaign": self.campaign,
            "title": self.title,
            "strand": self.strand,
            "wave": self.wave,
            "at": self.at.isoformat(),
            "planned": self.is_planned,
            **({"meant": counts["meant"]} if self.is_planned else counts),
        }


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions of a programme at a moment: those done, the latest first; those planned, the next first.

    `labels` has the networks that any of them means, in their usual order. `more` counts those left out by a limit,
    `more_planned` the planned ones of these. `reached` says whom the latest campaigns among those done
    reached; of a moment of the past nothing, as that is known of now only.
    """

    done: Sequence[WaveAction]
    planned: Sequence[WaveAction]
    labels: Mapping[str, str]
    more: int = 0
    more_planned: int = 0
    reached: Sequence[CampaignReach] = ()

    def about(self, strands: Collection[int], codes: Collection[str] = ()) -> "Actions":
        """Those of these strands, each counted among these networks, or all: one that means nobody there stays."""
        done, planned = (
            [one.among(codes) if codes else one for one in acts if one.strand in strands]
            for acts in (self.done, self.planned)
        )
        reached = [one.among(codes) if codes else one for one in self.reached if one.strand in strands]
        return replace(self, done=done, planned=planned, reached=[one for one in reached if one is not None])

    def concerning(self, limit: int | None = None) -> "Actions":
        """Those that wrote to somebody whom the session sees, or would; with `limit`, so many of each."""
        done = [one for one in self.done if sum((one.meant or {}).values())]
        planned = [one for one in self.planned if sum((one.meant or {}).values())]
        more, more_planned = len(done[limit:]) if limit else 0, len(planned[limit:]) if limit else 0
        return Actions(done[:limit], planned[:limit], self.labels, more + more_planned, more_planned)

    def as_json(self) -> dict[str, Any]:
        """The actions as JSON, under fixed names."""
        waves = {"done": self.done, "planned": self.planned}
        fields = {name: [one.as_json() for one in each] for name, each in waves.items()}
        return {**fields, "reached": [one.as_json() for one in self.reached]}


@dataclass(frozen=True, slots=True)
class Departure:
    """The day on which a wave left, and which wave of which campaign it was, in French."""

    day: date
    label: str


def list_departures(session: Session, programme: Programme, *, at: datetime | None = None) -> list[Departure]:
    """The departures of a programme's waves until a moment, or until now without one, the first first."""
    facts = (Wave.id, Wave.reminder, Wave.departure, Campaign.title, Wave.due_at, Mailing.created_at)
    query = select(*facts).join(Campaign, Campaign.id == Wave.campaign_id).join(Mailing, Mailing.id == Wave.mailing_id)
    query = query.where(Campaign.strand_id.in_(programme.strand_keys))
    query = query.where(Mailing.filled_at.is_not(None) if at is None else Mailing.filled_at <= at)
    left = sorted(
        (max(due_at, created_at), key, f"{title}, {french.wave(reminder, departure)}")
        for key, reminder, departure, title, due_at, created_at in session.execute(query)
    )
    return [Departure(today(moment), label) for moment, _, label in left]


def actions_as_list(acted: Actions, *, text: str = "", sort: str = "") -> InMemoryListing[WaveAction]:
    """The actions as a list, those planned first."""
    columns = (
        Column("wave", "Vague", lambda one: f"{one.title}, {one.wave}", sort=True),
        Column("state", "État", lambda one: "prévue" if one.is_planned else "menée", sort=True),
        Column("at", "Le", lambda one: one.at, Kind.MOMENT, sort=True),
        Column("strand", "Volet", lambda one: one.strand, Kind.NUMBER, sort=True),
        *(Column(name, header, partial(_total, name), Kind.NUMBER, sort=True) for name, header in _COUNTED.items()),
        Column("would_get", WOULD_GET, _would_get, Kind.NUMBER, sort=True),
        Column("networks", "Par réseau", partial(_in_networks, acted.labels)),
    )
    return InMemoryListing(title="Actions", columns=columns, sort=sort, rows=(*acted.planned, *acted.done), text=text)


def list_actions(
    session: Session,
    programme: Programme,
    *,
    now: datetime,
    at: datetime | None = None,
    limit: int | None = None,
    told_reached: int = MOST_TOLD,
) -> Actions:
    """What was done and what is planned for a programme, as of a moment of the past, or now without one.

    With `limit`, so many of each; counting one planned wave costs as much as counting its audience. Whom they reached
    is told of `told_reached` campaigns at most, the latest: each costs a statement over its letters.
    """
    is_past = at is not None and at < now
    moment = at if at is not None and is_past else now
    waves = _waves(session, programme)
    done = _left(waves, moment)
    planned = _planned(session, waves, moment) if is_past else _to_come(waves)
    done.sort(key=lambda wave: (_left_at(wave), wave.id), reverse=True)
    planned.sort(key=lambda wave: (wave.due_at, wave.id))
    shown = done[:limit], planned[:limit]
    counts = by_network(session, shown[0], moment)
    still_planned = [] if is_past else [wave for wave in shown[1] if wave.state is WaveState.PLANNED]
    meant = planning.count_recipients(session, still_planned, now)
    scope = scopes.of_session(session)
    told = (
        [_action(wave, _left_at(wave), counts[wave.mailing_id or 0], scope) for wave in shown[0]],
        [_action(wave, wave.due_at, {"meant": meant.get(wave.id)}, scope, is_planned=True) for wave in shown[1]],
    )
    codes = {code for one in (*told[0], *told[1]) for code in one.meant or ()}
    networks = session.execute(select(Network.code, Network.label).order_by(Network.position)).all()
    labels = {code: label for code, label in networks if code in codes}
    more_done, more_planned = len(done) - len(shown[0]), len(planned) - len(shown[1])
    campaigns = list(dict.fromkeys(wave.campaign for wave in shown[0]))
    reached = () if is_past else of_campaigns(session, campaigns[:told_reached], now=now)
    return Actions(*told, labels, more_done + more_planned, more_planned, reached)


def _total(name: str, action: WaveAction) -> int | None:
    """A count of an action that was done; None of one to come."""
    counts = getattr(action, name)
    return None if counts is None or action.is_planned else sum(counts.values())


def _would_get(action: WaveAction) -> int | None:
    """To how many an action to come would write; None where it is not known, or done."""
    return sum(action.meant.values()) if action.is_planned and action.meant is not None else None


def _in_networks(labels: Mapping[str, str], action: WaveAction) -> list[str]:
    """Whom an action means or wrote to, by network."""
    counts = (action.meant if action.is_planned else action.sent) or {}
    return [f"{label} : {french.number(counts[code])}" for code, label in labels.items() if code in counts]


def _among(counts: Counts, codes: Collection[str]) -> dict[str, int]:
    return {code: count for code, count in counts.items() if code in codes}


def with_total(counts: Counts | None) -> dict[str, int] | None:
    """Counts by network, with their sum; None where nothing is told."""
    return None if counts is None else {**counts, "total": sum(counts.values())}


def _waves(session: Session, programme: Programme) -> Sequence[Wave]:
    """The waves of a programme's campaigns, each campaign with its own, in one statement.

    The texts of letters are left out until one is asked for: those of years would take tens of megabytes.
    """
    strands = programme.strand_keys
    query = select(Wave).join(Campaign, Campaign.id == Wave.campaign_id).where(Campaign.strand_id.in_(strands))
    of_campaign = joinedload(Wave.campaign).defer(Campaign.letter)
    of_mailing = joinedload(Wave.mailing).defer(Mailing.letter).defer(Mailing.headers)
    waves = session.scalars(query.options(of_campaign, of_mailing).order_by(Wave.number)).all()
    own: dict[Campaign, list[Wave]] = {}
    for wave in waves:
        own.setdefault(wave.campaign, []).append(wave)
    for campaign, theirs in own.items():
        set_committed_value(campaign, "waves", theirs)
    return waves


def _left(waves: Sequence[Wave], moment: datetime | None) -> list[Wave]:
    """Those of these waves whose recipients were known by a moment, or now without one."""
    known = [(wave, wave.mailing.filled_at) for wave in waves if wave.mailing]
    return [wave for wave, filled_at in known if filled_at and (moment is None or filled_at <= moment)]


def _to_come(waves: Sequence[Wave]) -> list[Wave]:
    """Those on their way whose recipients are not all known yet: one that is being launched is no gap in the list."""
    return [wave for wave in waves if wave.state in ON_ITS_WAY and not (wave.mailing and wave.mailing.filled_at)]


def _planned(session: Session, waves: Sequence[Wave], moment: datetime) -> list[Wave]:
    """The waves that were planned, or being launched, at a moment, by their transitions."""
    query = select(WaveTransition.wave_id, WaveTransition.state).where(WaveTransition.at <= moment)
    query = query.where(WaveTransition.wave_id.in_([wave.id for wave in waves])).order_by(WaveTransition.id)
    states = dict(session.execute(query).all())  # the last of each wave stands
    had_left = {wave.id for wave in _left(waves, moment)}
    return [wave for wave in waves if states.get(wave.id) in ON_ITS_WAY and wave.id not in had_left]


def _left_at(wave: Wave) -> datetime:
    """When a wave left: its recipients may have been written down a little before it was due."""
    return max(wave.due_at, wave.mailing.created_at) if wave.mailing else wave.due_at


def _action(
    wave: Wave, at: datetime, counts: Mapping[str, Any], scope: AccessScope | None, *, is_planned: bool = False
) -> WaveAction:
    campaign = wave.campaign
    about = campaign.id, campaign.title, campaign.strand.number, wave.name
    return WaveAction(*about, at, is_planned, scope=scope, **counts)


def by_network(session: Session, waves: Sequence[Wave], moment: datetime) -> dict[int, dict[str, dict[str, int]]]:
    """What came of the letters of each wave by a moment: by the key of its mailing, by the names of a `WaveAction`'s
    counts, by network.
    """
    mailings = [wave.mailing_id for wave in waves if wave.mailing_id]
    counts: dict[int, dict[str, dict[str, int]]] = {
        key: {name: {} for name in ("meant", "sent", "delivered", "answered")} for key in mailings
    }
    for mailing, code, *counted in session.execute(_by_network(mailings, moment)):
        for name, count in zip(("meant", "sent", "delivered", "answered"), counted, strict=True):
            if count or name != "answered":
                counts[mailing][name][code] = int(count)
    return counts


class WaveChange(NamedTuple):
    """A count of authorities of a wave at two moments."""

    wave: str
    figure: str
    before: int
    after: int


def changes_of_waves(session: Session, campaign: Campaign, moments: tuple[datetime, datetime]) -> list[WaveChange]:
    """What came of the letters of each wave of a campaign by two moments: the counts that differ."""
    left = [_left(campaign.waves, moment) for moment in moments]
    counts = [by_network(session, waves, moment) for waves, moment in zip(left, moments, strict=True)]
    changes = []
    for wave in campaign.waves:
        for name, figure in _COUNTED.items():
            before, after = (sum(one.get(wave.mailing_id or 0, {}).get(name, {}).values()) for one in counts)
            if before != after:
                changes.append(WaveChange(french.initial(wave.name), figure, before, after))
    return changes


def _by_network(mailings: Sequence[int], moment: datetime) -> Select[*tuple[Any, ...]]:
    """For each mailing and network: how many authorities were meant, sent to, delivered to, and answered by a moment.

    Those who answered, whichever way, are of those sent to: whom only paper or a call reached is in no wave's figures.

    Letters are grouped by authority first: each count of distinct authorities would sort all letters once more.
    """
    was_tried = moment >= LEFT_AT
    flags = {
        "sent": and_(IS_TRIED, was_tried),
        "delivered": and_(Message.state == MessageState.ACCEPTED, was_tried),
        "answered": Response.id.is_not(None),
    }
    kinds = [func.max(case((flag, 1), else_=0)).label(name) for name, flag in flags.items()]
    is_given = and_(Response.given_at <= moment, Response.is_a_reaction(moment))
    each = (
        select(Message.mailing_id, AUTHORITY.label("authority_id"), *kinds)
        .outerjoin(Response, and_(Response.message_id == Message.id, is_given))
        .where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None))
        .group_by(Message.mailing_id, Message.authority_id)
        .subquery("each")
    )
    counted = each.c.sent, each.c.delivered, each.c.answered * each.c.sent
    return (
        select(each.c.mailing_id, Network.code, func.count(), *map(func.sum, counted))
        .join(Authority, Authority.id == each.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(each.c.mailing_id, Network.code)
    )
