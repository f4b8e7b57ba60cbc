# SPDX-License-Identifier: BSD-3-Clause
"""The process of a client beside the core: another user, with less than the core has of everything.

It goes before the TAs when memory runs out and after them for the processor, gains no rights by the
programs that it executes, and has a part of the memory and of the processes that there can be. In a
realm all of its processes, with the files that they write, are one group that has half of the
memory, and the processor as one process.
"""

import _signal  # type: ignore[import-not-found] # `signal` without its import of enum
import errno
import os
import resource
import stat

from realmos_agent.tee.budget import memory_total
from realmos_agent.tee.crypto._libcrypto_abi import ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

USER = 1000
"""The client's user and group if the core is root: nobody else's in a realm."""
NOT_STARTED = 127

_NICE, _OOM_SCORE = 5, "1000"  # as runners have them
_WEIGHT = 33  # of a group, as that niceness is of a process
_MEMORY_SHARE = 2  # of the memory there is: what it, and each of its processes, may have of it
_PROCESS_MEMORY = 1 << 20  # of the memory there is, for each process that it may have
_SET_NO_NEW_PRIVS = 38  # PR_SET_NO_NEW_PRIVS, linux/prctl.h
_GROUPS, _GROUP = "/sys/fs/cgroup", "client"
_IMAGE = "/etc/realmos"  # is in realms: nobody else has groups of processes there
_MOUNT_FLAGS = 2 | 4 | 8  # MS_NOSUID, MS_NODEV, MS_NOEXEC of linux/mount.h


def give(path: str) -> None:
    """Make a file or directory, and what is in it, the client's; links lead nowhere."""
    if os.geteuid() != 0:
        return
    os.lchown(path, USER, USER)
    for directory, directories, files in os.walk(path):
        for name in (*directories, *files):
            os.lchown(os.path.join(directory, name), USER, USER)


def become(argv: list[str], home: str, environment: dict[str, str], ready: int) -> "NoReturn":
    """Wait for the core, and turn this child into the client; or end with the core.

    Args:
        argv: the client's program and its arguments.
        home: its directory.
        environment: all of it.
        ready: has a byte when the core serves, and ends without one if it fails.
    """
    try:
        if not os.read(ready, 1):
            os._exit(NOT_STARTED)  # the core has failed, and said why
        os.close(ready)
        os.chdir(home)
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
        _stand_back()
        if os.geteuid() == 0:
            _give_pipes()
            _limit()
            if os.path.isdir(_IMAGE):
                _join()
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        os.write(2, f"tee: {argv[0]} cannot be run: {_reason(argv[0], error)}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def join_group(groups: str) -> None:
    """Make this process the first of a group that has its part of memory and processor.

    Args:
        groups: where the kernel has groups of processes: a control group file system, version 2.

    Raises:
        OSError: the kernel has no such groups.
    """
    group = os.path.join(groups, _GROUP)
    os.makedirs(group, exist_ok=True)
    for path, value in (
        (os.path.join(groups, "cgroup.subtree_control"), "+cpu +memory"),
        (os.path.join(group, "memory.max"), str(memory_total() // _MEMORY_SHARE)),
        (os.path.join(group, "cpu.weight"), str(_WEIGHT)),
        (os.path.join(group, "cgroup.procs"), "0"),
    ):
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)


def _join() -> None:
    try:
        if not os.path.exists(os.path.join(_GROUPS, "cgroup.procs")):
            _mount_groups()
        join_group(_GROUPS)
    except OSError as error:
        why = f"groups of processes: {error.strerror}"
        os.write(2, f"tee: WARNING: the client can use up the realm's memory: {why}\n".encode())


def _mount_groups() -> None:
    words = (b"none", _GROUPS.encode(), b"cgroup2", _MOUNT_FLAGS, ffi.NULL)
    if ffi.dlopen(None).mount(*words):
        raise OSError(ffi.errno, os.strerror(ffi.errno))


def _stand_back() -> None:
    os.nice(_NICE)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)
    if ffi.dlopen(None).prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ffi.errno, f"no new privileges: {os.strerror(ffi.errno)}")


def _limit() -> None:
    total = memory_total()
    # What it only reserves, as some languages' run-times do for all that may come, does not count.
    for what, most in (
        (resource.RLIMIT_DATA, total // _MEMORY_SHARE),
        (resource.RLIMIT_NPROC, total // _PROCESS_MEMORY),
    ):
        _, hard = resource.getrlimit(what)
        mine = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (mine, mine))


def _give_pipes() -> None:
    """Let the client open its own /dev/stdin, /dev/stdout and /dev/stderr."""
    for fd in range(3):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.fchown(fd, USER, USER)


def _reason(program: str, error: OSError) -> str:
    if error.errno == errno.ENOENT and os.path.exists(program):
        return "the interpreter that it names is not there"
    return str(error.strerror)
