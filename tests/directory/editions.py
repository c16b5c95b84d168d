"""Small editions of the register, row by row."""

import csv
import io

from outreach.core import tables
from outreach.core.tables import read_grid
from outreach.directory.register import Editions, open_edition
from outreach.directory.register._edition import read_edition
from outreach.operations.demo.sample import HEADER as COLUMNS

EDITIONS = Editions("adm.fwb.example")
HEADER = ";".join(COLUMNS)


def row(
    school=80001,
    site=70001,
    authority=9001,
    kind="Secondaire ordinaire",
    network="Libre confessionnel",
    school_name="Institut Saint-Joseph",
    authority_name="ASBL Saint-Joseph",
    company="0999000129",
    postcode="1070",
    zone="Bruxelles",
    street="Rue Haute 1",
):
    """One row of the register, plausible unless told otherwise."""
    place = ("ANDERLECHT", "Anderlecht")
    return (
        school,
        school_name,
        "",
        kind,
        "Secondaire",
        "Ordinaire",
        network,
        street,
        postcode,
        *place,
        zone,
        "Bruxelles-Capitale",
        site,
        street,
        postcode,
        *place,
        "50.84",
        "4.29",
        authority,
        authority_name,
        company,
        "Place du Conseil 1",
        "1070",
        *place,
        "50.84, 4.29",
    )


def edition(*rows):
    """A file of these rows as the register is published: two marks, `;`, CRLF."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" * 2 + buffer.getvalue().encode()


def read_register(content):
    """What an edition states, from the bytes of its file."""
    return read_edition(read_grid(content))


def apply(session, content, now, on, actor="nadia@fwb.example"):
    """Apply an edition; what it changed, or would have."""
    received = tables.receive_import(session, EDITIONS, open_edition(content), now=now, actor=actor, edition_on=on)
    judged = tables.judge_import(session, EDITIONS, received)
    if judged.plan.changes:
        tables.apply_import(session, EDITIONS, received, judged, now=now, actor=actor)
    return judged.plan


def undo(session, now, actor="nadia@fwb.example", **which):
    """Undo the last edition."""
    return tables.undo_import(session, EDITIONS, now=now, actor=actor, **which)
