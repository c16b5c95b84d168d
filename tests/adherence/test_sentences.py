from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from outreach.adherence.models import Strand
from outreach.adherence.situation import (
    Bucket,
    Grouping,
    Situation,
    SituationRow,
    Solicitation,
    group_answers,
    kinds_of_schools,
    of_strand,
    situation_sentences,
)
from outreach.adherence.situation._grouping import OUTSIDE
from outreach.directory.models import Level

DAY = date(2021, 5, 15)
STRAND = Strand(number=1, levels=(Level.SECONDARY,))


def situation(by=Grouping.NETWORK, code="WBE", label="WBE", known_at=None, solicited=0, **buckets):
    """A situation of one group, with these counts in its first strand; None as `solicited` divides nothing."""
    counts = {bucket: buckets.get(bucket.value, 0) for bucket in Bucket}
    parts = solicited is not None and {
        Solicitation.SOLICITED: solicited,
        Solicitation.UNSOLICITED: counts[Bucket.NONE] - solicited,
    }
    silent = {1: parts} if parts else {}
    rows = [
        SituationRow(code, label, 1, sum(counts.values()), {1: counts}, silent=silent),
        SituationRow(None, "Total", strands={1: counts}, silent=silent),
    ]
    return Situation(DAY, known_at, by, rows[1], rows[:1])


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 école secondaire signalée comme partie ou fermée : elle reste comptée tant que le registre la cite."),
        (
            3,
            (
                "3 écoles secondaires signalées comme parties ou fermées : elles restent comptées tant que le registre "
                "les cite."
            ),
        ),
    ],
)
def test_schools_that_are_reported_as_gone_are_told_beside_their_strand(count, told):
    found = situation(none=9)
    assert len(situation_sentences(found, [STRAND])) == 1
    found.total.reported[1] = count
    assert plain(situation_sentences(found, [STRAND])[1]) == told


def plain(sentence):
    return sentence.replace("\u202f", " ").replace("\xa0", " ")


def answer(**asked):
    found = situation(**asked)
    (told,) = group_answers(found, [STRAND], [found.rows[0].code])
    return plain(told.sentence)


@pytest.mark.parametrize(
    ("buckets", "told"),
    [
        (
            {"joined": 14, "in_preparation": 16, "declined": 6, "none": 111, "solicited": 48},
            (
                "Non : 14 des 147 écoles du réseau WBE ont adhéré ; 16 s’y préparent, 6 ont refusé, "
                "48 ont été sollicitées et n’ont pas répondu, 63 n’ont pas encore été sollicitées."
            ),
        ),
        (
            {**dict.fromkeys(map(str, Bucket), 1), "not_concerned": 0, "none": 2, "solicited": 1},
            (
                "Non : une des 8 écoles du réseau WBE a adhéré ; une déclare y adhérer, une s’y prépare, "
                "une a lancé son marché, une a refusé, une a pris connaissance de l’invitation, "
                "une a été sollicitée et n’a pas répondu, une n’a pas encore été sollicitée."
            ),
        ),
        (
            {"declared": 2, "tender_launched": 2, "informed": 20},
            (
                "Non : aucune des 24 écoles du réseau WBE n’a adhéré ; 2 déclarent y adhérer, "
                "2 ont lancé leur marché, 20 ont pris connaissance de l’invitation."
            ),
        ),
        ({"joined": 147}, "Oui : les 147 écoles du réseau WBE ont adhéré."),
        ({"joined": 2, "not_concerned": 1}, "Oui : les 2 écoles concernées du réseau WBE ont adhéré."),
        ({"joined": 1, "none": 2, "solicited": None},
         "Non : une des 3 écoles du réseau WBE a adhéré ; 2 sont sans réponse."),
        ({"none": 1}, "Non : la seule école du réseau WBE n’a pas adhéré ; elle n’a pas encore été sollicitée."),
        ({"joined": 1}, "Oui : la seule école du réseau WBE a adhéré."),
        ({"declined": 1, "not_concerned": 2},
         "Non : la seule école concernée du réseau WBE n’a pas adhéré ; elle a refusé."),
        ({"not_concerned": 3}, "Aucune école du réseau WBE n’est concernée."),
    ],
)  # fmt: skip
def test_the_answer_for_a_network(buckets, told):
    assert answer(**buckets) == f"Premier volet, au 15 mai 2021. {told}"


def test_of_a_strand_that_has_closed_nobody_is_still_to_be_written_to():
    closed = Strand(number=1, levels=(Level.SECONDARY,), closed_on=date(2021, 5, 14))
    for buckets, said in (
        ({"joined": 1, "none": 5, "solicited": 2}, "2 ont été sollicitées et n’ont pas répondu, 3 n’ont pas été soll"),
        ({"none": 1}, "elle n’a pas été sollicitée."),
    ):
        found = situation(**buckets)
        (told,) = group_answers(found, [closed], ["WBE"])
        assert said in plain(told.sentence)


@pytest.mark.parametrize(
    ("by", "code", "label", "named"),
    [
        (Grouping.NETWORK, "COCOF", "Officiel subventionné COCOF", "du réseau officiel subventionné COCOF"),
        (Grouping.ZONE, "Namur", "Namur", "de la zone Namur"),
        (Grouping.PROVINCE, "Liège", "Liège", "de la province de Liège"),
        (Grouping.PROVINCE, "Bruxelles", "Bruxelles", "de Bruxelles"),
        (Grouping.FEDERATION, "FELSI", "FELSI", "de la FELSI"),
        (Grouping.FEDERATION, "SeGEC", "SeGEC", "du SeGEC"),
        (Grouping.FEDERATION, OUTSIDE, "Sans fédération", "sans fédération"),
    ],
)
def test_groups_are_named_as_people_say_them(by, code, label, named):
    assert f"les 2 écoles {named} ont adhéré" in answer(by=by, code=code, label=label, joined=2)


@pytest.mark.parametrize(
    ("buckets", "told"),
    [
        ({"joined": 48, "none": 601}, "48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet."),
        ({"joined": 1, "declared": 3},
         "une des 4 écoles secondaires (25,0 %) a adhéré au premier volet, et 3 autres déclarent y adhérer."),
        ({"declared": 1, "none": 1},
         "aucune des 2 écoles secondaires n’a adhéré au premier volet, et 1 autre déclare y adhérer."),
        ({"joined": 2}, "les 2 écoles secondaires (100,0 %) ont adhéré au premier volet."),
        ({"joined": 1}, "la seule école secondaire a adhéré au premier volet."),
        ({"none": 1}, "la seule école secondaire n’a pas adhéré au premier volet."),
        ({"declared": 1}, "la seule école secondaire n’a pas adhéré au premier volet ; elle déclare y adhérer."),
        ({}, "aucune école n’est concernée par le premier volet."),
    ],
)  # fmt: skip
def test_the_sentence_of_a_strand(buckets, told):
    (sentence,) = situation_sentences(situation(**buckets), [STRAND])
    assert plain(sentence) == f"Au 15 mai 2021, {told}"


def test_a_sentence_names_the_moment_whose_knowledge_it_shows():
    found = situation(known_at=datetime(2021, 5, 20, 12, tzinfo=UTC), joined=1, none=1)
    text = plain(situation_sentences(found, [STRAND])[0])
    assert text.startswith("Au 15 mai 2021, d’après ce qui était enregistré le 20 mai 2021 à 14 h, une des 2 écoles")


def test_a_strand_that_is_not_open_yet_has_no_figure_and_no_answer():
    found = replace(situation(joined=1), openings={2: date(2021, 7, 31)})
    strands = [STRAND, Strand(number=2, levels=(Level.SECONDARY,), opened_on=date(2021, 7, 31))]
    assert plain(situation_sentences(found, strands)[1]) == "Le volet 2 s’ouvre le 31 juillet 2021."
    assert [one.strand for one in group_answers(found, strands, ["WBE"])] == [1]


def test_an_unknown_group_has_no_answer():
    assert group_answers(situation(joined=1), [STRAND], ["XYZ"]) == []


def test_schools_of_several_levels_are_called_so():
    levels = tuple(Level)
    assert kinds_of_schools(levels) == "maternelles, primaires et secondaires"
    several = Strand(number=1, levels=levels[:2])
    for counts, words in (
        ({"joined": 2, "none": 3}, "2 des 5 écoles maternelles et primaires (40,0 %) ont adhéré"),
        ({"joined": 1}, "la seule école maternelle ou primaire a adhéré"),
    ):
        text = of_strand(situation(**counts), several).sentence
        assert words in text.replace("\xa0", " ").replace("\u202f", " ")
