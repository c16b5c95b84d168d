"""A note as DOCX, written in code: advisers paste from it. It uses Word's own styles and no font of ours."""

import io
from collections.abc import Iterable
from datetime import datetime

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.text.paragraph import Paragraph as WordParagraph

from outreach.notes.content import NumberedNote
from outreach.notes.files.outline import Outline, checking
from outreach.notes.files.parts import Block, Bullets, Grid, Paragraph, Picture, Piece, Terms, Tone
from outreach.notes.files.pictures import qr_png

LANGUAGE = "fr-BE"
STYLES = {Tone.PLAIN: "Normal", Tone.LEAD: "Normal", Tone.QUOTE: "Quote", Tone.SMALL: "Normal"}


def document(note: NumberedNote, shown: Outline) -> bytes:
    """The DOCX of a note. Its map is left out, as python-docx writes no SVG; the table beside it is there."""
    word = Document()
    _prepare(word, note, shown)
    word.add_paragraph(f"{shown.ministry} · {shown.programme}")
    word.add_heading(shown.title, 0)
    word.add_paragraph(f"Note de situation {shown.number} · {shown.stated}")
    for section in shown.sections:
        word.add_heading(section.heading, 1)
        for block in section.blocks:
            _write(word, block)
    word.add_paragraph(checking(note))
    picture = word.add_picture(io.BytesIO(qr_png(note.address)), width=Cm(3))
    picture._inline.docPr.set("descr", f"Code QR vers la page publique de la note : {note.address}")  # noqa: SLF001 - python-docx sets no alternative text
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
    section.left_margin = section.right_margin = Cm(2.2)
    section.header.paragraphs[0].text = f"{shown.ministry}\tNote {shown.number}"
    section.footer.paragraphs[0].text = f"{shown.stated}\t"
    _add_page_number(section.footer.paragraphs[0])
    normal = word.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(10.5)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), LANGUAGE)
    normal.element.get_or_add_rPr().append(language)


def _add_page_number(paragraph: WordParagraph) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 - python-docx writes no field


def _write(word: WordDocument, block: Block) -> None:
    if isinstance(block, Paragraph):
        if block.tone is Tone.HEADING:
            word.add_heading("".join(piece.text for piece in block.pieces), 2)
            return
        _add_pieces(word.add_paragraph(style=STYLES[block.tone]), block.pieces, strong=block.tone is Tone.LEAD)
    elif isinstance(block, Bullets):
        _add_list(word, block)
    elif isinstance(block, Grid):
        _add_table(word, block)
    elif isinstance(block, Terms):
        for term, meaning in block.pairs:
            _add_pieces(word.add_paragraph(), (Piece(f"{term}\u00a0: ", strong=True), Piece(meaning)))
    elif isinstance(block, Picture):
        return


def _add_list(word: WordDocument, block: Bullets) -> None:
    style = word.styles["List Number" if block.ordered else "List Bullet"]
    numbering = word.part.numbering_part.numbering_definitions._numbering  # noqa: SLF001 - python-docx starts no list again
    own = numbering.num_having_numId(style.element.pPr.numPr.numId.val)
    again = numbering.add_num(own.abstractNumId.val)
    again.add_lvlOverride(ilvl=0).add_startOverride(1)
    for item in block.items:
        paragraph = word.add_paragraph(style=style)
        paragraph._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = again.numId  # noqa: SLF001 - idem
        _add_pieces(paragraph, item)


def _add_pieces(paragraph: WordParagraph, pieces: Iterable[Piece], *, strong: bool = False) -> None:
    for piece in pieces:
        run = paragraph.add_run(piece.text)
        run.bold, run.italic = (piece.strong or strong) or None, piece.emphasis or None


def _add_table(word: WordDocument, grid: Grid) -> None:
    caption = word.add_paragraph(grid.caption, style="Caption")
    caption.paragraph_format.keep_with_next = True
    table = word.add_table(rows=0, cols=len(grid.headings), style="Light Grid Accent 1")
    lines = (grid.headings, *grid.rows)
    for number, line in enumerate(lines):
        row = table.add_row()
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - python-docx keeps no row whole
        cells = row.cells
        is_strong = number == 0 or (grid.has_total and number == len(lines) - 1)
        for cell, text, is_count in zip(cells, line, grid.counts, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if is_count else WD_ALIGN_PARAGRAPH.LEFT
            paragraph.add_run(text).bold = is_strong
    repeated = OxmlElement("w:tblHeader")  # the heading row stands on each page, and readers know it as one
    table.rows[0]._tr.get_or_add_trPr().append(repeated)  # noqa: SLF001 - python-docx sets no heading row
    word.add_paragraph()
