"""The torture suite in small: each module finds nothing wrong, reaches its share, and sees what is wrong on purpose."""

import random

import pytest

from torture import disk, kills
from torture.disk import Change, Moment, Move
from torture.figures import Run
from torture.run import MODULES, measured

SMALL = 0.05
UNCONTROLLED = ()
"""Figures in which nothing is wrong on purpose."""


@pytest.mark.parametrize("module", MODULES)
def test_a_small_share_of_the_torture_finds_nothing_wrong_and_is_not_blind(module):
    figures = list(measured(Run(SMALL), (module,)))
    assert figures
    for figure in figures:
        if figure.skipped:
            pytest.skip(figure.skipped)
        assert figure.faults == ()
        assert figure.tried >= figure.aim
        assert figure.controls or figure.name in UNCONTROLLED


def test_without_strace_a_figure_says_that_it_is_skipped(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (figure,) = kills.figures(Run(SMALL))
    assert "strace is not installed" in figure.skipped
    assert not figure.reached


# The model of the disk, which decides what a power cut can do

PAGE = b"a" * 1024


def images(moment):
    rng = random.Random(1)
    return [*disk.plain_images(moment, rng), *(disk.random_image(moment, rng) for _ in range(300))]


def test_what_was_synced_is_in_every_image():
    moment = Moment({0: PAGE}, {"x": 0}, (), (), 0)
    assert all(image == {"x": PAGE} for image in images(moment))


def test_what_was_not_synced_can_be_there_be_missing_be_torn_and_come_out_of_order():
    changes = (Change(0, 0, b"1" * 1024), Change(0, 1024, b"2" * 1024))
    found = {image["x"] for image in images(Moment({0: PAGE}, {"x": 0}, changes, (), 0))}
    assert {PAGE, b"1" * 1024 + b"2" * 1024, b"1" * 1024, PAGE + b"2" * 1024, PAGE + bytes(1024)} <= found
    assert b"1" * 512 + b"a" * 512 in {content[:1024] for content in found}


def test_what_was_done_to_a_directory_is_there_as_far_as_some_moment():
    moves = (Move("x", 0), Move("y", 1), Move("z", 0, "x"))
    found = {tuple(sorted(image)) for image in images(Moment({0: b"0", 1: b"1"}, {}, (), moves, 0))}
    assert found == {(), ("x",), ("x", "y"), ("y", "z")}


CALLS = """\
openat(AT_FDCWD, "{part}", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3
write(3, "\\x61\\x62", 2) = 2
fsync(3) = 0
close(3) = 0
rename("{part}", "{whole}") = 0
access("{told}", F_OK) = -1 ENOENT (No such file or directory)
openat(AT_FDCWD, "{folder}", O_RDONLY|O_CLOEXEC) = 3
fsync(3) = 0
"""


def hexed(text):
    return "".join(f"\\x{byte:02x}" for byte in str(text).encode())


def test_a_recording_is_read_into_moments_and_what_it_leaves_is_compared_with_what_is_there(tmp_path):
    before, after, record = tmp_path / "before", tmp_path / "after", tmp_path / "record"
    before.mkdir()
    after.mkdir()
    (after / "whole").write_text("ab", "utf-8")
    names = {"part": after / "part", "whole": after / "whole", "folder": after, "told": "/told/file whole"}
    record.write_text(CALLS.format(**{name: hexed(text) for name, text in names.items()}), "ascii")
    recording = disk.recorded(record, before, after)
    assert recording.told == ["file whole"]
    told = [moment for moment in recording.moments if moment.told]
    assert [(moment.told, moment.moves == ()) for moment in told] == [(1, False), (1, True)]
    assert disk.image(told[0], (), 0) == {} and disk.image(told[1], (), 0) == {"whole": b"ab"}
    (after / "whole").write_text("other", "utf-8")
    with pytest.raises(AssertionError, match="replayed calls leave other files"):
        disk.recorded(record, before, after)
