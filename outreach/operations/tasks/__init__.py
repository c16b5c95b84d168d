"""Tasks: what awaits a person, as a list and as a calendar."""

from outreach.operations.tasks._calendar_feed import MEDIA_TYPE, feed_events, write_feed
from outreach.operations.tasks._tasks import TaskKind, TaskSource, Whose, count_tasks, group_tasks, list_tasks

__all__ = [
    "MEDIA_TYPE", "TaskKind", "TaskSource", "Whose", "count_tasks", "feed_events", "group_tasks", "list_tasks",
    "write_feed",
]
