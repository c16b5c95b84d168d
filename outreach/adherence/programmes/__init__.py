"""Programmes: their strands and prerequisites, the files that state them, and the events that they publish."""

from outreach.adherence.programmes._change_events import tell_programme, tell_recorded, tell_withdrawn
from outreach.adherence.programmes._files import (
    all_programme_files, as_file, load_programme_file, prerequisite_in_words, programme_as_file, programme_difference,
    programme_numbered, stated_of, undoing_refused,
)
from outreach.adherence.programmes._programmes import (
    NAME_AMONG_SEVERAL, PrerequisiteFile, ProgrammeFile, SeveralProgrammes, StrandFile, all_programmes, as_json,
    columns_of, fault_of, get_programme, in_use, judged_by, list_prerequisites, load_file, load_programme,
    name_among_several, names_among_several, of_programme, page_address, programme_codes, read_programme,
    strand_in_words, strand_name, strand_named, strand_names,
)

__all__ = [
    "NAME_AMONG_SEVERAL", "PrerequisiteFile", "ProgrammeFile", "SeveralProgrammes", "StrandFile", "all_programme_files",
    "all_programmes", "as_file", "as_json", "columns_of", "fault_of", "get_programme", "in_use", "judged_by",
    "list_prerequisites", "load_file", "load_programme", "load_programme_file", "name_among_several",
    "names_among_several", "of_programme", "page_address", "prerequisite_in_words", "programme_as_file",
    "programme_codes", "programme_difference", "programme_numbered", "read_programme", "stated_of", "strand_in_words",
    "strand_name", "strand_named", "strand_names", "tell_programme", "tell_recorded", "tell_withdrawn",
    "undoing_refused",
]
