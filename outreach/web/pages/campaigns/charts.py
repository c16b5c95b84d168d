"""The charts of a campaign: its way, answers by network and by kind, what came after each wave, curves of the days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response

from outreach.campaigns import planning
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import Course, DayCount, Figure, FigureRow, Results, campaign_course, campaign_results
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.engagement import tracking
from outreach.engagement.replies import Answer
from outreach.engagement.tracking import HitClass, Measured
from outreach.reports.charts import (
    Bar,
    BarRow,
    Chart,
    DrawnStep,
    EventMark,
    Series,
    Tone,
    draw_bars,
    draw_curve,
    draw_steps,
    part_row,
)
from outreach.web.pages.campaigns.blueprint import hold_programme, pages
from outreach.web.shared import charts
from outreach.web.ui.request import needs, now, reading

AUTHORITIES = "pouvoir organisateur", "pouvoirs organisateurs"
LEAST_DAYS = 3  # that brought something: before, a curve would show a step
WAVES = {  # what came after a wave
    "answered": ("Ont répondu", Tone.PREPARING),
    "declared": ("Déclarent adhérer", Tone.DECLARED),
    "joined_since": ("Adhésions confirmées", Tone.JOINED),
}
DAY_COLUMNS = {
    "answered": "PO qui ont répondu",
    "answered_schools": "Écoles de ces réponses",
    "declared": "PO qui déclarent adhérer",
    "declared_schools": "Écoles déclarées adhérentes",
    "joined_since": "Adhésions confirmées, en PO",
    "joined_since_schools": "Adhésions confirmées, en écoles",
    "opened": "Ouvertures",
    "clicked": "Clics",
}
Part = tuple[str, int, int]  # a label, a count, the whole that it is a part of


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """What came of a campaign until now: what its page, its files, its charts and its one page show."""

    campaign: Campaign
    results: Results
    measured: Sequence[Measured]
    course: Course

    @classmethod
    def of(cls, session: Session, campaign: Campaign) -> "CampaignFigures":
        """Count it, at the instant of the request."""
        counted = campaign_results(session, campaign, now=now())
        measured = tracking.measured_counts(session, planning.launched_mailings(campaign))
        return cls(campaign, counted, measured, campaign_course(session, campaign, counted, measured, now=now()))

    @property
    def counts_joinings(self) -> bool:
        """Whether its schools can still join: one about schools that have joined counts answers alone."""
        return any(step.figure is Figure.JOINED_SINCE for step in self.course.way)

    @property
    def charts(self) -> list[Chart]:
        """Its charts that have something to show, as its slides and its one page have them."""
        return list(_charts(self))

    @property
    def networks(self) -> list[FigureRow]:
        """The networks of those that it concerns."""
        return [row for row in self.results.rows if row.count(Figure.CONCERNED)]

    @property
    def answers(self) -> list[tuple[Answer, int]]:
        """How many authorities gave each answer that was given, those that were given most first."""
        return sorted(((one, count) for one, count in self.results.answers.items() if count), key=lambda each: -each[1])

    def hits(self, kind: str) -> tuple[int, int]:
        """How many openings ("opens") or clicks ("clicks") surely are a person's, and at most."""
        tallies = [getattr(group, kind) for group in self.measured]
        sure = sum(tally[HitClass.HUMAN] for tally in tallies)
        return sure, sure + sum(tally[HitClass.UNDETERMINED] for tally in tallies)

    @property
    def curve(self) -> Chart | None:
        """Answers and joinings day by day, from the third day on that brought something."""
        sums = [day.answered + day.joined_since for day in self.course.days]
        return _curve(self) if len(set(sums) - {0}) >= LEAST_DAYS else None

    @property
    def hits_curve(self) -> Chart | None:
        """Openings and clicks day by day; None where there are none."""
        return _hits(self) if self.course.has_openings else None

    def count(self, figure: Figure) -> int:
        """How many authorities of all networks a figure counts."""
        return self.results.total.count(figure)

    def whole(self, figure: Figure) -> int:
        """Of how many it is a part."""
        return self.results.total.whole(figure)

    def chart(self, key: str) -> Chart | None:
        """The chart of a key, or None where it has nothing to show."""
        return next((chart for chart in self.charts if chart.key == key), None)


@pages.get("/<number:number>/slides.zip")
@needs(RoleName.READER)
def slides(number: int) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        hold_programme(session, campaign)
        return charts.slides(CampaignFigures.of(session, campaign).charts, f"campagne-{number}")


def _charts(came: CampaignFigures) -> Iterator[Chart]:
    if not came.count(Figure.RECIPIENTS):
        return
    yield _way(came)
    yield _networks(came)
    if came.count(Figure.ANSWERED):
        yield _answers(came)
    if came.course.yields:
        yield _waves(came)
    if came.course.days:
        yield _curve(came)
        if came.course.has_openings:
            yield _hits(came)


def _way(came: CampaignFigures) -> Chart:
    """The way, from whom it concerns to joinings."""
    taken = came.course.way
    steps = [
        DrawnStep(step.figure.label, step.authorities, came.whole(step.figure), french.plural(step.schools, "école"))
        for step in taken
    ]
    counts = [(step.figure, step.authorities, step.schools) for step in taken]
    if taken[-1].declared or taken[-1].declared_schools:
        counts.append((Figure.DECLARED, taken[-1].declared, taken[-1].declared_schools))
    ending = steps[-1]
    reached = ", puis ".join(f"{step.label.lower()} {french.number(step.count)}" for step in steps)
    return _chart(
        came,
        key="parcours",
        title=f"{ending.label} : {french.part(ending.count, ending.whole)}",
        about="Pouvoirs organisateurs, du premier courriel à l’adhésion",
        told=f"Pouvoirs organisateurs : {reached}. Le tableau qui suit donne les nombres.",
        headers=("Étape", "PO", "Part", "Écoles"),
        rows=[
            (figure.label, french.number(count), french.part(count, came.whole(figure)), french.number(schools))
            for figure, count, schools in counts
        ],
        draw=partial(draw_steps, steps),
    )


def _networks(came: CampaignFigures) -> Chart:
    """Who answered, by network."""
    answered = french.part(came.count(Figure.ANSWERED), came.whole(Figure.ANSWERED))
    told = [
        (row.label, row.count(Figure.ANSWERED), row.whole(Figure.ANSWERED))
        for row in came.results.rows
        if row.whole(Figure.ANSWERED)
    ]
    title, about = f"Ont répondu, par réseau : {answered}", "Parmi ceux que la campagne concerne"
    return _parts(came, "reseaux", title, about, ("Réseau", "Ont répondu"), told)


def _answers(came: CampaignFigures) -> Chart:
    """The answers by kind, those that were given most first."""
    answered = came.count(Figure.ANSWERED)
    told = [(answer.label, count, answered) for answer, count in came.answers]
    title = f"Réponses, par type : {french.plural(answered, *AUTHORITIES)}"
    if len(told) == 1 or told[0][1] > told[1][1]:
        title = f"Réponse la plus fréquente, « {told[0][0]} » : {french.part(told[0][1], answered)}"
    about = "Parmi ceux qui ont répondu ; plusieurs réponses possibles"
    if came.results.acknowledged:
        about += f" ; en plus, {acknowledged_in_words(came.results.acknowledged)}"
    return _parts(came, "reponses", title, about, ("Réponse", "PO"), told)


def acknowledged_in_words(count: int) -> str:
    """How many only said that the letter was read."""
    return french.plural(count, "n’a fait qu’en prendre connaissance", "n’ont fait qu’en prendre connaissance")


def _parts(
    came: CampaignFigures, key: str, title: str, about: str, headers: Sequence[str], told: Sequence[Part]
) -> Chart:
    """Bars of counts, each a part of a whole."""
    rows = [(label, french.part(count, whole)) for label, count, whole in told]
    drawn = [part_row(*each, words) for each, (_, words) in zip(told, rows, strict=True)]
    said = ", ".join(" ".join(row) for row in rows)
    draw = partial(draw_bars, drawn, has_track=True)
    return _chart(came, key, title, about, told=f"{about} : {said}.", headers=headers, rows=rows, draw=draw)


def _waves(came: CampaignFigures) -> Chart:
    """Answers to each wave, and what was declared and confirmed before the next one."""
    yields = came.course.yields
    kinds = list(WAVES) if came.counts_joinings else ["answered"]
    names, tones = [WAVES[kind][0] for kind in kinds], [WAVES[kind][1] for kind in kinds]
    counts = [[getattr(one, kind) for kind in kinds] for one in yields]
    labels = [f"{french.initial(one.wave.name)}, {french.spelt_day(one.day, french.SHORT)}" for one in yields]
    words = [[french.part(count, one.sent) for count in own] for one, own in zip(yields, counts, strict=True)]
    most = max(map(max, counts)) or 1
    drawn = [
        BarRow(label, [Bar([(tone, count / most)], said) for tone, count, said in zip(tones, own, told, strict=True)])
        for label, own, told in zip(labels, counts, words, strict=True)
    ]
    best = max(yields, key=lambda one: one.answered)
    what = "Réponses à chaque vague"
    if came.counts_joinings:
        what += ", et adhésions déclarées, puis confirmées, entre leur courriel et la vague suivante"
    each = [
        f"{label}, {', '.join(map(' '.join, zip(names, own, strict=True)))}"
        for label, own in zip(labels, words, strict=True)
    ]
    return _chart(
        came,
        key="vagues",
        title=f"{french.initial(best.wave.name)} : {french.part(best.answered, best.sent)} ont répondu",
        about=f"{what}, parmi ceux à qui elle a écrit",
        told=f"{'. '.join(each)}.",
        headers=("Vague", "PO à qui elle a écrit", *names),
        rows=[(label, french.number(one.sent), *own) for label, one, own in zip(labels, yields, words, strict=True)],
        draw=partial(draw_bars, drawn, legend=list(zip(tones, names, strict=True))),
    )


def _curve(came: CampaignFigures) -> Chart:
    """Authorities that answered and that joined since, day by day."""
    names = {"joined_since": ("adhésion confirmée", "adhésions confirmées")} if came.counts_joinings else {}
    names["answered"] = "réponse", "réponses"
    return _days(came, "jours", "Pouvoirs organisateurs, jour par jour", names)


def _hits(came: CampaignFigures) -> Chart:
    names = {"clicked": ("clic", "clics")}
    if came.course.counts_openings:
        names["opened"] = "ouverture", "ouvertures"
    return _days(came, "jours-clics", "Indicatif, jour par jour", names)


def _days(came: CampaignFigures, key: str, about: str, names: Mapping[str, tuple[str, str]]) -> Chart:
    """A curve of counts by the names of a `DayCount`, each with its French name for one and for several."""
    shown, last = came.course, came.course.days[-1]
    series = [
        Series(one if getattr(last, column) < 2 else several, [(day.day, getattr(day, column)) for day in shown.days])
        for column, (one, several) in names.items()
    ]
    span = f"du {french.day(shown.days[0].day)} au {french.day(last.day)}"
    reached = french.all_of([one.words for one in reversed(series)])
    return _chart(
        came,
        key=key,
        title=reached,
        about=f"{about}, {span}",
        told=f"Depuis le premier courriel, {span} : {reached}. Le tableau sous la courbe donne les nombres.",
        headers=(),
        rows=(),
        draw=partial(draw_curve, series, events=[EventMark(day, wave.name) for day, wave in shown.waves]),
    )


def _chart(came: CampaignFigures, key: str, title: str, about: str, told: str, **drawn: Any) -> Chart:
    """A chart about the campaign, its sentences typeset."""
    subject = french.typeset(f"Campagne « {came.campaign.title} », au {french.day(now())}")
    told = french.typeset(told)
    return Chart(key, french.typeset(title), french.typeset(about), subject=subject, in_words=told, **drawn)


def left_on(shown: Course, day: DayCount) -> str:
    """The waves that left on a day."""
    return ", ".join(wave.name for left, wave in shown.waves if left == day.day)
