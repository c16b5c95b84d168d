"""The columns of a list of contacts, under the headers that ministries' exports give them.

Usual headers: fase;adresse;nom_po;nom_ecole;ecole;nom;prenom;fonction;type;telephone;usage;source. The
first two are required.
"""

from outreach.directory.stated_names import SCHOOL_NAMES
from outreach.spreadsheets import mending
from outreach.spreadsheets.headers import Headers, Heading

# Of each field, its headers as `normalised` spells them, the surest first: where a file has several, the first counts,
# so that a postal "Adresse" beside a "Courriel", or a school's "Nom" beside a "Nom du contact", does no harm. A header
# of several fields is the first one's, so that "Nom" is an organisation's where another column names the person.
FIELDS = {
    "authority": Heading(
        "fase",
        (
            *(
                "n fase po",
                "fase po",
                "n fase pouvoir organisateur",
                "fase pouvoir organisateur",
                "code fase po",
                "n po",
            ),
            *("n fase", "fase", "code fase", "po", "pouvoir organisateur"),
        ),
        required=True,
        mend=mending.fase,
        words="numéro FASE du PO",
        carried=True,
    ),
    "address": Heading(
        "adresse",
        (
            *("adresse courriel", "adresse email", "adresse e mail", "adresse mail", "adresse electronique"),
            *(
                "courriel",
                "courriel contact",
                "email",
                "e mail",
                "mail",
                "mel",
                "courrier electronique",
                "email contact",
            ),
            *("boite", "boite mail", "boite courriel", "boite electronique", "adresse"),
        ),
        required=True,
        mend=mending.addresses,
        words="adresse e-mail",
        holds=lambda cell: "@" in cell,
        told_by={"mail", "email", "courriel", "mel", "electronique"},
        is_several=True,
        won_by={"po", "pouvoir"},
        last={"prive", "privee", "perso", "personnel", "personnelle", "domicile", "ancien", "ancienne"},
        belonging={"ecole", "etablissement", "implantation"},
        beside="school",
        rule="Un titre qui dit le PO l’emporte ; l’adresse d’une école, privée ou ancienne ne compte que sans autre",
    ),
    "school": Heading(
        "ecole",
        (
            *("n fase ecole", "fase ecole", "n fase etablissement", "fase etablissement", "code fase ecole"),
            *("n ecole", "n etablissement", "ecole", "ecoles", "etablissement"),
        ),
        mend=mending.fase,
        words="numéro FASE de l’école",
    ),
    "name": Heading(
        "nom",
        (
            *(
                "nom contact",
                "nom personne",
                "personne contact",
                "nom complet",
                "nom prenom",
                "prenom nom",
                "nom famille",
            ),
            *("nom titulaire", "titulaire", "responsable", "contact", "personne", "nom"),
        ),
        words="nom de la personne",
    ),
    "first_name": Heading("prenom", ("prenom contact", "prenom personne", "prenom"), words="prénom"),
    "function": Heading(
        "fonction", ("fonction contact", "fonction", "fonctions", "qualite", "role", "titre"), words="fonction"
    ),
    "kind": Heading(
        "type",
        ("type boite", "nature boite", "type contact", "type adresse", "nature", "type"),
        words="type de boîte (fonction ou personne)",
    ),
    "phone": Heading(
        "telephone",
        (
            *("telephone contact", "n telephone", "n tel", "telephone", "tel", "phone"),
            *("telephone direct", "n gsm", "gsm", "telephone mobile", "mobile"),
        ),
        mend=mending.phone,
        words="téléphone",
    ),
    "usage": Heading("usage", ("usage boite", "usage", "usages", "utilisation"), words="usage de la boîte"),
    "source": Heading("source", ("source", "origine", "provenance"), words="source"),
    "organisation": Heading(
        "nom_po",
        (
            *(
                "nom po",
                "nom pouvoir organisateur",
                "denomination po",
                "denomination pouvoir organisateur",
                "intitule po",
            ),
            *("pouvoir organisateur", "po", "organisation", "organisme", "institution", "denomination", "intitule"),
            "nom",
        ),
        words="nom du PO",
        carried=True,
    ),
    "school_name": Heading("nom_ecole", SCHOOL_NAMES, words="nom de l’école"),
}
UNUSED = {
    *("erreur", "reseau"),
    *("adresse po", "adresse ecole", "adresse etablissement", "adresse postale", "rue", "code postal", "localite"),
    *("commune", "province", "zone", "n bce", "bce", "federation", "federations"),
    # An agreement to be measured is recorded on the authority's sheet, with its proof.
    *("accord par", "accord le", "accord texte", "accord canal"),
}
HEADERS = Headers(FIELDS, UNUSED)
