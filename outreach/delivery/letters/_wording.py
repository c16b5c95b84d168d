"""Remarks on the wording of a letter, for its author; they never block it.

A remark says what to do, in one sentence. Fields, conditions and addresses are not judged; each counts as one word or
none. `french.typeset` sets no-break spaces, so that only a missing space is remarked on.

Sources: the ministry's drafting habits (gender forms, the office rather than its holder), WCAG 2.1 (1.3.1 and 2.4.4:
order of headings, wording of links), French typography, and what receivers' spam filters count against a letter. The
lists are short on purpose: remarks that are often wrong are no longer read.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from outreach.core.text.dates import IN_TEXT

MOST = 30
LONGEST_SUBJECT = 90
USUAL_VALUE = 8  # characters that a field counts in a subject: a number, a short date
LONGEST_SENTENCE = 40
LONGEST_PARAGRAPH = 120

FILLED = "\ufffc"
TAGS = {"if": "\ufff9", "elif": "\ufffa", "else": "\ufffa", "endif": "\ufffb"}
TAG = re.compile(r"\(%[-+]?\s*+(\w*+)[^%\n]*+%\)")
FIELD_OR_ADDRESS = re.compile(r"\((?:\((?:[^()\n]++|\([^()\n]*+\))*+\)\)|(?<=\]\()[^()\n]*+\))|https?://[^\s<>()]++")
BLANKS = " \t" + "".join(TAGS.values())
OTHER_BRANCHES = re.compile("\ufffa[^\ufffb]*+\ufffb?")
BLOCK_START = re.compile(r"\s{0,3}(?:#{1,6}|[-*+]|\d{1,9}[.)])\s")
SENTENCE_END = re.compile(r"[.!?…](?=\s)")
DEADLINE_FIELD = re.compile(r"\(\(\s*date_limite\b[^()\n]*+\)\)", re.IGNORECASE)

ROMAN = re.compile(r"M*(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
UPPER = "[A-ZÀ-ÖØ-Þ]"
NAME = rf"{UPPER}[\w’-]{{0,60}}+"
NEUTRAL = {
    "administrateur": ("administratrice", "les administratrices et les administrateurs"),
    "collaborateur": ("collaboratrice", "l’équipe"),
    "coordinateur": ("coordinatrice", "la coordination"),
    "directeur": ("directrice", "la direction"),
    "échevin": ("échevine", "l’échevinat"),
    "éducateur": ("éducatrice", "les éducatrices et les éducateurs"),
    "enseignant": ("enseignante", "les enseignantes et les enseignants"),
    "étudiant": ("étudiante", "les étudiantes et les étudiants"),
    "inspecteur": ("inspectrice", "l’inspection"),
    "président": ("présidente", "la présidence"),
    "professeur": ("professeure", "les professeures et les professeurs"),
    "représentant": ("représentante", "les représentantes et les représentants"),
    "utilisateur": ("utilisatrice", "les utilisatrices et les utilisateurs"),
}

SPAM_HINTS = ("gratuit", "urgent", "cliquez", "offre", "félicitations", "gagnez", "chance", "!!", "€€€")
SPAM_WORDS = re.compile(
    r"\b(?:gratuit(?:e|s|es|ement)?|urgente?s?|cliquez ici|(?<!d['’])offre|félicitations|gagnez)\b"
    r"|\bdernière chance\b|!!+|€€€+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on a line of the letter; line 0 is the subject."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class WordingRule:
    """A pattern, and the advice for a match ('' when the wording is right after all).

    The pattern runs only on a letter whose text in lower case contains one of `hints`: most contain none.
    """

    hints: Iterable[str]
    pattern: re.Pattern[str]
    advice: Callable[[re.Match[str]], str]


def wording_remarks(subject: str, source: str, acronyms: Collection[str] = ()) -> list[Remark]:
    """The remarks on a letter, in the order of its lines: one per kind and line, thirty at most.

    `acronyms` are those that may stand in capitals.

    The time it takes is linear in the length of the letter, whatever is in it.
    """
    text = _bare(" ".join(subject.splitlines()) + "\n" + source)
    lowered = text.casefold()
    lines = text.split("\n")
    long = [(first, block) for first, block in _blocks(lines) if len(block.split()) > LONGEST_SENTENCE]
    kinds = [
        _subject_length(subject),
        _subject_date(subject),
        _headings(lines),
        *(_matches(rule, text, acronyms) for rule in RULES if any(hint in lowered for hint in rule.hints)),
        _sentences(long),
        _paragraphs(long),
    ]
    noted = [remark for kind in kinds for remark in _one_a_line(kind)]
    return sorted(noted, key=attrgetter("line"))[:MOST]


def _bare(text: str) -> str:
    """The text in NFC, with one character for each field, address and tag; the lines stay where they were."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return FIELD_OR_ADDRESS.sub(FILLED, _with_short_tags(text))


def _with_short_tags(text: str) -> str:
    return TAG.sub(lambda match: TAGS.get(match[1], TAGS["if"]), text)


def _first_branches(text: str) -> str:
    """The text with only the first branch of each condition, on as many lines: a recipient never gets two branches."""
    kept = OTHER_BRANCHES.sub(lambda match: "\n" * match[0].count("\n"), text)
    return kept.replace(TAGS["if"], "").replace(TAGS["endif"], "")


def _one_a_line(kind: Iterable[Remark]) -> list[Remark]:
    first: dict[int, Remark] = {}
    for remark in kind:
        first.setdefault(remark.line, remark)
    return list(first.values())


def _subject_length(subject: str) -> Iterator[Remark]:
    """A field counts with a usual length, as its value is not known here."""
    bare = FIELD_OR_ADDRESS.sub(FILLED * USUAL_VALUE, _with_short_tags(subject))
    length = len(_first_branches(bare))
    if length > LONGEST_SUBJECT:
        yield Remark(0, f"Raccourcissez l’objet : {length} caractères, {LONGEST_SUBJECT} au plus.")


def _subject_date(subject: str) -> Iterator[Remark]:
    text = unicodedata.normalize("NFC", subject)
    if not (DEADLINE_FIELD.search(text) or IN_TEXT.search(text)):
        yield Remark(0, "Indiquez la date limite dans l’objet : ((date_limite)).")


def _headings(lines: list[str]) -> Iterator[Remark]:
    """The layout contains the title, at level 1; each heading goes one level deeper at most."""
    above = 1
    for number, line in enumerate(lines[1:], start=1):
        level = len(line) - len(line.lstrip("#"))
        if not 1 <= level <= 6 or line[level : level + 1] not in {" ", "\t"}:
            continue
        if level > above + 1:
            yield Remark(number, f"Ce titre saute un niveau : écrivez-le avec {'#' * (above + 1)}.")
        above = level


def _matches(rule: WordingRule, text: str, acronyms: Collection[str]) -> Iterator[Remark]:
    line, reached, said = 0, 0, -1
    for match in rule.pattern.finditer(text):
        line += text.count("\n", reached, match.start())
        reached = match.start()
        if line != said and match[0] not in acronyms and (advice := rule.advice(match)):
            said = line
            yield Remark(line, advice)


def _sentences(blocks: list[tuple[int, str]]) -> Iterator[Remark]:
    for first, block in blocks:
        line = first
        for sentence in SENTENCE_END.split(block):
            lead = len(sentence) - len(sentence.lstrip())
            count = _words(sentence)
            if count > LONGEST_SENTENCE:
                start = line + sentence.count("\n", 0, lead)
                yield Remark(start, f"Coupez cette phrase : {count} mots, {LONGEST_SENTENCE} au plus.")
            line += sentence.count("\n")


def _paragraphs(blocks: list[tuple[int, str]]) -> Iterator[Remark]:
    for first, block in blocks:
        count = _words(block)
        if count > LONGEST_PARAGRAPH:
            yield Remark(first, f"Coupez ce paragraphe : {count} mots, {LONGEST_PARAGRAPH} au plus.")


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Paragraphs, headings and list items, each with its first line's number; a line of tags alone separates two."""
    first, held = 1, list[str]()
    for number, line in enumerate([*lines[1:], ""], start=1):
        empty = not line.strip(BLANKS)
        if held and (empty or BLOCK_START.match(line)):
            yield first, _first_branches("\n".join(held))
            held = []
        if not empty:
            first = first if held else number
            held.append(line)


def _words(text: str) -> int:
    """How many words: fields, and pieces with a letter or digit; punctuation between two spaces is no word."""
    return sum(FILLED in piece or any(map(str.isalnum, piece)) for piece in text.split())


def _masculine(match: re.Match[str]) -> str:
    feminine, better = NEUTRAL[match[1].lower()]
    return "" if feminine in _around(match) else f"Plutôt que « {match[0]} », écrivez par exemple « {better} »."


def _salutation(match: re.Match[str]) -> str:
    around = _around(match)
    if any(word in around for word in ("madame", "mesdames", "chère")):
        return ""
    better = "Chères et chers" if match[0] == "Chers" else "Madame, Monsieur"
    return f"Plutôt que « {match[0]} », écrivez « {better} »."


def _around(match: re.Match[str]) -> str:
    """The text around a match, in lower case: enough to contain the other half of a double form."""
    return match.string[max(0, match.start() - 60) : match.end() + 60].lower()


def _capitals(match: re.Match[str]) -> str:
    if ROMAN.fullmatch(match[0]):
        return ""
    return f"Écrivez « {match[0][:30]} » en minuscules : les capitales se lisent mal."


def _always(advice: str) -> Callable[[re.Match[str]], str]:
    """The same advice for every match; `{}` in it is the matched text."""
    return lambda match: advice.format(match[0])


RULES = (
    WordingRule(
        hints="'",
        pattern=re.compile(rf"\b(\w{{1,15}})'(?=[\w{FILLED}])(\w{{0,20}})"),
        advice=lambda match: f"Mettez une apostrophe courbe : « {match[1]}’{match[2] or '…'} ».",
    ),
    WordingRule(hints='"', pattern=re.compile('"'), advice=_always('Écrivez les guillemets « … » plutôt que "…".')),
    WordingRule(
        hints=":;!?",
        pattern=re.compile(rf"[:;!?](?<=[\w»)*{FILLED}].)(?=[\s!?»)*]|\Z)"),
        advice=_always("Mettez une espace avant « {} »."),
    ),
    WordingRule(
        hints="«»",
        pattern=re.compile(r"«(?=\S)|»(?<=\S.)"),
        advice=_always("Mettez une espace à l’intérieur des guillemets « … »."),
    ),
    WordingRule(
        hints=("  ",),
        pattern=re.compile(r"(?<=\S) {2,}+(?=\S)"),
        advice=_always("Ne laissez qu’une espace entre deux mots."),
    ),
    WordingRule(
        hints=NEUTRAL,
        pattern=re.compile(
            r"\b(?<!monsieur )(?:(?:les?|des?|du|aux?|une?|chaque|tout|chers?|nos|vos|votre)\s|[ld]['’])"
            rf"({'|'.join(NEUTRAL)})s?(?!\w|[·•(-]|\.\w)",
            re.IGNORECASE,
        ),
        advice=_masculine,
    ),
    WordingRule(
        hints=("monsieur", "messieurs", "cher"),
        pattern=re.compile(rf"M(?:essieurs\b|onsieur(?:(?=,)| le (?!Ministre){UPPER}[\w-]*+))|Chers(?= collègues)"),
        advice=_salutation,
    ),
    WordingRule(
        hints=("ministre",),
        pattern=re.compile(
            rf"\b[Mm]inistre[ \u00a0](?!Président){NAME}(?:[ \u00a0]{NAME}){{0,2}}"
            rf"|\b{NAME}(?:[ \u00a0]{NAME}){{1,3}}, (?:[Vv]ice-)?[Mm]inistre\b"
        ),
        advice=_always("Nommez la fonction, pas la personne : « {} »."),
    ),
    WordingRule(hints=("",), pattern=re.compile(rf"{UPPER}(?<!\w.){UPPER}{{4,}}+(?!\w)"), advice=_capitals),
    WordingRule(
        hints=SPAM_HINTS,
        pattern=SPAM_WORDS,
        advice=_always("Évitez « {} » : les filtres à pourriel s’en méfient."),
    ),
    WordingRule(hints="{", pattern=re.compile(r"\{[{%]"), advice=_always("Les champs s’écrivent ((champ)).")),
    WordingRule(
        hints="<",
        pattern=re.compile(r"<(?:/?[a-z][^<>\n]*+>|!--)", re.IGNORECASE),
        advice=_always("Retirez « {:.30} » : les balises partiront comme du texte."),
    ),
    WordingRule(
        hints="[",
        pattern=re.compile(
            rf"\[[*_]{{0,2}}(?:cliquez )?(?:ici|sur ce lien|ce lien)[*_]{{0,2}}\]{FILLED}", re.IGNORECASE
        ),
        advice=_always("Dites où mène le lien : « ici » ne le dit pas."),
    ),
    WordingRule(
        hints=("mail",),
        pattern=re.compile(r"\b(?<![@./-])(?:e-?)?mails?(?!\w|[@./-]\w)", re.IGNORECASE),
        advice=_always("Écrivez « courriel » plutôt que « {} »."),
    ),
)
