# SPDX-License-Identifier: BSD-3-Clause
"""What went wrong when make built a Trusted Application: the cause out of its many lines."""

import re
from collections.abc import Callable, Sequence

from realmos.errors import ConfigError

_SHOWN = 12
_ERROR = re.compile(
    r":\d+: .*\b(?:fatal )?error: |\berror: |: undefined reference to |\*\*\* "
    r"|: cannot find -l|g\+\+: (?:\w+ )*not found$"
)
_NOISE = re.compile(r"^make(\[\d+\])?: (Entering|Leaving|\*\*\* (\[.*\] Error|Waiting for))")

_CXX_RUNTIME = "_dl_find_object|__libc_single_threaded|__dso_handle|__cxa_atexit"
_CXX_DOC = 'docs/port-your-ta.md ("A TA in C++")'
_NOT_LINUX = "a TA has what OP-TEE's dev kit has, not what a Linux program has"
_EXAMPLE = "guest/optee/examples/hello/ta shows the least there must be"


def _no_binary(_match: re.Match[str]) -> tuple[str, str]:
    return (
        "the Makefile does not say what is to be built",
        "set BINARY to the UUID of the TA, above the line that includes ta_dev_kit.mk",
    )


def _no_sub_makefile(_match: re.Match[str]) -> tuple[str, str]:
    return (
        "there is no sub.mk beside the Makefile",
        f"make one that names the sources (srcs-y += my_ta.c); {_EXAMPLE}",
    )


def _no_defines(_match: re.Match[str]) -> tuple[str, str]:
    return (
        "no directory of the TA has user_ta_header_defines.h",
        f"it holds the UUID, the flags, and the sizes of stack and heap; {_EXAMPLE}",
    )


def _no_header(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"{match[1]} is included, and not there",
        f"name its directory in sub.mk (global-incdirs-y += DIR); {_NOT_LINUX}",
    )


def _no_source(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"{match[1]} is wanted, and not there",
        "is it spelt so in sub.mk? Paths there are relative to it",
    )


def _no_function(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"{match[1]} is called, and defined nowhere",
        f"name its source in sub.mk (srcs-y), or its library in the Makefile (LDADD); {_NOT_LINUX}",
    )


def _no_declaration(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"{match[1]} is called, and declared nowhere",
        f"is its name right, and its header there (#include)? {_NOT_LINUX}",
    )


def _no_library(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"the library -l{match[1]} is wanted, and not there",
        f"LDADD in the Makefile names its directory, too (-LDIR); {_NOT_LINUX}",
    )


def _no_libteec(_match: re.Match[str]) -> tuple[str, str]:
    return (
        "libteec is not found, or is of another architecture than its compiler's",
        "the Makefile compiles with $(CC), and links with -L$(TEEC_EXPORT)/lib -lteec",
    )


def _no_define(match: re.Match[str]) -> tuple[str, str]:
    return f"user_ta_header_defines.h does not define {match[1]}", _EXAMPLE


def _no_entry(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"it does not define {match[1]}, which OP-TEE calls",
        f'name its source in sub.mk (srcs-y); in C++ it is extern "C"; {_EXAMPLE}',
    )


def _no_cxx(match: re.Match[str]) -> tuple[str, str]:
    prefix = match[1].removesuffix("-")
    return (
        f"there is no {match[1]}g++, and it has sources in C++",
        f"apt-get install g++{prefix and f'-{prefix}'}; {_CXX_DOC} says what C++ TAs may use",
    )


def _no_runtime(match: re.Match[str]) -> tuple[str, str]:
    return (
        f"the C++ runtime wants {match[1]}, and OP-TEE's dev kit has none",
        f"{_CXX_DOC} says what to do without, or which compiler to take",
    )


_Explanation = Callable[[re.Match[str]], tuple[str, str]]
_Known = tuple[tuple[re.Pattern[str], _Explanation], ...]
TA_FAILURES: _Known = (
    (re.compile(r"You must specify exactly one of BINARY"), _no_binary),
    (re.compile(r"sub\.mk: No such file|make target '\S*sub\.mk'"), _no_sub_makefile),
    (re.compile(r"error: user_ta_header_defines\.h: No such file"), _no_defines),
    (re.compile(r"error: (\S+): No such file or directory"), _no_header),
    (re.compile(r"No rule to make target '([^']+)'"), _no_source),
    (re.compile(r"error: implicit declaration of function \W(\w+)"), _no_declaration),
    (re.compile(r": cannot find -l([^\s:]+)"), _no_library),
    (re.compile(r"user_ta_header\.c:\d+.*\W(TA_\w+)\W undeclared"), _no_define),
    (re.compile(r"undefined reference to [`'](TA_\w+EntryPoint)'"), _no_entry),
    (re.compile(r"([\w.-]*)g\+\+: (?:\w+ )*not found$"), _no_cxx),
    (re.compile(rf"undefined reference to [`']({_CXX_RUNTIME})'"), _no_runtime),
    (re.compile(r"undefined reference to [`'](\w+)'"), _no_function),
)
CLIENT_FAILURES: _Known = ((re.compile(r": cannot find -lteec\b"), _no_libteec),)


def diagnose(lines: Sequence[str], name: str, log: str, known: _Known = ()) -> ConfigError:
    """Return the error for a build that failed.

    Args:
        lines: what make and what it ran have printed.
        name: what was built, for people.
        log: where all of it can be read.
        known: failures that have an explanation, `TA_FAILURES` or `CLIENT_FAILURES`.
    """
    telling = [line for line in lines if _ERROR.search(line) and not _NOISE.match(line)]
    shown = telling[:_SHOWN] or [line for line in lines if not _NOISE.match(line)][-_SHOWN:]
    detail = "".join(f"\n    {line}" for line in shown)
    left = len(telling) - len(shown)
    if left > 0:
        detail += f"\n    and {left} more"
    for line in telling or lines:
        for pattern, explain in known:
            if match := pattern.search(line):
                cause, hint = explain(match)
                return ConfigError(f"{name} cannot be built: {cause}{detail}", hint=hint)
    return ConfigError(f"{name} cannot be built:{detail}", hint=f"everything make said: {log}")
