# SPDX-License-Identifier: BSD-3-Clause
"""How the command line says that something went wrong: the cause, then what to do next."""

from rich.console import Console
from rich.markup import escape


def complain(message: str, hint: str = "") -> None:
    """Print a cause and, if there is one, the next step, on stderr.

    Args:
        message: what went wrong.
        hint: what the user can do.
    """
    console = Console(stderr=True)
    console.print(f"[bold red]realmos:[/] {escape(message)}", highlight=False, soft_wrap=True)
    if hint:
        console.print(f"  [bold]next:[/] {escape(hint)}", highlight=False, soft_wrap=True)
