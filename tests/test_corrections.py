"""Corrections: what was wrong is superseded and never erased; everything reads what stands now."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import inputs
from inputs import CHECK, NOW, VERIFICATION, digest, found, new_ledger, recorder_of
from qpi import corrections, frames
from qpi import recorder as recorder_module
from qpi.amendments import amended
from qpi.entries import Actor, Check
from qpi.errors import RecordError, UsageError
from qpi.recorder import Recorder
from test_command_line import qpi

FINDING = {name: value for name, value in inputs.FINDING.items() if name != "no"}
TWO = {**CHECK, "id": "two", "findings": [{**FINDING, "fault": "one"}, {**FINDING, "fault": "two"}]}


@pytest.fixture
def ledger(store):
    with new_ledger(store) as opened:
        recorder_of(opened).record([CHECK, VERIFICATION, TWO])
        yield opened


def of(ledger, record):
    """The number of the entry of a record's id."""
    return ledger.known([f"check:{record['id']}"])[f"check:{record['id']}"][0]


def refused(ledger, *call, **named):
    """The problems of a call on the recorder; the file stays what it was."""
    before = digest(Path(ledger.file))
    name, *given = call
    with pytest.raises(RecordError) as error:
        getattr(recorder_of(ledger), name)(*given, **named)
    assert digest(Path(ledger.file)) == before
    return [str(problem) for problem in error.value.problems]


def standing(ledger, at=None):
    """The ids of the checks, findings and verified findings that stand."""
    read = (frames.checks, frames.findings, frames.verifications)
    one, two, three = (kind(ledger, at=at) for kind in read)
    return sorted(one["id"]), sorted(two["id"]), sorted(three["finding"])


# Voiding


def test_a_void_takes_a_check_back_and_leaves_its_entry_readable(ledger):
    seq, at = of(ledger, TWO), ledger.position().seq
    outcome = recorder_of(ledger).void(seq, reason="记在别的楼栋")
    assert (outcome.recorded, outcome.already) == (1, 0)
    assert "two" not in standing(ledger)[0]
    assert "two" in standing(ledger, at=at)[0]
    void = ledger.entry(outcome.position.seq)
    assert (void.kind, void.supersedes, void.reason, void.idem) == ("void", seq, "记在别的楼栋", f"void:{seq}")
    assert ledger.verify() == []


def test_a_check_is_named_by_its_id_as_well(ledger):
    recorder_of(ledger).void("two", reason="x")
    assert "two" not in standing(ledger)[0]


def test_a_void_again_adds_nothing_and_another_reason_is_refused(ledger):
    recorder_of(ledger).void("two", reason="x")
    again = recorder_of(ledger).void("two", reason="x")
    assert (again.recorded, again.already) == (0, 1)
    assert recorder_of(ledger).void(of(ledger, TWO), reason="x").already == 1
    assert "is void already by entry" in refused(ledger, "void", "two", reason="y")[0]


@pytest.mark.parametrize(
    ("target", "words"),
    [(0, "entry 0: is of kind genesis, which is never corrected; name the entry of a check"),
     (1, "entry 1: is of kind edition"), (99, "entry 99: there is none; the last entry is"), (-1, "entry -1: there is none"),
     ("c-99", "check c-99: there is none"), ("", "there is none")],
)  # fmt: skip
def test_what_cannot_be_voided_is_named(ledger, target, words):
    assert words in refused(ledger, "void", target, reason="x")[0]


@pytest.mark.parametrize("reason", ["", "  ", None, 7, "a\x07b"])
def test_a_reason_is_needed(ledger, reason):
    assert "reason" in refused(ledger, "void", "two", reason=reason)[0]


def test_a_voided_record_stays_void_when_its_file_is_imported_again(ledger):
    recorder_of(ledger).void("two", reason="x")
    assert recorder_of(ledger).record([TWO]).already == 1
    assert "two" not in standing(ledger)[0]
    other = refused(ledger, "record", [{**TWO, "place": "9栋"}])[0]
    assert "and void since entry" in other
    assert "bring it back with qpi correct" in other


def test_a_verification_that_differs_gets_a_remedy_that_fits_what_has_no_id_of_its_own(ledger):
    """Its finding, its verifier and its moment name it; the number in the remedy is the one that qpi correct takes."""
    number = next(link.seq for link in ledger.links() if link.kind == "verification")
    other = {**VERIFICATION, "outcome": "open"}
    later = "a later look at the finding has a later moment"
    assert refused(ledger, "record", [other])[0].endswith(
        f"; leave the recorded one, or correct it with qpi correct {number}; {later}"
    )
    twice = {**VERIFICATION, "verified_at": "2026-10-17T10:00:00+08:00"}
    told = refused(ledger, "record", [twice, {**twice, "outcome": "open"}])
    assert len(told) == 2 and all(one.endswith(f"; keep one; {later}") for one in told)
    recorder_of(ledger).void(number, reason="x")
    void = ledger.position().seq
    told = refused(ledger, "record", [other])
    assert told[0].endswith(f"; bring it back with qpi correct {void}; {later}")
    assert recorder_of(ledger).correct(void, other, reason="x").recorded == 1
    assert standing(ledger)[2] == [VERIFICATION["finding"]]


def test_a_void_is_taken_back_by_a_correction(ledger):
    before = standing(ledger)
    recorder_of(ledger).void("two", reason="x")
    recorder_of(ledger).correct("two", TWO, reason="it was right")
    assert standing(ledger) == before
    assert [link.kind for link in corrections.versions(ledger, "two")] == ["check", "void", "check"]


def test_a_verification_of_a_voided_check_is_refused(ledger):
    recorder_of(ledger).void("two", reason="x")
    assert '"two/1" is unknown' in refused(ledger, "verify", {**VERIFICATION, "finding": "two/1"})[0]


def test_voiding_a_verification_opens_the_finding_again(ledger):
    seq = ledger.rounds([VERIFICATION["finding"]])[0]
    recorder_of(ledger).void(seq, reason="wrong finding")
    assert standing(ledger)[2] == []


# Correcting


def test_a_correction_supersedes_exactly_one_entry_and_both_stay(ledger):
    seq, at = of(ledger, TWO), ledger.position().seq
    outcome = recorder_of(ledger).correct("two", {**TWO, "place": "9栋"}, reason="打错")
    assert outcome.recorded == 1
    link = ledger.entry(outcome.position.seq)
    assert (link.kind, link.supersedes, link.reason, link.idem) == ("check", seq, "打错", f"correction:{seq}")
    assert dict(zip(frames.checks(ledger)["id"], frames.checks(ledger)["place"], strict=True))["two"] == "9栋"
    assert (
        dict(zip(frames.checks(ledger, at=at)["id"], frames.checks(ledger, at=at)["place"], strict=True))["two"]
        == TWO["place"]
    )
    assert ledger.verify() == []


def test_a_correction_again_adds_nothing(ledger):
    changed = {**TWO, "place": "9栋"}
    seq = of(ledger, TWO)
    for target in ("two", seq, "two"):
        outcome = recorder_of(ledger).correct(target, changed, reason="打错")
    assert (outcome.recorded, outcome.already) == (0, 1)
    assert len(corrections.versions(ledger, "two")) == 2


def test_a_superseded_entry_is_not_superseded_twice(ledger):
    seq = of(ledger, TWO)
    recorder_of(ledger).correct(seq, {**TWO, "place": "9栋"}, reason="a")
    words = refused(ledger, "correct", seq, {**TWO, "place": "8栋"}, reason="b")[0]
    assert "is superseded already by entry" in words
    recorder_of(ledger).correct("two", {**TWO, "place": "8栋"}, reason="b")
    assert [corrections.record_of(one)["place"] for one in corrections.versions(ledger, "two")][1:] == ["9栋", "8栋"]


def test_every_version_is_known_when_its_file_is_imported_again(ledger):
    recorder_of(ledger).correct("two", {**TWO, "place": "9栋"}, reason="a")
    assert recorder_of(ledger).record([TWO]).already == 1
    assert recorder_of(ledger).record([{**TWO, "place": "9栋"}]).already == 1
    words = refused(ledger, "record", [{**TWO, "place": "7栋"}])[0]
    assert 'place: recorded "9栋", given "7栋"' in words


def test_a_corrected_check_is_judged_by_the_rules(ledger):
    words = refused(
        ledger, "correct", "two", {**TWO, "project": "P99", "checked_at": "2031-01-01T00:00:00Z"}, reason="a"
    )
    assert any("P99" in one for one in words)
    assert any("future" in one for one in words)


def test_a_check_keeps_its_id(ledger):
    words = refused(ledger, "correct", of(ledger, TWO), {**TWO, "id": "three"}, reason="a")
    assert "three is not the id of the check that is corrected; write two" in words[0]


def test_a_check_is_no_verification(ledger):
    assert "is a check, and the correction is none" in refused(ledger, "correct", "two", VERIFICATION, reason="a")[0]


# The numbers of findings


def test_findings_keep_their_numbers_and_a_new_one_gets_the_next(ledger):
    first, second = ({**FINDING, "fault": name, "no": no} for no, name in enumerate(("one", "two"), 1))
    new = {**FINDING, "fault": "three", "no": 3}
    recorder_of(ledger).correct("two", {**TWO, "findings": [new, second, {**first, "fault": "ONE"}]}, reason="a")
    assert [name for name in standing(ledger)[1] if name.startswith("two/")] == ["two/1", "two/2", "two/3"]


def test_unnumbered_findings_of_the_same_number_are_those_in_order(ledger):
    recorder_of(ledger).correct("two", {**TWO, "findings": [{**FINDING, "no": 2, "fault": "two"}]}, reason="1 was none")
    recorder_of(ledger).correct("two", {**TWO, "findings": [{**FINDING, "fault": "two!"}]}, reason="a")
    assert [name for name in standing(ledger)[1] if name.startswith("two/")] == ["two/2"]


def test_unnumbered_findings_of_another_number_must_say_which_they_are(ledger):
    words = refused(ledger, "correct", "two", {**TWO, "findings": [{**FINDING, "fault": "two!"}]}, reason="a")[0]
    assert "findings[1].no: is missing, and entry" in words
    assert "has findings 1, 2; write the number that the finding keeps, or from 3 for a new one" in words


def test_unnumbered_findings_that_moved_keep_their_numbers_or_must_say_them(ledger):
    """By their order alone, finding 2 would become what finding 1 was, and its verification close it."""
    first, second, third = ({**FINDING, "fault": name} for name in ("one", "two", "three"))
    words = refused(ledger, "correct", "two", {**TWO, "findings": [second, third]}, reason="a")
    assert len(words) == 1 and "findings[2].no: is missing" in words[0]
    recorder_of(ledger).correct("two", {**TWO, "findings": [second, first], "place": "x"}, reason="in another order")
    assert kept(ledger) == {"two/1": "one", "two/2": "two"}
    recorder_of(ledger).correct("two", {**TWO, "findings": [second]}, reason="only one")
    assert kept(ledger) == {"two/2": "two"}
    recorder_of(ledger).correct("two", {**TWO, "findings": [third, second]}, reason="one more")
    assert kept(ledger) == {"two/2": "two", "two/3": "three"}


def kept(ledger):
    found = frames.findings(ledger)
    return {name: fault for name, fault in zip(found["id"], found["fault"], strict=True) if name.startswith("two/")}


def test_numbers_that_were_exchanged_are_noticed(ledger):
    first, second = {**FINDING, "no": 2, "fault": "one"}, {**FINDING, "no": 1, "fault": "two"}
    words = refused(ledger, "correct", "two", {**TWO, "findings": [second, first]}, reason="a")
    assert any("1 says now what finding 2 said; write 2" in one for one in words)


def test_a_number_is_never_used_for_another_finding(ledger):
    recorder_of(ledger).correct("two", {**TWO, "findings": [{**FINDING, "no": 2, "fault": "two"}]}, reason="a")
    second, again = {**FINDING, "no": 2, "fault": "two"}, {**FINDING, "no": 1, "fault": "new"}
    words = refused(ledger, "correct", "two", {**TWO, "findings": [second, again]}, reason="b")[0]
    assert "1 was the number of a finding that was taken out; write a number from 3" in words
    back = {**again, "fault": "one"}
    assert recorder_of(ledger).correct("two", {**TWO, "findings": [second, back]}, reason="it was one").recorded == 1


def test_a_finding_that_moved_to_the_number_of_another_is_noticed(ledger):
    words = refused(ledger, "correct", "two", {**TWO, "findings": [{**FINDING, "no": 1, "fault": "two"}]}, reason="a")[
        0
    ]
    assert "1 says now what finding 2 said; write 2" in words


def test_findings_of_a_check_that_had_none_are_numbered_from_one(ledger):
    recorder_of(ledger).check({**CHECK, "id": "none", "findings": []})
    recorder_of(ledger).correct("none", {**CHECK, "id": "none", "findings": [FINDING, FINDING]}, reason="a")
    assert [name for name in standing(ledger)[1] if name.startswith("none/")] == ["none/1", "none/2"]


def test_a_check_that_was_verified_cannot_be_moved_behind_its_verification(ledger):
    later = (datetime.fromisoformat(VERIFICATION["verified_at"]) + timedelta(days=1)).isoformat()
    words = refused(ledger, "correct", CHECK["id"], {**CHECK, "checked_at": later}, reason="a")[0]
    assert "verifies it, and would be wrong: verified_at: lies before the check" in words
    assert "correct or void that entry first" in words
    responsible = [{**FINDING, "responsible": VERIFICATION["verifier"]}, *CHECK["findings"][1:]]
    assert (
        "is responsible" in refused(ledger, "correct", CHECK["id"], {**CHECK, "findings": responsible}, reason="a")[0]
    )


# Verifications


def test_a_verification_that_the_policy_would_not_take_any_more_can_be_corrected_all_the_same(ledger):
    strict = Recorder(ledger, found(policy={"verification_by": "not_inspector"}), actor=Actor("t"), clock=lambda: NOW)
    own = {**VERIFICATION, "finding": "two/1", "verifier": "S01"}
    seq = recorder_of(ledger).record([own]).position.seq
    assert strict.correct(seq, {**own, "note": "x"}, reason="a").recorded == 1
    with pytest.raises(RecordError, match="the policy wants another"):
        strict.record([{**own, "finding": "two/2"}])


def test_a_verification_is_corrected_by_the_number_of_its_entry(ledger):
    seq = ledger.rounds([VERIFICATION["finding"]])[0]
    opened = {**VERIFICATION, "outcome": "open"}
    recorder_of(ledger).correct(seq, opened, reason="typed wrong")
    assert list(frames.verifications(ledger)["outcome"]) == ["open"]
    assert recorder_of(ledger).record([VERIFICATION]).already == 1


def test_a_verification_may_get_another_moment_and_is_known_by_it_from_then_on(ledger):
    seq = ledger.rounds([VERIFICATION["finding"]])[0]
    moved = {**VERIFICATION, "verified_at": "2026-10-21T10:00:00+08:00"}
    recorder_of(ledger).correct(seq, moved, reason="another day")
    assert recorder_of(ledger).record([moved]).already == 1
    assert recorder_of(ledger).record([VERIFICATION]).already == 1
    assert len(frames.verifications(ledger)) == 1


def test_a_verification_cannot_take_the_place_of_another_one(ledger):
    other = {**VERIFICATION, "verified_at": "2026-10-21T10:00:00+08:00"}
    recorder_of(ledger).record([other])
    first = ledger.rounds([VERIFICATION["finding"]])[0]
    assert "is recorded already as entry" in refused(ledger, "correct", first, other, reason="a")[0]


# All or none, who and when


def test_many_changes_are_one_transaction(ledger):
    changes = [corrections.Change("two", None), corrections.Change("c-99", None)]
    assert "c-99" in refused(ledger, "supersede", changes, reason="x")[0]
    assert "two" in standing(ledger)[0]


def test_one_record_is_not_changed_twice_in_one_call(ledger):
    one, two = (
        corrections.Change("two", recorder_module.draft(Check, {**TWO, "place": place})) for place in ("X", "Y")
    )
    assert "is to be changed twice, and not alike" in refused(ledger, "supersede", [one, two], reason="x")[0]
    assert (
        "is to be changed twice" in refused(ledger, "supersede", [one, corrections.Change("two", None)], reason="x")[0]
    )
    outcome = recorder_of(ledger).supersede([one, one], reason="x")
    assert (outcome.recorded, outcome.already) == (1, 1)


def test_an_id_of_digits_is_never_taken_for_the_number_of_an_entry(ledger):
    recorder_of(ledger).record([{**CHECK, "id": "3"}, {**CHECK, "id": "0012"}, {**CHECK, "id": "777"}])
    with pytest.raises(UsageError, match="write entry:3 or check:3"):
        corrections.target_of(ledger, "3")
    assert [corrections.target_of(ledger, name) for name in ("entry:3", "check:3", "0012", "12", "777", "c-1001", "x")] == [
        3, "3", "0012", 12, "777", "c-1001", "x"]  # fmt: skip


def test_the_actor_of_a_correction_is_kept(ledger):
    recorder = Recorder(ledger, found(), actor=Actor("S02", "supervisor", "login"), clock=lambda: NOW)
    link = ledger.entry(recorder.void("two", reason="x").position.seq)
    assert (link.actor_id, link.actor_role, link.actor_auth) == ("S02", "supervisor", "login")


@pytest.mark.parametrize(
    ("actor", "words"),
    [(Actor("S01", "captain"), 'role "captain" is unknown'), (Actor("S01", None, "guess"), "no way to know an actor"),
     (Actor("a b\x07"), "actor"), (Actor(""), "actor")],
)  # fmt: skip
def test_an_actor_that_the_ledger_cannot_keep_is_refused(ledger, actor, words):
    with pytest.raises(UsageError, match=words):
        Recorder(ledger, found(), actor=actor)


def test_a_clock_that_goes_back_is_said_and_recorded_as_it_is(ledger):
    back = NOW - timedelta(days=1)
    outcome = recorder_of(ledger, now=back).void("two", reason="x")
    assert "the clock of this computer is behind" in outcome.notes[0]
    assert ledger.entry(outcome.position.seq).recorded_at < ledger.entry(outcome.position.seq - 1).recorded_at
    ahead = recorder_of(ledger, now=NOW).correct("two", TWO, reason="y")
    assert not any("clock" in note for note in ahead.notes)


def test_the_state_of_a_moment_is_that_of_the_last_entry_recorded_by_then(ledger):
    last = ledger.position().seq
    recorder_of(ledger, now=NOW + timedelta(hours=2)).void("two", reason="x")
    assert ledger.position_at(NOW + timedelta(hours=1)).seq == last
    assert ledger.position_at(NOW + timedelta(hours=2)).seq == last + 1
    # A clock that goes back does not bring an entry before those that it follows.
    recorder_of(ledger, now=NOW).correct("two", TWO, reason="y")
    assert ledger.position_at(NOW + timedelta(hours=1)).seq == last
    with pytest.raises(UsageError, match="the ledger began after"):
        ledger.position_at(datetime(2000, 1, 1, tzinfo=UTC))


# History


def test_the_history_of_a_check_shows_every_version_and_its_verifications(ledger):
    recorder_of(ledger).correct(CHECK["id"], {**CHECK, "place": "9栋"}, reason="a")
    seq = ledger.rounds([VERIFICATION["finding"]])[0]
    recorder_of(ledger).correct(seq, {**VERIFICATION, "outcome": "open"}, reason="b")
    for target in (CHECK["id"], of(ledger, CHECK), VERIFICATION["finding"]):
        events = corrections.history(ledger, target)
        assert [event.link.kind for event in events] == ["check", "verification", "check", "verification"]
        assert 'given "9栋"' in events[2].changed
        assert 'outcome: recorded "closed", given "open"' in events[3].changed


# What is typed


def test_fields_are_laid_over_a_record():
    kept = {"id": "a", "place": "x", "population": 3, "findings": [{"no": 1, "fault": "f"}, {"no": 2, "fault": "g"}]}
    changed = amended(
        kept,
        ["place=3栋", "population=40", 'sample=["1", "2"]', "finding.2.deduct=0", "finding.3.kind=suggestion"],
        ["finding.1"],
    )
    assert changed == {"id": "a", "place": "3栋", "population": 40, "sample": ["1", "2"],
                       "findings": [{"no": 2, "fault": "g", "deduct": "0"}, {"no": 3, "kind": "suggestion"}]}  # fmt: skip
    assert kept["findings"][0]["no"] == 1


def test_fields_and_values_go_by_their_chinese_names_too():
    kept = {"id": "a", "findings": [{"no": 2, "fault": "g"}]}
    changed = amended(kept, ["地点=3栋", "问题项2.扣分值=0", "问题项2.问题项类别=扣分项", "核查类型=暗访"], [])
    assert changed == {
        "id": "a",
        "place": "3栋",
        "kind": "mystery",
        "findings": [{"no": 2, "fault": "g", "deduct": "0", "kind": "deduction"}],
    }
    assert amended({"finding": "a/1"}, ["验证结果=未关闭", "说明=x"], []) == {
        "finding": "a/1",
        "outcome": "open",
        "note": "x",
    }


def test_nothing_is_made_for_what_cannot_be_there(tmp_path):
    with new_ledger(tmp_path) as empty:
        with pytest.raises(RecordError, match="there is none"):
            recorder_of(empty).void("c-1", reason="x")
    assert list(tmp_path.iterdir()) == []


def test_everything_wrong_in_what_is_typed_is_told_at_once():
    with pytest.raises(RecordError) as error:
        amended({"id": "a"}, ["place", "finding.1=x", "sample=[1", "a b=1"], ["weather", "finding.9"])
    assert [str(problem).partition(";")[0] for problem in sorted(map(str, error.value.problems))] == [
        "--set a b: is no field of the record", "--set finding.1: is no field of the record", "--set place: names no value",
        "--set sample: the value is no JSON", "--unset finding.9: is no field of the record",
        "--unset weather: the record has no such field"]  # fmt: skip


# The commands


def test_the_commands_void_correct_and_show(recorded):
    folder = recorded.folder
    done = qpi("void", "c-3", "--reason", "未到场", "--actor", "S01", "--actor-role", "supervisor", folder=folder)
    assert (done.returncode, done.stderr) == (0, "check c-3 is void by entry 7\n")
    assert done.stdout.startswith("1 recorded, 0 already there; ledger at entry 7, head ")
    assert qpi("void", "c-3", "--reason", "未到场", folder=folder).stdout.startswith("0 recorded, 1 already there")
    done = qpi("correct", "c-2", "--set", "place=大堂", "--set", "finding.1.deduct=1.5", "--unset", "finding.1.responsible",
               "--reason", "补记", folder=folder)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    shown = qpi("ledger", "history", "c-2", folder=folder)
    assert shown.returncode == 0
    assert shown.stderr.startswith("ledger at entry 8, head ")
    assert 'findings[1].deduct: recorded nothing, given "1.5"' in shown.stdout
    assert "in the place of entry 3: 补记" in shown.stdout
    assert "S01 (supervisor, declared)" in qpi("ledger", "history", "c-3", folder=folder).stdout


def test_a_file_of_corrections_takes_the_place_of_the_records_of_its_ids(recorded):
    changed = {"id": "c-3", "project": "P01", "point": "KF-002", "role": "supervisor", "place": "大堂",
               "checked_at": "2026-10-07T10:00:00+08:00"}  # fmt: skip
    file = recorded.folder / "corrections.jsonl"
    file.write_text(json.dumps(changed, ensure_ascii=False) + "\n", "utf-8")
    assert qpi("correct", "--from", str(file), "--reason", "补记", folder=recorded.folder).returncode == 0
    assert dict(zip(recorded.tables().checks["id"], recorded.tables().checks["place"], strict=True))["c-3"] == "大堂"
    file.write_text(json.dumps({**changed, "id": "c-99"}) + "\n{}\n", "utf-8")
    done = qpi("correct", "--from", str(file), "--reason", "补记", folder=recorded.folder)
    assert done.returncode == 1
    assert "check c-99: there is none" in done.stderr
    assert f"{file}:2: id: is missing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["void", "c-1"], 2, "--reason"), (["correct", "--reason", "x"], 2, "name either ENTRY"),
     (["correct", "c-1", "--reason", "x"], 2, "nothing to change"),
     (["correct", "c-1", "--set", "colour=red", "--reason", "x"], 1, "colour"),
     (["correct", "c-1", "--from", "f", "--reason", "x"], 2, "name either ENTRY"),
     (["void", "c-1", "--reason", "x", "--actor-role", "supervisor"], 2, "name both"),
     (["void", "c-1", "--reason", "x", "--actor", "周明"], 2, "is a name, and the ledger keeps ids; write S01"),
     (["ledger", "history", "c-77"], 1, "check c-77: there is none"),
     (["ledger", "history", "c-1/9"], 1, "check c-1: has no finding 9, only 1, 2"),
     (["correct", "c-1", "--set", "findings=[1]", "--set", "finding.1.deduct=0", "--reason", "x"], 1, "is no field of the record"),
     (["correct", "c-1", "--set", 'evidence=[{"name":"a","name":"b"}]', "--reason", "x"], 1, "the value is no JSON"),
     (["correct", "c-1", "--set", "readings=" + "[" * 9999, "--reason", "x"], 1, "the value is no JSON"),
     (["metrics", "2026-10", "--at", "9" * 5000], 2, "--at"), (["void", "77", "--reason", "x"], 1, "entry 77: there is none")],
)  # fmt: skip
def test_wrong_calls_are_told_and_change_nothing(recorded, arguments, code, words):
    before = digest(recorded.ledger_path)
    done = qpi(*arguments, folder=recorded.folder)
    assert (done.returncode, digest(recorded.ledger_path)) == (code, before)
    assert words in done.stderr


def test_figures_of_a_moment_before_a_correction_are_those_of_then(recorded):
    before = recorded.metrics("2026-10")
    position = recorded.tables().position
    with recorded.recorder(actor=Actor("S01")) as recorder:
        recorder.void("c-1", reason="x")
    assert not recorded.metrics("2026-10").equals(before)
    assert recorded.metrics("2026-10", at=position.seq).equals(before)
    assert recorded.metrics("2026-10", at=NOW).equals(before)
    done = qpi("metrics", "2026-10", "--at", NOW.isoformat(), folder=recorded.folder)
    assert f"ledger at entry {position.seq}, head {position.head}" in done.stdout
