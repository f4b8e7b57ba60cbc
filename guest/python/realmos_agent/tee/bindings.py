# SPDX-License-Identifier: BSD-3-Clause
"""How modules that bind C libraries are made of cffi's declarations.

They are cffi's out-of-line ABI mode: a generated module needs neither a compiler nor cffi's parser
in a realm, only the small backend that comes with cryptography.
"""


def generate(path: str, name: str, declarations: str, origin: str) -> None:
    """Write the module that cffi makes of declarations.

    Args:
        path: where to.
        name: of the module.
        declarations: in C.
        origin: the file that they are in.

    Raises:
        ImportError: cffi is not installed; it comes with realmos' test tools.
    """
    from cffi import FFI

    builder = FFI()
    builder.cdef(declarations)
    builder.set_source(name, None)
    builder.emit_python_code(path)
    with open(path, encoding="ascii") as made:
        body = made.read().removeprefix("# auto-generated file\n")
    with open(path, "w", encoding="ascii") as made:
        made.write(
            "# SPDX-License-Identifier: BSD-3-Clause\n"
            f"# Generated from {origin}: do not edit.\n"
            "# fmt: off\n"
            "# ruff: noqa: E501, Q000\n"
        )
        made.write(body)
