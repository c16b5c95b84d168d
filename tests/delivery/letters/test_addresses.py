import pytest

from outreach.core.text.addresses import SeveralAddresses, judge, masked
from outreach.core.text.errors import InputError


def test_an_accented_domain_goes_to_the_wire_in_ascii():
    judged = judge("directeur@école.be")
    assert (judged.address, judged.ascii) == ("directeur@école.be", "directeur@xn--cole-9oa.be")


def test_an_accented_mailbox_is_kept_and_has_no_ascii_form():
    judged = judge("prénom@ecole.be")
    assert (judged.address, judged.ascii) == ("prénom@ecole.be", "")


@pytest.mark.parametrize("text", [" a@ecole.be", "a@ecole.be\u00a0", "\u200ba@ecole.be", "a@ecole.be\ufeff "])
def test_stray_spaces_are_taken_off_and_reported(text):
    judged = judge(text)
    assert judged.address == "a@ecole.be"
    assert judged.notes == ("Des espaces autour de l’adresse ont été retirés.",)


@pytest.mark.parametrize(
    "text", ["mailto:a@ecole.be", "<a@ecole.be>", "<<a@ecole.be>>", "a@ecole.be.", "a @ ecole.be", "a@ecole.be;"]
)
def test_a_typed_address_is_mended_as_in_a_file_and_that_is_reported(text):
    judged = judge(text)
    assert (judged.address, judged.notes) == ("a@ecole.be", (f"« {text} » est lu « a@ecole.be ».",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a",
        "a@",
        "@ecole.be",
        "a b@ecole.be",
        "x" * 65 + "@ecole.be",
        "a@ecole.be\r\nBcc: x@y.be",
        '"a b"@ecole.be',
        "a(comment)@ecole.be",
        "a@localhost",
        "a@[127.0.0.1]",
        "a@test",
        "a@x.invalid",
        "ﬁ@ecole.be",
        "a@ecole.be\x00",
        "a\ud800@ecole.be",
        "x" * 10_000,
        "a@" + "x" * 250 + ".be",
        "a@@ecole.be",
        "a@ecole..be",
    ],
)
def test_what_is_no_address_is_refused_in_french(text):
    with pytest.raises(InputError) as refusal:
        judge(text)
    assert str(refusal.value).endswith(".")


def test_reserved_domains_pass_in_a_demonstration_only():
    assert judge("a@example.com").address == "a@example.com"
    for address in ("a@example.com", "a@adm.fwb.example"):
        with pytest.raises(InputError, match="réservé aux exemples"):
            judge(address, examples=False)


def test_a_missing_domain_is_named():
    with pytest.raises(InputError, match="il manque le domaine"):
        judge("direction@")


@pytest.mark.parametrize("text", ["a@x.be,b@x.be", "a@x.be; b@x.be", "a@x.be et b@x.be"])
def test_two_addresses_are_offered_one_by_one(text):
    with pytest.raises(SeveralAddresses) as refusal:
        judge(text)
    assert refusal.value.addresses == ["a@x.be", "b@x.be"]


@pytest.mark.parametrize("text", ["Dupont, Anne <a@x.be>, b@x.be", "b@x.be; Dupont, Anne <a@x.be>"])
def test_two_addresses_are_two_where_a_name_has_a_comma(text):
    with pytest.raises(SeveralAddresses) as refusal:
        judge(text)
    assert sorted(refusal.value.addresses) == ["Anne <a@x.be>", "b@x.be"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Direction <a@ecole.be>", "Direction"),
        ('"Dupont, Direction" <a@ecole.be>', "Dupont, Direction"),
        ("Dupont, Jean <a@ecole.be>", "Dupont, Jean"),
        ('Dupont, Jean "le" <a@ecole.be>', 'Dupont, Jean "le"'),
        (r'"Jean \"le\" Dupont" <a@ecole.be>', 'Jean "le" Dupont'),
        ("<a@ecole.be>", ""),
        ("a@ecole.be <a@ecole.be>", "a@ecole.be"),
        ("Anne et Paul <a@ecole.be>", "Anne et Paul"),
        ("École (secrétariat) < a@ecole.be >", "École (secrétariat)"),
    ],
)
def test_a_display_name_is_read_beside_the_address(text, name):
    judged = judge(text)
    assert (judged.address, judged.display_name) == ("a@ecole.be", name)


@pytest.mark.parametrize("text", ["x <>", "x <a>", "x <a@ecole.be> y"])
def test_what_only_looks_like_a_name_and_an_address_is_refused(text):
    with pytest.raises(InputError):
        judge(text)


@pytest.mark.parametrize("text", ["b-abc@Courriel.example", "U-ABC@courriel.example", "x <b-@courriel.example>"])
def test_an_address_that_the_service_reads_itself_is_refused(text):
    with pytest.raises(InputError, match="relève lui-même"):
        judge(text, ours="courriel.example")
    assert judge(text, ours="autre.example").ascii
    assert judge("bureau@courriel.example", ours="courriel.example").ascii


@pytest.mark.parametrize("text", ["а@ecole.be", "a@еcole.be"])
def test_look_alike_letters_are_warned_of(text):
    assert judge(text).mixed_writing
    assert "Écriture mélangée" in judge(text).warnings[0]


@pytest.mark.parametrize(
    "text", ["a@ecole。be", "-a@ecole.be", "=cmd@ecole.be", "a+tag@ecole.be", "a%b@ecole.be", "o'neil@ecole.be"]
)
def test_unusual_and_lawful_addresses_are_kept(text):
    assert judge(text).address.endswith("@ecole.be")


def test_addresses_compare_without_case_and_keep_theirs():
    upper, lower = judge("A.B@Ecole.be"), judge("a.b@ecole.be")
    assert upper.key == lower.key
    assert upper.address == "A.B@ecole.be"


@pytest.mark.parametrize("name", ["MAILER-DAEMON", "noreply", "abuse", "postmaster"])
def test_a_robot_s_mailbox_is_warned_of(name):
    assert "automate" in judge(f"{name}@ecole.be").warnings[0]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("direction@ecole.be", "d…@e…be"),
        ("po009001@adm.fwb.example", "p…@a…example"),
        ("élève@école.be", "é…@é…be"),
        ("abc@ab.be", "a…@…be"),
        ("po@ecole.be", "…@e…be"),
        ("a@x.be", "…@…be"),
    ],
)
def test_a_masked_address_shows_a_letter_on_each_side_and_of_short_names_none(address, shown):
    assert masked(address) == shown


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Info@Straße.be", "info@straße.be"),
        ("info@STRASSE.be", "info@strasse.be"),
        ("Groß@ecole.be", "gross@ecole.be"),
        ("a@xn--strae-oqa.be", "a@straße.be"),
        ("a@νόμος.be", "a@νόμος.be"),
    ],
)
def test_what_makes_two_domains_is_not_folded_into_one(address, key):
    assert judge(address).key == key
