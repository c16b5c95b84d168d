"""Accounts of staff: people, roles, passwords, second factors, sessions, and the access log."""

from outreach.access.accounts._access_log import (
    MOST_EXPORTED, AccessLogEntry, Filter, LogLine, Seen, TrailKind, add_access_lines, list_access, without_repeats,
)
from outreach.access.accounts._accounts import (
    Colleagues, Role, User, account_at, account_exists, account_numbered, account_of, add_user, change_password,
    choose_password, colleagues, ensure_roles, everybody, has_accounts, holders_of, is_active, note_sign_in,
    refuse_second_account, require_role, role_holders, user_named, user_of_session,
)
from outreach.access.accounts._administration import (
    account_state, close_account, end_all_sessions, labels_of, last_administrator, list_accounts, reopen_account,
    reset_second_factor, roles_of, set_roles, subject_of,
)
from outreach.access.accounts._calendar_keys import end_calendar_key, made_at, make_calendar_key, person_of
from outreach.access.accounts._identities import (
    Admission, StaffIdentity, accept_by_identity, admit_identity, bind_identity, identity_of,
)
from outreach.access.accounts._password_links import (
    DIGEST_BYTES, PATH, AccountLink, DeadLink, LinkKind, LiveLink, PasswordRequest, UnknownLink, ask_for_link,
    claim_requests, digests_of, is_enough, is_slowed, link_digest, make_link, new_token, pending_link, read_link,
    request_key, waiting_requests,
)
from outreach.access.accounts._sessions import (
    ATTEMPT_DIGEST_BYTES, LIFETIME, PAUSE, SignInAttempt, StaffSession, attempt_key, began_at, begin_session,
    count_attempt, count_failure, digest_of, end_numbered, end_session, end_sessions, has_factor, is_open, may_try,
    session_number, sessions_of,
)

__all__ = [
    "ATTEMPT_DIGEST_BYTES", "DIGEST_BYTES", "LIFETIME", "MOST_EXPORTED", "PATH", "PAUSE", "AccessLogEntry",
    "AccountLink", "Admission", "Colleagues", "DeadLink", "Filter", "LinkKind", "LiveLink", "LogLine",
    "PasswordRequest", "Role", "Seen", "SignInAttempt", "StaffIdentity", "StaffSession", "TrailKind", "UnknownLink",
    "User", "accept_by_identity", "account_at", "account_exists", "account_numbered", "account_of", "account_state",
    "add_access_lines", "add_user", "admit_identity", "ask_for_link", "attempt_key", "began_at", "begin_session",
    "bind_identity", "change_password", "choose_password", "claim_requests", "close_account", "colleagues",
    "count_attempt", "count_failure", "digest_of", "digests_of", "end_all_sessions", "end_calendar_key", "end_numbered",
    "end_session", "end_sessions", "ensure_roles", "everybody", "has_accounts", "has_factor", "holders_of",
    "identity_of", "is_active", "is_enough", "is_open", "is_slowed", "labels_of", "last_administrator", "link_digest",
    "list_access", "list_accounts", "made_at", "make_calendar_key", "make_link", "may_try", "new_token", "note_sign_in",
    "pending_link", "person_of", "read_link", "refuse_second_account", "reopen_account", "request_key", "require_role",
    "reset_second_factor", "role_holders", "roles_of", "session_number", "sessions_of", "set_roles", "subject_of",
    "user_named", "user_of_session", "waiting_requests", "without_repeats",
]
