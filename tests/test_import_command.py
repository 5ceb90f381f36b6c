"""`qpi import`: whole file or nothing, what is said of it, and what a clerk does next."""

import sys

import pytest

from inputs import CHECK, FINDING, VERIFICATION, digest, json_lines, typed
from qpi import cli
from qpi.ledger import open_ledger

EDITION = """\
catalogue: service
edition: "2026.2"
title: 标准
effective_from: 2026-07-01
groups:
  - name: 档案
    methods: [records]
    frequency: {supervisor: 1/month}
    points:
      - {code: KF-001, text: 建档, score: 10}
      - {code: KF-002, text: 要件, score: 10}
"""
PORTFOLIO = """\
projects:
  - {id: P01, name: 桃园}
people: [{id: S01, name: 甲}]
"""
HEADER = "id,project,point,role,checked_at,place"
ROWS = [f"c-{n},P01,KF-001,supervisor,2026-10-0{n} 09:30,{n}栋" for n in range(1, 6)]


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """A workspace with no ledger, and the command line in it."""
    (tmp_path / "checklists").mkdir()
    (tmp_path / "checklists" / "service.yaml").write_text(EDITION, encoding="utf-8")
    (tmp_path / "portfolio.yaml").write_text(PORTFOLIO, encoding="utf-8")
    (tmp_path / "qpi.yaml").write_text("organisation: 示例物业\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, monkeypatch, capsys)


class Desk:
    def __init__(self, folder, monkeypatch, capsys):
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.ledger = folder / "qpi.db"

    def run(self, *arguments):
        """Run a command; return its exit code, stdout and stderr."""
        self.monkeypatch.setattr(sys, "argv", ["qpi", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = done.code
        out, err = self.capsys.readouterr()
        return code, out, err

    def csv(self, name, *lines, encoding="utf-8"):
        (self.folder / name).write_bytes("\r\n".join(lines).encode(encoding))
        return name

    def lines(self, name, *records):
        json_lines(self.folder / name, *records)
        return name

    def typed(self, **options):
        with open_ledger(self.ledger) as ledger:
            assert ledger.verify() == []
            return typed(ledger, **options)

    def ids(self):
        with open_ledger(self.ledger) as ledger:
            return [row[0] for row in ledger.rows("SELECT id FROM checks ORDER BY id")]

    def refused(self, *arguments):
        """Run an import that is refused: exit 1, the ledger byte for byte as before; return what was said."""
        before = digest(self.ledger)
        code, out, err = self.run("import", *arguments)
        assert (code, out) == (1, "")
        assert "Traceback" not in err
        assert digest(self.ledger) == before
        return err


def test_a_file_is_imported_and_the_ledgers_position_told(desk):
    code, out, err = desk.run("import", desk.lines("a.jsonl", CHECK, VERIFICATION))
    assert (code, err) == (0, "")
    assert out.startswith("a.jsonl: 2 recorded, 0 already there; ledger at entry 3, head ")


@pytest.mark.parametrize(
    "make", [lambda desk: desk.csv("a.csv", HEADER, *ROWS), lambda desk: desk.lines("a.jsonl", CHECK, VERIFICATION)]
)
def test_the_same_file_again_adds_nothing_and_says_so(desk, make):
    name = make(desk)
    desk.run("import", name)
    before = digest(desk.ledger)
    code, out, _ = desk.run("import", name)
    assert code == 0
    assert "0 recorded" in out
    assert "nothing new, this was imported before" in out
    assert digest(desk.ledger) == before


def test_one_bad_row_keeps_the_whole_file_out_and_every_bad_row_is_listed(desk):
    desk.run("import", desk.csv("first.csv", HEADER, ROWS[0]))
    name = desk.csv(
        "a.csv",
        HEADER,
        ROWS[1],
        ROWS[2].replace("supervisor", "supervisr"),
        ROWS[3].replace("10-04", "02-30"),
        ROWS[4].replace("P01", "P1"),
    )
    err = desk.refused(name)
    assert err.splitlines() == [
        'a.csv:3: role: "supervisr" is unknown; did you mean supervisor?',
        "a.csv:4: checked_at: there is no moment 2026-02-30T09:30:00; write it as 2026-10-05 09:30",
        'a.csv:5: project: "P1" is unknown; did you mean P01?',
        "a.csv: nothing was recorded",
    ]


def test_all_wrong_cells_of_a_row_are_told_at_once_and_each_in_its_row(desk):
    header = HEADER.replace("place", "method,kind,finding.kind,finding.element,finding.due")
    row = "c-1,P9,KF-001,boss,2026-10-05 09:30,smell,routin,deductoin,3,then"
    err = desk.refused(desk.csv("a.csv", header, row, "c-1,,,,,,,deduction,4,"))
    told = [line.split(": ")[:2] for line in err.splitlines()[:-1]]
    assert sorted(told) == [
        *(["a.csv:2", name] for name in ("finding.due", "finding.element", "finding.kind", "kind", "method")),
        *(["a.csv:2", name] for name in ("project", "role")),
        ["a.csv:3", "finding.element"],
    ]


def test_a_refused_file_makes_no_ledger(desk):
    desk.refused(desk.csv("a.csv", HEADER, ROWS[0].replace("P01", "P9")))
    assert not desk.ledger.exists()


FAULTS = {
    "empty": [""],
    "cut off": ['{"id": "c-1", "project'],
    "garbage": ["\x00\x01\x02"],
    "two kinds on a line": [{**CHECK, **VERIFICATION}],
    "a finding without kind": [{**CHECK, "findings": [{"fault": "x"}]}],
    "an unknown finding": [CHECK, {**VERIFICATION, "finding": "c-1001/2"}],
    "verified before its check": [CHECK, {**VERIFICATION, "verified_at": "2026-10-01T10:00:00+08:00"}],
    "verified by the responsible": [CHECK, {**VERIFICATION, "verifier": "BJ"}],
    "a check in the future": [{**CHECK, "checked_at": "2126-10-05T09:30:00+08:00"}],
    "a point of no edition that day": [{**CHECK, "checked_at": "2026-06-30T09:30:00+08:00"}],
    "an unknown role": [{**CHECK, "role": "boss"}],
    "a time without offset": [{**CHECK, "checked_at": "2026-10-05T09:30:00"}],
    "a zero width space in a code": [{**CHECK, "point": "KF-\u200b001"}],
    "a Cyrillic code": [{**CHECK, "point": "КF-001"}],
    "a negative deduction": [{**CHECK, "findings": [{**FINDING, "deduct": -1}]}],
    "a half of a hundredth": [{**CHECK, "findings": [{**FINDING, "deduct": 0.005}]}],
    "two contents of one id": [CHECK, {**CHECK, "place": "4栋"}],
}


@pytest.mark.parametrize("records", FAULTS.values(), ids=FAULTS.keys())
def test_bad_json_lines_change_nothing(desk, records):
    desk.run("import", desk.csv("first.csv", HEADER, *ROWS))
    if records != [""]:
        records = [{**CHECK, "id": "good"}, *records]
    err = desk.refused(desk.lines("a.jsonl", *records))
    assert err.startswith("a.jsonl")
    assert "; " in err


def test_the_inspector_may_not_verify_where_the_policy_forbids_it(desk):
    (desk.folder / "policy.yaml").write_text("verification_by: not_inspector\n", encoding="utf-8")
    err = desk.refused(desk.lines("a.jsonl", CHECK, {**VERIFICATION, "verifier": "S01"}))
    assert err.startswith("a.jsonl:2: verifier: S01 raised the finding, and the policy wants another")


def test_a_conflict_shows_both_contents(desk):
    desk.run("import", desk.csv("a.csv", HEADER, *ROWS))
    err = desk.refused(desk.csv("b.csv", HEADER, ROWS[1].replace("2栋", "9栋")))
    assert (
        'b.csv:2: check c-2 is recorded already as entry 3 with other content (place: recorded "2栋", given "9栋")'
        in err
    )


def test_a_ledger_that_cannot_be_written_is_told(desk):
    (desk.folder / "qpi.yaml").write_text(
        "organisation: x\nledger: sqlite:///no/such/folder/qpi.db\n", encoding="utf-8"
    )
    code, _, err = desk.run("import", desk.csv("a.csv", HEADER, *ROWS))
    assert code == 1
    assert "there is no folder no/such/folder; make it, or name another in qpi.yaml" in err


def test_several_files_are_whole_each_and_a_bad_one_does_not_stop_the_next(desk):
    names = [
        desk.csv("a.csv", HEADER, ROWS[0]),
        desk.csv("b.csv", HEADER, ROWS[1].replace("P01", "P9")),
        desk.csv("c.csv", HEADER, ROWS[2]),
    ]
    code, out, err = desk.run("import", *names)
    assert code == 1
    assert [line.split(":")[0] for line in out.splitlines()] == ["a.csv", "c.csv"]
    assert "b.csv: nothing was recorded" in err
    assert desk.ids() == ["c-1", "c-3"]


def test_gb18030_and_chinese_names_give_the_same_rows_as_english_utf8(desk):
    chinese = ["编号,项目,代码,核查层级,核查时间,地点", *(row.replace("supervisor", "对口主管") for row in ROWS)]
    assert desk.run("import", "--encoding", "gb18030", desk.csv("zh.csv", *chinese, encoding="gb18030"))[0] == 0
    code, out, _ = desk.run("import", desk.csv("en.csv", HEADER, *ROWS))
    assert code == 0
    assert "0 recorded, 5 already there" in out


def test_a_mapping_of_ones_own_columns(desk):
    (desk.folder / "map.yaml").write_text("Objekt: project\nNr: id\n", encoding="utf-8")
    name = desk.csv("a.csv", HEADER.replace("id,project", "Nr,Objekt"), *ROWS)
    assert "is unknown" in desk.refused(name)
    assert desk.run("import", "--columns", "map.yaml", name)[0] == 0
    assert desk.ids() == ["c-1", "c-2", "c-3", "c-4", "c-5"]


# Rejects


def test_rejects_of_csv_can_be_mended_and_imported(desk):
    bad = [ROWS[1].replace("supervisor", "supervisr"), ROWS[3].replace("KF-001", "KF-00I").replace("4栋", "=4栋")]
    name = desk.csv("a.csv", HEADER, ROWS[0], bad[0], ROWS[2], bad[1], ROWS[4])
    code, out, err = desk.run("import", "--accept-good", "--rejects", "bad.csv", name)
    assert code == 0
    assert "3 recorded, 0 already there, 2 left out" in out
    assert "a.csv:3: role:" in err
    text = (desk.folder / "bad.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == HEADER + ",import problem"
    assert "'=4栋" in text
    assert "did you mean supervisor?" in text
    (desk.folder / "bad.csv").write_text(
        text.replace("supervisr,", "supervisor,").replace("KF-00I,", "KF-001,"), encoding="utf-8", newline=""
    )
    assert desk.run("import", "bad.csv")[0] == 0
    assert [row[8] for row in desk.typed(numbers=False)["checks"]] == ["1栋", "2栋", "3栋", "=4栋", "5栋"]


def test_rejects_of_json_lines_can_be_mended_and_imported(desk):
    name = desk.lines("a.jsonl", {**CHECK, "role": "boss"}, VERIFICATION, {**CHECK, "id": "c-2"}, '{"id": "c-3"')
    code, out, _ = desk.run("import", "--accept-good", "--rejects", "bad.jsonl", name)
    assert code == 0
    assert "1 recorded, 0 already there, 3 left out" in out
    text = (desk.folder / "bad.jsonl").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 3
    desk.lines("mended.jsonl", *text.replace("boss", "supervisor").splitlines()[:2])
    assert desk.run("import", "mended.jsonl")[1].startswith("mended.jsonl: 2 recorded")


def test_rejects_are_written_also_where_nothing_was_taken(desk):
    name = desk.csv("a.csv", HEADER, ROWS[0], ROWS[1].replace("P01", "P9"))
    desk.refused("--rejects", "bad.csv", name)
    assert len((desk.folder / "bad.csv").read_text(encoding="utf-8-sig").splitlines()) == 2


def test_all_rows_of_a_refused_check_are_rejected_together(desk):
    header = f"{HEADER},finding.kind,finding.fault"
    name = desk.csv("a.csv", header, f"{ROWS[0]},deduction,漏水", f"{ROWS[1]},,", "c-1,,,,,,deductoin,缺灯")
    desk.run("import", "--accept-good", "--rejects", "bad.csv", name)
    rows = (desk.folder / "bad.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [row.split(",")[0] for row in rows] == ["id", "c-1", "c-1"]
    assert "finding.kind" in rows[2]
    assert desk.ids() == ["c-2"]


def test_rejects_take_one_file_only(desk):
    assert desk.run("import", "--rejects", "bad.csv", "a.csv", "b.csv")[0] == 2


def test_order_and_splitting_of_files_change_no_typed_row(desk, tmp_path):
    desk.run("import", desk.csv("a.csv", HEADER, *ROWS))
    whole = desk.typed(numbers=False)
    desk.ledger.unlink()
    desk.run("import", desk.csv("c.csv", HEADER, *reversed(ROWS[2:])), desk.csv("b.csv", HEADER, *ROWS[:2]))
    assert desk.typed(numbers=False) == whole


def test_progress_is_shown_while_a_person_watches_only(desk, monkeypatch):
    name = desk.lines("a.jsonl", *({**CHECK, "id": f"c-{n}", "findings": []} for n in range(2001)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, _, err = desk.run("import", name)
    assert "a.jsonl: 1000" in err
    assert "a.jsonl: 2000" in err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert desk.run("import", name)[2] == ""
