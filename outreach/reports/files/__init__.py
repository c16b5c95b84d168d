"""The files of notes: one outline, written as PDF and DOCX, and verified by anybody."""
