# SPDX-License-Identifier: BSD-3-Clause
"""The agent's start: options, the port, and what workloads inherit.

    python3 -P -s -S -m realmos_agent [--port-name NAME | --port FILE | --fds READ,WRITE]
                                      [--work-dir DIR]

PID 1 (guest/init) starts it so, with PYTHONPATH naming this package's directory and the one of
the realm's packages. Options are read by hand: argparse takes longer to import than the rest.
"""

import os
import sys
import time

from realmos_agent.port import RETRY_MS, Port, find_port
from realmos_agent.service import Service
from realmos_agent.spawn import BecomeWorkload

_OPTIONS = {
    "--port-name": "realmos.agent",
    "--port": "",
    "--fds": "",
    "--work-dir": "/run/realmos",
}
_PORT_WAIT_S = 30
# Set for the agent by PID 1, and none of a workload's business.
_PRIVATE = (b"PYTHONPATH", b"PYTHON_COLORS", b"REALMOS_INIT_NS")


def run_agent(arguments: list[str]) -> int:
    """Serve until told to stop; return the exit status for PID 1.

    Raises:
        BecomeWorkload: in a forked child.
    """
    marks = [("agent", time.monotonic_ns())]
    init_ns = os.environ.get("REALMOS_INIT_NS", "")
    if init_ns.isdecimal():
        marks.insert(0, ("init", int(init_ns)))
    options = _parse(arguments)
    port = _open_port(options)
    marks.append(("port", time.monotonic_ns()))
    work_base = os.fsencode(options["--work-dir"])
    os.makedirs(work_base, exist_ok=True)
    environment = {name: value for name, value in os.environb.items() if name not in _PRIVATE}
    return Service(port, work_base, environment, marks).serve()


def _parse(arguments: list[str]) -> dict[str, str]:
    options = dict(_OPTIONS)
    pairs = zip(arguments[::2], arguments[1::2], strict=False)
    if len(arguments) % 2 or any(name not in options for name in arguments[::2]):
        raise SystemExit(f"agent: usage: [{'] ['.join(f'{name} X' for name in options)}]")
    return options | dict(pairs)


def _open_port(options: dict[str, str]) -> Port:
    if options["--fds"]:
        read_fd, write_fd = (int(number) for number in options["--fds"].split(","))
        os.set_inheritable(read_fd, False)
        os.set_inheritable(write_fd, False)
        return Port(read_fd, write_fd)
    path = options["--port"] or _wait_for_port(options["--port-name"])
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    return Port(fd, fd)


def _wait_for_port(name: str) -> str:
    deadline = time.monotonic() + _PORT_WAIT_S
    while (path := find_port(name)) is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"agent: there is no virtio-serial port called {name}")
        time.sleep(RETRY_MS / 1000)
    return path


def main() -> None:
    """Run the agent, or in a child the workload that the child is to become.

    Raises:
        SystemExit: always, at the end.
    """
    try:
        status = run_agent(sys.argv[1:])
    except BecomeWorkload as child:
        program = child.program
    else:
        sys.exit(status)
    # Outside the handler, so that the workload's errors do not name the agent's as their context.
    from realmos_agent.workload import run_script

    run_script(program)
