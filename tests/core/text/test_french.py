from datetime import UTC, date, datetime

import pytest
from jinja2 import Environment

from outreach.core.text import french
from outreach.web.ui import templates


@pytest.mark.parametrize(
    ("plain", "set_well"),
    [
        ("Vraiment ?", "Vraiment\u202f?"),
        ("Oui ; non !", "Oui\u202f; non\u202f!"),
        ("Zone : « Liège »", "Zone\u00a0: «\u00a0Liège\u00a0»"),
        ("75 € ou 5 % de 400", "75\u00a0€ ou 5\u00a0% de 400"),
        ("(% if une_école %)", "(% if une_école %)"),
        ("http://x.be", "http://x.be"),
    ],
)
def test_spaces_become_the_ones_french_wants(plain, set_well):
    assert french.typeset(plain) == set_well


def test_templates_are_typeset_without_touching_their_code():
    environment = Environment(extensions=[templates.Typography], autoescape=True)
    source = "{% if a != b %}Nom : {{ 'x ? y' if a else b }} !{% endif %}"
    assert environment.from_string(source).render(a=1, b=2) == "Nom\u00a0: x ? y\u202f!"


def test_numbers_dates_and_hours():
    assert french.number(1234567) == "1\u202f234\u202f567"
    assert [french.number(each) for each in (999, 1000, -1234, 2.0)] == ["999", "1\u202f000", "-1\u202f234", "2"]
    assert [french.number(each) for each in (0.5, 1234.5678, 0.0004)] == ["0,5", "1\u202f234,568", "0"]
    assert [french.decimal(each, 1) for each in (7.39, 0.25, 1234.0)] == ["7,4", "0,2", "1234,0"]
    assert french.spelt_day(date(2021, 8, 1), french.SHORT) == "1er\u00a0août"
    assert french.spelt_day(date(2021, 2, 28), french.OF_YEAR) == "28 février"
    assert french.short_month(date(2026, 11, 3)) == "nov. 2026"
    assert french.weekdayname(date(2021, 6, 6)) == "dimanche"
    assert french.day(date(2021, 6, 1)) == "1er\u00a0juin 2021"
    assert french.day(date(2021, 6, 11)) == "11 juin 2021"
    assert french.weekday(date(2021, 6, 1)) == "mardi 1er\u00a0juin 2021"
    assert french.hour(datetime(2021, 6, 1, 12, 30, tzinfo=UTC)) == "14\u00a0h\u00a030"
    assert french.hour(datetime(2021, 1, 1, 8, 0, tzinfo=UTC)) == "9\u00a0h"
    assert french.day(datetime(2021, 5, 31, 22, 30, tzinfo=UTC)) == "1er\u00a0juin 2021"
    assert french.company_number("0206582284") == "0206.582.284"


@pytest.mark.parametrize(
    ("count", "whole", "words"),
    [
        (57, 247, "57 sur 247 = 23\u00a0%"),
        (1, 1247, "1 sur 1\u202f247 = moins de 1\u00a0%"),
        (1246, 1247, "1\u202f246 sur 1\u202f247 = plus de 99\u00a0%"),
        (5, 5, "5 sur 5 = 100\u00a0%"),
        (0, 5, "0 sur 5 = 0\u00a0%"),
        (0, 0, "0 sur 0"),
    ],
)
def test_a_part_is_never_rounded_to_none_or_all(count, whole, words):
    assert french.part(count, whole) == words.replace(" ", "\u00a0")


@pytest.mark.parametrize(("count", "words"), [(0, "0\u00a0école"), (1, "1\u00a0école"), (2, "2\u00a0écoles")])
def test_zero_is_singular(count, words):
    assert french.plural(count, "école") == words


@pytest.mark.parametrize(
    ("plain", "set_well"),
    [
        ("(FASE 9357), FASE \ue003", "(FASE\u00a09357), FASE\u00a0\ue003"),
        ("le 19 décembre 2026, le 1er juin", "le 19\u00a0décembre\u00a02026, le 1er\u00a0juin"),
        ("1 210 000 € en 2021, pour 400 élèves :", "1\u202f210\u202f000\u00a0€ en 2021, pour 400 élèves\u00a0:"),
        ('style="padding:16px 32px;margin:0 600px"', 'style="padding:16px 32px;margin:0 600px"'),
    ],
)
def test_a_letter_breaks_no_number_nor_date(plain, set_well):
    assert french.typeset_letter(plain) == set_well


@pytest.mark.parametrize(
    ("written", "linked"),
    [
        *(("02 690 81 23", "+3226908123"), ("0475/12.34.56", "+32475123456"), ("+32 (0)2 690 81 23", "+3226908123")),
        *(("0032 2 690 81 23", "+3226908123"), ("02 690 81 23 (poste 12)", ""), ("112", ""), ("", "")),
        ("02\u00a0690\u00a081\u00a023 ou 02 690 81 24", ""),
    ],
)
def test_a_telephone_number_is_linked_where_it_is_one(written, linked):
    assert french.international(written) == linked


def test_a_size_is_read_in_the_unit_that_suits_it():
    sizes = [
        french.size(octets).replace("\u202f", " ").replace("\xa0", " ") for octets in (1, 3_400_000, 80_094_800_000)
    ]
    assert sizes == ["0,1 Mo", "3,4 Mo", "80,1 Go"]
