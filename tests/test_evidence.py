"""Evidence files: what is taken, in which order file and entry come and go, and what is said of each."""

import csv
import hashlib
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inputs import CHECK, FINDING, NOW, VERIFICATION, found, json_lines, new_ledger, recorder_of
from qpi import disk, evidence, exhibits, images
from qpi.audit import audit
from qpi.entries import Actor
from qpi.errors import DataError, LedgerError, ProofError, RecordError, UsageError
from qpi.evidence import Given
from qpi.ledger import Writer, open_ledger
from qpi.messages import translated
from qpi.policy import EvidenceFiles
from qpi.recorder import Recorder
from qpi.workspace import Workspace
from test_command_line import qpi


def png(width=3, height=2, *, bomb=False):
    """A whole PNG in grey; a bomb names more pixels than it holds."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"" if bomb else b"".join(b"\0" + b"\x7f" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def jpeg(width=4, height=3, *, padding=0):
    """The headers of a JPEG, with comments before the one that says its size."""
    comments = b"".join(b"\xff\xfe" + struct.pack(">H", 2 + padding) + b"\0" * padding for _ in range(bool(padding)))
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8" + comments + frame + b"\xff\xd9"


def webp(width=9, height=7):
    data = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def heic(width=40, height=30):
    """The boxes of a HEIC that say its size, as telephones write them."""

    def box(kind, data):
        return struct.pack(">I", 8 + len(data)) + kind + data

    ispe = box(b"ispe", struct.pack(">III", 0, width, height))
    ipma = box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
    meta = b"\0\0\0\0" + box(b"pitm", struct.pack(">IH", 0, 1)) + box(b"iprp", box(b"ipco", ispe) + ipma)
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", meta)


GIF = b"GIF89a" + struct.pack("<HH", 5, 6) + b"\0\0\0;"
PDF = b"%PDF-1.7\n%%EOF\n"
MP4 = struct.pack(">I", 24) + b"ftypisom\0\0\0\0isommp42"
SMALL = {"evidence": {"megabytes": "1", "megapixels": "1"}}


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def ledger(tmp_path):
    (tmp_path / "in").mkdir()
    with new_ledger(tmp_path) as opened:
        with opened.writing():
            pass
        yield opened


@pytest.fixture
def cabinet(tmp_path):
    return tmp_path / "evidence"


@pytest.fixture
def recorder(ledger, cabinet):
    return recorder_with(ledger, cabinet)


def recorder_with(ledger, cabinet, policy=None):
    return Recorder(ledger, found(policy=policy), actor=Actor("S01"), clock=lambda: NOW, evidence=cabinet)


def put(tmp_path, name="a.png", data=None):
    path = tmp_path / "in" / name
    path.write_bytes(png() if data is None else data)
    return path


def entries(ledger, *kinds):
    return [link for link in ledger.links() if link.kind in kinds]


def files_in(cabinet):
    return sorted(path.relative_to(cabinet).as_posix() for path in cabinet.rglob("*") if path.is_file())


def place_of(data):
    return f"{sha(data)[:2]}/{sha(data)}"


# Keeping


def test_a_file_is_kept_under_its_hash_and_its_name_is_data(ledger, recorder, cabinet, tmp_path):
    keeping = recorder.keep(put(tmp_path, "楼道 1.png"))
    (one,) = keeping.files
    assert (one.sha256, one.name, one.new, one.entry) == (sha(png()), "楼道 1.png", True, 1)
    assert files_in(cabinet) == [place_of(png())]
    assert (cabinet / place_of(png())).read_bytes() == png()
    (link,) = entries(ledger, "evidence")
    assert (link.idem, link.actor_id, link.supersedes) == (f"evidence:{sha(png())}", "S01", None)
    record = json.loads(link.body)["record"]
    assert record == {
        "sha256": sha(png()), "size": len(png()), "name": "楼道 1.png", "media": "image/png", "width": 3, "height": 2,
    }  # fmt: skip
    assert ledger.rows("SELECT * FROM effective_files") == [(1, sha(png()), len(png()), "楼道 1.png")]
    assert keeping.position == ledger.position()


@pytest.mark.parametrize(
    ("data", "said"),
    {
        "png": (png(7, 5), {"media": "image/png", "width": 7, "height": 5}),
        "jpeg": (jpeg(640, 480), {"media": "image/jpeg", "width": 640, "height": 480}),
        "jpeg whose size stands late": (jpeg(8, 9, padding=60_000), {"media": "image/jpeg", "width": 8, "height": 9}),
        "webp": (webp(9, 7), {"media": "image/webp", "width": 9, "height": 7}),
        "heic": (heic(40, 30), {"media": "image/heic", "width": 40, "height": 30}),
        "gif": (GIF, {"media": "image/gif", "width": 5, "height": 6}),
        "pdf": (PDF, {"media": "application/pdf"}),
        "mp4": (MP4, {"media": "video/mp4"}),
        "text": ("漏水".encode(), {}),
        "svg, which is a program to a browser": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', {}),
        "html": (b"<script>alert(1)</script>", {}),
    }.values(),
)
def test_what_a_file_is_its_bytes_say_and_not_its_name(ledger, recorder, tmp_path, data, said):
    recorder.keep(put(tmp_path, "photo.docx", data))
    record = json.loads(entries(ledger, "evidence")[0].body)["record"]
    assert {name: record[name] for name in ("media", "width", "height") if name in record} == said


def test_the_same_file_again_adds_nothing_under_whatever_name(ledger, recorder, cabinet, tmp_path):
    first = recorder.keep(put(tmp_path), put(tmp_path, "b.png"))
    assert [(one.name, one.entry, one.new) for one in first.files] == [("a.png", 1, True), ("b.png", 1, False)]
    again = recorder.keep(put(tmp_path, "c.png"))
    assert [(one.name, one.entry, one.new) for one in again.files] == [("c.png", 1, False)]
    assert again.position == first.position
    assert len(entries(ledger, "evidence")) == len(files_in(cabinet)) == 1


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "link", "folder is gone"])
def test_giving_a_file_again_puts_back_what_was_lost(ledger, recorder, cabinet, tmp_path, damage):
    path = put(tmp_path)
    recorder.keep(path)
    home = cabinet / place_of(png())
    if damage == "missing":
        home.unlink()
    elif damage == "cut":
        home.write_bytes(png()[:-1])
    elif damage == "flipped":
        home.write_bytes(png()[:-1] + b"x")
    elif damage == "link":
        home.unlink()
        home.symlink_to(path)
    else:
        home.unlink()
        home.parent.rmdir()
        cabinet.rmdir()
    recorder.keep(path)
    assert home.read_bytes() == png()
    assert not home.is_symlink()
    assert len(entries(ledger, "evidence")) == 1


def test_nothing_is_kept_where_one_of_several_is_refused(ledger, recorder, cabinet, tmp_path):
    before = ledger.position()
    with pytest.raises(DataError) as refused:
        recorder.keep(put(tmp_path), tmp_path / "in", tmp_path / "missing.png")
    assert len(refused.value.problems) == 2
    assert not cabinet.exists()
    assert ledger.position() == before


def test_keeping_no_file_does_nothing(ledger, recorder):
    assert recorder.keep().files == ()


def test_a_recorder_without_a_folder_says_so(ledger, tmp_path):
    with pytest.raises(UsageError, match="no folder for evidence"):
        recorder_of(ledger).keep(put(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/shadow",
        "a/../../b",
        "C:\\x",
        "CON",
        "NUL",
        ".",
        "-rf",
        "a.exe",
        "=1+1",
        "漏水.jpg",
        "x" * 255,
    ],
)
def test_a_name_is_never_a_path(ledger, recorder, cabinet, tmp_path, name):
    """Only what nobody can read is refused in a name; all else is data."""
    recorder.keep(Given(put(tmp_path), name))
    assert json.loads(entries(ledger, "evidence")[0].body)["record"]["name"] == name
    assert files_in(tmp_path) == sorted([f"evidence/{place_of(png())}", "in/a.png", "qpi.db"])


# Hostile files, each with what is said of it


def fifo(path):
    os.mkfifo(path)


def listening(path):
    # The path of a socket may be short only.
    was = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(was)


def linked(to):
    return lambda path: path.symlink_to(to)


def sparse(path):
    with path.open("wb") as file:
        file.truncate(50 * 10**9)


def holding(data):
    return lambda path: path.write_bytes(data)


def nothing(path):
    """The file is not there, or is there already."""


FOLDED = "x" * 256
HOSTILE = {
    # what is it: name, how it is made, fault and remedy
    "a folder": ("d", Path.mkdir, "is a folder; give the files in it"),
    "a link to a file": ("l.png", linked("a.png"), "is a symbolic link; give the file that it points to"),
    "a link to a secret": ("l.png", linked("/etc/passwd"), "is a symbolic link; give the file that it points to"),
    "a link to nothing": ("l.png", linked("nowhere"), "is a symbolic link; give the file that it points to"),
    "a link to itself": ("l.png", linked("l.png"), "is a symbolic link; give the file that it points to"),
    "a link to a folder": ("l", linked("."), "is a symbolic link; give the file that it points to"),
    "a pipe": ("p.png", fifo, "is a pipe, a socket or a device; give a file"),
    "a socket": ("s.png", listening, "is a pipe, a socket or a device; give a file"),
    "a device": ("/dev/zero", nothing, "is a pipe, a socket or a device; give a file"),
    "nothing there": ("gone.png", nothing, "cannot be read (there is no such file or folder); name another file"),
    "a file for a folder": ("a.png/b.png", nothing, "cannot be read (a part of the path is no folder); name another file"),
    "a name too long to exist": (FOLDED, nothing, "cannot be read (the name is too long); name another file"),
    "a name with a zero": ("a\0.png", nothing, "is no name that a file can have; name another file"),
    "no name": ("", nothing, "is a folder; give the files in it"),
    "an empty file": ("e.png", holding(b""), "is empty; give a file that shows something"),
    "a file of the system that holds more than it says": ("/proc/self/status", nothing, "changed while it was read; give it again when nobody writes to it"),
    "a byte too many": ("b.bin", holding(b"\0" * (10**6 + 1)), "has 1,000,001 bytes, and the policy allows 1 million; make it smaller, or raise evidence.megabytes"),
    "a file with holes": ("s.bin", sparse, "has 50,000,000,000 bytes, and the policy allows 1 million; make it smaller, or raise evidence.megabytes"),
    "a PNG of very many pixels": ("p.png", holding(png(100_000, 100_000, bomb=True)), "has 100000 x 100000 pixels, and the policy allows 1 million; make it smaller, or raise evidence.megapixels"),
    "a PNG with one pixel too many": ("p.png", holding(png(1_000_001, 1, bomb=True)), "has 1000001 x 1 pixels, and the policy allows 1 million; make it smaller, or raise evidence.megapixels"),
    "a JPEG of very many pixels": ("p.jpg", holding(jpeg(65_000, 65_000)), "has 65000 x 65000 pixels, and the policy allows 1 million; make it smaller, or raise evidence.megapixels"),
    "a WebP of very many pixels, named otherwise": ("p.pdf", holding(webp(16_000, 16_000)), "has 16000 x 16000 pixels, and the policy allows 1 million; make it smaller, or raise evidence.megapixels"),
    "a HEIC of very many pixels": ("p.heic", holding(heic(2**31, 2**31)), "has 2147483648 x 2147483648 pixels, and the policy allows 1 million; make it smaller, or raise evidence.megapixels"),
    "a PNG of no pixels": ("p.png", holding(png(0, 0, bomb=True)), "begins as an image (image/png), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "half a PNG": ("p.png", holding(png()[:14]), "begins as an image (image/png), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "a JPEG that is only a beginning": ("p.jpg", holding(b"\xff\xd8\xff\xe0"), "begins as an image (image/jpeg), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "a JPEG whose segments lead nowhere": ("p.jpg", holding(b"\xff\xd8\xff\xe1\0\0" + b"x" * 99), "begins as an image (image/jpeg), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "a TIFF whose directory lies beyond its end": ("t.tif", holding(b"II*\0\xff\xff\xff\x7f"), "begins as an image (image/tiff), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "a HEIC whose box is longer than the file": ("h.heic", holding(struct.pack(">I", 2**31) + b"ftypheic" + b"\0" * 20), "begins as an image (image/heic), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "an AVIF without a size": ("h.avif", holding(struct.pack(">I", 16) + b"ftypavif\0\0\0\0"), "begins as an image (image/avif), and its width and height cannot be read; open it and save it anew, or take the photo again"),
    "a name that turns text around": ("a\u202egnp.exe", holding(b"x"), "has a name that holds U+202E (text direction mark) at character 2; rename it"),
    "a name with a line in it": ("a\n.png", holding(b"x"), "has a name that holds U+000A (control character); rename it"),
    "a name with a tab": ("a\t.png", holding(b"x"), "has a name that holds U+0009 (control character); rename it"),
    "a name that clears the screen": ("a\x1b[2J.png", holding(b"x"), "has a name that holds U+001B (control character) at character 2; rename it"),
    "a name with a sign that nobody sees": ("a\u200b.png", holding(b"x"), "has a name that holds U+200B (zero width space) at character 2; rename it"),
    "a name that is no UTF-8": (b"a\xff.png", holding(b"x"), "has a name that holds U+DCFF (invisible sign) at character 2; rename it"),
    "a name of blanks": ("  ", holding(b"x"), "has no name; give it a name"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_in_exactly_these_words_and_leaves_no_trace(ledger, cabinet, tmp_path, kind):
    name, make, words = HOSTILE[kind]
    inside = put(tmp_path).parent
    path = inside / os.fsdecode(name) if name else Path(name)
    make(path)
    before, untouched = ledger.position(), files_in(tmp_path)
    with pytest.raises(DataError) as refused:
        recorder_with(ledger, cabinet, SMALL).keep(path)
    (problem,) = refused.value.problems
    assert f"{problem.fault}; {problem.remedy}" == words
    assert problem.where.file == (str(path) if str(path).isprintable() else repr(str(path)))
    assert problem.text("zh") != problem.text("en")
    assert ledger.position() == before
    assert files_in(tmp_path) == untouched


def test_there_are_at_least_25_hostile_files():
    assert len(HOSTILE) >= 25


@pytest.mark.parametrize(("name", "words"), [
    ("y" * 256, "has a name of 256 characters; keep it to 255"), ("y" * 300, "has a name of 300 characters; keep it to 255"),
    ("a\u2066b", "has a name that holds U+2066 (text direction mark) at character 2; rename it"),
])  # fmt: skip
def test_a_name_that_a_service_hands_over_is_judged_alike(recorder, tmp_path, name, words):
    with pytest.raises(DataError, match=words.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):
        recorder.keep(Given(put(tmp_path), name))


def test_a_good_file_passes_the_limits_of_the_hostile_ones(ledger, cabinet, tmp_path):
    """A negative control: the limits of the corpus refuse what is over them and nothing else."""
    recorder_with(ledger, cabinet, SMALL).keep(
        put(tmp_path, "a.png", png(1000, 1000)), put(tmp_path, "b", b"\0" * 10**6)
    )
    assert len(entries(ledger, "evidence")) == 2


def test_a_file_that_nobody_may_read_is_refused(ledger, recorder, tmp_path):
    path = put(tmp_path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="no right to it"):
        recorder.keep(path)


def test_an_image_needs_imagesize_and_a_paper_does_not(ledger, recorder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imagesize", None)
    recorder.keep(put(tmp_path, "a.pdf", PDF))
    with pytest.raises(DataError, match=r"cannot be counted without imagesize; pip install 'qpi\[evidence\]'"):
        recorder.keep(put(tmp_path))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([png(), jpeg(), webp(), heic(), GIF, b"II*\0", b"MM\0*", b"BM", PDF]),
    st.binary(max_size=80),
    st.integers(0, 60),
)
def test_whatever_follows_the_beginning_of_an_image_there_is_a_size_or_none(beginning, rest, kept):
    data = beginning[:kept] + rest
    media = images.media_of(data[: images.HEAD])
    if media and media.startswith("image/"):
        size = images.pixels(io.BytesIO(data))
        assert size is None or (size[0] > 0 and size[1] > 0)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_a_name_is_kept_as_it_is_or_refused(name):
    try:
        kept = evidence._name(name)
    except evidence._Refused:
        return
    assert kept == name.strip(" ")
    assert 0 < len(kept) <= 255
    assert "\n" not in kept
    assert kept.encode()


def test_a_file_that_changes_while_it_is_read_is_refused(ledger, recorder, cabinet, tmp_path, monkeypatch):
    path = put(tmp_path)
    pixels = images.pixels

    def meanwhile(file):
        found = pixels(file)
        path.write_bytes(png(9, 9))
        return found

    monkeypatch.setattr(images, "pixels", meanwhile)
    with pytest.raises(DataError, match="changed while it was read"):
        recorder.keep(path)
    assert not cabinet.exists()


def test_a_file_that_is_exchanged_before_it_is_copied_is_refused(ledger, recorder, cabinet, tmp_path, monkeypatch):
    path = put(tmp_path)
    pieces = evidence.pieces

    def judged(*given):
        found = pieces(*given)
        path.write_bytes(png(9, 9))
        return found

    monkeypatch.setattr(evidence, "pieces", judged)
    with pytest.raises(DataError, match="changed while it was read"):
        recorder.keep(path)
    assert entries(ledger, "evidence") == []
    assert all((cabinet / name).read_bytes() == b"" for name in files_in(cabinet))
    monkeypatch.undo()
    path.write_bytes(png())
    recorder.keep(path)
    assert files_in(cabinet) == [place_of(png())]


# Dying in between


STEPS = [(disk, "settle"), (Path, "mkdir"), (Path, "replace"), (os, "fsync"), (Writer, "append"), (Writer, "flush")]


class Killed(BaseException):
    """The program ends here."""


def dying(patch, owner, name, call):
    """Let the call of that number, and all after it, never happen."""
    real, count = getattr(owner, name), [0]

    def step(*given, **named):
        count[0] += 1
        if count[0] >= call:
            raise Killed
        return real(*given, **named)

    patch.setattr(owner, name, step)
    return count


@pytest.mark.parametrize("number", range(len(STEPS)))
@pytest.mark.parametrize("call", range(1, 9))
def test_a_kill_at_any_step_and_a_retry_leave_one_file_and_one_entry(
    ledger, recorder, cabinet, tmp_path, monkeypatch, number, call
):
    path = put(tmp_path)
    with monkeypatch.context() as patch:
        count = dying(patch, *STEPS[number], call)
        try:
            recorder.keep(path)
        except Killed:
            assert count[0] >= call
            assert entries(ledger, "evidence") == []
    recorder.keep(path)
    assert files_in(cabinet) == [place_of(png())]
    assert [link.idem for link in entries(ledger, "evidence")] == [f"evidence:{sha(png())}"]
    assert audit(tmp_path / "qpi.db", attachments=cabinet).sound


def test_every_step_is_met_by_a_kill(recorder, tmp_path, monkeypatch):
    """A negative control: each of the steps above is taken at least once."""
    for number, (owner, name) in enumerate(STEPS):
        with monkeypatch.context() as patch:
            dying(patch, owner, name, 1)
            with pytest.raises(Killed):
                recorder.keep(put(tmp_path, f"{number}.png", png(number + 1, 1)))


def test_the_file_is_written_down_before_its_entry(recorder, cabinet, tmp_path, monkeypatch):
    """The order that everything else stands on: data, name, folders, entry."""
    order = []
    for owner, name in [(os, "fsync"), (Path, "replace"), (Writer, "append")]:
        real = getattr(owner, name)

        def noted(*given, real=real, name=name, **named):
            if name == "fsync":
                target = os.readlink(f"/proc/self/fd/{given[0]}")
                order.append("data" if target.endswith(".part") else "cabinet" if os.path.isdir(target) else "other")
            else:
                order.append(name)
            return real(*given, **named)

        monkeypatch.setattr(owner, name, noted)
    recorder.keep(put(tmp_path))
    assert order == ["data", "data", "replace", "cabinet", "cabinet", "cabinet", "append"]


def test_what_a_killed_program_left_is_listed_and_not_deleted(ledger, recorder, cabinet, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        dying(patch, Writer, "append", 1)
        with pytest.raises(Killed):
            recorder.keep(put(tmp_path))
    recorder.keep(put(tmp_path, "other.pdf", PDF))
    assert place_of(png()) in files_in(cabinet)
    states = [(one.state, one.name) for one in exhibits.exhibits(ledger, cabinet)]
    assert states == [("kept", "other.pdf"), ("stray", place_of(png()))]
    assert audit(tmp_path / "qpi.db", attachments=cabinet).notes == (
        f"1 files in {cabinet} are in no entry; qpi evidence show lists them",
    )


def test_half_a_copy_of_a_killed_program_never_becomes_the_file(ledger, recorder, cabinet, tmp_path):
    """Somebody else's half copy lies beside a file that is whole, and beside one that is missing."""
    path = put(tmp_path)
    recorder.keep(path)
    home = cabinet / place_of(png())
    home.with_name(f".{home.name}.part").write_bytes(png()[:9])
    recorder.keep(path)
    assert home.read_bytes() == png()
    home.unlink()
    recorder.keep(path)
    assert home.read_bytes() == png()
    assert files_in(cabinet) == [place_of(png())]


def test_a_copy_that_others_placed_and_removed_meanwhile_is_told(ledger, recorder, cabinet, tmp_path, monkeypatch):
    prepare = evidence.prepare

    def lost(where, one):
        made = prepare(where, one)
        evidence._part_of(evidence.home_of(where, one.sha256)).unlink()
        return made

    monkeypatch.setattr(evidence, "prepare", lost)
    with pytest.raises(LedgerError, match="gave and removed the same file meanwhile; nothing was recorded, try again"):
        recorder.keep(put(tmp_path))
    assert entries(ledger, "evidence") == []


def test_a_full_disk_is_told_and_nothing_is_recorded(ledger, recorder, cabinet, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for owner, name in [(os, "fsync"), (Path, "mkdir"), (Path, "replace")]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(LedgerError, match=r"\(the disk is full\); make room on the disk; nothing was recorded"):
                recorder.keep(put(tmp_path))
    assert entries(ledger, "evidence") == []
    recorder.keep(put(tmp_path))
    assert files_in(cabinet) == [place_of(png())]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_while_the_copy_is_written_is_told(ledger, recorder, tmp_path, monkeypatch):
    opened = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *rest: opened("/dev/full" if str(path).endswith(".part") else path, *rest)
    )
    with pytest.raises(LedgerError, match="make room on the disk"):
        recorder.keep(put(tmp_path, "large", b"x" * 3_000_000))


def test_a_file_where_the_folder_should_be_is_told(recorder, cabinet, tmp_path):
    cabinet.write_text("x")
    with pytest.raises(LedgerError, match="check the rights to the folder evidence"):
        recorder.keep(put(tmp_path))


def test_many_who_give_the_same_files_at_once_leave_each_once(ledger, cabinet, tmp_path):
    paths = [put(tmp_path, f"{n}.png", png(n + 1, 1)) for n in range(6)]
    recorder_with(ledger, cabinet).keep(paths[0])
    faults = []

    def give(order):
        try:
            with open_ledger(tmp_path / "qpi.db") as opened:
                one = recorder_with(opened, cabinet)
                for path in order:
                    one.keep(path)
        except Exception as error:
            faults.append(error)

    workers = [threading.Thread(target=give, args=(paths[n:] + paths[:n],)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert faults == []
    assert files_in(cabinet) == sorted(place_of(png(n + 1, 1)) for n in range(6))
    assert len(entries(ledger, "evidence")) == 6
    assert audit(tmp_path / "qpi.db", attachments=cabinet).sound


# Removing


def test_a_removal_is_an_entry_first_and_the_hash_stays(ledger, recorder, cabinet, tmp_path):
    recorder.keep(put(tmp_path))
    removal = recorder.remove(sha(png()), reason="应当事人要求删除")
    assert (removal.entry, removal.new, removal.deleted) == (2, True, True)
    assert files_in(cabinet) == []
    link = entries(ledger, "removal")[0]
    assert (link.supersedes, link.reason, link.idem) == (1, "应当事人要求删除", f"removal:{sha(png())}@1")
    assert json.loads(link.body) == {"record": {"sha256": sha(png())}}
    assert ledger.rows("SELECT * FROM effective_files") == []
    report = audit(tmp_path / "qpi.db", attachments=cabinet)
    assert (report.sound, report.notes) == (True, ())


@pytest.mark.parametrize("step", [(Path, "unlink"), (evidence, "delete"), (Writer, "append")])
def test_a_removal_that_was_killed_is_finished_by_doing_it_again(
    ledger, recorder, cabinet, tmp_path, monkeypatch, step
):
    recorder.keep(put(tmp_path))
    with monkeypatch.context() as patch:
        dying(patch, *step, 1)
        with pytest.raises(Killed):
            recorder.remove(sha(png()), reason="x")
    assert files_in(cabinet) == [place_of(png())]
    report = audit(tmp_path / "qpi.db", attachments=cabinet)
    assert report.sound
    begun = step[1] != "append"
    words = f"entry 2: the file of entry 1 was removed and is still there; run qpi evidence remove {sha(png())} again"
    assert report.notes == ((words,) if begun else ())
    assert [one.state for one in exhibits.exhibits(ledger, cabinet)] == ["remains" if begun else "kept"]
    again = recorder.remove(sha(png()), reason="y")
    assert (again.entry, again.new, again.deleted) == (2, not begun, True)
    assert files_in(cabinet) == []
    last = recorder.remove(sha(png()), reason="z")
    assert (last.entry, last.new, last.deleted) == (2, False, False)
    assert len(entries(ledger, "removal")) == 1


def test_a_removed_file_can_be_given_again_and_removed_again(ledger, recorder, cabinet, tmp_path):
    path = put(tmp_path)
    recorder.keep(path)
    recorder.remove(sha(png()), reason="x")
    (kept,) = recorder.keep(path).files
    assert (kept.entry, kept.new) == (3, True)
    (kept,) = recorder.keep(path).files
    assert (kept.entry, kept.new) == (3, False)
    recorder.remove(sha(png()), reason="y")
    said = [
        (link.kind, link.idem.replace(sha(png()), "#"), link.supersedes)
        for link in entries(ledger, "evidence", "removal")
    ]
    assert said == [
        ("evidence", "evidence:#", None), ("removal", "removal:#@1", 1), ("evidence", "evidence:#@2", 2),
        ("removal", "removal:#@3", 3),
    ]  # fmt: skip
    assert files_in(cabinet) == []
    assert audit(tmp_path / "qpi.db", attachments=cabinet) == audit(tmp_path / "qpi.db", attachments=cabinet)
    assert [one.state for one in exhibits.exhibits(ledger, cabinet)] == ["removed"]


def test_a_removal_takes_an_unfinished_copy_of_the_same_bytes_along(recorder, cabinet, tmp_path):
    recorder.keep(put(tmp_path))
    home = cabinet / place_of(png())
    home.with_name(f".{home.name}.part").write_bytes(png())
    recorder.remove(sha(png()), reason="x")
    assert files_in(cabinet) == []


@pytest.mark.parametrize("reason", ["", "  ", "a\u202eb", "x" * 10_001])
def test_a_removal_wants_a_reason_that_can_be_read(ledger, recorder, cabinet, tmp_path, reason):
    recorder.keep(put(tmp_path))
    with pytest.raises(RecordError):
        recorder.remove(sha(png()), reason=reason)
    assert entries(ledger, "removal") == []
    assert files_in(cabinet) == [place_of(png())]


def test_what_no_entry_has_cannot_be_removed(ledger, recorder, cabinet):
    for word in (sha(b"x"), "../../etc/passwd", ""):
        with pytest.raises(UsageError, match="no evidence file has the SHA-256"):
            recorder.remove(word, reason="x")


def test_a_file_given_between_removal_and_deletion_is_not_deleted(ledger, recorder, cabinet, tmp_path, monkeypatch):
    """Another program gives the file anew after the entry of its removal, before it is deleted."""
    path = put(tmp_path)
    recorder.keep(path)
    writing, calls = type(ledger).writing, []

    def writes(self):
        calls.append(None)
        if len(calls) == 2:
            recorder.keep(path)
        return writing(self)

    monkeypatch.setattr(type(ledger), "writing", writes)
    removal = recorder.remove(sha(png()), reason="x")
    assert not removal.deleted
    assert files_in(cabinet) == [place_of(png())]
    assert audit(tmp_path / "qpi.db", attachments=cabinet).sound


def test_evidence_comes_and_goes_alike_beside_every_store(store, tmp_path):
    (tmp_path / "in").mkdir()
    cabinet, path = tmp_path / "evidence", put(tmp_path)
    with open_ledger(store, create=True, ledger_id="test", now=NOW) as opened:
        recorder = recorder_with(opened, cabinet)
        assert recorder.keep(path, put(tmp_path, "b.pdf", PDF)).position.seq == 2
        assert recorder.record([check("c-1", sha(png())), check("c-2", sha(png()))]).notes == (
            f"evidence a.jpg (sha256 {sha(png())[:8]}…) of check c-2 stands also under check c-1 (entry 4)",
        )
        assert [one.state for one in exhibits.exhibits(opened, cabinet)] == ["kept", "kept"]
        recorder.remove(sha(png()), reason="x")
        assert recorder.remove(sha(png()), reason="x").new is False
        assert [one.state for one in exhibits.exhibits(opened, cabinet)] == ["removed", "kept"]
        assert recorder.keep(path).files[0].entry == 7
        recorder.remove(sha(PDF), reason="y")
        assert files_in(cabinet) == [place_of(png())]
        assert audit(opened, attachments=cabinet).sound
        (cabinet / place_of(png())).unlink()
        assert [(one.entry, one.kind) for one in audit(opened, attachments=cabinet).found] == [(7, "evidence")]


def test_a_file_removed_while_others_are_read_is_no_fault(ledger, recorder, cabinet, tmp_path, monkeypatch):
    """A removal comes after the entries were read and before the file is."""
    recorder.keep(put(tmp_path))
    look = evidence.fault

    def meanwhile(*given):
        monkeypatch.setattr(evidence, "fault", look)
        recorder.remove(sha(png()), reason="x")
        return look(*given)

    monkeypatch.setattr(evidence, "fault", meanwhile)
    assert audit(tmp_path / "qpi.db", attachments=cabinet).found == ()


def test_nobody_waits_with_a_record_while_files_are_read(ledger, recorder, cabinet, tmp_path, monkeypatch):
    recorder.keep(put(tmp_path))
    look = evidence.fault

    def meanwhile(*given):
        with open_ledger(tmp_path / "qpi.db") as other:
            recorder_of(other).record([check("c-1")])
        return look(*given)

    monkeypatch.setattr(evidence, "fault", meanwhile)
    assert audit(tmp_path / "qpi.db", attachments=cabinet).sound


# Showing


CITING = [{"name": "a.png", "sha256": sha(png())}]


def test_exhibits_say_who_gave_a_file_and_which_records_in_force_name_it(ledger, recorder, cabinet, tmp_path):
    recorder.keep(put(tmp_path))
    recorder.record([
        {**CHECK, "evidence": [], "findings": [{**FINDING, "evidence": [*CITING, {"name": "b.png", "sha256": "ab" * 32}]}]},
        {**CHECK, "id": "c-2", "evidence": CITING, "findings": []},
        {**VERIFICATION, "evidence": CITING},
    ])  # fmt: skip
    one, awaited = exhibits.exhibits(ledger, cabinet)
    assert (one.state, one.entry, one.actor, one.name, one.size) == ("kept", 1, "S01", "a.png", len(png()))
    assert [(citation.record, citation.check) for citation in one.cited] == [
        ("c-1001/1", "c-1001"), ("c-2", "c-2"), ("c-1001/1", None),
    ]  # fmt: skip
    assert (awaited.state, awaited.name, awaited.entry) == ("awaited", "b.png", None)
    recorder.void("c-2", reason="x")
    one, _ = exhibits.exhibits(ledger, cabinet)
    assert [citation.record for citation in one.cited] == ["c-1001/1", "c-1001/1"]
    assert audit(tmp_path / "qpi.db", attachments=cabinet).notes == (
        "1 files that records name by their SHA-256 were never given; qpi evidence show lists them",
    )


@pytest.mark.parametrize(("word", "names"), [
    (sha(png())[:8], ["a.png"]), (sha(png()).upper(), ["a.png"]), (sha(png())[:7], []), ("a.png", ["a.png"]), ("c-1001", ["a.png", "b.png"]),
    ("c-1001/1", ["b.png"]), ("c-1001/2", []), ("other.png", ["a.png"]), ("x", []),
])  # fmt: skip
def test_a_word_names_files_by_hash_check_finding_or_name(ledger, recorder, cabinet, tmp_path, word, names):
    recorder.keep(put(tmp_path))
    cited = [{"name": "other.png", "sha256": sha(png())}]
    finding = {**FINDING, "evidence": [{"name": "b.png", "sha256": "ab" * 32}]}
    recorder.record([{**CHECK, "evidence": cited, "findings": [finding]}])
    assert [one.name for one in exhibits.named(exhibits.exhibits(ledger, cabinet), word)] == names


def test_the_bytes_are_given_out_only_where_they_are_those_of_the_entry(ledger, recorder, cabinet, tmp_path):
    recorder.keep(put(tmp_path))
    (one,) = exhibits.exhibits(ledger, cabinet)
    assert exhibits.content_of(cabinet, one) == png()
    (cabinet / place_of(png())).write_bytes(png()[:-1] + b"x")
    (one,) = exhibits.exhibits(ledger, cabinet)
    with pytest.raises(ProofError, match="entry 1: the file has other bytes"):
        exhibits.content_of(cabinet, one)
    recorder.remove(sha(png()), reason="x")
    (one,) = exhibits.exhibits(ledger, cabinet)
    with pytest.raises(UsageError, match="no file is kept"):
        exhibits.content_of(cabinet, one)


# The same photo twice


def check(name, *cited, **more):
    return {
        **CHECK,
        "id": name,
        "evidence": [{"name": "a.jpg", "sha256": one} for one in cited],
        "findings": [],
        **more,
    }


ONE, TWO = "9f" * 32, "ab" * 32


def test_the_same_photo_under_two_checks_is_told_when_it_is_recorded(ledger):
    recorder = recorder_of(ledger)
    assert recorder.record([check("c-1", ONE)]).notes == ()
    outcome = recorder.record([check("c-9", ONE, TWO)])
    assert outcome.recorded == 1
    assert outcome.notes == ("evidence a.jpg (sha256 9f9f9f9f…) of check c-9 stands also under check c-1 (entry 2)",)
    assert recorder.record([check("c-9", ONE, TWO)]).notes == ()
    assert translated(outcome.notes[0], "zh") == "核查 c-9的证据 a.jpg（sha256 9f9f9f9f…）也出现在核查 c-1（第 2 条）"


def test_the_same_photo_twice_in_one_file_is_told(ledger):
    outcome = recorder_of(ledger).record([check("c-1", ONE), check("c-2", ONE), check("c-3", TWO), check("c-4", ONE)])
    assert outcome.notes == (
        "evidence a.jpg (sha256 9f9f9f9f…) of check c-2 stands also under check c-1 (entry 2)",
        "evidence a.jpg (sha256 9f9f9f9f…) of check c-4 stands also under check c-1 (entry 2)",
    )


def test_one_look_may_name_a_photo_as_often_as_it_likes(ledger):
    finding = {**FINDING, "evidence": [{"name": "b.jpg", "sha256": ONE}]}
    assert recorder_of(ledger).record([check("c-1", ONE, ONE, findings=[finding, {**finding, "no": 2}])]).notes == ()


def test_a_closing_with_the_photo_of_the_check_is_told(ledger):
    finding = {**FINDING, "evidence": [{"name": "b.jpg", "sha256": ONE}]}
    closing = {**VERIFICATION, "finding": "c-1/1", "evidence": [{"name": "after.jpg", "sha256": ONE}]}
    outcome = recorder_of(ledger).record([check("c-1", findings=[finding]), closing])
    assert outcome.notes == (
        "evidence after.jpg (sha256 9f9f9f9f…) of the verification of c-1/1 stands also under finding c-1/1 (entry 2)",
    )


def test_a_photo_of_two_rounds_is_told_and_a_voided_check_counts_no_more(ledger):
    recorder = recorder_of(ledger)
    recorder.record([check("c-1", findings=[FINDING]), check("c-2", TWO)])
    first = {**VERIFICATION, "finding": "c-1/1", "outcome": "open", "evidence": [{"name": "r.jpg", "sha256": ONE}]}
    second = {**first, "verified_at": "2026-10-20T10:00:00+08:00"}
    assert len(recorder.record([first, second]).notes) == 1
    recorder.void("c-2", reason="x")
    assert recorder.record([check("c-3", TWO)]).notes == ()


def test_a_correction_tells_only_what_it_adds(ledger):
    recorder = recorder_of(ledger)
    recorder.record([check("c-1", ONE), check("c-2", ONE), check("c-3", TWO)])
    assert recorder.correct("c-2", check("c-2", ONE, place="x"), reason="y").notes == ()
    (note,) = recorder.correct("c-2", check("c-2", ONE, TWO), reason="z").notes
    assert note == "evidence a.jpg (sha256 abababab…) of check c-2 stands also under check c-3 (entry 4)"


def test_evidence_without_a_hash_is_never_compared(ledger):
    named = [{"name": "a.jpg"}]
    assert recorder_of(ledger).record([check("c-1", evidence=named), check("c-2", evidence=named)]).notes == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=8), st.integers(1, 4))
def test_the_notes_are_those_of_a_plain_count(tmp_path_factory, looks, pieces):
    """In whatever batches checks come, each look that names a photo of an earlier look is told once."""
    expected, seen = [], {}
    for number, photos in enumerate(looks):
        expected += [(f"c-{number}", seen[photo]) for photo in sorted(set(photos)) if photo in seen]
        seen = {**dict.fromkeys(photos, f"c-{number}"), **seen}
    told = []
    with new_ledger(tmp_path_factory.mktemp("l")) as ledger:
        recorder = recorder_of(ledger)
        records = [check(f"c-{n}", *(sha(photo.encode()) for photo in photos)) for n, photos in enumerate(looks)]
        for start in range(0, len(records), pieces):
            for note in recorder.record(records[start : start + pieces]).notes:
                told.append((note.values["record"].values["id"], note.values["other"].values["id"]))
    assert sorted(told) == sorted(expected)


# The commands


def test_files_are_added_shown_given_out_and_removed_by_commands(recorded, tmp_path):
    folder = recorded.folder
    (folder / "photo.png").write_bytes(png())
    done = qpi("evidence", "add", str(folder / "photo.png"), folder=folder)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == f"photo.png: kept as entry 7, sha256 {sha(png())}"
    assert last.startswith("ledger at entry 7, head ")
    again = qpi("evidence", "add", str(folder / "photo.png"), folder=folder)
    assert again.stdout.splitlines()[0] == f"photo.png: already there as entry 7, sha256 {sha(png())}"
    assert (recorded.evidence_folder / place_of(png())).is_file()

    table = qpi("evidence", "show", folder=folder).stdout.splitlines()
    assert table[0].split()[:3] == ["state", "entry", "recorded"]
    assert table[2].startswith("kept")
    assert sha(png())[:16] in table[2]
    (plain,) = json.loads(qpi("evidence", "show", "photo.png", "--format", "json", folder=folder).stdout)
    assert (plain["state"], plain["entry"], plain["sha256"], plain["cited"]) == ("kept", 7, sha(png()), [])
    rows = list(
        csv.DictReader(io.StringIO(qpi("evidence", "show", "--format", "csv", folder=folder).stdout.lstrip("\ufeff")))
    )
    assert [(row["state"], row["sha256"]) for row in rows] == [("kept", sha(png()))]

    out = tmp_path / "out.png"
    assert qpi("evidence", "show", sha(png())[:8], "--out", str(out), folder=folder).returncode == 0
    assert out.read_bytes() == png()

    assert qpi("evidence", "remove", sha(png())[:12], folder=folder).returncode == 2
    done = qpi("evidence", "remove", sha(png())[:12], "--reason", "误传", folder=folder)
    assert done.stdout.splitlines()[0] == f"{sha(png())}: removed by entry 8"
    done = qpi("evidence", "remove", sha(png())[:12], "--reason", "误传", folder=folder)
    assert done.stdout.splitlines()[0] == f"{sha(png())}: removed by entry 8 before; nothing is left to do"
    assert files_in(recorded.evidence_folder) == []
    assert qpi("evidence", "show", "nobody.png", folder=folder).returncode == 1
    assert qpi("ledger", "verify", folder=folder).returncode == 0


def test_a_hostile_file_is_bad_input_and_told_in_both_languages(recorded):
    for language, words in [("en", "is a folder; give the files in it"), ("zh", "是文件夹；请提交其中的文件")]:
        done = qpi("evidence", "add", str(recorded.folder), "--lang", language, folder=recorded.folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr


@pytest.mark.parametrize("beginning", ["abc", "xyz12345", "0" * 8])
def test_a_beginning_that_names_no_file_is_wrong_usage(recorded, beginning):
    assert qpi("evidence", "remove", beginning, "--reason", "x", folder=recorded.folder).returncode == 2


def test_the_beginning_of_a_hash_must_mean_one_file(ledger, recorder, cabinet, tmp_path):
    recorder.keep(put(tmp_path))
    assert exhibits.hash_of(ledger, cabinet, sha(png())[:8].upper()) == sha(png())
    twin = sha(png())[:63] + ("0" if sha(png())[63] != "0" else "1")
    with ledger.writing() as writer:
        from qpi.stamp import Stamp

        item = Stamp(found(), Actor("x")).plain(
            "evidence", f"evidence:{twin}", {"sha256": twin, "size": 1, "name": "x"}
        )
        writer.append([item], recorded="2026-11-21T00:00:00.000000Z")
    with pytest.raises(UsageError, match="2 evidence files have a SHA-256 that begins with"):
        exhibits.hash_of(ledger, cabinet, sha(png())[:8])


def test_an_import_tells_the_same_photo_twice(recorded):
    lines = [check("c-91", ONE, point="KF-001", findings=[]), check("c-92", ONE, point="KF-001", findings=[])]
    done = qpi("import", str(json_lines(recorded.folder / "more.jsonl", *lines)), folder=recorded.folder)
    assert done.returncode == 0, done.stderr
    assert "evidence a.jpg (sha256 9f9f9f9f…) of check c-92 stands also under check c-91 (entry 7)" in done.stderr
    assert "stands also under check c-91" in qpi("evidence", "show", folder=recorded.folder).stderr


def test_very_many_notes_are_told_in_part(recorded):
    lines = [check(f"c-9{n}", ONE, point="KF-001") for n in range(30)]
    done = qpi("import", str(json_lines(recorded.folder / "more.jsonl", *lines)), folder=recorded.folder)
    assert done.stderr.count("stands also") == 20
    assert "... and 9 more; qpi evidence show lists them" in done.stderr


def test_verifying_a_copy_says_which_files_were_not_looked_at(recorded, tmp_path):
    folder = recorded.folder
    (folder / "photo.png").write_bytes(png())
    qpi("evidence", "add", str(folder / "photo.png"), folder=folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = qpi("ledger", "backup", str(elsewhere / "copy.db"), folder=folder)
    assert "1 evidence files lie beside the ledger, not in it, and were not looked at" in done.stderr
    done = qpi("ledger", "verify", "--ledger", str(elsewhere / "copy.db"), folder=folder)
    assert done.returncode == 0
    assert "1 evidence files lie beside the ledger, not in it, and were not looked at" in done.stderr
    copied = str(recorded.evidence_folder)
    assert (
        "not looked at"
        not in qpi(
            "ledger", "verify", "--ledger", str(elsewhere / "copy.db"), "--evidence", copied, folder=folder
        ).stderr
    )
    (recorded.evidence_folder / place_of(png())).unlink()
    done = qpi("ledger", "verify", "--ledger", str(elsewhere / "copy.db"), "--evidence", copied, folder=folder)
    assert (done.returncode, done.stdout.splitlines()[0]) == (3, "entry 7: evidence: the file is missing")
    assert qpi("ledger", "verify", folder=folder).returncode == 3
    recorded.evidence_folder.joinpath(sha(png())[:2]).rmdir()
    recorded.evidence_folder.rmdir()
    # Of one's own ledger a folder that is gone is no excuse.
    assert qpi("ledger", "verify", folder=folder).returncode == 3
    assert qpi("ledger", "verify", "--evidence", copied, folder=folder).returncode == 2


def test_evidence_can_be_given_before_the_first_record(folder):
    """A ledger begins with whatever is recorded first; a workspace's recorder knows its folder."""
    workspace = Workspace(folder)
    (folder / "a.png").write_bytes(png())
    with workspace.recorder() as recorder:
        assert recorder.keep(folder / "a.png").position.seq == 1
    assert files_in(workspace.evidence_folder) == [place_of(png())]


def test_the_policy_sets_the_limits(tmp_path):
    assert found(policy=SMALL).policy.evidence == EvidenceFiles(megabytes="1", megapixels="1")
    assert found().policy.evidence == EvidenceFiles(megabytes="20", megapixels="60")


def test_a_clock_that_goes_back_is_told_with_the_file(ledger, cabinet, tmp_path):
    recorder_with(ledger, cabinet).keep(put(tmp_path))
    back = Recorder(ledger, found(), actor=Actor("S01"), clock=lambda: NOW - timedelta(days=1), evidence=cabinet)
    assert "clock of this computer is behind" in back.keep(put(tmp_path, "b.pdf", PDF)).notes[0]


@pytest.mark.skipif(os.name == "nt", reason="bits of POSIX")
def test_a_kept_file_is_an_ordinary_one(recorder, cabinet, tmp_path):
    path = put(tmp_path)
    path.chmod(0o4777)
    recorder.keep(path)
    assert stat.S_IMODE((cabinet / place_of(png())).stat().st_mode) & 0o7111 == 0


def test_a_kill_of_the_real_process_between_file_and_entry_is_healed_by_a_retry(recorded):
    """The process ends at once, by the system's own means, when it is about to write the entry."""
    (recorded.folder / "photo.png").write_bytes(png())
    program = (
        "import os, sys\nfrom qpi import ledger, cli\n"
        "ledger.Writer.append = lambda *given, **named: os.kill(os.getpid(), 9)\n"
        "sys.argv = ['qpi', 'evidence', 'add', 'photo.png']\ncli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=recorded.folder)
    assert done.returncode == -9
    assert files_in(recorded.evidence_folder) == [place_of(png())]
    assert qpi("evidence", "add", str(recorded.folder / "photo.png"), folder=recorded.folder).returncode == 0
    assert qpi("ledger", "verify", folder=recorded.folder).returncode == 0
    assert files_in(recorded.evidence_folder) == [place_of(png())]
