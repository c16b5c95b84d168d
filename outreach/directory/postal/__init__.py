"""Postal addresses of authorities and schools: read from the register, checked, corrected with history, returned."""

from outreach.directory.postal._address import PostalAddress
from outreach.directory.postal._postal_addresses import (
    AddressFilter, AddressRow, HeldAddress, address_rows, came_back, correct_address, correction_of, held_addresses,
    held_of, list_addresses, withdraw_address,
)

__all__ = [
    "AddressFilter", "AddressRow", "HeldAddress", "PostalAddress", "address_rows", "came_back", "correct_address",
    "correction_of", "held_addresses", "held_of", "list_addresses", "withdraw_address",
]
