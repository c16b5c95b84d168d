"""Small editions of the register, row by row."""

import csv
import io

from outreach.demo.sample import HEADER as COLUMNS

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
