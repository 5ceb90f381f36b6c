"""Places: whether a folder is one where a file ledger is safe, and what lies beside the file."""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from qpi.errors import LedgerError, reason
from qpi.messages import Message, say

NETWORK = {
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "glusterfs", "gpfs", "lustre",
    "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf",
    "virtiofs", "vmhgfs", "webdav",
}  # fmt: skip
"""File systems, by the names of Linux and macOS, on which other machines write too, so that locks may not hold."""
_NETWORK_FUSE = {
    "afs", "ceph", "curlftpfs", "davfs", "davfs2", "gcsfuse", "glusterfs", "goofys", "grpcfuse", "juicefs", "lustre",
    "osxfs", "rclone", "s3fs", "smbnetfs", "sshfs", "vmhgfs-fuse",
}  # fmt: skip
"""What stands behind `fuse.` in the name of such a file system."""
_SYNCHRONISED = {
    "Dropbox": ("dropbox",),
    "OneDrive": ("onedrive", "skydrive"),
    "iCloud": ("icloud drive", "iclouddrive", "mobile documents", "com~apple~clouddocs"),
    "Google Drive": ("google drive", "googledrive", "google 云端硬盘"),
    "坚果云": ("nutstore", "nutstore files", "坚果云", "我的坚果云"),
    "百度网盘": ("baidunetdisk", "baidunetdiskworkspace", "baidusyncdisk", "百度网盘", "百度网盘同步空间", "百度云同步盘"),
    "微云": ("weiyun", "微云", "微云同步助手", "微云同步盘"),
    "WPS云盘": ("wps云盘", "wps云文档", "wps cloud files", "wpsdrive", "wps drive"),
    "阿里云盘": ("阿里云盘", "adrive", "aliyundrive"),
    "Nextcloud": ("nextcloud", "owncloud"),
    "Seafile": ("seafile", "seadrive"),
    "Synology Drive": ("synologydrive", "synology drive", "cloudstation"),
    "Box": ("box sync",),
    "MEGA": ("megasync",),
    "pCloud": ("pcloud drive", "pclouddrive"),
    "CloudStorage": ("cloudstorage",),
}  # fmt: skip
"""Services that copy a folder to other machines, by the names of their folders in small letters."""
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_STALE_SECONDS = 2


def synchronised(path: str) -> str | None:
    """Return the service that copies a folder to other machines, by the names of the folders on the way to it."""
    parts = unicodedata.normalize("NFC", path).casefold().replace("\\", "/").split("/")[:-1]
    return next((service for part in parts for service, names in _SYNCHRONISED.items() if _is_named(part, names)), None)


def _is_named(part: str, names: Iterable[str]) -> bool:
    """Say whether a folder bears a name, or one and what the service puts behind it: `onedrive - 某公司`, `dropbox (2)`."""
    rests = (part.removeprefix(name).strip() for name in names if part.startswith(name))
    return any(not rest or rest[0] in "-(（_" or rest.isdigit() for rest in rests)


def is_network(kind: str) -> bool:
    """Say whether a file system of this name is one that other machines write to as well."""
    name = kind.casefold()
    return name in NETWORK or (name.startswith("fuse.") and name.removeprefix("fuse.") in _NETWORK_FUSE)


def file_system(path: str, mounts: str) -> str | None:
    """Return the kind of file system that an absolute path lies on, from the text of Linux's /proc/self/mountinfo."""
    found, length = None, -1
    for line in mounts.splitlines():
        fields, dash, rest = line.partition(" - ")
        point, kind = fields.split(" ")[4:5], rest.split(" ")[0]
        if not dash or not point or not kind:
            continue
        # A blank stands as octal digits.
        where = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point[0])
        inside = path == where or path.startswith(where.rstrip("/") + "/")
        # Of several mounts at one point the last lies on top.
        if inside and len(where) >= length:
            found, length = kind, len(where)
    return found


def file_system_on_mac(path: str, mounts: str) -> str | None:
    """Return the kind of file system that an absolute path lies on, from what `mount` of macOS prints."""
    found, length = None, -1
    for where, kind in re.findall(r"^.+? on (/.*) \(([a-z0-9_]+)[,)].*$", mounts, re.MULTILINE):
        if (path == where or path.startswith(where.rstrip("/") + "/")) and len(where) >= length:
            found, length = kind, len(where)
    return found


def remote_on_windows(path: str, drive_type: Callable[[str], int]) -> bool:
    """Say whether an absolute path of Windows is on another machine; `drive_type` is GetDriveTypeW, whose 4 is remote."""
    plain = path.replace("/", "\\")
    if plain.upper().startswith("\\\\?\\UNC\\"):
        return True
    plain = plain.removeprefix("\\\\?\\").removeprefix("\\\\.\\")
    if plain.startswith("\\\\"):
        return True
    return re.match(r"[A-Za-z]:", plain) is not None and drive_type(plain[:2] + "\\") == 4


def on_network(path: Path) -> str | None:
    """Return the name of the network file system that a file lies on; None where it is local, or cannot be told."""
    real = str(path.resolve().parent)
    if sys.platform == "win32":
        import ctypes

        return say("a network drive") if remote_on_windows(real, ctypes.windll.kernel32.GetDriveTypeW) else None
    if sys.platform == "darwin":
        kind = file_system_on_mac(real, _printed_by_mount()) if real.startswith(("/Volumes/", "/Network/")) else None
    else:
        kind = file_system(real, _mounts())
    return kind if kind and is_network(kind) else None


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _printed_by_mount() -> str:
    import subprocess

    try:
        return subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def warnings(path: Path) -> list[Message]:
    """Return what makes the place of a ledger unsafe, each with its remedy."""
    found = []
    network = on_network(path)
    # By the way that is named and by the one that links lead to.
    service = synchronised(str(path.absolute())) or synchronised(str(path.resolve()))
    remedy = say("keep the ledger on a local disk; for a team, PostgreSQL is the store")
    if network:
        fault = say("{file}: on a network folder ({kind}), whose locks may fail, so that two programs can spoil the ledger; "
                    "{remedy}", file=path, kind=network, remedy=remedy)  # fmt: skip
        found.append(fault)
    if service:
        fault = say("{file}: in a folder of {service}, which copies files while they change and can put an older ledger in "
                    "its place; {remedy}", file=path, service=service, remedy=remedy)  # fmt: skip
        found.append(fault)
    return found


def refuse_stray(path: Path) -> None:
    """Raise LedgerError where a journal lies beside a ledger that is not there or holds nothing.

    SQLite would delete it at the first opening, and what was recorded last may stand in nothing else.
    """
    size = _size(path)
    if size:
        return
    for name in _beside(path, ("-wal", "-journal")):
        # A run that was killed while it made a new ledger leaves a journal that says: there was nothing before.
        if size == 0 and name.name.endswith("-journal") and not pages_before(name):
            continue
        raise LedgerError(
            say(
                "{file}: there is no ledger, and its journal {journal} is there, with what was recorded last; "
                "put the ledger back beside it, or move the journal elsewhere",
                file=path,
                journal=name.name,
            )
        )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _beside(path: Path, endings: Iterable[str]) -> list[Path]:
    """Return the files beside a ledger that hold anything."""
    return [one for ending in endings if _size(one := path.with_name(path.name + ending))]


def pages_before(journal: Path) -> int:
    """Return the number of pages that a ledger had when this journal of it was begun; 0 where it does not say.

    Raises LedgerError where the journal cannot be read.
    """
    try:
        head = _head(journal)
    except OSError as error:
        fault = say("{file}: the journal cannot be read ({reason}); check the rights, and the disk", file=journal,
                    reason=reason(error))  # fmt: skip
        raise LedgerError(fault) from error
    return int.from_bytes(head[16:20], "big") if head.startswith(_JOURNAL_MAGIC) else 0


def left_behind(path: Path, now: float) -> Path | None:
    """Return the journal beside a ledger that was not written to for some seconds, as a program leaves it that was cut off.

    `now` is in seconds since 1970. One that is younger may be that of a program that writes.
    """
    for one in _beside(path, ("-journal",)):
        # Its program may come to its end meanwhile; and what SQLite cannot read either, it tells by itself.
        with suppress(OSError):
            if now - one.stat().st_mtime > _STALE_SECONDS and _head(one).startswith(_JOURNAL_MAGIC):
                return one
    return None


def _head(journal: Path) -> bytes:
    """Return how a journal begins; nothing where its program has deleted it meanwhile."""
    try:
        with journal.open("rb") as file:
            return file.read(20)
    except FileNotFoundError:
        return b""


WAL_MENDED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""Versions of SQLite from which, in their series, a write-ahead log loses nothing; the last is so for all that follow."""


def safe_wal(version: tuple[int, int, int]) -> bool:
    """Say whether this SQLite keeps a write-ahead log without the fault that can lose commits of two connections."""
    return version >= WAL_MENDED[-1] or any(version[:2] == one[:2] and version >= one for one in WAL_MENDED)


def journal_mode(wanted: str, version: tuple[int, int, int], network: str | None) -> tuple[str, Message | None]:
    """Return the journal mode to keep, `delete` or `wal`, and why it is not the one that is wanted."""
    if wanted != "wal":
        return "delete", None
    if not safe_wal(version):
        text = ".".join(map(str, version))
        return "delete", say("journal_mode=wal is not used: SQLite {version} can lose records with it; it needs 3.51.3, or "
                             "3.50.7 or 3.44.6 of their series", version=text)  # fmt: skip
    if network:
        return "delete", say("journal_mode=wal is not used: a network folder ({kind}) cannot keep it", kind=network)
    return "wal", None


__all__ = [
    "NETWORK",
    "WAL_MENDED",
    "file_system",
    "file_system_on_mac",
    "is_network",
    "journal_mode",
    "left_behind",
    "on_network",
    "refuse_stray",
    "remote_on_windows",
    "safe_wal",
    "synchronised",
    "warnings",
]
