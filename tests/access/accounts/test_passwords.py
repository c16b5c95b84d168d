"""Passwords: what is guessed soon is refused, in a sentence that says what to choose."""

import threading
import time

import pytest

from outreach.access.accounts import passwords
from outreach.core.text.errors import InputError

WORDS = passwords.words_of("anaïs.lambert@fwb.example", "Anaïs Lambert", "campagnes.example", None)
ABOUT, SOON = "repose sur votre nom", "se devine vite"


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("aaaaaaaaaaaa", SOON),
        ("abcdefghijkl", SOON),
        ("qwertyuiop12", SOON),
        ("motdepasse123", ABOUT),
        ("AzertyUiop2026", ABOUT),
        ("anaïs.lambert@fwb.example", ABOUT),
        ("ANAIS.LAMBERT@fwb.example", ABOUT),
        ("Lambert Anaïs", ABOUT),
        ("anaislambert2024", ABOUT),
        ("trebmal.siana", ABOUT),
        ("Fédération2024", ABOUT),
        ("campagnes.example", ABOUT),
        ("Sensibilisation2026!", ABOUT),
        ("a" * 100, SOON),
        ("onze signes", "au moins 12 caractères"),
        ("", "au moins 12 caractères"),
        ("le chat dort sur le toit" * 6, "128 caractères au plus"),
        ("x" * 1_000_000, "128 caractères au plus"),
    ],
    ids=lambda text: text[:20],
)
def test_a_password_that_is_guessed_soon_is_refused(password, sentence):
    assert sentence in passwords.password_fault(password, WORDS)
    with pytest.raises(InputError, match=sentence):
        passwords.refuse_weak(password, WORDS)


@pytest.mark.parametrize(
    "password", ["le chat dort sur le toit", "WtX48oyI8CkY", "Été pluvieux à Rome", "x7" + "le chat dort" * 10]
)
def test_a_phrase_or_a_drawn_password_will_do(password):
    assert passwords.password_fault(password, WORDS) == ""


def test_characters_are_counted_as_people_see_them():
    for written in ("été à Nîmes", "e\u0301te\u0301 a\u0300 Ni\u0302mes"):
        assert "au moins 12" in passwords.password_fault(written, ()), "eleven, whatever the keyboard sends"
        assert passwords.password_fault(f"{written}…", ()) == ""


@pytest.mark.deep
def test_no_password_takes_long_to_judge():
    def seconds():
        begun = time.thread_time()
        for slow in ("p4$$w0rd+1|!7%2{[(<@86930$5", "4@8({[<369&1!|0$5+7%2", "a4@", "1!|l", "12/12/2012"):
            passwords.password_fault((slow * 40)[:128], WORDS)
        return time.thread_time() - begun

    assert any(seconds() < 5 for _ in range(3)), "a busy machine disturbs one measure, not all"


def test_words_of_one_person_judge_no_other_s_password():
    verdicts = []

    def judge(name):
        words = passwords.words_of(f"{name}@fwb.example", name)
        verdicts.extend((name, passwords.password_fault("kvothembre12", words) != "") for _ in range(40))

    threads = [threading.Thread(target=judge, args=(name,)) for name in ("kvothembre", "durand", "petit")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(verdicts) == {("kvothembre", True), ("durand", False), ("petit", False)}


@pytest.mark.long
def test_a_hash_that_versions_0_1_0_and_0_2_0_made_stays_valid():
    """By passlib, of a password in another form of Unicode than the one that is typed here."""
    made = "$argon2id$v=19$m=65536,t=3,p=4$KCUEoLTWWuvde28tpdR6zw$Yc8EO7Z4deZqMfT9mRmDF5249hQJnguOwMuiMJwx+tI"
    assert passwords.is_right("une clé pour l’été \ufb01n", made)
    assert passwords.is_right("une cle\u0301 pour l’e\u0301te\u0301 fin", made)
    assert not passwords.is_right("une cle pour l’ete fin", made)


@pytest.mark.parametrize("digest", ["", "x", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$"])
def test_what_is_no_hash_is_nobody_s_password(digest):
    assert not passwords.is_right("", digest)
    assert not passwords.is_right("x", digest)
