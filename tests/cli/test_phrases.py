"""What click says of words that cannot be, and in its help, is French."""

import ast
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from outreach.cli.main import commands
from outreach.cli.phrases import PHRASES, SPOKEN

ADD = ("user", "add", "a@x.be", "--name", "A")


def run(*arguments):
    outcome = CliRunner().invoke(commands, arguments, prog_name="./run")
    return outcome.exit_code, outcome.output.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("contats",), "La commande contats n’existe pas."),
        (("contacts", "imprt"), "La commande imprt n’existe pas. Est-ce 'import' ?"),
        (("contacts", "undo", "--yess"), "L’option --yess n’existe pas. Est-ce l’une de celles-ci : '--as', '--yes' ?"),
        (("contacts", "undo", "--yes=1"), "L’option --yes ne prend pas de valeur."),
        (("contacts", "undo", "--as"), "L’option --as attend une valeur."),
        (("contacts", "undo", "x"), "« x » est de trop."),
        (("contacts", "undo", "x", "y"), "« x y » sont de trop."),
        (("contacts", "import"), "Il manque l’argument 'FICHIER'."),
        (("contacts", "import", "/none.csv"), "Valeur refusée pour 'FICHIER' : Fichier « /none.csv » introuvable."),
        (("contacts", "import", "/"), "Valeur refusée pour 'FICHIER' : « / » est un dossier, et non un fichier."),
        (ADD, "Il manque l’option '--role'. Choisissez parmi :"),
        ((*ADD, "--role", "x"), "Valeur refusée pour '--role' : « x » n’est pas l’une de ces valeurs : '"),
        (("backup", "x", "--keep", "y"), "Valeur refusée pour '--keep' : « y » n’est pas un nombre entier."),
        (("backup", "x", "--keep", "0"), "Valeur refusée pour '--keep' : 0 n’est pas permis : 1<=x<=3650."),
    ],
)
def test_the_usual_errors_are_french_sentences(arguments, said):
    status, output = run(*arguments)
    _, _, error = output.partition("Erreur : ")
    assert (status, error.startswith(said)) == (2, True), output


def test_the_help_is_french_and_each_error_leads_to_it():
    _, shown = run("contacts", "--help")
    for said in ("Usage : ./run contacts", "Commandes:", "Montre cette aide."):
        assert said in shown
    assert "L’aide : ./run contacts undo --help" in run("contacts", "undo", "x")[1]


def test_each_phrase_is_one_that_click_says():
    trees = [ast.parse(Path(sys.modules[name].__file__).read_text("utf-8")) for name in SPOKEN]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert PHRASES.keys() <= texts
