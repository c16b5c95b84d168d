import pytest

from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.directory import contacts
from outreach.directory.contacts import InUse

USED = InUse(
    [
        ("direction@athenee-royal.be", 9301),
        ("secretariat@athenee-royal.be", 9301),
        ("info@commune12.be", 9302),
        ("partage@ecoles.be", 9302),
        ("partage@ecoles.be", 9303),
        ("partage@ecoles.be", 9304),
        ("partage@ecoles.be", 9305),
        ("partage@ecoles.be", 9306),
        ("x@gmial.com", 9307),
    ]
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("A.Dupont@gmial.com", "A.Dupont@gmail.com"),  # although one such address is in use
        ("a@gmal.com", "a@gmail.com"),
        ("a@hotmial.con", "a@hotmail.com"),
        ("a@athene-royal.be", "a@athenee-royal.be"),
    ],
)
def test_a_domain_that_resembles_another_is_asked_about_and_not_refused(typed, meant):
    judged = contacts.weigh(judge(typed), USED, fase=9300)
    assert (judged.address, judged.meant) == (typed, meant)
    domains = [address.rpartition("@")[2] for address in (typed, meant)]
    assert judged.warnings == (f"Le domaine « {domains[0]} » ressemble à un autre : « {domains[1]} » ?",)


@pytest.mark.parametrize(
    "typed",
    ["a@gmail.com", "a@ymail.com", "a@hotmail.nl", "a@commune13.be", "a@athenee-royal.be", "a@mon-ecole.be", "a@vo.be"],
)
def test_a_domain_that_is_known_or_that_resembles_none_is_not_doubted(typed):
    judged = contacts.weigh(judge(typed), USED, fase=9300)
    assert (judged.meant, judged.warnings) == ("", ())


def test_an_address_of_another_authority_is_remarked_with_whose_it_is():
    assert contacts.weigh(judge("Info@Commune12.be"), USED, fase=9300).warnings == ("Déjà utilisée par PO 9302.",)
    assert contacts.weigh(judge("info@commune12.be"), USED, fase=9302).warnings == ()
    assert contacts.weigh(judge("x@gmial.com"), USED, fase=9307).warnings == (), "its authority has it already"
    (several,) = contacts.weigh(judge("partage@ecoles.be"), USED, fase=9300).warnings
    assert several == "Déjà utilisée par PO 9302, PO 9303, PO 9304 et 2 autres."


def test_what_is_no_address_is_refused_and_mixed_writing_still_asks_for_a_second_person():
    with pytest.raises(InputError):
        contacts.weigh(judge("a@localhost"), USED, fase=9300)
    assert contacts.weigh(judge("directiоn@ecole.be"), USED, fase=9300).mixed_writing
