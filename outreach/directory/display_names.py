"""Writes names that the register has in capitals as people write them. No I/O.

A word stands here only when it has one spelling. "Côte" does not: COTE may be "cote".

The register says "INSTITUT PROVINCIAL D'ENSEIGNEMENT SECONDAIRE DE LIEGE"; people read "Institut provincial
d'enseignement secondaire de Liège". Only case and accents change, so that folding both gives the same.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from outreach.core.text.typed import without_accents


def _by_key(words: str) -> dict[str, str]:
    return {without_accents(word.casefold().replace("œ", "oe")): word for word in words.split()}


PREPOSITIONS = frozenset(_by_key("de d du des à au aux et en sur sous par pour dans chez avec vers ou lez sans"))
PARTICLES = {word: word for word in (*PREPOSITIONS, "la", "le", "les")} | {"a": "à"}
# Words that an apostrophe joins to the next one.
ELIDED = frozenset(_by_key("d j l n qu s t"))
COMMON = _by_key(
    """
    académie académies administration agricole agro agronomique alimentaire alimentaires annexée
    archiépiscopal artisanat artistique artistiques arts association athénée athénées autonome autonomes belge
    bilingue bioesthétique bourgmestre bourgmestres bruxellois bruxelloise carolorégien catholique catholiques
    centre centres chrétien chrétienne cinématographie coiffure collège collèges comité comités commerce
    commerces commercial commerciale commission communal communale communales communautaire communauté
    communaux complémentaire conseil cycle danse degré degrés différencié diocésain diocésaine enfants
    enseignement échevins école écoles éducatif éducation éducative épiscopal épiscopale établissement
    établissements faculté fondamental fondamentale fondamentales formation formations francophone française
    germanophone général générale hautes hennuyer horticole horticulture hospitalières hôtelier hôtelière
    hôtellerie humanités immersion indépendant indépendante indépendantes inférieur inférieure institut
    instituts intercommunal intercommunale internat international internationale laïque libre libres liégeois
    liégeoise luxembourgeois lycée lycées maristes maternel maternelle maternelles médico ménagère méthodes
    métiers mixte mixtes mode musical musicale musique namurois namuroise neutre normal normale nursing
    observation officiel officielle ordinaire organisateur organisateurs paramédical paramédicale permanente
    pédagogie pédagogique pédagogiques plastiques polytechnique polyvalent polyvalente pouvoir pouvoirs
    préparatoire primaire primaires professionnel professionnelle professionnels promotion protestant
    protestante provincial provinciale provinciales provinciaux psycho qualification radioélectricité régional
    régionale royal royale royaux rurale sciences scolaire scolaires secondaire secondaires section sections
    sociale spécial spéciale spécialisé spécialisée spécialisées spécialisés sportive subventionné
    subventionnée subventionnés supérieur supérieure technique techniques technologie technologies
    technologique théologie tourisme universitaire vert verte village
    """
)
# Common nouns that begin a second name within a name: "Saint-Lambert Collège", "Saint-Joseph Enseignement général".
OPENING = frozenset(_by_key("académie athénée collège école écoles enseignement institut lycée"))
PROPER = _by_key(
    """
    Abbé Adèle Adélaïde Agnès Aimé Aimée Amédée André Andrée Anhée Anthée Aumôniers Aurélie Barthélemy Benoît
    Berlière Béatrice Béguinage Bénédictines Bièvre Blégny Bouffioulx Bruyère Bruyères Cécile Célestin
    Chaumière Château Châteaux Châtelet Châtelineau Chênée Chièvres Cité Clémence Clément Condé Crisnée
    Cœur Cœurs Deliège Destrée Désiré Désirée Espérance Eugène Eugénie Ève Écaussinnes Écureuils Édith Édouard
    Éghezée Église Éléonore Élie Élisabeth Élise Éloi Émile Émilie Éperonniers Érable Érables Érasme Érezée
    Étalle Étang Étangs Étienne Étincelle Étoile Étoiles Évêque Ferrières Félicien Félicité Félix Fénelon
    Fidèle Fidélité Flémalle Fléron Floréal Flône Forêt Fragnée François Françoise Frère Frères Frédéric
    Geneviève Géry Grâce Grégoire Hastière Hergé Hélène Hélécine Héron Hérons Immaculée Irénée Jérôme Jésus
    José Josée Joséphine Léger Léglise Léon Léonard Léonce Léonie Léopold Liberté Liège Louvière Mélanie
    Michèle Moïse Musée Neufchâteau Neupré Noé Noël Pâturages Pépinière Péruwelz Philomène Plombières Précieux
    Présentation Prévert Québec Quévy Quiévrain Raphaël René Renée Résistance Rœulx Sacré Sacrés Salésiens
    Sébastien Séminaire Sépulcre Sévigné Siméon Suarlée Sûre Sœur Sœurs Théo Théodore Théophile Thérèse
    Trinité Université Valère Vallée Vallées Vérité Véronique Visé Warocqué Zénobe Zoé St Ste Sts Stes
    """
)
ACRONYMS = frozenset(
    _by_key(
        """
    ar arb asbl bce beps bw cec cebe cefa cepes ceps cesa cesp ceria cfwb cneb cocof cpeons cecp doa ecam eafc easi
    efa efls efs eic elce epa epe epi epl epls epsc epse epsis esa esas esis espe fase felsi fwb helha heh hech iata
    icadi icet ichec icm icp icsep icso iepsa iesca iesi iesps iet ietc ifapme ihec ilfop imp inraci ipea ipeps ipes
    ipesp ipet isips isfsc ism isma ispg isv itca itcf iteho itec itela ites itma itn ito itp itscf itscm its
    nespa onem oss pme po pse segec shape ucl uclouvain ufapec ulb uliege umons unamur usl vub wbe
    """
    )
)
# Names of several words whose capitals no rule gives.
PHRASES = (
    *("La Bouverie", "La Bruyère", "La Calamine", "La Gleize", "La Hestre", "La Hulpe", "La Louvière", "La Reid"),
    *("La Roche-en-Ardenne", "Le Rœulx", "Les Bons Villers", "de La Salle", "De Mot-Couvreur", "Ma Campagne"),
    *("Communauté française", "Communauté germanophone", "Arts et Métiers", "du Centre", "Centre Ardenne"),
    *("Rive gauche", "Baudouin I er", "Leonardo da Vinci", "Entre-Sambre-et-Meuse", "Haute École", "Grand-Duché"),
)


_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_IN_PARENTHESES = re.compile(r"\([^()]*\)")
_INITIALS = re.compile(r"(?:\b[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_ORDINAL = re.compile(r"\d+(?:ER|RE|E|EME|ÈME)")
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_BEGINS = re.compile(r"[\"“(\[/]$|[«:–—]\s?$|-\s+$|\s-$|\s['‘]$")  # signs before a word that begins a part
_ARTICLES = {"la", "le", "les", "l"}
_LONGEST_ACRONYM = 5  # letters of a name of one word that nobody knows: it is taken for an acronym
_IN_CAPITALS = 0.6  # of the letters; a few small ones ("2e et 3e degrés") do not make a name mixed


@lru_cache(maxsize=16384)
def display_name(name: str) -> str:
    """The name as people write it, when the register has it in capitals; any other name as it is, byte for byte.

    Particles and common nouns become small, proper names keep a capital, acronyms, initials and Roman numbers stay.
    Accents are added to words that have only one spelling (`spellings`).
    """
    if not _is_in_capitals(name):
        return name
    shown, position = [], 0
    for start, end, written in _words(name):
        shown += [name[position:start], written]
        position = end
    return _with_phrases("".join(shown) + name[position:])


def shown(name: str, corrected: str | None) -> str:
    """A name as pages and letters show it: a person's correction, else the register's name in display case."""
    return corrected or display_name(name)


def _is_in_capitals(name: str) -> bool:
    judged = _IN_PARENTHESES.sub("", name)
    letters = [letter for letter in judged if letter.isalpha()]
    if sum(letter.isupper() for letter in letters) <= _IN_CAPITALS * len(letters):
        return False
    words = _WORD.findall(judged)
    if len(words) == 1 and len(words[0]) <= _LONGEST_ACRONYM and _key(words[0]) not in COMMON | PROPER:
        return False
    return not any(word[0].isupper() and word[1:].islower() for word in words)


def _words(name: str) -> Iterator[tuple[int, int, str]]:
    """Each word that is written otherwise than in the register: where it begins, where it ends, how it is written."""
    initials = [match.span() for match in _INITIALS.finditer(name)]
    before, is_titled, position = "", False, 0
    for match in _WORD.finditer(name):
        word, gap = match.group(), name[position : match.start()]
        begins = before == "" or bool(_BEGINS.search(gap))
        position = match.end()
        key = _key(word)
        if any(first <= match.start() < last for first, last in initials) or not _is_plain(word):
            before, is_titled = word, False
            continue
        following = name[match.end() : match.end() + 1]
        if key in _ARTICLES and gap != "-" and (begins or before not in PREPOSITIONS):
            begins = is_next_titled = True
        else:
            is_next_titled = False
        yield match.start(), match.end(), _written(word, key, before, (gap, following), begins or is_titled)
        before, is_titled = key, is_next_titled


def _written(word: str, key: str, before: str, around: tuple[str, str], begins: bool) -> str:
    """One word in capitals as it is written after the word `before`; `around` is what stands at its two sides."""
    gap, following = around
    if _ORDINAL.fullmatch(word) or (word == "N" and following == "°"):
        return word.lower()
    is_elided = key in ELIDED and following in {"'", "’"}
    if not is_elided and _is_kept(word, key, following):
        return word
    if is_elided or key in PARTICLES or key in COMMON:
        small = COMMON.get(key) or PARTICLES.get(key, key)
        follows_proper = before != "" and not any(before in known for known in (COMMON, PARTICLES, ELIDED))
        opens = follows_proper and key in COMMON and (gap == "-" or key in OPENING)
        return _capitalised(small) if begins or opens else small
    return PROPER.get(key) or _capitalised(word.lower())


def _is_kept(word: str, key: str, following: str) -> bool:
    """Whether a word stays in capitals: an acronym, a Roman number, what has a figure, no vowel or one letter."""
    if key in ACRONYMS or any(sign.isdigit() for sign in word) or _ROMAN.fullmatch(word):
        return True
    if key == "a":
        return following not in {" ", "-"}
    if key in PARTICLES or key in PROPER:
        return False
    return len(word) == 1 or not set("aeiouy") & set(key)


def _is_plain(word: str) -> bool:
    """Whether a word is in capitals of which each has one small letter."""
    return word.isupper() and word.lower().upper() == word


def _key(word: str) -> str:
    return without_accents(word.casefold().replace("œ", "oe").replace("æ", "ae"))


def _capitalised(small: str) -> str:
    return small[0].upper() + small[1:]


_WHOLE = {phrase.casefold(): phrase for phrase in PHRASES}
_PHRASE = re.compile(rf"\b(?:{'|'.join(map(re.escape, PHRASES))})\b", re.IGNORECASE)


def _with_phrases(shown: str) -> str:
    return _PHRASE.sub(lambda match: _WHOLE.get(match.group().casefold(), match.group()), shown)
