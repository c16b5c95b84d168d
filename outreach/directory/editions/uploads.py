"""Editions of the register sent from the page: received, judged, applied, and their rejected rows kept."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from outreach.db import Session, take_turns
from outreach.directory.editions import imports
from outreach.directory.editions.difference import Difference
from outreach.directory.editions.imports import EditionJudgement
from outreach.directory.editions.register import Reading, ensure_not_empty, read_edition
from outreach.directory.models import RegisterImport, RegisterUpload
from outreach.errors import NotFound, Refused
from outreach.spreadsheets.tables import Grid, Rejection, read_grid


@dataclass(frozen=True, slots=True)
class OpenedEdition:
    """A file that was read: the digest of its bytes, and its grid as JSON."""

    sha256: str
    grid: str


@dataclass(frozen=True, slots=True)
class UploadJudgement:
    """The changes of an edition that was received, and the rows that are kept of it once it is applied.

    `left` are the cells of its rejected rows; `kept` is the same, and `outcome` why they were rejected, as JSON.
    """

    edition: EditionJudgement
    left: Grid
    outcome: str
    kept: str


def opened(content: bytes) -> OpenedEdition:
    """Read a file. A workbook may take seconds, so no transaction should be open.

    Raises InputError when it cannot be read, lacks a column, or holds no school of compulsory education.
    """
    grid = read_grid(content)
    records = list(grid.records)
    reading = read_edition(Grid(grid.label, grid.header, records), hashlib.sha256(content).hexdigest())
    ensure_not_empty(reading)
    return OpenedEdition(reading.sha256, _kept(Grid(grid.label, grid.header, records)))


def receive(session: Session, sent: OpenedEdition, edition_on: date, *, now: datetime, actor: str) -> RegisterUpload:
    """Store an edition to be looked at. The same file sent twice by one person within a minute is one.

    Raises Refused when a later edition was applied already.
    """
    take_turns(session, "register")
    imports.refuse_older(session, edition_on)
    same = select(RegisterUpload).where(
        RegisterUpload.sha256 == sent.sha256,
        RegisterUpload.edition_on == edition_on,
        RegisterUpload.received_by == actor,
        RegisterUpload.import_id.is_(None),
        RegisterUpload.received_at > now - timedelta(minutes=1),
    )
    last = session.scalar(same.order_by(RegisterUpload.id.desc()).limit(1))
    if last is not None:
        return last
    upload = RegisterUpload(
        sha256=sent.sha256, edition_on=edition_on, grid=sent.grid, outcome="", received_at=now, received_by=actor
    )
    session.add(upload)
    session.flush()
    return upload


def judge(session: Session, upload: RegisterUpload) -> UploadJudgement:
    """Compare an edition that was received with the directory as it is now; writes nothing. It takes half a second."""
    grid = grid_of(upload)
    edition = imports.judge(session, read_edition(grid, upload.sha256))
    rejected = edition.difference.rejected
    rows = {rejection.row for rejection in rejected}
    outcome = json.dumps([rejection.as_json() for rejection in rejected], ensure_ascii=False)
    left = Grid(grid.label, grid.header, [record for record in grid.records if record[0] in rows])
    return UploadJudgement(edition, left, outcome, _kept(left))


def apply(
    session: Session,
    upload: RegisterUpload,
    judged: UploadJudgement,
    *,
    now: datetime,
    actor: str,
    mailbox_domain: str,
) -> Difference:
    """Apply an edition that was received, as it was judged; its rejected rows are kept with it, the others are not.

    Raises Refused when it was applied already, when nothing in it changes anything, when a later edition was applied,
    or when the directory has changed since it was judged.
    """
    take_turns(session, "register")
    session.refresh(upload)
    if upload.import_id is not None:
        raise Refused("Cette édition est déjà appliquée.")
    if judged.edition.basis != imports.basis_of(session):
        raise Refused(imports.STALE)
    if not judged.edition.difference.changes:
        raise Refused("Rien à appliquer : l’annuaire dit déjà ce que dit cette édition.")
    applied = imports.apply(
        session,
        Reading(sha256=upload.sha256),
        now=now,
        edition_on=upload.edition_on,
        actor=actor,
        mailbox_domain=mailbox_domain,
        judged=judged.edition,
    )
    entry = imports.last_import(session)
    upload.import_id = entry.id if entry else None
    upload.outcome, upload.grid = judged.outcome, judged.kept
    return applied


def upload_numbered(session: Session, number: int) -> RegisterUpload:
    """The edition that was received under this key. Raises NotFound."""
    upload = session.get(RegisterUpload, number)
    if upload is None:
        raise NotFound("Cette édition n’a pas été reçue, ou n’est plus gardée.")
    return upload


def waiting(session: Session) -> list[RegisterUpload]:
    """The editions that were received and not applied, the newest first."""
    query = select(RegisterUpload).where(RegisterUpload.import_id.is_(None))
    return list(session.scalars(query.order_by(RegisterUpload.id.desc()).limit(10)))


def upload_of(session: Session, entry: RegisterImport) -> RegisterUpload | None:
    """The upload of an applied edition; None for one that a command applied."""
    return session.scalar(select(RegisterUpload).where(RegisterUpload.import_id == entry.id))


def grid_of(upload: RegisterUpload) -> Grid:
    """The cells of an edition as they were sent; once it is applied, those of its rejected rows."""
    kept = json.loads(upload.grid)
    return Grid(kept["label"], kept["header"], [(number, cells) for number, cells in kept["records"]])


def rejected_of(upload: RegisterUpload) -> list[Rejection]:
    """The rows that were rejected when an edition was applied; none before."""
    told: list[dict[str, Any]] = json.loads(upload.outcome or "[]")
    return [Rejection(**rejection) for rejection in told]


def _kept(grid: Grid) -> str:
    cells = {"label": grid.label, "header": grid.header, "records": list(grid.records)}
    return json.dumps(cells, ensure_ascii=False)
