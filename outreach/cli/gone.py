"""Commands that are no more: for one version, each says what takes its place, whatever words it is called with."""

from collections.abc import Sequence

import click

from outreach.core.text.errors import Refused

CHECKED = "l’étape « Vérifier » de la campagne le fait"
FOLLOWED = "la page de la campagne le fait"
PLANNED = "l’étape « Vérifier » d’une campagne donne son plan : ce qui part, quand, et à combien de PO"
CLOSURES = "« Fermetures », dans l’administration, le fait"
CONSENTS = "« Mesure », sur la fiche du pouvoir organisateur, le fait"
KEYS = "« Accès des logiciels », dans l’administration, le fait"
ACCOUNTS = "« Comptes », dans l’administration, le fait"
GONE = {
    "api": KEYS,
    "campaign approve": "une campagne se valide sur sa page, par une personne qui s’y connecte",
    "campaign cancel": FOLLOWED,
    "campaign close": FOLLOWED,
    "campaign forecasts": PLANNED,
    "campaign leave-out": "l’étape « Vérifier » de la campagne écarte des PO, par une exception",
    "campaign pause": FOLLOWED,
    "campaign reactions": "« Destinataires », sur la page de la campagne, les montre, et en donne le fichier",
    "campaign rehearse": PLANNED,
    "campaign restore": FOLLOWED,
    "campaign resume": FOLLOWED,
    "campaign retry": "la page de la campagne renvoie les échecs et les doutes d’une vague",
    "campaign schedule": CHECKED,
    "campaign submit": CHECKED,
    "closure": CLOSURES,
    "consent": CONSENTS,
    "directory reachability": "« État des boîtes », dans l’annuaire, le montre, et en donne le fichier",
    "letter": "« Écrire », sur la fiche d’un pouvoir organisateur, le fait",
    "note correct": "« Corriger », sur la page de la note, en prépare une autre",
    "note make": "« Préparer une note », sur la page « Notes », en prépare une, qu’une autre personne valide",
    "note publish": "la page de la note la publie",
    "note request": "« Demander une note », sur la page « Notes », le fait",
    "paper": "l’onglet « Papier » de la campagne prépare les lettres et remet leurs fichiers",
    "school": "« Signaler un départ », sur la fiche du pouvoir organisateur, le fait",
    "suppressions": "« Liste d’exclusion », dans l’annuaire, la montre ; un logiciel la lit par /api/v1/exclusions",
    "user close": ACCOUNTS,
    "user invite": f"{ACCOUNTS} ; où aucun courriel ne partirait, ./run user add",
    "user reopen": ACCOUNTS,
    "user role": ACCOUNTS,
    "user sessions": ACCOUNTS,
}


def replaced(name: str) -> click.Command:
    """The command of this name, which refuses by the sentence of `GONE`."""
    said = f"La commande {name} n’existe plus : {GONE[name]}."

    def refuse(_words: Sequence[str]) -> None:
        raise Refused(said)

    words = click.Argument(["_words"], nargs=-1, type=click.UNPROCESSED)
    ignoring = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    last = name.rpartition(" ")[2]
    return click.Command(last, callback=refuse, params=[words], help=said, hidden=True, context_settings=ignoring)


def add_to(command: click.Command, name: str) -> None:
    """Have the group of this name know its commands that are no more."""
    for path in (path for path in map(str.split, GONE) if path[0] == name and len(path) > 1):
        group = command
        for word in path[1:-1]:
            group = group.commands[word]  # type: ignore[attr-defined]
        group.add_command(replaced(" ".join(path)))  # type: ignore[attr-defined]
