"""French that was wrong, stilted or false stands in no page, letter, mail, chapter or error."""

import re

import pytest

from outreach.settings import ROOT

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
)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sentence_that_was_mended_stands_nowhere(wrong):
    found = re.compile(wrong)
    texts = {path: path.read_text(encoding="utf-8").replace("\xa0", " ").replace("\u202f", " ") for path in READ}
    assert [str(path.relative_to(ROOT)) for path, text in texts.items() if found.search(text)] == []
