"""What click itself says, in French: it asks `gettext`, and this answers in place of a catalogue of the system."""

import sys
from collections.abc import Mapping

import click

from outreach.core.text.french import typeset

SPOKEN = tuple(
    f"{click.__name__}.{name}"
    for name in ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
)
PHRASES: Mapping[str, str] = {
    "Usage:": "Usage :",
    "Options": "Options",
    "Commands": "Commandes",
    "Positional arguments": "Arguments",
    "Show this message and exit.": "Montre cette aide.",
    "Show the version and exit.": "Montre la version.",
    "%(prog)s, version %(version)s": "%(prog)s, version %(version)s",
    "default: {default}": "par défaut : {default}",
    "required": "requis",
    "Try '{command} {option}' for help.": "L’aide : {command} {option}",
    "Error: {message}": "Erreur : {message}",
    "Aborted!": "Rien n’est confirmé : la commande s’est arrêtée.",
    "Missing command.": "Dites quelle commande.",
    "Missing argument": "Il manque l’argument",
    "Missing option": "Il manque l’option",
    "Missing parameter": "Il manque",
    "Choose from:\n\t{choices}": "Choisissez parmi :\n\t{choices}",
    "No such option {name!r}.": "L’option {name} n’existe pas.",
    "No such command {name!r}.": "La commande {name} n’existe pas.",
    "Did you mean {possibility}?": "Est-ce {possibility} ?",
    "(Did you mean one of: {possibilities}?)": "Est-ce l’une de celles-ci : {possibilities} ?",
    "Got unexpected extra argument ({args})": "« {args} » est de trop.",
    "Got unexpected extra arguments ({args})": "« {args} » sont de trop.",
    "Option {name!r} does not take a value.": "L’option {name} ne prend pas de valeur.",
    "Option {name!r} requires an argument.": "L’option {name} attend une valeur.",
    "Option {name!r} requires {nargs} arguments.": "L’option {name} attend {nargs} valeurs.",
    "Invalid value: {message}": "Valeur refusée : {message}",
    "Invalid value for {param_hint}: {message}": "Valeur refusée pour {param_hint} : {message}",
    "{value!r} is not {choice}.": "« {value} » n’est pas {choice}.",
    "{value!r} is not one of {choices}.": "« {value} » n’est pas l’une de ces valeurs : {choices}.",
    "{value!r} is not a valid {number_type}.": "« {value} » n’est pas un nombre entier.",
    "{value} is not in the range {range}.": "{value} n’est pas permis : {range}.",
    "file": "fichier",
    "directory": "dossier",
    "path": "chemin",
    "{name} {filename!r} does not exist.": "{name} « {filename} » introuvable.",
    "{name} {filename!r} is a file.": "« {filename} » est un fichier, et non un dossier.",
    "{name} {filename!r} is a directory.": "« {filename} » est un dossier, et non un fichier.",
    "{name} {filename!r} is not readable.": "{name} « {filename} » illisible : vérifiez les droits d’accès.",
    "{name} {filename!r} is not writable.": "{name} « {filename} » protégé : vérifiez les droits d’accès.",
}
_TYPESET = {phrase: typeset(said) for phrase, said in PHRASES.items()}


def speak() -> None:
    """Have click speak French from now on, whatever the system's language: before commands are declared."""
    for name in SPOKEN:
        vars(sys.modules[name]).update(_=_one, ngettext=_one_of)


def _one(phrase: str) -> str:
    return _TYPESET.get(phrase, phrase)


def _one_of(one: str, several: str, number: int) -> str:
    return _one(one if abs(number) < 2 else several)
