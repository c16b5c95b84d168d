"""What the words of a situation mean, in French: the same on pages, in files and in notes."""

KNOWN = "D’après ce qui était enregistré le"
DEFINITIONS = (
    ("École concernée", "École inscrite au registre à cette date, qui organise le niveau visé par le volet."),
    ("PO", "Pouvoir organisateur d’au moins une école concernée à cette date."),
    ("Adhéré", "Le service a confirmé que l’école a adhéré au volet, au plus tard à cette date."),
    (
        "Adhésion déclarée",
        "Le pouvoir organisateur déclare que l’école adhère ; le service ne l’a pas encore confirmé.",
    ),
    ("En préparation", "L’école prépare son adhésion."),
    ("Marché lancé", "Le marché public est lancé par l’école ou son pouvoir organisateur."),
    ("Refus", "L’école n’adhère pas."),
    ("A pris connaissance", "Le pouvoir organisateur a lu l’invitation, sans autre réponse."),
    ("Non concerné", "L’école n’entre pas dans le volet : elle ne compte pas dans les pourcentages."),
    (
        "Sans réponse",
        "Rien n’est enregistré pour l’école à cette date : elle n’a pas encore été sollicitée, ou n’a pas répondu.",
    ),
    ("Pas encore sollicitée", "Sans réponse, et aucun courriel d’une campagne sur le volet ne l’a encore citée."),
    (
        "Courriel reçu, sans réponse",
        "Sans réponse, alors qu’un courriel d’une campagne sur le volet, parti et non revenu, la citait.",
    ),
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
