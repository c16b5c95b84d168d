"""Reads the tables that people send (CSV, XLSX, ODS), within limits of size, time and memory, and writes ours."""
