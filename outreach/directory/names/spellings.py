"""Words of names as people write them: common nouns, proper names that capitals bereft of accents, acronyms.

A word stands here only when it has one spelling. "Côte" does not: COTE may be "cote".
"""

from outreach.text import without_accents


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
