"""The ladder of a campaign: whom its letters do not reach, the rungs that become due, and the proof of each."""
