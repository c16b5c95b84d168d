"""The bar of every page of staff: its entries, how much awaits the person, whether letters leave."""

from collections.abc import Callable

from flask import Flask, request, url_for
from flask_login import current_user

from outreach.core.db import Session
from outreach.core.text.roles import RoleName
from outreach.web.ui.request import is_scoped, reading

PLACES = {  # blueprints that belong to an entry of the bar other than their own
    "adherence": "situation",
    "notes": "situation",
    "segments": "campaigns",
    "mails": "responses",
    "replies": "responses",
    "texts": "responses",
    **dict.fromkeys(
        (
            "history",
            "measure",
            "exclusions",
            "register",
            "schools",
            "contact_lists",
            "names",
            "postal",
            "school_reports",
            "letters",
            "proposals",
        ),
        "directory",
    ),
    "reachability": "directory",
    **dict.fromkeys(
        (
            "accounts",
            "api_keys",
            "hook_senders",
            "programmes",
            "pushes",
            "closures",
            "retention",
            "persons",
            "statements",
            "letterhead",
            "trail",
        ),
        "administration",
    ),
}
SCOPED = (  # of accounts of federations and networks
    ("Situation", "situation.index"),
    ("Annuaire", "directory.index"),
    ("Calendrier", "calendar.index"),
    ("Notes", "notes.index"),
    ("Propositions", "proposals.index"),
)

HELP_OF_SCOPED = {"federations#proposer-une-correction", "second-facteur"}  # what is about pages as they see them
HELP = {  # the page of the guide, and its section, that a page of the service is about; by endpoint, or by blueprint
    "account": "README",
    "accounts": "comptes",
    "adherence": "importer#une-liste-dadhésions",
    "api_keys": "acces-des-logiciels",
    "hook_senders": "acces-des-logiciels#les-adhésions-quun-autre-service-envoie",
    "adherence.record": "historique#enregistrer-un-statut-après-un-appel",
    "adherence.statuses": "historique#enregistrer-un-statut-après-un-appel",
    "calendar": "calendrier",
    "campaigns": "preparer",
    "campaigns.audience": "preparer#1-public",
    "campaigns.check": "valider",
    "campaigns.dates": "preparer#3-dates-et-relances",
    "campaigns.effect": "tirer-au-sort#lire-leffet",
    "campaigns.exact": "courriel",
    "campaigns.letter": "courriel",
    "campaigns.list_calls": "personne-d-oublie#appeler",
    "campaigns.list_authorities": "suivre#qui-na-ni-répondu-ni-adhéré",
    "campaigns.paper": "personne-d-oublie#imprimer-et-poster",
    "campaigns.new_reminder": "suivre#les-relances",
    "campaigns.progress_page": "suivre#pendant-lenvoi",
    "campaigns.reminder": "suivre#les-relances",
    "campaigns.reminder_letter": "courriel",
    "campaigns.show_call": "personne-d-oublie#appeler",
    "campaigns.waves": "suivre#les-relances",
    "closures": "fermetures",
    "contact_lists": "contacts",
    "deputies": "valider#en-votre-absence-rôle-validation",
    "directory": "annuaire",
    "directory.authority": "annuaire#lire-la-fiche",
    "directory.authority_contacts": "annuaire#corriger-ou-ajouter-une-adresse",
    "directory.contact": "annuaire#corriger-ou-ajouter-une-adresse",
    "directory.new_contact": "annuaire#corriger-ou-ajouter-une-adresse",
    "finding": "README#chercher",
    "exclusions": "annuaire#ne-plus-écrire-à-une-adresse-ou-y-écrire-de-nouveau",
    "history": "historique",
    "letters": "annuaire#écrire-à-ce-pouvoir-organisateur",
    "mailbox": "demonstration#la-boîte-de-démonstration",
    "mails": "reponses#les-courriels-reçus",
    "measure": "mesures",
    "names": "annuaire#corriger-un-nom",
    "notes": "notes",
    "notes.asked_note": "notes#demander-une-note",
    "notes.draft": "notes#préparer-et-figer",
    "notes.edit": "notes#préparer-et-figer",
    "notes.new": "notes#préparer-et-figer",
    "notes.new_request": "notes#demander-une-note",
    "notes.note": "notes#valider-refuser-publier",
    "persons": "personnes",
    "postal": "papier#les-adresses-postales",
    "programmes": "programmes",
    "proposals": "federations#proposer-une-correction",
    "pushes": "acces-des-logiciels#les-évènements-poussés-à-un-logiciel",
    "reachability": "annuaire#suivre-ceux-quaucun-courriel-natteint",
    "register": "importer#une-édition-du-registre",
    "replies": "reponses#répondre-par-courriel",
    "responses": "reponses",
    "school_reports": "annuaire#signaler-quune-école-est-partie-ou-a-fermé",
    "second_factor": "second-facteur",
    "segments": "preparer#1-public",
    "situation": "situation",
    "statements": "mesures#la-vie-privée",
    "texts": "reponses#répondre-par-courriel",
    "today": "aujourd-hui",
}


def install(app: Flask, *, awaited: Callable[[Session], int], clock: Callable[[Session], object]) -> None:
    """Give templates the bar. `awaited` counts what awaits the person, `clock` tells what the banner shows of it."""

    def state() -> tuple[int, object]:
        if is_scoped():
            return 0, None
        with reading() as session:
            return awaited(session), clock(session)

    app.context_processor(lambda: {"bar": _entries(), "bar_state": state})


def _has_list() -> bool:
    """Whether what awaits the person stands on a page of its own."""
    return bool(current_user.is_authenticated and current_user.holds(RoleName.AUTHOR, RoleName.APPROVER))


def _entries() -> list[tuple[str, str, bool]]:
    if is_scoped():
        own = f"{request.blueprint}.index"
        here = own if own in {*dict(SCOPED).values(), "guide.index"} else _home()
        theirs = [(label, url_for(view), view == here) for label, view in SCOPED]
        return [*theirs, ("Aide", _help(), request.blueprint == "guide")]
    entries = [
        *([("Aujourd’hui", "today.index")] if _has_list() else []),
        ("Situation", "situation.index"),
        ("Campagnes", "campaigns.index"),
        ("Annuaire", "directory.index"),
        ("Calendrier", "calendar.index"),
        ("Réponses", "responses.index"),
    ]
    if current_user.is_authenticated and current_user.holds(RoleName.ADMINISTRATOR):
        entries.append(("Administration", "administration.index"))
    entries.append(("Aide", "guide.index"))
    here = _home()
    return [(label, _help() if view == "guide.index" else url_for(view), view == here) for label, view in entries]


def _home() -> str:
    """The entry of the bar that this page belongs to, as the name of its view."""
    of_directory = {"adherence.statuses", "adherence.record", "adherence.withdrawal"}
    blueprint = "directory" if request.endpoint in of_directory else request.blueprint or ""
    if is_scoped() and blueprint == "proposals":
        return "proposals.index"
    return f"{PLACES.get(blueprint, blueprint)}.index"


def _help() -> str:
    """The address of the guide's section about this page; its contents, or what scopes see, where no section is."""
    about = HELP.get(request.endpoint or "") or HELP.get(request.blueprint or "", "README")
    if is_scoped() and about not in HELP_OF_SCOPED:
        about = "federations"
    name, _, section = about.partition("#")
    return url_for("guide.index") if name == "README" else url_for("guide.topic", topic=name, _anchor=section or None)
