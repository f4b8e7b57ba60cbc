# SPDX-License-Identifier: BSD-3-Clause
"""The options of `realmos ta`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from realmos.cli._examples import EXAMPLES
from realmos.cli._options import add_get, add_given, add_json, add_timeout, add_verbose
from realmos.cli._ta_build import run_ta_build
from realmos.cli._ta_debug import run_ta_debug, ta_uuid
from realmos.cli._ta_inspect import run_ta_inspect
from realmos.cli._ta_run import run_ta
from realmos.cli._ta_storage import add_services, add_storage
from realmos.cli._values import setting

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers() returns.
    Actions = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

_DESCRIPTION = """\
OP-TEE Trusted Applications: the very files that OP-TEE's own dev kit makes, called by the very
clients that are linked with OP-TEE's library. `build` makes a .ta from its source, unless you have
one; `inspect` says what is in it and whether it would be loaded; `run --local` runs it with a
client on this machine, in a second, and `debug` under gdb; `run` runs it in a realm that proves
what it was given. docs/port-your-ta.md goes through it, docs/compatibility.md says what works."""
_RUN_USAGE = "realmos ta run [options] FILE.ta … -- CLIENT [ARGS …]"
_RUN_DESCRIPTION = """\
Hosts Trusted Applications, runs a client program that calls them, and exits with its status (128 +
N for signal N). FILE.ta is a file or a directory of such; libraries that TAs are linked with are
given as TAs are. The TAs run in a realm, which is booted or restored, shown by its token to have
been given them and nothing else, and gone at the end. The client runs on this machine; it is any
that OP-TEE's libteec.so.2 serves, unmodified, of this machine's kind or of arm64; realmos's own
libteec takes that one's place. Input, output and terminal are the client's; what TAs log comes on
standard error, and then the evidence. With --json the client's output goes there, too.
With --client-inside the client, a program of arm64, runs in the realm, too, beside its TAs and as a
user that cannot reach into them; REM 1 then takes it and its words. Its input is this command's,
unless that is a terminal. Its directory is /run/tee/client; libraries that it needs and a realm has
not are found in /run/tee/lib (--put). The status is 124 after --timeout, and 1 if it would be 0
but a file for --get was not there.
With --local the TAs run on this machine, in QEMU's user mode: nothing of realms in it, nothing
attested, a second's turn for whoever develops a TA."""
_BUILD_DESCRIPTION = """\
Builds a Trusted Application with its own Makefile and OP-TEE's dev kit, which is fetched once by
package name. DIR holds the Makefile, or a directory `ta` that does; it is what any OP-TEE project
has: a Makefile that sets BINARY and includes ta_dev_kit.mk, sub.mk, user_ta_header_defines.h.
What has not changed is not compiled again. Without --key, and if the Makefile names none, OP-TEE's
development key signs; everybody has that.
With --client the client's Makefile, in a directory `host` in DIR or beside it, is run, too; it is
told by TEEC_EXPORT where include/tee_client_api.h and lib/libteec.so are."""

_INSPECT_DESCRIPTION = """\
Prints what is in a .ta file: who signed it, what it asks for, what it links with and calls. Runs
nothing of it. The libraries that it needs are looked for beside it.
The status is 0 when a realm would load it, 3 when not, and 1 when the file is no .ta at all.
That a system call is in it says little: OP-TEE's dev kit links all of them into every TA."""
_DEBUG_USAGE = "realmos ta debug [options] FILE.ta … -- CLIENT [ARGS …]"
_DEBUG_DESCRIPTION = """\
Hosts Trusted Applications on this machine, as `realmos ta run --local` does, runs a client, and
gives you gdb when the client has opened its first session with the first TA named (or --uuid's):
stopped at the TA's entry, with the symbols of the TA and of all its libraries at their addresses.
`break TA_InvokeCommandEntryPoint` and `continue` is what most go on with. Source lines need the
UUID.elf that the dev kit leaves beside UUID.ta. In gdb, `ta-objects` reads the symbols of libraries
that the TA has opened since; `detach` lets it run on; to end gdb ends the TA. It is the TA's first
instance that is stopped, others run. The client has no input, and its status is this command's."""


def add_ta(
    parser: argparse.ArgumentParser, add_machine: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add the kinds of the command to its parser.

    Args:
        parser: of the command.
        add_machine: adds the options of a machine and of trust in it.
    """
    parser.description = _DESCRIPTION
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    add_machine(_run(kinds))
    _build(kinds)
    _inspect(kinds)
    _debug(kinds)
    for name, kind in kinds.choices.items():
        kind.epilog = f"examples:\n{EXAMPLES[f'ta {name}']}"
        kind.formatter_class = argparse.RawTextHelpFormatter


def _run(kinds: "Actions") -> argparse.ArgumentParser:
    parser = kinds.add_parser(
        "run",
        help="run a client with the Trusted Applications that it calls",
        usage=_RUN_USAGE,
        description=_RUN_DESCRIPTION,
    )
    parser.add_argument(
        "--local", action="store_true", help="no realm: run the TAs on this machine"
    )
    add_json(parser)
    _inside(parser.add_argument_group("a client in the realm"))
    kept = parser.add_argument_group("what is kept")
    add_storage(kept)
    kept.add_argument(
        "--broker", metavar="ADDRESS", help="of the identity: what `realmos broker serve` says"
    )
    add_services(parser)
    _signed(parser)
    parser.set_defaults(command=run_ta)
    return parser


def _inside(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--client-inside", action="store_true", help="run the client in the realm, with its TAs"
    )
    add_given(group)
    add_get(group)
    add_timeout(group)


def _signed(parser: argparse.ArgumentParser) -> None:
    """Add what tells which TAs and which client to run, to a parser's options."""
    parser.add_argument(
        "--ta-key", type=Path, metavar="FILE",
        help="the RSA key (PEM) that signs the TAs (default: OP-TEE's development key)",
    )  # fmt: skip
    add_verbose(parser)
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="FILE.ta … -- CLIENT",
        help="the TAs; then the client, and its words",
    )  # fmt: skip


def _debug(kinds: "Actions") -> None:
    parser = kinds.add_parser(
        "debug",
        help="gdb at the entry of a Trusted Application",
        usage=_DEBUG_USAGE,
        description=_DEBUG_DESCRIPTION,
    )
    parser.add_argument(
        "--uuid", type=ta_uuid, metavar="UUID", help="the TA to stop in (default: the first named)"
    )
    parser.add_argument(
        "--ex", action="append", default=[], metavar="COMMAND",
        help="what gdb is to do when it is there; may be repeated",
    )  # fmt: skip
    parser.add_argument("--batch", action="store_true", help="let gdb end after that")
    _signed(parser)
    parser.set_defaults(command=run_ta_debug)


def _build(kinds: "Actions") -> None:
    parser = kinds.add_parser(
        "build", help="build a Trusted Application", description=_BUILD_DESCRIPTION
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="of the sources")
    parser.add_argument(
        "-s", "--set", dest="settings", type=setting, action="append", default=[],
        metavar="NAME=VALUE", help="set a variable for make, such as CFG_TEE_TA_LOG_LEVEL=4",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="for what is made (default: out, in DIR)"
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="an RSA key pair (PEM) to sign it with"
    )
    parser.add_argument("--kit", type=Path, metavar="DIR", help="another dev kit of OP-TEE's")
    parser.add_argument(
        "--client", action="store_true", help="build its client, too, for this machine"
    )
    parser.add_argument(
        "--client-inside", action="store_true",
        help="build its client for arm64, for `ta run --client-inside` (into arm64, in --out)",
    )  # fmt: skip
    add_json(parser)
    add_verbose(parser)
    parser.set_defaults(command=run_ta_build)


def _inspect(kinds: "Actions") -> None:
    parser = kinds.add_parser("inspect", help="what is in a .ta", description=_INSPECT_DESCRIPTION)
    parser.add_argument("file", type=Path, metavar="FILE.ta", help="the signed file")
    parser.add_argument(
        "--key", type=Path, action="append", default=[], metavar="FILE",
        help="an RSA key (PEM) that may have signed it, instead of OP-TEE's development key;\n"
        "may be repeated",
    )  # fmt: skip
    add_json(parser)
    parser.set_defaults(command=run_ta_inspect)
