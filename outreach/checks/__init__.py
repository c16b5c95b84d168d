"""Checks: what the service needs, each thing looked at in one place; told by the doctor, as alerts and as figures."""
