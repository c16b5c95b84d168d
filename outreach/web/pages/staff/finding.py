"""One box to find anything: on each page of staff by Ctrl+K, and on a page that needs no script."""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_login import current_user

from outreach.core import site
from outreach.core.text.roles import RoleName
from outreach.delivery.letters import Keys
from outreach.operations import finding
from outreach.operations.finding import Found, FoundKind, FoundPage
from outreach.web.pages.staff.guide import BASE
from outreach.web.ui.pager import sought
from outreach.web.ui.request import needs, opens, reading, settings

pages = Blueprint("finding", __name__, url_prefix="/search")
MOST_SECTIONS = 5  # of the guide, under what was found
VIEWS = {  # of what has a number
    FoundKind.AUTHORITY: ("directory.authority", "fase"),
    FoundKind.SCHOOL: ("schools.index", "fase"),
    FoundKind.CAMPAIGN: ("campaigns.campaign", "number"),
    FoundKind.NOTE: ("notes.note", "note_id"),
    FoundKind.ANSWER: ("responses.response", "number"),
    FoundKind.LETTER: ("history.index", "fase"),
}
PAGES = (  # a view, the name of its page, other words for it
    ("today.index", "Aujourd’hui", "à faire tâches attend"),
    ("situation.index", "Situation", "adhésions réseau parlement accueil"),
    ("situation.why", "Pourquoi ce chiffre a changé", "différence écart comparer deux jours"),
    ("situation.all_actions", "Actions menées et prévues", "atteints vagues fait prévu"),
    ("adherence.index", "Importer des adhésions", "liste import fichier statuts"),
    ("notes.index", "Notes", "note parlementaire question"),
    ("campaigns.index", "Campagnes", "vagues relances envois"),
    ("campaigns.new", "Nouvelle campagne", "commencer écrire créer"),
    ("segments.index", "Segments", "listes public enregistré"),
    ("directory.index", "Annuaire", "pouvoirs organisateurs écoles po"),
    ("reachability.index", "État des boîtes", "adresses échec rejet sans contact injoignables"),
    ("exclusions.index", "Liste d’exclusion", "désinscrits exclus ne plus écrire"),
    ("contact_lists.index", "Importer des contacts", "liste adresses fichier import"),
    ("register.index", "Registre", "éditions importer fase officiel"),
    ("proposals.index", "Propositions", "fédérations corrections reçues"),
    ("calendar.index", "Calendrier", "dates départs agenda"),
    ("responses.index", "Réponses", "boîte de réception traiter"),
    ("mails.index", "Courriels reçus", "messages à rattacher"),
    ("texts.index", "Textes préparés", "modèles réponses types"),
    ("jobs.index", "Fichiers préparés", "travaux jobs grands export"),
    ("account.index", "Votre compte", "mot de passe sessions profil"),
    ("deputies.index", "Remplaçants", "absence délégation valider"),
    ("second_factor.index", "Second facteur", "téléphone code connexion"),
    ("guide.index", "Aide", "guide mode d’emploi"),
    ("administration.index", "Administration", "réglages"),
    ("accounts.index", "Comptes", "inviter collègues rôles utilisateurs"),
    ("trail.index", "Journal des accès", "connexions entrées consulté"),
    ("persons.index", "Personnes", "rgpd effacer données droit oubli adresse"),
    ("programmes.index", "Programmes", "volets circulaire"),
    ("closures.index", "Fermetures", "congés jours fériés vacances"),
    ("retention.index", "Conservation", "durées effacement archives"),
    ("statements.index", "Pages publiques", "accessibilité protection données vie privée"),
    ("letterhead.index", "En-tête", "logo ministère"),
    ("api_keys.index", "Accès des logiciels", "clés api logiciels"),
    ("hook_senders.index", "Adhésions envoyées", "plateforme webhooks"),
    ("pushes.index", "Évènements poussés", "webhooks logiciels"),
)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    text = sought(request)
    found: list[Found] = []
    if text:
        kinds = [kind for kind, (view, _) in VIEWS.items() if _is_open(view)]
        with reading() as session:
            found = finding.find(session, text, _pages(), Keys(settings().signing_keys), kinds)
    return render_template(
        "pages/finding.html",
        text=text,
        found=[(one, _address(one)) for one in found],
        sections=site.search_guide(text, BASE)[:MOST_SECTIONS] if text else [],
        base=BASE,
    )


def _pages() -> list[FoundPage]:
    """The pages that the person who is signed in may open."""
    return [FoundPage(name, words, url_for(view)) for view, name, words in PAGES if _is_open(view)]


def _is_open(view: str) -> bool:
    """Whether the person may open a view: by scope, and by the roles that it asks for."""
    roles = getattr(current_app.view_functions[view], "roles", ())
    return opens(view) and (current_user.access_scope is not None or current_user.holds(*roles))


def _address(one: Found) -> str:
    if one.kind is FoundKind.PAGE:
        return str(one.where)
    view, name = VIEWS[one.kind]
    values: dict[str, Any] = {name: one.where}
    return url_for(view, **values)
