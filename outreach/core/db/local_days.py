"""The calendar day in Brussels of an instant, as an SQL expression that both databases compute."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, SQLColumnExpression, and_, case, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class BrusselsDay(FunctionElement[date]):
    """The day of one column of instants; NULL where it is NULL. `days.today` says the same of a Python instant."""

    type = Date()
    name = "brussels_day"
    inherit_cache = True


def brussels_day(instant: SQLColumnExpression[Any]) -> ColumnElement[date]:
    """The calendar day in Brussels of an instant."""
    return BrusselsDay(instant)


@compiles(BrusselsDay, "postgresql")
def _of_postgresql(element: BrusselsDay, compiler: Any, **options: Any) -> str:
    (instant,) = element.clauses
    return f"CAST(timezone('Europe/Brussels', {compiler.process(instant, **options)}) AS DATE)"


@compiles(BrusselsDay, "sqlite")
def _of_sqlite(element: BrusselsDay, compiler: Any, **options: Any) -> str:
    """SQLite knows no time zones, and stores instants as text in UTC: summer time is from the last Sunday of March to
    that of October, at 1:00 UTC (directive 2000/84/EC)."""
    (instant,) = element.clauses
    year = func.strftime("%Y", instant)
    begins, ends = (func.date(year.concat(month), "weekday 0").concat(" 01:00:00") for month in ("-03-25", "-10-25"))
    is_summer = and_(func.datetime(instant) >= begins, func.datetime(instant) < ends)
    return str(compiler.process(func.date(instant, case((is_summer, "+2 hours"), else_="+1 hours")), **options))
