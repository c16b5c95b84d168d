"""Segments: criteria over authorities, the audience they give, its counts, and how they read in French."""

from outreach.campaigns.segments._audience import (
    ORDER, Audience, Boxes, Concerns, audience_rows, audience_statement, corrected_mailings, is_concerned, is_gone_from,
    list_audience_mailboxes, reason_of, subjects_of,
)
from outreach.campaigns.segments._audience_counts import (
    AudienceCounts, Ranked, by_authority, by_label, count_audience, first_authorities, written_by_network,
)
from outreach.campaigns.segments._criteria import (
    EVERYBODY, IN_PROVINCE, LEAVES, And, Criterion, FederationCode, HasLevel, InFederation, InMunicipality, InNetwork,
    InProvince, InZone, Leaf, Not, RolledUp, SchoolStatus, Unreachable, criterion_leaves, is_everybody,
    listed_authorities, sentence_of, simplify_criterion,
)
from outreach.campaigns.segments._criteria_json import (
    DEEPEST, MOST_LEAVES, PARAMETER, TooMany, from_json, from_plain, from_store, refuse_more, to_json, to_plain,
    within_limits,
)
from outreach.campaigns.segments._mailing_criteria import (
    OfMailings, ReachedBy, ReactedTo, ReactionKind, ReceivedMailing, invited_to, reactions_of_boxes, reactions_to,
)
from outreach.campaigns.segments._of_strand import bring_to_strand, follow_strand, foreign_leaves, strand_numbers
from outreach.campaigns.segments._presentation import (
    LETTERS, OF_LETTERS, WHAT_PART, Choices, Explanation, Offer, Options, Shape, Values, explain_authority, find_offers,
    list_offers, make_leaf, names_of, offered_as, title_of, values_of,
)
from outreach.campaigns.segments._saved import (
    SavedSegment, SegmentVersion, all_segments, latest_version, rename_segment, retire_segment, revise_segment,
    save_segment, segment_numbered,
)
from outreach.campaigns.segments._context import CriteriaContext, Fields, Names, context_at, info_of, rule_of, take_turn
from outreach.campaigns.segments._stored_lists import (
    LONGEST_NAME, AmongAuthorities, ListRow, Numbers, all_lists, known_fases, list_members, list_names, list_numbered,
    list_stored_lists, make_list, of_file, read_numbers,
)

__all__ = [
    "DEEPEST", "EVERYBODY", "IN_PROVINCE", "LEAVES", "LETTERS", "LONGEST_NAME", "MOST_LEAVES", "OF_LETTERS", "ORDER",
    "PARAMETER", "WHAT_PART", "AmongAuthorities", "And", "Audience", "AudienceCounts", "Boxes", "Choices", "Concerns",
    "CriteriaContext", "Criterion", "Explanation", "FederationCode", "Fields", "HasLevel", "InFederation",
    "InMunicipality", "InNetwork", "InProvince", "InZone", "Leaf", "ListRow", "Names", "Not", "Numbers", "OfMailings",
    "Offer", "Options", "Ranked", "ReachedBy", "ReactedTo", "ReactionKind", "ReceivedMailing", "RolledUp",
    "SavedSegment", "SchoolStatus", "SegmentVersion", "Shape", "TooMany", "Unreachable", "Values", "all_lists",
    "all_segments", "audience_rows", "audience_statement", "bring_to_strand", "by_authority", "by_label", "context_at",
    "corrected_mailings", "count_audience", "criterion_leaves", "explain_authority", "find_offers", "first_authorities",
    "follow_strand", "foreign_leaves", "from_json", "from_plain", "from_store", "info_of", "invited_to", "is_concerned",
    "is_everybody", "is_gone_from", "known_fases", "latest_version", "list_audience_mailboxes", "list_members",
    "list_names", "list_numbered", "list_offers", "list_stored_lists", "listed_authorities", "make_leaf", "make_list",
    "names_of", "of_file", "offered_as", "reactions_of_boxes", "reactions_to", "read_numbers", "reason_of",
    "refuse_more", "rename_segment", "retire_segment", "revise_segment", "rule_of", "save_segment", "segment_numbered",
    "sentence_of", "simplify_criterion", "strand_numbers", "subjects_of", "take_turn", "title_of", "to_json",
    "to_plain", "values_of", "within_limits", "written_by_network",
]
