"""The periods in force: those of the file, or what an administrator chose within its bounds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select

from outreach import audit
from outreach.db import Session, take_turns
from outreach.errors import InputError, NotFound, Refused
from outreach.retention.models import SUBJECT, RetentionChange
from outreach.retention.periods import RULES, Retention, period_of


def in_force(session: Session) -> Sequence[Retention]:
    """Every rule with the period that holds now. A choice that the file's bounds no longer allow does not count."""
    last = select(func.max(RetentionChange.id)).group_by(RetentionChange.rule)
    query = select(RetentionChange.rule, RetentionChange.period).where(RetentionChange.id.in_(last))
    chosen = dict(session.execute(query).all())
    return [
        replace(rule, written=chosen[rule.name]) if rule.allows(chosen.get(rule.name, "")) else rule for rule in RULES
    ]


def rule_named(session: Session, name: str) -> Retention:
    """A rule with the period that holds now. Raises NotFound for an unknown one."""
    for rule in in_force(session):
        if rule.name == name:
            return rule
    raise NotFound("Cette règle de conservation n’existe pas.")


def history(session: Session, rule: Retention) -> Sequence[RetentionChange]:
    """The changes of a rule's period, the newest first."""
    theirs = select(RetentionChange).where(RetentionChange.rule == rule.name)
    return session.scalars(theirs.order_by(RetentionChange.id.desc())).all()


def change(session: Session, name: str, written: str, *, now: datetime, actor: str) -> bool:
    """Give a rule another period; False where it is the same. The audit says who did it.

    Raises InputError for a period that is none or beyond the bounds, Refused where the file allows no change.
    """
    take_turns(session, SUBJECT, name)
    rule, period = rule_named(session, name), " ".join(written.split())
    if rule.bounds is None:
        raise Refused("Cette durée est fixe : le service en a besoin pour fonctionner.")
    asked = period_of(period)
    if not rule.allows(period):
        shortest, longest = rule.bounds
        raise InputError(f"Choisissez une durée entre {shortest} et {longest}.")
    if asked == rule.period:
        return False
    session.add(RetentionChange(rule=name, period=period, changed_at=now, changed_by=actor))
    said = f"Conservation, « {rule.what} » : {period} au lieu de {rule.written}."
    audit.record(session, now, actor, said, SUBJECT)
    return True
