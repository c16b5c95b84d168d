"""Judges the addresses that links of letters lead to."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

MARKS = re.compile("[\ue000-\uf8ff]")  # the private characters that stand for fields in a parsed letter
ACCOUNT_LIST = "comptes"  # begins the List-Id of letters with a link to choose a password


def fault_of_link(url: str, schemes: Collection[str]) -> str:
    """Why a link is refused, in a sentence, or ''.

    A link must be a whole address of an allowed scheme, without what could mislead: a field, `@`, a backslash, a space.
    """
    shown = MARKS.sub("…", url)[:60]
    if MARKS.search(url):
        return f"un champ ne peut pas être l’adresse d’un lien ({shown}) : les champs de lien s’écrivent seuls."
    parts = _split(url)
    if parts is None or parts[0] not in schemes or not parts[1]:
        return f"lien refusé « {shown} » : écrivez une adresse complète qui commence par https://."
    if "@" in parts[2] or "\\" in url or " " in url:
        return f"lien refusé « {shown} » : pas de « @ », de « \\ » ni d’espace dans l’adresse, elle tromperait."
    return ""


def _split(url: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme.casefold(), parts.hostname or "", parts.netloc
