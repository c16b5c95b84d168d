"""The files of an approved note: PDF, DOCX, XLSX and JSON, each made of the same outline or the same tables."""
