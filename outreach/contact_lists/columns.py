"""The columns of a list of contacts, under the headers that ministries' exports give them.

Usual headers: fase;adresse;nom_po;nom_ecole;ecole;nom;prenom;fonction;type;telephone;usage;source;accord_par;accord_le;
accord_texte;accord_canal. The first two are required.
"""

from collections.abc import Callable, Mapping

from outreach.spreadsheets.tables import Grid, Sheet, interpret, normalised

REQUIRED = {"authority": "fase", "address": "adresse"}
# Of each field, its headers as `normalised` spells them, the surest first: where a file has several, the first counts,
# so that a postal "Adresse" beside a "Courriel", or a school's "Nom" beside a "Nom du contact", does no harm. A header
# of several fields is the first one's, so that "Nom" is an organisation's where another column names the person.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "authority": (
        *("n fase po", "fase po", "n fase pouvoir organisateur", "fase pouvoir organisateur", "code fase po", "n po"),
        *("n fase", "fase", "code fase", "po", "pouvoir organisateur"),
    ),
    "address": (
        *("adresse courriel", "adresse email", "adresse e mail", "adresse mail", "adresse electronique"),
        *("courriel", "courriel contact", "email", "e mail", "mail", "mel", "courrier electronique", "email contact"),
        *("boite", "boite mail", "boite courriel", "boite electronique", "adresse"),
    ),
    "school": (
        *("n fase ecole", "fase ecole", "n fase etablissement", "fase etablissement", "code fase ecole"),
        *("n ecole", "n etablissement", "ecole", "ecoles", "etablissement"),
    ),
    "name": (
        *("nom contact", "nom personne", "personne contact", "nom complet", "nom prenom", "prenom nom", "nom famille"),
        *("nom titulaire", "titulaire", "responsable", "contact", "personne", "nom"),
    ),
    "first_name": ("prenom contact", "prenom personne", "prenom"),
    "function": ("fonction contact", "fonction", "fonctions", "qualite", "role", "titre"),
    "kind": ("type boite", "nature boite", "type contact", "type adresse", "nature", "type"),
    "phone": (
        *("telephone contact", "n telephone", "n tel", "telephone", "tel", "phone"),
        *("telephone direct", "n gsm", "gsm", "telephone mobile", "mobile"),
    ),
    "usage": ("usage boite", "usage", "usages", "utilisation"),
    "source": ("source", "origine", "provenance"),
    "organisation": (
        *("nom po", "nom pouvoir organisateur", "denomination po", "denomination pouvoir organisateur", "intitule po"),
        *("pouvoir organisateur", "po", "organisation", "organisme", "institution", "denomination", "intitule"),
        "nom",
    ),
    "school_name": (
        *("nom ecole", "nom etablissement", "denomination ecole", "denomination etablissement", "intitule ecole"),
        *("etablissement", "ecole", "etablissement scolaire"),
    ),
    "consent_by": ("accord par", "accord donne par"),
    "consent_on": ("date accord", "accord date", "accord"),
    "consent_words": ("accord texte", "texte accord"),
    "consent_channel": ("accord canal", "canal accord", "accord moyen"),
}
UNUSED = {
    *("erreur", "reseau"),
    *("adresse po", "adresse ecole", "adresse etablissement", "adresse postale", "rue", "code postal", "localite"),
    *("commune", "province", "zone", "n bce", "bce", "federation", "federations"),
}


def sheet_of(grid: Grid) -> Sheet:
    """The cells of a list by what they mean. Raises InputError, with the columns at fault."""
    return interpret(grid, _matching(grid.header), REQUIRED)


def _matching(header: list[str]) -> Callable[[str], str | None]:
    """Gives the field each header of a file stands for, '' for one that is not used, None for an unknown one."""
    there = {normalised(name) for name in header}
    fields: dict[str, str] = dict.fromkeys((*UNUSED, *(name for names in HEADERS.values() for name in names)), "")
    for field, names in HEADERS.items():
        fields |= dict.fromkeys([name for name in names if name in there and not fields[name]][:1], field)
    return lambda name: fields.get(normalised(name))
