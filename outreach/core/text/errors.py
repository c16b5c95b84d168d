"""The exceptions of the product; each carries a French sentence for the person who sees it."""


class OutreachError(Exception):
    """Something was refused, and the message says what and why, in one French sentence."""


class SettingsError(OutreachError):
    """The configuration does not allow a start."""


class InputError(OutreachError):
    """The input cannot be accepted as it is; nothing was written."""


class NotFound(OutreachError):
    """The thing named by the caller does not exist."""


class TookTooLong(OutreachError):
    """The database was asked more than it could answer in the time allowed; at another time it may answer."""


class Refused(OutreachError):
    """The action is understood but not allowed, to this person or in this state."""
