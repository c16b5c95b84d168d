"""The sample with a second programme, whose codes, strands and joinings are others than those of the first."""

import re

from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.core import tables
from outreach.core.tables import open_import
from outreach.core.text.dates import today
from tests import application  # noqa: F401 - it makes the state that this one is made from
from tests.conftest import NOW, state_from
from tests.factories import AUTHOR

FIRST, SECOND, NAME = "mes-outils-numeriques", "plan-lecture", "Plan lecture"
JOINED = (80001, 80002, 80003)
OWN = "Mes outils numériques"  # what the first is called
BARE = re.compile(rf"(?<!{OWN}, )(?<!{NAME}, )\bvolet \d{{1,2}}\b(?! du programme « ({OWN}|{NAME}) »)", re.IGNORECASE)
"""A strand of which nothing says the programme."""
PROGRAMME = f"""
code = "{SECOND}"
name = "{NAME}"
[[strands]]
number = 1
name = "Bibliothèques de classe"
circular = "7102"
opened_on = 2021-03-01
[[strands]]
number = 2
name = "Lectures partagées"
circular = "7103"
opened_on = 2021-04-01
level = "primary"
"""
NURSERY = """
code = "premiers-mots"
name = "Premiers mots"
[[strands]]
number = 1
name = "Premiers mots"
opened_on = 2021-05-01
level = "nursery"
"""


@state_from("launched_sample")
def two_programmes(database, _settings):
    """The sample with its launched invitation, and a second programme that three schools have joined."""
    with database.writing() as session:
        second = programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
        rows = [f"{fase};1;adhéré;10/05/2021;Formulaire;" for fase in JOINED]
        sent = open_import("\r\n".join(["fase;volet;statut;date;source;motif", *rows]).encode(), HEADERS)
        kind = JoiningLists(today(NOW))
        tables.take_over(session, kind, sent, now=NOW, actor=AUTHOR, programme_id=second.id)
