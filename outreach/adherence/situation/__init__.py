"""The situation: how schools stand on a day, as known at a moment, counted, grouped and put in words."""

from outreach.adherence.situation._cells import A_MONTH, CONCERNED, By, Cause, Compared, Reading, SituationDifference
from outreach.adherence.situation._concerning import programmes_concerning
from outreach.adherence.situation._difference import difference
from outreach.adherence.situation._explained import (
    ChangedSchool, ChosenList, causes_in_words, difference_sentences, figure_label, list_changed_schools, signed_count,
    since,
)
from outreach.adherence.situation._grouping import Grouping, groups, oldest_register, refuse_unknowable
from outreach.adherence.situation._sentences import (
    DEFINITIONS, KNOWN, OF_REACH, ORDINALS, OTHERS, FiguredSentence, GroupAnswer, closed_in_words, closing_in_words,
    day_in_words, figures_of, group_answers, joined_late, kinds_of_schools, of_declared, of_group, of_reported, of_rows,
    of_strand, opening_in_words, others_in_words, situation_sentences, strand_ordinal,
)
from outreach.adherence.situation._situation import (
    AuthorityRow, Bucket, Listed, SchoolRow, Selection, Situation, SituationRow, Solicitation, buckets_of,
    count_situation, joining_curve, list_situation_authorities, list_situation_schools,
)
from outreach.adherence.situation._standing import (
    Moment, Timeline, all_eligible, is_confirmed, joined_schools, roll_up, roll_up_of, standing_of_limits,
    standing_of_schools, standing_of_some, standing_on, standing_so, status_of, timeline_of,
)

__all__ = [
    "A_MONTH", "CONCERNED", "DEFINITIONS", "KNOWN", "OF_REACH", "ORDINALS", "OTHERS", "AuthorityRow", "Bucket", "By",
    "Cause", "ChangedSchool", "ChosenList", "Compared", "FiguredSentence", "GroupAnswer", "Grouping", "Listed",
    "Moment", "Reading", "SchoolRow", "Selection", "Situation", "SituationDifference", "SituationRow", "Solicitation",
    "Timeline", "all_eligible", "buckets_of", "causes_in_words", "closed_in_words", "closing_in_words",
    "count_situation", "day_in_words", "difference", "difference_sentences", "figure_label", "figures_of",
    "group_answers", "groups", "is_confirmed", "joined_late", "joined_schools", "joining_curve", "kinds_of_schools",
    "list_changed_schools", "list_situation_authorities", "list_situation_schools", "of_declared", "of_group",
    "of_reported", "of_rows", "of_strand", "oldest_register", "opening_in_words", "others_in_words",
    "programmes_concerning", "refuse_unknowable", "roll_up", "roll_up_of", "signed_count", "since",
    "situation_sentences", "standing_of_limits", "standing_of_schools", "standing_of_some", "standing_on",
    "standing_so", "status_of", "strand_ordinal", "timeline_of",
]
