"""Records of adherence: what was told by whom for which day, by lists or by hand."""

from outreach.adherence.records._by_hand import changes_without, get_hand_record, of_authority, withdraw_hand_record
from outreach.adherence.records._records import (
    FROM_A_LETTER, LISTS, RecordRow, SchoolStandings, Standing, all_records, by_strand, declared_joinings,
    eligible_schools, list_events, list_standings, record_adherence, standing_in_words,
)

__all__ = [
    "FROM_A_LETTER", "LISTS", "RecordRow", "SchoolStandings", "Standing", "all_records", "by_strand", "changes_without",
    "declared_joinings", "eligible_schools", "get_hand_record", "list_events", "list_standings", "of_authority",
    "record_adherence", "standing_in_words", "withdraw_hand_record",
]
