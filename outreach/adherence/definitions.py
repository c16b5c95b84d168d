"""What the words of a situation mean, in French: the same on pages, in files and in notes."""

from outreach.adherence.situation import Bucket, Solicitation

KNOWN = "D’après ce qui était enregistré le"
OF_REACH = {"Ont réagi", "Présumés atteints"}
DEFINITIONS = (
    ("École concernée", "École inscrite au registre à cette date, qui organise le niveau visé par le volet."),
    ("PO", "Pouvoir organisateur d’au moins une école concernée à cette date."),
    *((one.label, one.facts.definition) for one in (*Bucket, Solicitation.UNSOLICITED, Solicitation.SOLICITED)),
    ("À la date", "À la fin de ce jour, heure de Bruxelles."),
    (
        KNOWN,
        "Selon ce qui était enregistré à ce moment, heure de Bruxelles. Les noms sont ceux d’aujourd’hui.",
    ),
    (
        "Zone, province",
        "Celles de l’école. Un pouvoir organisateur compte dans chaque zone où il a une école, une fois au total.",
    ),
    ("Fédération", "Celle qui représente le pouvoir organisateur pour le niveau visé par le volet."),
    ("Action", "Une vague de courriels. Ses nombres comptent des pouvoirs organisateurs, chacun une fois."),
    ("Visés", "Tous ceux que vise une vague partie, écartés compris."),
    ("Écrirait à", "Ceux à qui une vague prévue écrirait maintenant."),
    ("Destinataires", "Ceux à qui un courriel de la vague est parti, ou a été tenté."),
    ("Ont réagi", "Ont répondu, adhéré depuis leur courriel, été joints par téléphone ou suivi un lien avec accord."),
    ("Présumés atteints", "Rien n’est revenu du courriel depuis sept jours, de la lettre sur papier depuis dix."),
)
