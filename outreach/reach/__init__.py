"""Whom a mailing's letters do not reach: the rungs tried for each, by mail, on paper and by phone, and the proof."""
