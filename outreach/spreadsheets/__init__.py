"""Reads the tables that people send (CSV, XLSX, ODS), within limits of size, time and memory."""
