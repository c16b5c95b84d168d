"""Approvals: a second person decides about what another one wrote, in one dated table for all that is approved."""
