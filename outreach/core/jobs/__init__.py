"""Jobs: requests of staff that take longer than a page may, done by a work process and kept as rows."""

from outreach.core.jobs._models import KEPT, Job, JobState
from outreach.core.jobs._queue import (
    AskedJob, as_json, ask_job, cancel_job, drop_jobs, job_numbered, job_of, list_jobs, lose_files, read_pieces,
    repeat_job,
)
from outreach.core.jobs._work import JobWork, LeaseLost, anything_due, claim_job, end_job, put_back, renew_lease

__all__ = [
    "KEPT", "AskedJob", "Job", "JobState", "JobWork", "LeaseLost", "anything_due", "as_json", "ask_job", "cancel_job",
    "claim_job", "drop_jobs", "end_job", "job_numbered", "job_of", "list_jobs", "lose_files", "put_back", "read_pieces",
    "renew_lease", "repeat_job",
]
