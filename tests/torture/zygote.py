"""Zygote: a process that has imported everything and forks a child for each try, so that no try pays for a start."""

import ctypes
import gc
import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from qpi import sqlitefile
from qpi.errors import QpiError
from torture.operations import OPERATIONS, WRONG_ON_ERRORS, WRONG_WHEN_KILLED, Operation
from torture.scenes import SCENES

SLIP = 1 << 16
"""Bytes of the slip on which a child says how far it is: memory that is shared, so that saying so is no system call."""
TOLD = "/told/"
NO_STRACE = "strace is not installed, and nothing else here can stop a process at a system call"
PR_SET_PTRACER, PR_SET_PDEATHSIG = 0x59616D61, 1
PATIENCE = 150
"""Seconds after which a child is taken for stuck; a ledger waits 60 seconds for another writer."""


class Ended(NamedTuple):
    """How a child ended: by which signal, what it acknowledged, and `done`, `refused` or `escaped` with its words."""

    signal: int
    acknowledged: tuple[str, ...]
    end: str = ""
    words: str = ""


class UntraceableError(Exception):
    """Nothing can be traced here, and why."""


class Zygote:
    """Runs operations in children of a process that is ready; within a `with`."""

    def __enter__(self) -> Self:
        if shutil.which("strace") is None:
            raise UntraceableError(NO_STRACE)
        # One thread only, since what is forked has only one.
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "torture.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **alone, "PYTHONPATH": path},
        )  # fmt: skip
        try:
            self._hear()
        except RuntimeError:
            self._process.communicate()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if any(exception):
            # It may wait for a child that holds still; both go.
            self._process.kill()
        self._process.communicate()

    def _hear(self) -> int:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the zygote has ended; what it said stands above")
        return int(line)

    def run(self, operation: str, folder: Path, *strace: str, settings: dict[str, object] | None = None) -> Ended:
        """Run an operation in a child, under strace where arguments of it are given, and tell how it ended."""
        slip = folder.with_name(f"{folder.name}.slip")
        with open(slip, "wb") as file:
            file.truncate(SLIP)
        job = {
            "operation": operation,
            "folder": str(folder),
            "slip": str(slip),
            "held": bool(strace),
            "settings": settings,
        }
        print(json.dumps(job), file=self._process.stdin, flush=True)
        if strace:
            self._trace(self._hear(), strace)
        status = self._hear()
        lines = slip.read_bytes().rstrip(b"\0").decode("utf-8", "replace").split("\n")
        slip.unlink()
        acknowledged = tuple(line.removeprefix("told ") for line in lines if line.startswith("told "))
        end, _, words = next((line for line in lines if line.startswith(("done", "refused", "escaped"))), "").partition(
            " "
        )
        return Ended(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, acknowledged, end, words)

    def _trace(self, child: int, arguments: tuple[str, ...]) -> None:
        """Attach strace to a child that holds still, and let it go."""
        call = ["strace", "-o", "/dev/null", *arguments, "-p", str(child)]
        with subprocess.Popen(call, stderr=subprocess.PIPE, text=True) as tracer:
            said = tracer.stderr.readline()
            # The words for it come once strace holds the child, so that no system call goes by unseen.
            attached = "attached" in said
            os.kill(child, signal.SIGCONT)
            rest = tracer.stderr.read()
        if not attached:
            self._hear()
            raise UntraceableError(f"strace cannot hold a process here: {said.strip() or rest.strip()}")


def _perform(job: dict[str, object], run: Callable[..., None]) -> None:
    """Do an operation as a child, and say on the slip how it ended."""
    with open(job["slip"], "r+b") as file:
        slip = mmap.mmap(file.fileno(), SLIP)

    def say(words: str) -> None:
        slip.write(f"{words}\n".encode()[: SLIP - slip.tell() - 1])

    def told(part: str) -> None:
        say(f"told {part}")
        # A recording of the system calls shows by this one when it was said; no such file is meant to be.
        os.access(f"{TOLD}{part}", os.F_OK)

    # Where the kernel asks for it (yama), a process may be traced only by whom it allows.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.alarm(PATIENCE)
    if job["held"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    try:
        run(Path(job["folder"]), told)
    except QpiError as refused:
        say(f"refused {' '.join(str(refused).split())}")
    except BaseException:
        say(f"escaped {' | '.join(traceback.format_exc().split(chr(10)))}")
    else:
        say("done")


def _warm(operations: tuple[Operation, ...]) -> None:
    """Do each operation once well and once in vain, so that everything that is imported late is there."""
    for operation in operations:
        for spoil in (False, True):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                operation.begin(folder)
                if spoil:
                    (folder / "qpi.db").unlink(missing_ok=True)
                    (folder / "qpi.db").mkdir()
                try:
                    operation.run(folder, lambda _: None)
                except Exception:
                    if not spoil:
                        raise
                    traceback.format_exc()


def main() -> None:
    """Fork a child for each line of the input: the pid of one that is held, then how it ended."""
    every = (*OPERATIONS, *(one for one, _ in (*WRONG_WHEN_KILLED, *WRONG_ON_ERRORS)), *SCENES)
    known = {one.name: one for one in every}
    told = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    _warm(every)
    gc.collect()
    gc.freeze()
    print(0, file=told, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            sqlitefile.SETTINGS.update(job["settings"] or {})
            _perform(job, known[job["operation"]].run)
            os._exit(0)
        if job["held"]:
            os.waitpid(child, os.WUNTRACED)
            print(child, file=told, flush=True)
        print(os.waitpid(child, 0)[1], file=told, flush=True)


if __name__ == "__main__":
    main()
