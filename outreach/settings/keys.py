"""Tells whether a key could be guessed: too short, too plain, or made of words that everybody tries."""

import re

SHORTEST = 32
LEAST_LEFT = 24  # characters of a key beside known words; one drawn at random holds a short word by chance at most
LEAST_DIFFERENT = 8  # characters; of 32 hexadecimal digits drawn at random, fewer differ once in a hundred million
KNOWN = re.compile(
    "change(?:me|z?moi|it|this)?|replace(?:me|this)?|remplace[rz]?(?:moi)?|secret|password|passphrase|passw(?:or)?d"
    "|motdepasse|outreach|sensibilisation|campagne|campaign|ministere|federation|wallonie|bruxelles|courriel"
    "|test(?:ing)?|ex[ae]mple|default|defaut|development|developpement|production|demo(?:nstration)?|trial|admin"
    "|session|signing|token|django|flask|random|aleatoire|please|your|votre|here|azerty|qwerty|letmein|bonjour"
    "|abc(?:defghijklmnopqrstuvwxyz|defghijklmnop|defgh|def)?|0?123456789(?:0|abcdef)?|0?12345(?:6(?:78?)?)?"
)
OTHER = re.compile(r"[\W_]+")


def is_long_enough(key: str) -> bool:
    """Whether a key has the length that every key must have."""
    return len(key) >= SHORTEST


def is_guessable(key: str) -> bool:
    """Whether a key of any length is a repetition, has few different characters, or is built on known words."""
    plain = OTHER.sub("", key.casefold())
    left = KNOWN.sub("", plain)
    is_repeated = key in (key + key)[1:-1]  # a whole number of times the same beginning
    return is_repeated or len(set(left)) < LEAST_DIFFERENT or len(left) < LEAST_LEFT
