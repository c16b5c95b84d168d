"""Extension points: where a row or a class is added, and the class that says what each of them has."""

from collections.abc import Mapping

from outreach.access.approvals import Thing
from outreach.adherence.statuses import Status
from outreach.campaigns.evidence import ReachChannel
from outreach.campaigns.letter import Field
from outreach.campaigns.segments import Fields
from outreach.core.settings import Settings
from outreach.core.tables import Column, ListKind
from outreach.directory.reference import NetworkCode
from outreach.engagement.replies import Answer
from outreach.operations.health import Check
from outreach.operations.retention import Retention
from outreach.operations.tasks import TaskSource

# Named as in the table « Where things go » of docs/architecture.md, which says what else each takes.
EXTENSION_POINTS: Mapping[str, type] = {
    "a kind of answer": Answer,
    "a status of schools": Status,
    "a network": NetworkCode,
    "a criterion of audiences": Fields,
    "a column of a table": Column,
    "a kind of list that people send": ListKind,
    "a channel beside mail": ReachChannel,
    "how long something is kept": Retention,
    "a thing to approve": Thing,
    "a check, an alert, a figure": Check,
    "a thing that awaits people": TaskSource,
    "a setting": Settings,
    "a merge field of letters": Field,
}
