"""Backups: made, kept, proved by restoring them."""

from outreach.operations.backups._making import (
    BackupOrigin, Restored, address_without_password, age_of_newest, forget_backups, make_backup, newest_backup,
    restore_backup,
)
from outreach.operations.backups._manifest import fingerprints
from outreach.operations.backups._restore_tests import (
    PROOF_LASTS, Rehearsal, RehearsalOutcome, last_proven, last_restore_test, record_restore_test,
    restore_test_sentences, run_restore_test,
)

__all__ = [
    "PROOF_LASTS", "BackupOrigin", "Rehearsal", "RehearsalOutcome", "Restored", "address_without_password",
    "age_of_newest", "fingerprints", "forget_backups", "last_proven", "last_restore_test", "make_backup",
    "newest_backup", "record_restore_test", "restore_backup", "restore_test_sentences", "run_restore_test",
]
