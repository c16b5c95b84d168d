"""A note's content with every part of it, for tests of what is made of one."""

from dataclasses import replace

from outreach.reports.notes import (
    ActionState,
    CellKind,
    Correction,
    HandFigure,
    NoteColumn,
    NoteContent,
    NoteTable,
    NumberedNote,
    TableKind,
)
from outreach.reports.notes._content import (
    FigureChange,
    NetworkAnswer,
    NoteAction,
    NoteDefinition,
    NoteNetwork,
    NoteStrand,
    Source,
    StrandAnswer,
)

COLUMNS = (
    NoteColumn("network", "Réseau", CellKind.TEXT),
    NoteColumn("authorities", "PO"),
    NoteColumn("schools", "Écoles"),
    NoteColumn("joined", "Ont adhéré"),
    NoteColumn("share", "Part", CellKind.TEXT),
)


def content() -> NoteContent:
    """A note as of 15 May 2021 about one strand and two networks."""
    table = NoteTable(
        TableKind.NETWORK,
        1,
        "Volet 1, par réseau",
        COLUMNS,
        (("WBE", 1, 147, 14, "9,5 %"), ("COCOF", 1, 6, 1, "16,7 %"), ("Total", 2, 153, 15, "9,8 %")),
    )
    answer = NetworkAnswer("WBE", "WBE", "Non : 14 des 147 écoles du réseau WBE ont adhéré.")
    return NoteContent(
        ministry="Ministère de la Fédération Wallonie-Bruxelles",
        programme_code="mes-outils",
        programme="Mes outils numériques",
        title="Un premier bilan",
        question="Toutes les écoles de WBE ont-elles adhéré ?",
        as_of="2021-05-15",
        known_at="2021-05-15T12:00:00Z",
        frozen_at="2021-05-15T12:00:00Z",
        strands=(NoteStrand(1, "Stock de matériel", "7831", "secondaires"),),
        networks=(NoteNetwork("WBE", "WBE"), NoteNetwork("COCOF", "COCOF")),
        all_networks=False,
        answers=(StrandAnswer(1, "Au 15 mai 2021, 15 des 153 écoles secondaires (9,8 %) ont adhéré.", (answer,)),),
        tables=(table,),
        actions=(
            NoteAction(
                ActionState.PLANNED,
                "Volet 1",
                "2021-05-18",
                "Le 18 mai 2021, la relance 1 de « Volet 1 » doit partir.",
                (("WBE", 1),),
            ),
        ),
        unknowns=("2 PO n’ont pas d’adresse.",),
        definitions=(NoteDefinition("PO", "Pouvoir organisateur."),),
        sources=(Source("Registre des écoles", "édition du 3 mai 2021"),),
        hand_figures=(HandFigure("Connexions", "près de 100 000", "Statistiques de la plateforme", "2021-05-10"),),
        text="Le **plan** est bien reçu.",
        made_by="rédaction",
    )


def correction() -> NoteContent:
    """The same note, as a correction of an earlier one."""
    changes = (FigureChange("Volet 1, WBE, ont adhéré", "13", "14"),)
    return replace(content(), correction=Correction("2021-001", "0" * 64, "Une liste est arrivée tard.", changes))


def numbered(of: NoteContent | None = None) -> NumberedNote:
    """The note, approved as the second of its year."""
    return NumberedNote(
        of or content(),
        "2021-002",
        "2021-05-16T08:00:00Z",
        "validation",
        "0" * 64,
        "https://campagnes.fwb.example/n/2021-002",
    )


HOSTILE = """## Un titre

Le **plan** est *bien* reçu & <b>1 < 2</b> #set text(red) $x$ [lien](https://a.example/x).

- un
- deux

1. premier

> cité
"""
ZONES = (
    *("Bruxelles", "Brabant wallon", "Huy-Waremme", "Liège", "Verviers"),
    *("Wallonie Picarde", "Hainaut Centre", "Hainaut Sud", "Namur", "Luxembourg"),
)


def zones() -> NoteTable:
    """A table by zone: the ten of the register, those outside, and the total."""
    columns = (NoteColumn("zone", "Zone", CellKind.TEXT), *COLUMNS[1:])
    rows = tuple((zone, 4, 20, place, f"{5 * place} %") for place, zone in enumerate(ZONES))
    return NoteTable(TableKind.ZONE, 1, "Volet 1, par zone", columns, (*rows, ("Total", 40, 200, 45, "22,5 %")))
