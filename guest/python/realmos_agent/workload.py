# SPDX-License-Identifier: BSD-3-Clause
"""A Python script run as `__main__` in an interpreter that has already started.

What differs from `python3 script.py`: the hash seed is the agent's (one for all workloads of a
realm); PYTHON* environment variables and the -X options come too late; standard output is
written line by line even into a pipe, so that it can be watched live. Workloads that mind run
`python3 script.py` as a command instead.
"""

import os
import sys

from realmos_agent.spawn import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType, TracebackType
    from typing import NoReturn


def run_script(program: Program) -> "NoReturn":
    """Run the script as the last thing this interpreter does.

    Raises:
        SystemExit: always, with the script's status.
    """
    path, script = os.fsdecode(program.argv[0]), program.script
    assert script is not None
    os.environb.clear()
    os.environb.update(program.env)
    sys.argv = [os.fsdecode(argument) for argument in program.argv]
    _open_streams()
    _forget_agent(os.path.dirname(os.path.abspath(path)))
    module = _main_module(path)
    try:
        code = compile(script, path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - this is what a workload is
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - stands in for the interpreter's top level
        _report(error, error.__traceback__)
    sys.exit(0)


def _open_streams() -> None:
    streams = (
        ("stdin", "r", -1, "strict"),
        ("stdout", "w", 1, "strict"),
        ("stderr", "w", 1, "backslashreplace"),
    )
    for fd, (name, mode, buffering, errors) in enumerate(streams):
        stream = open(  # noqa: SIM115 - for as long as the interpreter lives
            fd, mode, buffering, encoding="utf-8", errors=errors, closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _forget_agent(script_dir: str) -> None:
    """Make the interpreter look as if it had been started for the script."""
    package = __name__.partition(".")[0]
    origin = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in list(sys.modules):
        if name == package or name.startswith(f"{package}."):
            del sys.modules[name]
    sys.path[:] = [script_dir, *(entry for entry in sys.path if entry != origin)]


def _main_module(path: str) -> "ModuleType":
    module = type(sys)("__main__")
    module.__file__ = path
    module.__builtins__ = __builtins__  # type: ignore[attr-defined] # as the interpreter does
    sys.modules["__main__"] = module
    return module


def _report(error: BaseException, traceback: "TracebackType | None") -> "NoReturn":
    """Print the error as the interpreter would, without this module's frames, and exit."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    if isinstance(error, KeyboardInterrupt):
        import _signal  # type: ignore[import-not-found] # see realmos_agent.spawn

        sys.stdout.flush()
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGINT)
    sys.exit(1)
