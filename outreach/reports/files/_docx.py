"""A note as DOCX, written in code: advisers paste from it. It uses Word's own styles and no font of ours."""

import io
from collections.abc import Iterable, Mapping
from datetime import datetime

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Length, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from outreach.core.site import NONE, Letterhead
from outreach.reports.files._document import (
    Block,
    Bullets,
    CellGrid,
    Paragraph,
    Picture,
    Piece,
    Terms,
    TextTone,
    qr_png,
)
from outreach.reports.files._outline import Outline, checking
from outreach.reports.notes import NumberedNote

LANGUAGE = "fr-BE"
FONT = "Calibri"
BRAND, MUTED = RGBColor(0x30, 0x36, 0x75), RGBColor(0x5A, 0x5D, 0x6B)
SIZES = {"Title": 20, "Heading 1": 13, "Heading 2": 11, "Caption": 9}  # of styles of Word, in points
HEADING_FILL, RULE = "E9EBF3", "BABBC1"
TEXT_WIDTH = Cm(21 - 2 * 2)
WIDE = 7  # columns; more of them are narrow and small
KEPT_WHOLE = 20  # rows of a table that stays on one page
Drawn = Mapping[str, bytes]
NO_PICTURES: Drawn = {}
STYLES = {TextTone.QUOTE: "Quote"}  # the others are "Normal", which costs no search among styles when it is not named


def document(note: NumberedNote, shown: Outline, head: Letterhead = NONE, drawn: Drawn = NO_PICTURES) -> bytes:
    """The DOCX of a note. `drawn` has its pictures as PNG by their SVG, which python-docx does not write."""
    word = Document()
    _prepare(word, note, shown)
    _add_head(word, head, shown.ministry)
    word.add_paragraph(f"{shown.ministry} · {shown.programme}")
    word.add_heading(shown.title, 0)
    word.add_paragraph(f"Note de situation {shown.number} · {shown.stated}")
    for section in shown.sections:
        word.add_heading(section.heading, 1)
        for block in section.blocks:
            _write(word, block, drawn)
    word.add_paragraph(checking(note))
    _add_picture(word, qr_png(note.address), f"Code QR vers la page publique de la note : {note.address}", width=Cm(3))
    written = io.BytesIO()
    word.save(written)
    return written.getvalue()


def _prepare(word: WordDocument, note: NumberedNote, shown: Outline) -> None:
    about = word.core_properties
    about.title, about.author, about.language = f"{shown.title} – note {shown.number}", shown.ministry, LANGUAGE
    about.created = about.modified = datetime.fromisoformat(note.approved_at).replace(
        tzinfo=None
    )  # in UTC, by its format
    about.comments = ""
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.header.paragraphs[0].text = f"{shown.ministry}\tNote {shown.number}"
    section.footer.paragraphs[0].text = f"{shown.stated}\t"
    _add_page_number(section.footer.paragraphs[0])
    normal = word.styles["Normal"]
    normal.paragraph_format.space_after = Pt(6)
    normal.font.name, normal.font.size = FONT, Pt(10.5)
    for name, size in SIZES.items():
        _dress(word.styles[name], Pt(size), MUTED if name == "Caption" else BRAND)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), LANGUAGE)
    normal.element.get_or_add_rPr().append(language)


def _dress(style: ParagraphStyle, size: Length, colour: RGBColor) -> None:
    """Give a style of Word our size and colour, its text's own font, and no line under it."""
    style.font.size, style.font.color.rgb, style.font.name = size, colour, FONT
    style.font.bold = style.name.startswith("Heading")
    fonts = style.element.rPr.rFonts
    for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
        del fonts.attrib[theme]
    borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
    if borders is not None:
        borders.getparent().remove(borders)


def _add_head(word: WordDocument, head: Letterhead, ministry: str) -> None:
    if head.logo:
        _add_picture(word, head.logo, f"Logo : {ministry}", height=Cm(1.5))
    if head.lines:
        word.add_paragraph("\n".join(head.lines)).runs[0].font.size = Pt(9)


def _add_picture(word: WordDocument, picture: bytes, alternative: str, **size: Length) -> None:
    shape = word.add_picture(io.BytesIO(picture), **size)
    shape._inline.docPr.set("descr", alternative)  # noqa: SLF001 - python-docx sets no alternative text


def _add_page_number(paragraph: WordParagraph) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 - python-docx writes no field


def _write(word: WordDocument, block: Block, drawn: Drawn) -> None:
    if isinstance(block, Paragraph):
        if block.tone is TextTone.HEADING:
            word.add_heading("".join(piece.text for piece in block.pieces), 2)
            return
        _add_pieces(word.add_paragraph(style=STYLES.get(block.tone)), block.pieces, strong=block.tone is TextTone.LEAD)
    elif isinstance(block, Bullets):
        _add_list(word, block)
    elif isinstance(block, CellGrid):
        _add_table(word, block)
    elif isinstance(block, Terms):
        for term, meaning in block.pairs:
            paragraph = word.add_paragraph()
            _add_pieces(paragraph, (Piece(f"{term}\u00a0: ", strong=True), Piece(meaning)))
            if block.is_small:
                paragraph.paragraph_format.space_after = Pt(1)
                for run in paragraph.runs:
                    run.font.size = Pt(8.5)
    elif isinstance(block, Picture) and block.svg in drawn:
        _add_picture(word, drawn[block.svg], block.alternative, width=Cm(block.width))
        word.add_paragraph(block.caption, style="Caption")


def _add_list(word: WordDocument, block: Bullets) -> None:
    style = word.styles["List Number" if block.ordered else "List Bullet"]
    numbering = word.part.numbering_part.numbering_definitions._numbering  # noqa: SLF001 - python-docx starts no list again
    own = numbering.num_having_numId(style.element.pPr.numPr.numId.val)
    again = numbering.add_num(own.abstractNumId.val)
    again.add_lvlOverride(ilvl=0).add_startOverride(1)
    for item in block.items:
        paragraph = word.add_paragraph()
        paragraph._p.style = style.style_id  # noqa: SLF001 - python-docx seeks it among all styles for each paragraph
        paragraph._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = again.numId  # noqa: SLF001 - idem
        _add_pieces(paragraph, item)


def _add_pieces(paragraph: WordParagraph, pieces: Iterable[Piece], *, strong: bool = False) -> None:
    for piece in pieces:
        run = paragraph.add_run(piece.text)
        run.bold, run.italic = (piece.strong or strong) or None, piece.emphasis or None


def _add_table(word: WordDocument, grid: CellGrid) -> None:
    caption = word.add_paragraph(grid.caption, style="Caption")
    caption.paragraph_format.keep_with_next = True
    table = word.add_table(rows=0, cols=len(grid.headings), style="Normal Table")
    table.autofit = False
    if len(grid.headings) > WIDE:
        _narrow_margins(table)
    widths, size = _widths(len(grid.headings))
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    lines = (grid.headings, *grid.rows)
    for number, line in enumerate(lines):
        row = table.add_row()
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - python-docx keeps no row whole
        is_strong = number == 0 or (grid.has_total and number == len(lines) - 1)
        for cell, width, text, is_count in zip(row.cells, widths, line, grid.counts, strict=True):
            cell.width = width
            _rule(cell, HEADING_FILL if number == 0 else "")
            paragraph = cell.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if is_count else WD_ALIGN_PARAGRAPH.LEFT
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.paragraph_format.keep_with_next = number < len(lines) - 1 <= KEPT_WHOLE
            run = _hyphenable(paragraph, text)
            run.bold, run.font.size = is_strong, size
    repeated = OxmlElement("w:tblHeader")  # the heading row stands on each page, and readers know it as one
    table.rows[0]._tr.get_or_add_trPr().append(repeated)  # noqa: SLF001 - python-docx sets no heading row
    word.add_paragraph()


def _narrow_margins(table: Table) -> None:
    """Leave nearly all of a narrow column to its words: a heading would break within one."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "34")  # twentieths of a point: 0.6 mm, of 1.9 as usual
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    # The schema has them before the look of a table, which python-docx always writes.
    table._tblPr.find(qn("w:tblLook")).addprevious(margins)  # noqa: SLF001 - python-docx sets no margins of cells


def _hyphenable(paragraph: WordParagraph, text: str) -> Run:
    """A run of these words. Word shows a soft hyphen as a character, and hides it as an element of its own."""
    first, *others = text.split("\u00ad")
    run = paragraph.add_run(first)
    for other in others:
        run._r.append(OxmlElement("w:softHyphen"))  # noqa: SLF001 - python-docx knows none
        run.add_text(other)
    return run


def _rule(cell: _Cell, fill: str) -> None:
    """A thin line under a cell, and a ground where it is a heading."""
    about = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-docx draws no borders
    borders, bottom = OxmlElement("w:tcBorders"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", RULE)):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    about.append(borders)
    if fill:
        shade = OxmlElement("w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", fill)):
            shade.set(qn(f"w:{name}"), value)
        about.append(shade)


def _widths(columns: int) -> tuple[list[Length], Length]:
    """The widths of a table's columns, and the size of its text: a wide table has a smaller one."""
    is_wide = columns > WIDE
    first = Cm(3.1) if is_wide else Cm(5)
    others = Length((TEXT_WIDTH - first) // max(columns - 1, 1))
    return [first, *[others] * (columns - 1)], Pt(7.5 if is_wide else 9.5)
