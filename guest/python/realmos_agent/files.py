# SPDX-License-Identifier: BSD-3-Clause
"""Files to and from the build machine, in pieces, and the session's work directory."""

import errno
import hashlib
import os
import stat

from realmos_agent.protocol import Credit, Data, Done, Eof, Get, Message, Opened, Put, numbers
from realmos_agent.protocol.measurement import FailedEvent, file_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.service import Service

_PERMISSIONS = 0o7777


class PutOperation:
    """Receives a file beside its final name; measures and renames it when it is whole."""

    def __init__(self, service: "Service", message: Put) -> None:
        self._service = service
        self._message = message
        self._size = 0
        self._hash = hashlib.sha256()
        folder, name = os.path.split(message.path)
        if not name:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), message.path)
        self._made = _make_folders(folder) if message.parents else []
        part = b".%s.%s.part" % (name[:100], os.urandom(8).hex().encode())
        self._part = os.path.join(folder, part)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(self._part, flags, 0o600)
        except OSError:
            self._remove_folders()
            raise

    def receive(self, message: Message) -> None:
        """Take a piece, or the end."""
        if isinstance(message, Data):
            self._write(message.data)
        elif isinstance(message, Eof):
            os.fchmod(self._fd, self._message.mode & _PERMISSIONS)
            self._measure()
            try:
                os.replace(self._part, self._message.path)
            except OSError:
                self._service.ledger.record(FailedEvent())
                raise
            os.close(self._fd)
            self._service.finish(Done(self._message.id, self._size))

    def refresh(self) -> None:
        """Do nothing: it only reacts."""

    def abort(self) -> None:
        """Remove what has arrived."""
        os.close(self._fd)
        try:
            os.unlink(self._part)
        except OSError:
            pass  # a workload was faster, or made the directory read-only
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in reversed(self._made):
            try:
                os.rmdir(folder)
            except OSError:
                return  # somebody uses it by now

    def _measure(self) -> None:
        event = file_event(
            self._message.path,
            self._message.mode,
            self._hash.digest(),
            work_dir=self._service.work_dir,
        )
        self._service.ledger.record(event)

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._size += len(data)
        if data:
            self._service.send(Credit(self._message.id, numbers.STREAM_IN, len(data)))


class GetOperation:
    """Sends a regular file as fast as the client takes it."""

    def __init__(self, service: "Service", message: Get) -> None:
        self._service = service
        self._id = message.id
        self._size = 0
        # Opening a FIFO or a device could wait, or do something, before it can be refused.
        self._fd = os.open(message.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise OSError(errno.EISDIR, "Not a regular file", message.path)
        if status.st_dev not in _file_systems(service.work_dir):
            os.close(self._fd)
            raise OSError(errno.EACCES, "Not a file that a program wrote", message.path)
        service.send(Opened(self._id, status.st_size, stat.S_IMODE(status.st_mode)))

    def receive(self, message: Message) -> None:
        """Do nothing: credit is the session's business."""

    def refresh(self) -> None:
        """Send while there is credit and room."""
        service = self._service
        while not service.congested:
            credit = service.channel.credit(self._id, numbers.STREAM_OUT)
            if not credit:
                return
            data = os.read(self._fd, min(credit, numbers.DATA_MAX))
            if not data:
                os.close(self._fd)
                service.send(Eof(self._id, numbers.STREAM_OUT))
                service.finish(Done(self._id, self._size))
                return
            self._size += len(data)
            service.send(Data(self._id, numbers.STREAM_OUT, data))

    def abort(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _make_folders(folder: bytes) -> list[bytes]:
    """Make a folder and those above it that are missing; return those that were made."""
    if not folder or os.path.isdir(folder):
        return []
    made = _make_folders(os.path.dirname(folder))
    try:
        os.mkdir(folder)
    except FileExistsError:  # a workload was faster, or it is a file, which opening shows
        return made
    return [*made, folder]


def _file_systems(work_dir: bytes) -> set[int]:
    """Return those that hold what programs wrote; in others, the kernel shows their memory."""
    return {os.stat(path).st_dev for path in (b"/", b"/tmp", work_dir) if os.path.exists(path)}


def remove_tree(path: bytes) -> None:
    """Remove a directory and what is in it, following no links; what is gone is gone.

    Raises:
        OSError: something could not be removed.
    """
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                remove_tree(entry.path)
            else:
                os.unlink(entry.path)
        except FileNotFoundError:
            continue
    os.rmdir(path)
