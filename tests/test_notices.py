"""Improvement notices: which findings stand in which draft, and what each says."""

import html
from datetime import date

import pytest

from qpi.errors import UsageError
from qpi.render import TemplateError

AS_OF = date(2026, 11, 20)


def drafts(workspace, **more):
    return workspace.notices("2026-10", as_of=AS_OF, **more)


def test_every_finding_of_the_period_stands_in_exactly_one_draft(recorded):
    for per in ("project", "responsible"):
        found = [finding["id"] for one in drafts(recorded, per=per) for finding in one.values["findings"]]
        assert sorted(found) == ["c-1/1", "c-1/2", "c-2/1"]


def test_a_draft_per_project_names_who_issues_and_who_receives(recorded):
    one, other = drafts(recorded)
    assert (one.values["project"]["name"], other.values["project"]["name"]) == ("桃园", "江畔")
    assert [who["name"] for who in one.values["issuer"]["people"]] == ["李静"]
    assert [who["name"] for who in one.values["recipients"]] == ["王芳"]


def test_totals_are_exact_and_by_kind(recorded):
    totals = drafts(recorded)[0].values["totals"]
    assert totals == {
        "checks": 2, "findings": 2, "suggestion": 1, "rectification": 0, "deduction": 1, "deduct": "2.75", "fine": "100",
        "closed": 1, "self_verified": 0, "open": 1,
    }  # fmt: skip


def test_a_draft_per_responsible_gathers_projects_and_keeps_findings_that_nobody_answers_for(recorded):
    found = {one.subject: [f["id"] for f in one.values["findings"]] for one in drafts(recorded, per="responsible")}
    assert found == {"BJ": ["c-1/1", "c-2/1"], "(未指定)": ["c-1/2"]}


def test_rounds_are_numbered_and_only_those_up_to_the_day_asked_for_count(recorded):
    finding = drafts(recorded)[0].values["findings"][0]
    assert [(r["round"], r["outcome"], r["verifier"]["name"]) for r in finding["verifications"]] == [
        (1, "open", "李静"),
        (2, "closed", "李静"),
    ]
    earlier = recorded.notices("2026-10", as_of=date(2026, 10, 16))[0].values["findings"][0]
    assert (len(earlier["verifications"]), earlier["status"]) == (1, "open")


def test_the_foot_names_edition_position_and_head(recorded):
    values = drafts(recorded)[0].values
    with recorded.ledger() as ledger:
        position = ledger.position()
    receipt = f"qpi-receipt-v1 {position.ledger} {position.seq} {position.head}"
    assert values["ledger"] == {"id": position.ledger, "seq": position.seq, "head": position.head, "receipt": receipt}
    assert [(e["catalogue"], e["edition"]) for e in values["editions"]] == [("service", "2026.1")]
    text = drafts(recorded)[0].render("html")
    assert position.head in text.replace("<wbr>", "") and values["editions"][0]["digest"][:12] in text


def test_a_draft_at_an_earlier_entry_shows_the_ledger_as_it_stood(recorded):
    """Entry 2 is the first check; entry 1 keeps the edition's text."""
    found = drafts(recorded, at=2)
    assert [one.subject for one in found] == ["P01"]
    assert found[0].values["ledger"]["seq"] == 2
    assert found[0].values["findings"][0]["verifications"] == []
    with pytest.raises(UsageError, match="there is no entry 99"):
        drafts(recorded, at=99)


@pytest.mark.parametrize("form", ["html", "md"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_text_of_every_finding_stands_in_the_notice(recorded, form, language):
    one = drafts(recorded, language=language)[0]
    text = html.unescape(one.render(form))
    plain = text.replace("\\", "") if form == "md" else text
    for finding in one.values["findings"]:
        assert finding["fault"] in plain
        assert finding["code"] in plain and finding["requirement"] in plain
    assert "一户一档" in plain


def test_a_project_without_checks_says_that_nothing_was_checked(recorded):
    (one,) = recorded.notices("2026-09", project="P01", as_of=AS_OF)
    assert one.values["totals"]["checks"] == 0
    assert "不表示没有问题" in one.render("html")
    assert recorded.notices("2026-09", as_of=AS_OF) == []


def test_a_name_that_left_the_portfolio_is_an_id_again(recorded, folder):
    path = folder / "portfolio.yaml"
    path.write_text(path.read_text("utf-8").replace("{id: S02, name: 李静}, ", ""), "utf-8")
    values = type(recorded)(folder).notices("2026-10", as_of=AS_OF)[0].values
    assert values["findings"][0]["verifications"][0]["verifier"]["name"] == "S02"


def test_a_companys_own_template_beside_the_workspace_is_taken(recorded, folder):
    own = folder / "templates"
    own.mkdir()
    (own / "notice.md").write_text("{{ notice.organisation }} {{ notice.totals.findings }}", "utf-8")
    assert drafts(recorded)[0].render("md", own=own) == "示例物业 2"
    (own / "notice.md").write_text("{{ notice.deadlin }}", "utf-8")
    with pytest.raises(TemplateError, match=r"notice.md:1: .*deadlin"):
        drafts(recorded)[0].render("md", own=own)


def test_a_superseded_check_stands_in_no_notice(recorded):
    """Entry 2 is the first check, with two findings and two rounds."""
    with recorded.recorder() as recorder:
        recorder.void(2, reason="twice")
    found = {one.subject: [f["id"] for f in one.values["findings"]] for one in drafts(recorded)}
    assert found == {"P01": [], "P02": ["c-2/1"]}


def test_a_later_round_is_planned_by_the_round_before(recorded):
    again = {"finding": "c-1/1", "verifier": "S02", "verified_at": "2026-10-25T10:00:00+08:00", "outcome": "open",
             "verify_on": "2026-11-02"}  # fmt: skip
    with recorded.recorder() as recorder:
        recorder.verify(again)
    finding = drafts(recorded)[0].values["findings"][0]
    assert [one["planned"] for one in finding["verifications"]] == ["2026-10-15", None, None]
    assert finding["next_planned"] == "2026-11-02"
    assert "2026-11-02" in drafts(recorded)[0].render("html")


def test_file_names_differ_also_where_capitals_do_not_count(recorded):
    one = drafts(recorded)[0]
    stems = {
        type(one)("2026-10", subject, one.values).stem.casefold() for subject in ("Z2", "z2", "张" * 80, "张" * 81)
    }
    assert len(stems) == 4
    assert all(len(f"{stem}.html".encode()) < 255 for stem in stems)


def test_file_names_are_safe_and_distinct(recorded):
    one = drafts(recorded)[0]
    assert one.stem == "notice-2026-10-P01"
    other = type(one)("2026-10", "../外包/A", one.values)
    again = type(one)("2026-10", ".._外包_A", one.values)
    assert "/" not in other.stem and other.stem != again.stem


def test_unknown_words_are_refused_with_the_nearest(recorded):
    with pytest.raises(UsageError, match="did you mean P0"):
        drafts(recorded, project="P0l")
    with pytest.raises(UsageError, match="write 2026-10"):
        recorded.notices("2026-10-05")
    with pytest.raises(UsageError, match="write one of html, md"):
        drafts(recorded)[0].render("pdf")
