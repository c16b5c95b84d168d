"""Rehearsals: what a campaign will do, played before anything leaves, and afterwards beside what came."""
