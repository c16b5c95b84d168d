"""The list of exclusion: an address as it was written, in any case, and no other."""

from outreach.delivery import suppressions
from outreach.delivery.models import MessageClass, SuppressionReason
from outreach.mail.addresses import judge
from tests.conftest import NOW


def test_an_address_is_excluded_in_any_case_and_its_neighbours_are_not(database):
    others = [judge(text).key for text in ("a@ecole.example", "a+autre@ecole.example", "a%tag@ecole.example")]
    excluded = judge("A+Tag@Ecole.example").key
    with database.writing() as session:
        suppressions.suppress(session, excluded, SuppressionReason.UNSUBSCRIBED, now=NOW, actor="x")
        asked = [*others, judge("a+TAG@ecole.EXAMPLE").key]
        assert suppressions.suppressed_among(session, asked, MessageClass.AWARENESS) == {excluded}
