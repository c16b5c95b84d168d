"""The family tree of our exceptions; each carries a French sentence meant for the person who reads it."""


class OutreachError(Exception):
    """Something was refused, and the message says what and why, in one French sentence."""


class SettingsError(OutreachError):
    """The configuration does not allow a start."""


class InputError(OutreachError):
    """What somebody gave us cannot be taken as it is; nothing was written."""


class NotFound(OutreachError):
    """The thing named by the caller does not exist."""


class Refused(OutreachError):
    """The action is understood but not allowed, to this person or in this state."""
