# SPDX-License-Identifier: BSD-3-Clause
"""The command line: reads options, composes the stages, prints, and chooses the exit status."""

import contextlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from realmos.cli._messages import complain
from realmos.cli._parser import make_parser
from realmos.errors import RealmosError

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `realmos` with these words (the process's own when absent); return its exit status.

    Every error of the library is printed as its cause and its hint. Ctrl-C, SIGTERM and a dead
    terminal unwind through the context managers, so that no QEMU and no socket stays.
    """
    parser = make_parser()
    arguments = parser.parse_args(argv)
    for number in _ENDING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish stands
            signal.signal(number, _interrupt)
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
    except RealmosError as error:
        complain(str(error), error.hint)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be dead
            complain("interrupted; what was running has been stopped")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return EXIT_FAILURE
    except OSError as error:
        complain(str(error), "is the disk full, or a directory not yours? `realmos doctor`")
        return EXIT_FAILURE
    return int(status)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
