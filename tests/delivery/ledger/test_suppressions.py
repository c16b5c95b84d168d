"""The list of exclusion: an address as it was written, in any case, and no other."""

from sqlalchemy import select

from outreach.core.audit import AuditEntry, entries_about
from outreach.core.text.addresses import judge
from outreach.delivery import outbox
from outreach.delivery.models import MessageClass, SuppressionReason
from tests.conftest import NOW


def test_an_address_is_excluded_in_any_case_and_its_neighbours_are_not(database):
    others = [judge(text).key for text in ("a@ecole.example", "a+autre@ecole.example", "a%tag@ecole.example")]
    excluded = judge("A+Tag@Ecole.example").key
    with database.writing() as session:
        outbox.suppress_address(session, excluded, SuppressionReason.UNSUBSCRIBED, now=NOW, actor="x")
        asked = [*others, judge("a+TAG@ecole.EXAMPLE").key]
        assert outbox.suppressed_among(session, asked, MessageClass.AWARENESS) == {excluded}


def test_the_audit_names_an_exclusion_by_its_number_and_never_its_address(database):
    reason = SuppressionReason.UNSUBSCRIBED
    with database.writing() as session:
        number = outbox.suppress_address(session, "a@ecole.example", reason, now=NOW, actor="x").id
        outbox.lift_suppression(session, "a@ecole.example", reason, now=NOW, actor="x")
        lines = {entry.sentence for entry in entries_about(session, f"exclusion:{number}")}
        assert lines == {f"Exclusion {number} {done} (désinscription)." for done in ("ajoutée", "levée")}
        entries = session.execute(select(AuditEntry.sentence, AuditEntry.subject)).all()
        assert not [entry for entry in entries if "ecole.example" in repr(entry)]


def test_the_list_is_searched_in_any_case_and_taken_page_by_page(database):
    keys = [judge(f"Direction{number:03}@École.example").key for number in range(51)]
    with database.writing() as session:
        for key in keys:
            outbox.suppress_address(session, key, SuppressionReason.STAFF, now=NOW, actor="x")
    with database.reading() as session:
        assert outbox.count_suppressions(session, "DIRECTION00")[SuppressionReason.STAFF] == 10
        assert [one.address for one in outbox.list_suppressions(session, text="003@E\u0301COLE").page(1)] == [keys[3]]
        listed = outbox.list_suppressions(session, SuppressionReason.STAFF)
        pages = [listed.page(number) for number in (1, 2, 3)]
    assert [one.address for page in pages for one in page] == keys[::-1]
    assert [len(page) for page in pages] == [50, 1, 0]
