"""The doctor: what an installation needs, each thing asked for itself, with what to do where it is not well."""
