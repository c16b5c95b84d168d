"""Criteria about letters, as files and commands say them: by campaign and wave, where criteria speak of mailings.

`{"received": {"campaign": 12, "wave": 1}}` is `{"received": {"mailings": [3]}}`. Without a wave all of the campaign are
meant, those that leave later as well. `{"received": {"strand": 1}}` means those of every campaign.
`criterion_sentence` has the titles of the campaigns.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from outreach.adherence import programmes
from outreach.campaigns import segments
from outreach.campaigns.models import Wave
from outreach.campaigns.segments import (
    DEEPEST,
    AmongAuthorities,
    Criterion,
    Names,
    OfMailings,
    ReachedBy,
    ReactedTo,
    ReceivedMailing,
    criterion_leaves,
    from_plain,
)
from outreach.core.db import Session
from outreach.core.text.errors import InputError
from outreach.core.text.french import either

ABOUT_LETTERS = (ReceivedMailing.word, ReactedTo.word, ReachedBy.word)
Plain = dict[str, Any]  # of a criterion, by name
Waves = tuple[int, tuple[int, ...]]  # a campaign's number and those of its waves; none stands for all


def read_criterion(session: Session, plain: object) -> Criterion:
    """A criterion from dictionaries and lists, as a file or a command states it.

    Raises InputError when it is none, and when a campaign or a wave that it names has sent nothing yet.
    """
    return from_plain(_translated(plain, lambda word, given: _inward(word, given, partial(_mailings, session))))


def checked(plain: object) -> object:
    """The same dictionaries and lists, when they are a criterion as far as can be told without a database.

    Raises InputError.
    """
    from_plain(_translated(plain, lambda word, given: _inward(word, given, lambda _waves: {"mailings": [1]})))
    return plain


def criteria_names(session: Session, asked: Iterable[Criterion]) -> Names:
    """What staff call the mailings, lists and strands that these criteria speak of: three statements at most, none
    without any."""
    every = [leaf for criterion in asked for leaf in criterion_leaves(criterion)]
    waves = _waves(session, every)
    mailings = {
        (leaf.mailings, leaf.with_later): _title(leaf, waves)
        for leaf in every
        if isinstance(leaf, OfMailings) and leaf.mailings and all(key in waves for key in leaf.mailings)
    }
    lists = {leaf.list for leaf in every if isinstance(leaf, AmongAuthorities) and leaf.list is not None}
    has_strand = any(getattr(leaf, "strand", None) is not None for leaf in every)
    are_several = has_strand and bool(programmes.names_among_several(session))
    return Names(mailings, segments.list_names(session, lists), are_several)


def criterion_sentence(session: Session, criterion: Criterion) -> str:
    """Whom a criterion means, in one French sentence with the titles of campaigns and the names of lists."""
    return segments.sentence_of(criterion, criteria_names(session, [criterion]))


def _translated(plain: object, change: Callable[[str, Plain], Plain], depth: int = 1) -> object:
    """The same, with each criterion about letters changed. What is too deep stays as it is: it is refused later."""
    if depth > 2 * DEEPEST + 2:
        return plain
    if isinstance(plain, list):
        return [_translated(part, change, depth + 1) for part in plain]
    if not isinstance(plain, dict):
        return plain
    return {
        word: change(word, given)
        if word in ABOUT_LETTERS and isinstance(given, dict)
        else _translated(given, change, depth + 1)
        for word, given in plain.items()
    }


def _inward(word: str, given: Plain, mailings_of: Callable[[Waves], Plain]) -> Plain:
    if "campaign" not in given:
        return given
    rest = {name: value for name, value in given.items() if name not in {"campaign", "wave"}}
    return {**mailings_of(_asked_waves(word, given)), **rest}


def _asked_waves(word: str, given: Plain) -> Waves:
    campaign, waves = given["campaign"], given.get("wave", [])
    numbers = waves if isinstance(waves, list) else [waves]
    for name, value in (("campaign", campaign), *(("wave", number) for number in numbers)):
        if type(value) is not int or not 1 <= value < 2**31:
            raise InputError(f"Critère « {word}.{name} » : cette valeur n’est pas permise.")
    if "mailings" in given or "with_later" in given:
        raise InputError(
            f"Critère « {word} » : une campagne se dit avec « wave », sans « mailings » ni « with_later »."
        )
    return campaign, tuple(numbers)


def _mailings(session: Session, waves: Waves) -> Plain:
    campaign, numbers = waves
    query = select(Wave.number, Wave.mailing_id).where(Wave.campaign_id == campaign, Wave.mailing_id.is_not(None))
    sent = dict(session.execute(query.order_by(Wave.number)).all())
    if not sent:
        raise InputError(f"La campagne {campaign} n’a encore rien envoyé.")
    if not numbers:
        return {"mailings": [next(iter(sent.values()))], "with_later": True}
    missing = next((number for number in numbers if number not in sent), None)
    if missing is not None:
        raise InputError(f"La vague {missing} de la campagne {campaign} n’est pas encore partie.")
    return {"mailings": [sent[number] for number in numbers]}


def _waves(session: Session, asked: Iterable[Criterion]) -> dict[int, Wave]:
    """The waves of the mailings that criteria speak of, by mailing; their campaigns are loaded with them."""
    every = (leaf for criterion in asked for leaf in criterion_leaves(criterion))
    keys = {key for leaf in every if isinstance(leaf, OfMailings) for key in leaf.mailings or ()}
    if not keys:
        return {}
    query = select(Wave).options(joinedload(Wave.campaign)).where(Wave.mailing_id.in_(keys))
    return {wave.mailing_id: wave for wave in session.scalars(query) if wave.mailing_id is not None}


def _title(leaf: OfMailings, waves: Mapping[int, Wave]) -> str:
    """The campaigns of some mailings by title, with the waves that are meant."""
    meant = sorted((waves[key] for key in leaf.mailings or ()), key=lambda wave: (wave.campaign_id, wave.number))
    titles = []
    for _, of_one in groupby(meant, key=lambda wave: wave.campaign_id):
        theirs = list(of_one)
        which = "" if leaf.with_later else f" ({either(wave.name for wave in theirs)})"
        titles.append(f"« {theirs[0].campaign.title} »{which}")
    return either(titles)
