"""French that was wrong, stilted or false stands in no page, letter, mail, chapter or error."""

import re
from functools import cache

import pytest

from outreach.core.settings import ROOT

READ = [
    path
    for folder in ("templates", "campaigns", "docs/guide", "outreach")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".html", ".md", ".py", ".toml", ".txt", ".typ"} and "migrations" not in path.parts
]
WRONG = (
    r"\bavant le \(\(date_limite",  # French leaves that day out, and it counts
    r"\bPour \*\*\(\(nom_po\)\)\*\*",  # « Pour ASBL … », « Pour Pouvoir organisateur … »
    r"en tant que pouvoir organisateur",
    r"savoir de qui\b(?! ils)",
    r"sans que l’on sache",
    r"Répondez à ce courriel pour nous le dire",  # the service reads no such reply
    r"ne l(?:ui|eur) enverrons plus",  # schools are not written to
    r"\(\(lien_\w+\)\) et ",  # as plain text, an address in the midst of a sentence
    r": \(\(lien_\w+\)\)\.",
    r"pour 5 % des élèves",
    r"(?i)\btous (?:sont|ont été) écrits|\bPO non écrits?\b|qui serait compté là où il a été écrit",  # one writes *to*
    r"(?i)[ ,]écrits au (?:premier|second|deuxième) départ",
    r"écoles ont été écrites",
    r"(?i)(?<!personne )(?:\b(?:à|de|par|que|et|ou|pour|prévenez|comme) |[:;.>] )qui (?:valide|exploite|administre)\b",
    r"(?i)(?<!personne )(?:\b(?:à|de|par|que|et|ou|pour) |[:;.>] )qui l?(?:’|e )?a (?:validée?|ce rôle)\b",
    r"\b(?:de|à|avec|par|pour) qui (?:la |l’a )?(?:relève|relevait|pose|répond|a répondu|annulé|gère|lit|devine)",
    r"de soi-même",
    r"Ce l’est aussi",
    r"prendre pour acte",
    r"demandé la paix",
    r"de qui les données",
    r"hors de ce siècle",
    r"f\"pas \(",  # « …, pas (aucune école concernée n’a adhéré) »
    r"La validation tient",
    r"à celui' if|celui en échec",
    r"se garde avec qui",
    r"dit autre chose\.\"",
    r"compte sur elle",
    r"de tel fichier",
    r"se dit en UTF",
    r"ne se trie pas ainsi",
    r"confirmez-en le nombre",
    r"demanderait que",
    r"que qui avait|(?:[:;.>] )qui est sorti",  # « Seuls ceux qui avaient adhéré … », « un PO sorti … »
    r"(?:adresses?|boîtes?|programmes?) (?:à|pour) qui\b",  # « à laquelle », « auxquels » : nobody is meant
    r"\bà qui loue\b|\bQui (?:a été joint|automatise)\b",
    r"qu’une relance n’écri",  # one writes *to*
    r"prévoir des mains|prévoyez-y des mains",
    r"\bl’exploitant\b",
)


@cache  # of a thousand files, which each word is looked for in
def texts():
    return {path: path.read_text(encoding="utf-8").replace("\xa0", " ").replace("\u202f", " ") for path in READ}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sentence_that_was_mended_stands_nowhere(wrong):
    found = re.compile(wrong)
    assert [str(path.relative_to(ROOT)) for path, text in texts().items() if found.search(text)] == []


PAGES = [path for path in READ if {"templates", "outreach"} & set(path.relative_to(ROOT).parts[:1])]
OF_WAVES = re.compile(
    r"templates/pages/(campaigns|situation|calendar|account|today|segments)/|outreach/(campaigns|reports|staff)/|"
    r"outreach/web/pages/(campaigns|adherence|staff|reports)/|outreach/delivery/models"
)
OF_NOTES = re.compile(r"templates/(public|pages|pdf)/|outreach/(reports|web|campaigns|operations/retention)/")
OF_REPLIES = re.compile(
    r"templates/pages/replies/|outreach/web/pages/replies/(?!inbox)|outreach/campaigns/correspondence/(?!_replies)"
)
ANY = re.compile("")
OTHER_WORDS = (  # where, a word for a thing that has another one there, and that one
    (
        OF_WAVES,
        r"(?i)\b(?:une?|deux|premier|prochain|dernier|aucun|chaque|d’autres|autre) envois?\b(?! d’une même)",
        "vague",
    ),
    (OF_WAVES, r"(?i)\b(?:départs? de courriels|au départ de chaque|à son départ)\b", "quand la vague part"),
    (ANY, r"\b[Rr]elais\b", "serveur d’envoi"),
    (ANY, r"\b[Ss]trates?\b(?! ; 9)", "groupe de PO semblables"),  # a plan that was frozen keeps its method's words
    (OF_NOTES, r"\b[Ee]mpreintes?\b", "code de contrôle"),
    (ANY, r"\b(?:autre|chaque|par quelle|deux|la) voies?\b", "échelon"),
    (OF_REPLIES, r"\b[Ll]ettres?\b", "courriel"),
    (
        ANY,
        r"\bceux déjà\b|\bceux à corriger\b|\bcelles à (?:corriger|rappeler)\b",
        "les PO déjà…, les adresses à corriger",
    ),
    (ANY, r"\b[Bb]oîtes? (?:est )?en faute\b", "boîte à corriger"),
    (ANY, r"\b(?:à|si) qui (?:valide|planifie)\b|[>}\"] ?Qui (?:valide|planifie|exploite)\b", "la personne qui…"),
)


@pytest.mark.parametrize(("where", "word", "instead"), OTHER_WORDS, ids=[instead for _, _, instead in OTHER_WORDS])
def test_a_thing_has_one_word(where, word, instead):
    found = re.compile(word)
    named = {path: str(path.relative_to(ROOT)) for path in PAGES}
    values = {name: re.sub(r"(?m)^\s*#.*$", "", texts()[path]) for path, name in named.items() if where.search(name)}
    assert values
    assert [(name, held[0]) for name, text in values.items() if (held := found.search(text))] == []
