"""The first page of the administration: a link to each of its subjects."""

from flask import Blueprint, render_template

from outreach.core.text.roles import RoleName
from outreach.web.ui.request import needs

pages = Blueprint("administration", __name__, url_prefix="/administration")
# A view, the name of its page, and what is done there. `PLACES` in `web/ui/bar.py` names the blueprints.
SUBJECTS = (
    ("accounts.index", "Comptes", "Qui peut entrer, et ce que chacun peut faire."),
    (
        "api_keys.index",
        "Accès des programmes",
        "Les clés par lesquelles d’autres programmes lisent le service, ou lui envoient des adhésions.",
    ),
    (
        "hook_senders.index",
        "Adhésions envoyées",
        "Les services qui en envoient d’eux-mêmes, et ce qui arrive.",
    ),
    ("pushes.index", "Évènements poussés", "Les programmes auxquels le service dit de lui-même ce qui se passe."),
    ("programmes.index", "Programmes", "Les volets, depuis quand ils sont ouverts, et ce qu’ils demandent."),
    ("closures.index", "Fermetures", "Les jours où rien ne part, ceux du calendrier et ceux que vous ajoutez."),
    (
        "statements.index",
        "Pages publiques",
        "Ce que le service dit de la protection des données et de l’accessibilité.",
    ),
    ("letterhead.index", "En-tête", "Le logo et les lignes que portent les pages et les notes."),
    ("retention.index", "Conservation", "Ce que le service efface de lui-même, et après combien de temps."),
    ("persons.index", "Personnes", "Ce que le service sait d’une adresse, à remettre ou à effacer."),
    ("trail.index", "Journal des accès", "Qui est entré, qui n’a pas pu, ce qui a été refusé, exporté ou lu."),
)


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    return render_template("pages/administration/index.html", subjects=SUBJECTS)
