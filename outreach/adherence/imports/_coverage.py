"""Coverage: until which day lists have all joinings of a network, by the word of whoever sent them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select

from outreach.adherence.models import Coverage, CoveredNetwork, JoiningList, Programme
from outreach.core.db import Session
from outreach.core.tables import ListState
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.directory.models import Network
from outreach.directory.reference import fold


def stated_coverage(session: Session, until: date | None, networks: Collection[str], today: date) -> Coverage | None:
    """What a list is said to cover, its networks named as the register or pages name them; None where nothing is said.

    Raises InputError on a day without a network, a network without a day, an unknown network, and a day to come.
    """
    if until is None and not networks:
        return None
    if until is None:
        raise InputError("Dites jusqu’à quel jour la liste est complète.")
    if not networks:
        raise InputError("Dites pour quels réseaux la liste est complète.")
    if until > today:
        raise InputError(f"Une liste ne peut être complète jusqu’au {french.day(until)} : ce jour est à venir.")
    return Coverage(until, frozenset(_key(session, network) for network in networks))


def _key(session: Session, named: str) -> int:
    known = session.scalars(select(Network).order_by(Network.position)).all()
    wanted = fold(named)
    key = next((one.id for one in known if wanted in {fold(one.code), fold(one.label)}), None)
    if key is None:
        said = "".join(character for character in named if character.isprintable())[:40]
        choice = ", ".join(one.code for one in known)
        raise InputError(f"Le réseau « {said} » n’existe pas. Choisissez parmi : {choice}.")
    return key


def covered_until(session: Session, programme: Programme) -> dict[Network, date | None]:
    """The day until which the applied lists of a programme have all joinings, by network; None where none says it."""
    days = _days(session, programme.id)
    return {network: days.get(network.id) for network in session.scalars(select(Network).order_by(Network.position))}


def covers_more(session: Session, received: JoiningList) -> bool:
    """Whether a list is said to cover a network for longer than any applied before."""
    said = received.coverage
    known: Mapping[int, date] = _days(session, received.programme_id) if said else {}
    return bool(said and any(known.get(network, date.min) < said.until for network in said.networks))


def first_covering(session: Session, programme_id: int, networks: Collection[int], day: date) -> JoiningList | None:
    """The applied list with which all of these networks were covered until a day, for the first time; None before."""
    waiting = set(networks)
    for received in _that_cover(session, programme_id, day):
        waiting -= {one.network_id for one in received.covered if one.complete_until >= day}
        if not waiting:
            return received
    return None


def _that_cover(session: Session, programme_id: int, day: date) -> Sequence[JoiningList]:
    covering = select(CoveredNetwork.list_id).where(CoveredNetwork.complete_until >= day)
    query = select(JoiningList).where(
        JoiningList.id.in_(covering),
        JoiningList.programme_id == programme_id,
        JoiningList.state == ListState.APPLIED,
    )
    return session.scalars(query.order_by(JoiningList.applied_at, JoiningList.id)).all()


def _days(session: Session, programme_id: int) -> dict[int, date]:
    latest: Select[int, date] = (
        select(CoveredNetwork.network_id, func.max(CoveredNetwork.complete_until))
        .join(JoiningList, JoiningList.id == CoveredNetwork.list_id)
        .where(JoiningList.state == ListState.APPLIED, JoiningList.programme_id == programme_id)
        .group_by(CoveredNetwork.network_id)
    )
    return dict(session.execute(latest).all())


@dataclass(frozen=True, slots=True)
class Covered:
    """What a list covers: until a day, networks by their codes, and both in French, such as "complète jusqu’au 30 juin
    2021 pour WBE et COCOF".
    """

    until: date
    networks: Sequence[str]
    label: str

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {"complete_until": self.until.isoformat(), "covers": [*self.networks], "label": self.label}


def covered(session: Session, said: Coverage | None) -> Covered | None:
    """What a list is said to cover; None where nothing is said."""
    if said is None:
        return None
    query = select(Network.code, Network.label).where(Network.id.in_(said.networks)).order_by(Network.position)
    networks = dict(session.execute(query).all())
    label = f"complète jusqu’au {french.day(said.until)} pour {french.all_of([*networks.values()])}"
    return Covered(said.until, [*networks], label)
