"""Files of records: JSON Lines and CSV become the same drafts, and everything that is wrong is placed."""

import csv as csv_module
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inputs import CHECK, FINDING, VERIFICATION, found, json_lines
from qpi.entries import canonical
from qpi.errors import RecordError
from qpi.intake import open_file, vocabulary

DEFINITIONS = found()
HEADER = "id,project,point,role,checked_at"
ROW = "c-1,P01,KF-001,supervisor,2026-10-05 09:30"


def read(path, **options):
    return list(open_file(path, DEFINITIONS, **options).drafts)


def csv(tmp_path, *lines, encoding="utf-8", name="rows.csv"):
    path = tmp_path / name
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def records(drafts):
    assert not [str(problem) for draft in drafts for problem in draft.problems]
    return [draft.entry.record() for draft in drafts]


def problems(path, **options):
    """What is wrong with a file, whether it cannot be read at all or only row by row."""
    try:
        drafts = read(path, **options)
    except RecordError as error:
        return [str(problem).replace(f"{path.parent}/", "") for problem in error.problems]
    return [str(problem).replace(f"{path.parent}/", "") for draft in drafts for problem in draft.problems]


# JSON Lines


def test_json_lines_are_checks_and_verifications_with_their_lines(tmp_path):
    drafts = read(json_lines(tmp_path / "a.jsonl", CHECK, "", VERIFICATION))
    assert [draft.lines for draft in drafts] == [(1,), (3,)]
    assert [draft.entry.key.split(":")[0] for draft in drafts] == ["check", "verification"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "c-1", "proj', "a.jsonl:1:15: not JSON: Unterminated string starting at; write one whole JSON object on each line; the line may be cut off"),
        ("[1, 2]", "a.jsonl:1: is no object; write one JSON object on each line, not a list"),
        ('{"id": "a", "id": "b"}', 'a.jsonl:1: key "id" stands twice; keep one of the two'),
        ('{"population": NaN}', "a.jsonl:1: NaN is no number of JSON; write a number or leave the field out"),
        ('{"population": -Infinity}', "a.jsonl:1: -Infinity is no number of JSON; write a number or leave the field out"),
        ("[" * 100_000, "a.jsonl:1: not JSON that can be read (RecursionError); write it flatter and shorter"),
        ('{"population": ' + "9" * 5000 + "}", "a.jsonl:1: not JSON that can be read (ValueError); write it flatter and shorter"),
        ('{"a": "' + "x" * 2**20 + '"}', "a.jsonl:1: a line of 1048585 characters; write one record on a line"),
        ("null", "a.jsonl:1: is no object; write one JSON object on each line, not a list"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_placed(tmp_path, line, problem):
    assert problems(json_lines(tmp_path / "a.jsonl", line)) == [problem]


def test_a_line_that_mixes_check_and_verification_is_refused(tmp_path):
    (problem,) = problems(json_lines(tmp_path / "a.jsonl", {**VERIFICATION, "id": "c-1", "point": "KF-001"}))
    assert (
        problem
        == "a.jsonl:1: finding: a verification holds id, point of a check; write check and verification on lines of their own"
    )


def test_two_records_on_one_line_are_refused(tmp_path):
    (problem,) = problems(json_lines(tmp_path / "a.jsonl", json.dumps(CHECK) + json.dumps(CHECK)))
    assert "Extra data" in problem


def test_a_time_without_an_offset_is_refused_in_json_lines(tmp_path):
    (problem,) = problems(json_lines(tmp_path / "a.jsonl", {**CHECK, "checked_at": "2026-10-05T09:30:00"}))
    assert (
        problem
        == "a.jsonl:1: checked_at: 2026-10-05T09:30:00 names no offset from UTC; write it as 2026-10-05T09:30:00+08:00"
    )


def test_a_finding_without_kind_is_placed(tmp_path):
    (problem,) = problems(json_lines(tmp_path / "a.jsonl", CHECK | {"findings": [FINDING, {"fault": "x"}]}))
    assert problem == "a.jsonl:1: findings[2].kind: is missing; add kind"


CHINESE_CHECK = {
    "编号": "c-1001", "项目": "P01", "核查点": "KF-002", "核查层级": "对口主管", "核查人": "S01", "核查类型": "日常（例行）核查",
    "核查时间": "2026-10-05T09:30:00+08:00", "地点": "3栋", "核查方法": "查阅记录", "样本": ["3-1201", "3-1504"], "总数": 240,
    "证据": [{"name": "a.jpg", "sha256": "9f" * 32}],
    "问题项": [{"问题项序号": 1, "问题项类别": "建议项", "问题事实": "登记表缺紧急联系人", "样本": ["3-1504"], "整改意见": "补登",
               "处理意见": "当月补齐", "责任人": "BJ", "扣分值": 2.5, "整改期限": "2026-10-12", "二次验证日期": "2026-10-15"}],
}  # fmt: skip
CHINESE_VERIFICATION = {
    "问题项": "c-1001/1",
    "验证人": "S02",
    "验证时间": "2026-10-15T10:00:00+08:00",
    "验证结果": "已关闭",
    "说明": "已补",
}


def test_chinese_names_and_values_in_json_lines_say_the_same(tmp_path):
    chinese = records(read(json_lines(tmp_path / "a.jsonl", CHINESE_CHECK, CHINESE_VERIFICATION)))
    assert chinese == records(read(json_lines(tmp_path / "b.jsonl", CHECK, VERIFICATION)))


def test_titles_of_declared_roles_and_methods_are_known(tmp_path):
    path = json_lines(
        tmp_path / "a.jsonl",
        {**CHECK, "role": "区域总经理", "method": "随行", "elements": {"1": "合格", "7": "不适用"}},
    )
    (record,) = records(read(path))
    assert (record["role"], record["method"], record["elements"]) == ("regional", "walk", {"1": "pass", "7": "na"})


def test_a_title_of_two_roles_is_not_guessed():
    edition = {
        "roles": {"steward": {"title": "管家", "level": "project"}, "butler": {"title": "管家", "level": "project"}}
    }
    words = vocabulary(found(editions=[{**BASE, **edition}]))
    assert words.value("role", "管家") == "管家"


BASE = {
    "catalogue": "a",
    "edition": "1",
    "title": "t",
    "effective_from": "2026-01-01",
    "groups": [{"name": "g", "points": [{"code": "A", "text": "t"}]}],
}


def test_two_names_of_one_field_in_an_object_are_refused(tmp_path):
    path = json_lines(
        tmp_path / "a.jsonl", {**CHECK, "编号": "c-2"}, {**CHECK, "findings": [{**FINDING, "责任人": "S01"}]}
    )
    assert problems(path) == [
        'a.jsonl:1: id: "id" and "编号" are both id; keep one of the two',
        'a.jsonl:2: findings[1].responsible: "responsible" and "责任人" are both responsible; keep one of the two',
    ]


def test_columns_of_ones_own_rename_fields_in_both_kinds_of_file(tmp_path):
    words = vocabulary(DEFINITIONS, {"Nr": "id", "problem": "finding.fault"})
    (record,) = records(
        read(
            json_lines(tmp_path / "a.jsonl", {"Nr": "x", **{k: v for k, v in CHECK.items() if k != "id"}}), words=words
        )
    )
    assert record["id"] == "x"
    path = csv(
        tmp_path,
        "Nr,project,point,role,checked_at,finding.kind,problem",
        "x,P01,KF-001,supervisor,2026-10-05 09:30,deduction,漏水",
    )
    (record,) = records(read(path, words=words))
    assert record["findings"] == [{"no": 1, "kind": "deduction", "fault": "漏水"}]


# CSV

COLUMNS = ("id,project,point,role,inspector,kind,checked_at,place,method,sample,population,evidence,finding.no,finding.kind,finding.fault,"
           "finding.sample,finding.advice,finding.handling,finding.responsible,finding.deduct,finding.due,finding.verify_on")  # fmt: skip
CELLS = (f"c-1001,P01,KF-002,supervisor,S01,routine,2026-10-05 09:30,3栋,records,3-1201;3-1504,240,a.jpg#{'9f' * 32},1,suggestion,登记表缺紧急联系人,"
         "3-1504,补登,当月补齐,BJ,2.5,2026-10-12,2026-10-15")  # fmt: skip
CHINESE_COLUMNS = ("编号,项目,代码,层级,核查人,核查类型,核查时间,地点,核查方式,样本,总数,证据,问题项序号,问题项类别,问题事实,问题样本,整改意见,处理意见,"
                   "责任人,扣分值,整改期限,二次验证日期")  # fmt: skip
CHINESE_CELLS = (f"c-1001,P01,ＫＦ－００２,对口主管,S01,日常,2026年10月5日 9:30,3栋,查阅记录,3-1201；3-1504,240,a.jpg#{'9f' * 32},1,建议项,登记表缺紧急联系人,"
                 "3-1504,补登,当月补齐,BJ,2.50,2026/10/12,2026.10.15")  # fmt: skip


def test_csv_and_json_lines_of_one_record_have_equal_canonical_bytes(tmp_path):
    expected = [canonical(record) for record in records(read(json_lines(tmp_path / "a.jsonl", CHECK)))]
    for name, content in (
        ("english.csv", f"{COLUMNS}\n{CELLS}\n".encode()),
        ("bom.csv", f"\ufeff{COLUMNS}\r\n{CELLS}\r\n".encode()),
        ("chinese.csv", f"{CHINESE_COLUMNS}\n{CHINESE_CELLS}".encode()),
    ):
        (tmp_path / name).write_bytes(content)
        assert [canonical(record) for record in records(read(tmp_path / name))] == expected, name


def test_gb18030_is_read_when_told_so(tmp_path):
    path = csv(tmp_path, CHINESE_COLUMNS, CHINESE_CELLS, encoding="gb18030")
    assert records(read(path, encoding="GB18030")) == records(read(json_lines(tmp_path / "a.jsonl", CHECK)))
    (problem,) = problems(path)
    assert problem.startswith(
        "rows.csv:1: not UTF-8 at byte 1; save it as UTF-8 or say --encoding gb18030 if this reads right: 编号,项目"
    )


def test_utf8_is_never_misread_as_gb18030(tmp_path):
    (problem,) = problems(csv(tmp_path, CHINESE_COLUMNS, CHINESE_CELLS), encoding="gb18030")
    assert "is UTF-8, and would be misread as GB18030; say --encoding utf-8 if this reads right: 编号" in problem
    assert records(read(csv(tmp_path, "\ufeff" + CHINESE_COLUMNS, CHINESE_CELLS), encoding="gb18030"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "hex", "nonsense"])
def test_other_encodings_are_refused(tmp_path, encoding):
    assert problems(csv(tmp_path, HEADER, ROW), encoding=encoding) == [
        f'rows.csv: encoding "{encoding}" is unknown; say utf-8 or gb18030'
    ]


def test_a_file_of_utf16_is_named_as_such(tmp_path):
    assert problems(csv(tmp_path, HEADER, ROW, encoding="utf-16")) == ["rows.csv: is UTF-16; save it as UTF-8"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_empty_file_is_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    assert problems(tmp_path / name) == [f"{name}: is empty; nothing can be imported from it; check that it was saved"]


def test_a_csv_without_header_or_rows_is_refused(tmp_path):
    assert problems(csv(tmp_path, ",,,", ",,,")) == [
        "rows.csv: holds no header; write the names of the columns in the first row"
    ]
    assert problems(csv(tmp_path, HEADER, ",,,,")) == ["rows.csv: holds a header and no rows; check that it was saved"]


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path):
    assert problems(tmp_path / "no.csv") == [
        "no.csv: cannot be read (there is no such file or folder); check the name and the rights"
    ]
    assert problems(csv(tmp_path, HEADER, name="a.xlsx")) == [
        'a.xlsx: ending ".xlsx" is unknown; name it .jsonl (JSON Lines) or .csv'
    ]
    assert "cannot be read" in problems(tmp_path)[0]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,project,point,role", 'rows.csv:1: column "checked_at" is missing; add a column checked_at'),
        (
            "id,id,project,point,role,checked_at",
            'rows.csv:1:2: columns 1 "id" and 2 "id" are both id; keep one of the two',
        ),
        (
            "编号,id,project,point,role,checked_at",
            'rows.csv:1:2: columns 1 "编号" and 2 "id" are both id; keep one of the two',
        ),
        ("id,project,point,role,checked_at,plce", 'rows.csv:1:6: column "plce" is unknown; did you mean place?'),
        ("id,,project,point,role,checked_at", "rows.csv:1:2: a column has no name; name it or take it out"),
        (
            "id;project;point;role;checked_at",
            "rows.csv:1: the columns are not parted by commas; save it as CSV with commas",
        ),
        ("finding,verifier,verified_at", 'rows.csv:1: column "outcome" is missing; add a column outcome'),
    ],
)
def test_a_header_that_cannot_be_used_is_placed(tmp_path, header, problem):
    assert problems(csv(tmp_path, header, "x")) == [problem]


def test_a_header_with_blanks_at_its_edges_is_read(tmp_path):
    assert records(read(csv(tmp_path, " id ,project　,point,role,checked_at", ROW)))[0]["id"] == "c-1"


def test_rows_with_too_few_or_too_many_cells_are_placed_and_nothing_else_is_said_of_them(tmp_path):
    remedy = "quote cells that hold a comma, and write every comma"
    assert problems(csv(tmp_path, HEADER, ROW, "c-2,P01", "c-3,P01,KF-001,supervisor,2026-10-05 09:30,x")) == [
        f"rows.csv:3: the row has 2 cells, the header 5; {remedy}",
        f"rows.csv:4: the row has 6 cells, the header 5; {remedy}",
    ]


def test_an_open_quote_is_placed(tmp_path):
    (problem,) = problems(csv(tmp_path, HEADER, ROW, '"c-2,P01,KF-001,supervisor,2026-10-05 09:30'))
    assert problem.startswith("rows.csv:3: not CSV: ")


def test_lines_are_counted_through_cells_of_several_lines(tmp_path):
    path = csv(tmp_path, HEADER + ",place", f'{ROW},"a\n\nb"', "", "c-2,P01,KF-001,supervisor,then,x")
    assert problems(path) == ['rows.csv:6: checked_at: "then" is not a date and time; write it as 2026-10-05 09:30']


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026-10-05 09:30", "2026-10-05T09:30:00+08:00"), ("2026/10/5 9:30", "2026-10-05T09:30:00+08:00"), ("2026.10.5 9:30:15", "2026-10-05T09:30:15+08:00"),
     ("2026年10月5日9:30", "2026-10-05T09:30:00+08:00"), ("2026-10-05T01:30:00Z", "2026-10-05T01:30:00+00:00"), ("1988-07-01 09:30", "1988-07-01T09:30:00+09:00")],
)  # fmt: skip
def test_a_time_without_an_offset_is_one_of_the_workspaces_zone_in_csv(tmp_path, written, meant):
    (record,) = records(read(csv(tmp_path, HEADER, f"c-1,P01,KF-001,supervisor,{written}")))
    assert record["checked_at"] == meant


@pytest.mark.parametrize(
    "written",
    [
        "2026-10-05",
        "10/5/2026 09:30",
        "2026-02-30 09:30",
        "2026-10-05 24:00",
        "45940.4",
        "上午9:30",
        "1988-04-17 02:30",
        "2026年10月5日",
    ],
)
def test_a_time_that_is_not_whole_or_does_not_exist_is_refused_in_csv(tmp_path, written):
    (problem,) = problems(csv(tmp_path, HEADER, f"c-1,P01,KF-001,supervisor,{written}"))
    assert problem.startswith("rows.csv:2: checked_at: ")


@pytest.mark.parametrize("written", ["=1+1", "+86", "-5", "@home", '=HYPERLINK("x")'])
def test_a_quote_before_a_formula_is_taken_off_once(tmp_path, written):
    cell = "'" + written
    path = csv(tmp_path, HEADER + ",place,weather", f"{ROW},\"{cell.replace(chr(34), chr(34) * 2)}\",''=x")
    assert [(r["place"], r["weather"]) for r in records(read(path))] == [(written, "''=x")]


def test_a_quote_before_other_text_stays(tmp_path):
    assert records(read(csv(tmp_path, HEADER + ",place", f"{ROW},'99年建'")))[0]["place"] == "'99年建'"


@pytest.mark.parametrize("cell", ["1.23457E+17", "4E+5"])
@pytest.mark.parametrize("column", ["inspector", "visit", "finding.responsible"])
def test_an_id_that_a_spreadsheet_cut_short_is_refused(tmp_path, cell, column):
    (problem, *_) = problems(csv(tmp_path, f"{HEADER},finding.kind,{column}", f"{ROW},deduction,{cell}"))
    assert "is a number that a spreadsheet has cut short; format the column as text" in problem


@pytest.mark.parametrize("cell", ["1e3", "２４０", "240.0", "-1", "1,000", "many"])
def test_a_population_in_csv_is_a_whole_number(tmp_path, cell):
    assert problems(csv(tmp_path, HEADER + ",population", f'{ROW},"{cell}"'))[0].startswith("rows.csv:2: population: ")


def test_readings_and_elements_of_a_cell(tmp_path):
    path = csv(tmp_path, HEADER + ",readings,elements", f"{ROW},前台=2;后台＝3.5；-1,1=合格;7=na")
    (record,) = records(read(path))
    assert record["readings"] == [{"sample": "前台", "value": "2"}, {"sample": "后台", "value": "3.5"}, {"value": "-1"}]
    assert record["elements"] == {"1": "pass", "7": "na"}


@pytest.mark.parametrize("cell", ["1=pass;1=fail", "pass", "1=", "=pass", "0=pass"])
def test_elements_that_contradict_or_name_nothing_are_refused(tmp_path, cell):
    assert problems(csv(tmp_path, HEADER + ",elements", f"{ROW},{cell}"))[0].startswith("rows.csv:2: elements")


def test_a_hash_in_capitals_is_kept_in_small_letters_in_csv_and_json_alike(tmp_path):
    (record,) = records(read(csv(tmp_path, HEADER + ",evidence", f"{ROW},a.jpg#{'9F' * 32}")))
    assert record["evidence"] == [{"name": "a.jpg", "sha256": "9f" * 32}]
    path = json_lines(tmp_path / "a.jsonl", {**CHECK, "evidence": [{"name": "a.jpg", "sha256": "9F" * 32}]})
    assert records(read(path))[0]["evidence"] == record["evidence"]


@pytest.mark.parametrize("sign", [";", "；"])
@pytest.mark.parametrize("name", ["sample", "companions", "strengths", "finding.sample"])
def test_the_values_of_a_cell_are_parted_by_semicolons_of_both_widths(tmp_path, name, sign):
    (record,) = records(read(csv(tmp_path, f"{HEADER},finding.kind,{name}", f"{ROW},deduction,甲 {sign}乙{sign}")))
    assert (record.get(name) or record["findings"][0]["sample"]) == ["甲", "乙"]


def test_samples_and_companions_are_parted_by_the_chinese_list_comma_too(tmp_path):
    header = f"{HEADER},sample,companions,finding.kind,finding.sample,strengths,evidence"
    (record,) = records(read(csv(tmp_path, header, f"{ROW},甲、乙,S02、S03,deduction,丙、丁,一、二,a、b.jpg")))
    assert (record["sample"], record["companions"]) == (["甲", "乙"], ["S02", "S03"])
    assert record["findings"][0]["sample"] == ["丙", "丁"]
    assert (record["strengths"], record["evidence"]) == (["一、二"], [{"name": "a、b.jpg"}])


@pytest.mark.parametrize("written", ["2026/10/8", "2026-10-08", "2026年10月8日", " 2026.10.8 "])
def test_a_moment_without_a_time_of_day_is_told_how_it_is_written(tmp_path, written):
    (problem,) = problems(csv(tmp_path, HEADER, f"c-1,P01,KF-001,supervisor,{written}"))
    assert problem == "rows.csv:2: checked_at: the time of day is missing; write 2026-10-08 09:30"


@pytest.mark.parametrize("written", ["2026-10-05 9：30", "2026年10月5日　9：30", "2026/10/5  09 : 30"])
def test_a_wide_colon_and_blanks_in_a_time_are_read(tmp_path, written):
    (record,) = records(read(csv(tmp_path, HEADER, f"c-1,P01,KF-001,supervisor,{written}")))
    assert record["checked_at"] == "2026-10-05T09:30:00+08:00"


@pytest.mark.parametrize("written", ["2026-10-05 下午2:30", "上午9:30", "2026-10-05 2:30 PM"])
def test_a_time_of_half_a_day_is_refused_with_how_it_is_written(tmp_path, written):
    (problem,) = problems(csv(tmp_path, HEADER, f"c-1,P01,KF-001,supervisor,{written}"))
    assert problem.endswith("counts the hours from 1 to 12; write them from 0 to 23, as 2026-10-05 14:30")


def test_empty_columns_without_a_name_at_the_end_are_passed_over(tmp_path):
    assert len(records(read(csv(tmp_path, HEADER + ",, ,", f"{ROW},, ,", f"{ROW.replace('c-1', 'c-2')},,,")))) == 2


def test_a_value_under_a_column_without_a_name_is_placed(tmp_path):
    assert problems(csv(tmp_path, HEADER + ",,", f"{ROW},,", f"{ROW.replace('c-1', 'c-2')},,3栋")) == [
        'rows.csv:3: column 7 has no name and holds "3栋"; name the column, or empty the cell'
    ]


def test_a_header_tells_unknown_and_missing_columns_at_once(tmp_path):
    assert problems(csv(tmp_path, "id,projct,point,checked_at,plce", "x")) == [
        'rows.csv:1: column "role" is missing; add a column role',
        'rows.csv:1:2: column "projct" is unknown; did you mean project?',
        'rows.csv:1:5: column "plce" is unknown; did you mean place?',
    ]


def test_the_remedy_for_an_unknown_column_is_in_its_own_script_the_nearest_first(tmp_path):
    (chinese,) = problems(csv(tmp_path, HEADER + ",是不是到过访的核查", "x"))
    names = chinese.split("write one of ")[1].split(", ")
    assert names[0].startswith("核查")
    assert not any(name.isascii() for name in names[:-1])
    (english,) = problems(csv(tmp_path, HEADER + ",zzz", "x"))
    assert english.split("write one of ")[1].isascii()


def test_unknown_chinese_words_are_answered_with_the_chinese_ones(tmp_path):
    path = csv(tmp_path, f"{HEADER},kind,finding.kind", f"{ROW},突击,严重")
    assert problems(path) == [
        'rows.csv:2: kind: "突击" is unknown; write one of routine 日常, special 专项, mystery 暗访',
        'rows.csv:2: finding.kind: "严重" is unknown; write one of suggestion 建议项, rectification 整改项, deduction 扣分项',
    ]
    path = json_lines(tmp_path / "a.jsonl", {**VERIFICATION, "outcome": "完成"}, {**CHECK, "elements": {"1": "好"}})
    assert [one.split("; ")[1] for one in problems(path)] == [
        "write one of closed 已关闭, open 未关闭",
        "write one of pass 合格, fail 不合格, na 不适用",
    ]


@pytest.mark.parametrize("word", ["合格", "pass"])
def test_a_result_that_says_all_is_in_order_is_told_to_be_empty(tmp_path, word):
    (problem,) = problems(csv(tmp_path, HEADER + ",result", f"{ROW},{word}"))
    remedy = "leave it empty when all is in order; na where there was nothing to look at"
    assert problem == f'rows.csv:2: result: "{word}" is unknown; {remedy}'


# Rows of one check

FOUND = f"{HEADER},place,finding.no,finding.kind,finding.fault,finding.element"


def test_a_further_row_with_the_same_id_adds_a_finding_wherever_it_stands(tmp_path):
    other = "c-2,P01,KF-001,supervisor,2026-10-05 09:30,,,,,"
    path = csv(
        tmp_path,
        FOUND,
        f"{ROW},3栋,,deduction,漏水,",
        other,
        "c-1,,,,,,,suggestion,缺灯,",
        "ｃ－1,P01,KF-001,supervisor,2026/10/5 9:30,3栋,,rectification,裂缝,",
    )
    drafts = read(path)
    assert [(draft.entry.id, draft.lines) for draft in drafts] == [("c-1", (2, 4, 5)), ("c-2", (3,))] or [
        (draft.entry.id, draft.lines) for draft in drafts
    ] == [("ｃ-1", (2, 4, 5)), ("c-2", (3,))]
    assert [(one["no"], one["kind"]) for one in records(drafts)[0]["findings"]] == [
        (1, "deduction"),
        (2, "suggestion"),
        (3, "rectification"),
    ]


def test_rows_of_one_check_that_contradict_are_placed_at_the_later(tmp_path):
    path = csv(tmp_path, FOUND, f"{ROW},3栋,,deduction,漏水,", f"{ROW},4栋,,suggestion,缺灯,")
    assert problems(path) == [
        'rows.csv:3: place: is "4栋" here and "3栋" at line 2; rows of one check say the same, or leave the cell empty'
    ]


def test_a_fault_of_a_further_finding_is_placed_in_its_own_row(tmp_path):
    path = csv(tmp_path, FOUND, f"{ROW},,,deduction,漏水,", "c-1,,,,,,,deductoin,缺灯,", "c-1,,,,,,,,没有类别,")
    assert problems(path) == [
        'rows.csv:3: finding.kind: "deductoin" is unknown; did you mean deduction?',
        "rows.csv:4: finding.kind: is missing; add kind",
    ]


def test_the_same_finding_twice_without_a_number_is_not_counted_twice_or_once_in_silence(tmp_path):
    row = f"{ROW},,,deduction,漏水,"
    assert problems(csv(tmp_path, FOUND, row, row)) == [
        "rows.csv:3: finding: the same finding stands at line 2; number both in finding.no, or take one out"
    ]


def test_a_row_that_says_nothing_new_is_counted_once_and_told(tmp_path):
    row = f"{ROW},,1,deduction,漏水,"
    read_file = open_file(csv(tmp_path, FOUND, row, row), DEFINITIONS)
    (draft,) = read_file.drafts
    assert len(draft.entry.findings) == 1
    assert read_file.notes[0].endswith("1 rows say again what another row says; they count once")


def test_two_findings_of_one_number_are_refused(tmp_path):
    path = csv(tmp_path, FOUND, f"{ROW},,1,deduction,漏水,", "c-1,,,,,,1,deduction,缺灯,")
    assert "finding numbers repeat" in problems(path)[0]


def test_a_finding_below_merged_cells_is_told_once_to_repeat_the_id(tmp_path):
    path = csv(tmp_path, FOUND, f"{ROW},3栋,,deduction,漏水,", ",,,,,,,suggestion,缺灯,", ",,,,,,,suggestoin,裂缝,")
    assert problems(path) == [
        'rows.csv:4: finding.kind: "suggestoin" is unknown; did you mean suggestion?',
        "rows.csv:3: id: is missing; repeat the id of the check above",
        "rows.csv:4: id: is missing; repeat the id of the check above",
    ]
    assert [draft.lines for draft in read(path)] == [(2, 3, 4)]


def test_rows_without_an_id_are_told_apart(tmp_path):
    path = csv(tmp_path, HEADER, ROW.replace("c-1", ""), ROW.replace("c-1", ""))
    assert problems(path) == ["rows.csv:2: id: is missing; add id", "rows.csv:3: id: is missing; add id"]


def test_blanks_at_the_edges_of_cells_are_passed_over_and_told(tmp_path):
    read_file = open_file(csv(tmp_path, HEADER, f" {ROW} "), DEFINITIONS)
    assert [draft.entry.id for draft in read_file.drafts] == ["c-1"]
    assert read_file.notes == [f"{tmp_path}/rows.csv: blanks at the edges of 2 cells were passed over"]


# Rejects


def test_refused_rows_are_written_with_reasons_and_without_live_formulas(tmp_path):
    file = open_file(
        csv(tmp_path, HEADER + ",place", "c-1,P01,KF-001,supervisor,then,=1+1", ROW.replace("c-1", "c-2") + ",x"),
        DEFINITIONS,
    )
    text = file.reject([draft for draft in file.drafts if draft.problems])
    assert text == (
        "\ufeffid,project,point,role,checked_at,place,import problem\r\n"
        'c-1,P01,KF-001,supervisor,then,\'=1+1,"import problem: checked_at ""then"" is not a date and time; write it as 2026-10-05 09:30"\r\n'
    )
    (tmp_path / "mended.csv").write_text(text.replace("then", "2026-10-05 09:30", 1), encoding="utf-8", newline="")
    assert [r["place"] for r in records(read(tmp_path / "mended.csv"))] == ["=1+1"]


def rows_of(text):
    return list(csv_module.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def written(path, rows):
    out = io.StringIO()
    csv_module.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode())
    return path


def rejected(path):
    file = open_file(path, DEFINITIONS)
    return rows_of(file.reject([draft for draft in file.drafts if draft.problems]))


def test_the_reason_for_a_short_row_stands_in_the_last_column(tmp_path):
    header, row = rejected(csv(tmp_path, HEADER + ",place,weather", f"{ROW},3栋"))
    assert len(row) == len(header)
    assert row[-3:-1] == ["3栋", ""]
    assert row[-1].startswith("import problem: the row has 6 cells, the header 7; ")


def test_the_reason_for_a_long_row_comes_after_all_its_cells(tmp_path):
    _, row = rejected(csv(tmp_path, HEADER + ",place", f"{ROW},3栋,东侧"))
    assert row[:-1] == [*ROW.split(","), "3栋", "东侧"]
    assert row[-1].startswith("import problem: ")


@pytest.mark.parametrize("row", [f"{ROW},3栋", f"{ROW},3栋,晴,x", f"{ROW},3栋,晴,x,y"])
@pytest.mark.parametrize("shift", range(-3, 4))
def test_a_reason_is_never_read_as_data_wherever_a_spreadsheet_has_shifted_it(tmp_path, row, shift):
    header, cells = rejected(csv(tmp_path, HEADER + ",place,weather", row))
    cells = [*cells[:5], *[""] * shift, *cells[5:]] if shift >= 0 else [*cells[:5], *cells[5 - shift :]]
    width = max(len(header), len(cells))
    padded = [[*one, *[""] * (width - len(one))] for one in (header, cells)]
    for draft in read(written(tmp_path / "back.csv", padded)):
        assert draft.problems or "import problem" not in json.dumps(draft.entry.record())


def test_a_reason_of_before_is_not_kept_when_a_row_is_refused_again(tmp_path):
    header, cells = rejected(csv(tmp_path, HEADER + ",place,weather", f"{ROW},3栋"))
    again = rejected(written(tmp_path / "again.csv", [header, cells[1:]]))[1]
    assert [cell.startswith("import problem: ") for cell in again] == [*[False] * (len(header) - 1), True]


def test_a_long_row_keeps_its_cells_when_it_is_refused_again_from_a_spreadsheet(tmp_path):
    header, cells = rejected(csv(tmp_path, HEADER + ",place", f"{ROW},3栋,东侧"))
    _, again = rejected(written(tmp_path / "again.csv", [[*header, ""], cells]))
    assert again[:-1] == cells[:-1]
    _, again = rejected(written(tmp_path / "again.csv", [header, cells]))
    assert again[:-1] == cells[:-1]


CELLS_OF_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.tuples(
        st.sampled_from(["", " ", "\t", "　"]),
        st.sampled_from(["", "'", "=", "+", "-", "@", "'=", "''=", "' =", ",", '"', "\n"]),
        st.text("a=+-@'\",\n 栋", max_size=4),
        st.sampled_from(["", " ", "\n"]),
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CELLS_OF_TEXT, min_size=4, max_size=4))
def test_a_mended_reject_says_the_same_as_the_row_mended_at_once(tmp_path_factory, cells):
    folder = tmp_path_factory.getbasetemp()
    header = [*HEADER.split(","), "place", "sample", "finding.kind", "finding.fault", "strengths"]

    def row(moment):
        return ["c-1", "P01", "KF-001", "supervisor", moment, *cells[:2], "deduction", *cells[2:]]

    def said(path):
        (draft,) = read(path)
        return draft.entry.record() if draft.entry and not draft.problems else {one.fault for one in draft.problems}

    names, *refused = rejected(written(folder / "bad.csv", [header, row("then")]))
    mended = [[*one[:4], "2026-10-05 09:30", *one[5:]] for one in refused]
    assert said(written(folder / "mended.csv", [names, *mended])) == said(
        written(folder / "direct.csv", [header, row("2026-10-05 09:30")])
    )


# Whatever comes

LINES = st.one_of(
    st.text(max_size=60),
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                 | st.dictionaries(st.sampled_from([*CHECK, *FINDING, *VERIFICATION, "编号", "elements", "readings", "started", "value"]), inner, max_size=5), max_leaves=12)
    .map(json.dumps),
    st.sampled_from([*CHECK, "elements", "readings"]).flatmap(lambda name: st.recursive(st.none() | st.integers() | st.text(max_size=4) | st.floats(), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from([*FINDING, "name", "value", "sha256", "1"]), inner, max_size=3), max_leaves=6).map(lambda value: json.dumps({**CHECK, name: value}))),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=4))
def test_any_line_is_a_record_or_a_problem_with_its_line(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass", newline="")
    try:
        drafts = read(path)
    except RecordError as error:
        drafts = []
        assert error.problems
    for draft in drafts:
        assert (draft.entry is not None) or draft.problems
        assert all(problem.where.line == draft.lines[0] for problem in draft.problems)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *HEADER.split(","),
                "place",
                "readings",
                "elements",
                "population",
                "finding.kind",
                "finding.deduct",
                "started",
                "evidence",
                "编号",
            ]
        ),
        min_size=1,
        max_size=8,
    ),
    st.lists(
        st.lists(st.one_of(st.text(max_size=8), st.sampled_from(ROW.split(",")), st.just("1=pass;2=3")), max_size=8),
        max_size=4,
    ),
    st.booleans(),
)
def test_any_csv_is_records_or_problems_with_a_line(tmp_path_factory, header, rows, whole):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    names = [*HEADER.split(","), *(name for name in header if name not in HEADER)] if whole else header
    lines = [",".join(names), *(",".join((row + ROW.split(","))[: len(names)]) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass", newline="")
    try:
        drafts = read(path)
    except RecordError as error:
        drafts = []
        assert all(problem.fault and problem.remedy for problem in error.problems)
    for draft in drafts:
        assert draft.entry is not None or draft.problems
        assert all(problem.where.line in draft.lines for problem in draft.problems)
