"""Tables: columns and listings, files that people send and get, and the one protocol of imports."""

from outreach.core.tables._columns import (
    BATCH, DATA, FEW_ROWS, MOST_COUNTED, NOBODY, PAGE_ROWS, Column, Expression, InMemoryListing, Kind, Listing, On,
    QueryListing, Row, Rows, Total, by_label,
)
from outreach.core.tables._headers import (
    ERROR, NO_ROW, Headers, Heading, MissingColumns, cell_of, normalise_header, tidy_cell,
)
from outreach.core.tables._imports import (
    CHANGED, ColumnMatching, FileImport, ImportPreview, ListJudgement, ListKind, ListReading, ListState, Opened, Plan,
    Sent, apply_import, columns_of, draft_import, grid_as_json, grid_of, judge_import, last_applied, list_by_id,
    nothing_new, open_import, opened_file, receive_import, recent_imports, refuse_applied, remember_columns,
    size_of_cells, take_over, undo_import,
)
from outreach.core.tables._reading import Grid, GridRow, Rejection, RowFault, decode_text, read_grid
from outreach.core.tables._understanding import Holds, understand_columns
from outreach.core.tables._writing import (
    SERVICE, Cell, Origin, Table, column_letter, csv_bytes, with_column, write_csv, write_xlsx, xlsx,
)

__all__ = [
    "BATCH", "CHANGED", "DATA", "ERROR", "FEW_ROWS", "MOST_COUNTED", "NOBODY", "NO_ROW", "PAGE_ROWS", "SERVICE", "Cell",
    "Column", "ColumnMatching", "Expression", "FileImport", "Grid", "GridRow", "Headers", "Heading", "Holds",
    "ImportPreview", "InMemoryListing", "Kind", "ListJudgement", "ListKind", "ListReading", "ListState", "Listing",
    "MissingColumns", "On", "Opened", "Origin", "Plan", "QueryListing", "Rejection", "Row", "RowFault", "Rows", "Sent",
    "Table", "Total", "apply_import", "by_label", "cell_of", "column_letter", "columns_of", "csv_bytes", "decode_text",
    "draft_import", "grid_as_json", "grid_of", "judge_import", "last_applied", "list_by_id", "normalise_header",
    "nothing_new", "open_import", "opened_file", "read_grid", "receive_import", "recent_imports", "refuse_applied",
    "remember_columns", "size_of_cells", "take_over", "tidy_cell", "understand_columns", "undo_import", "with_column",
    "write_csv", "write_xlsx", "xlsx",
]
