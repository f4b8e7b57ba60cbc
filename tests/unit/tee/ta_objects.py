# SPDX-License-Identifier: BSD-3-Clause
"""Small ELF objects of the shape that OP-TEE's dev kit gives to TAs and their libraries.

The linker script puts tables of relocations where OP-TEE's does, so that the dynamic section
describes them wrongly: a loader that believes it does not get far.
"""

from dataclasses import dataclass
from pathlib import Path

from realmos import process
from ta_files import LIBRARY, OTHER, PLUGIN, TA

SCRIPT = """
SECTIONS {
	.text : { *(.text .text.*) }
	.note.gnu.property : { *(.note.gnu.property) }
	.plt : { *(.plt) }
	.rodata : { *(.rodata .rodata.*) }
	.gnu.hash : { *(.gnu.hash) }
	.ta_head : { *(.ta_head) }
	.dynsym : { *(.dynsym) }
	.dynstr : { *(.dynstr) }
	. = ALIGN(4096);
	.dynamic : { *(.dynamic) }
	.tdata : { *(.tdata .tdata.*) }
	.tbss : { *(.tbss .tbss.*) }
	.got : { *(.got.plt) *(.got) }
	.rela.got : { *(.rela.got) }
	.rela.plt : { *(.rela.plt) }
	.data : { *(.data .data.*) }
	.bss : { *(.bss .bss.* COMMON) }
	/DISCARD/ : { *(.interp) *(.comment) *(.eh_frame) }
}
"""

EXPORTS = "{ ta_head; __elf_phdr_info; ta_counter; ta_own; ta_preferred; };"

_BYTES = ", ".join(f"{byte:#x}" for byte in TA.bytes_le)
HEAD = f"""
struct ta_head {{
	unsigned char uuid[16];
	unsigned stack_size, flags;
	unsigned long entry;
}};
__attribute__((section(".ta_head"))) const struct ta_head ta_head = {{
	{{ {_BYTES} }}, 6000, 0xc, ~0ul
}};
struct {{
	unsigned reserved;
	unsigned short count;
	unsigned char more, zero;
	void *dlpi;
}} __elf_phdr_info;
"""

CALLS = """
__asm__(".text\\n"
	".global call_return, call_panic, call_odd\\n"
	".hidden call_return, call_panic, call_odd\\n"
	"call_return: bti c\\n mov x8, #0\\n svc #0\\n ret\\n"
	"call_panic: bti c\\n mov x8, #2\\n svc #0\\n ret\\n"
	"call_odd: bti c\\n svc #0x1234\\n ret\\n");
extern void call_return(long), call_panic(long), call_odd(void);
"""

MAIN = (
    HEAD
    + CALLS
    + """
char heap[0x5000] __attribute__((aligned(4096)));
int ta_counter = 5;
const char *const names[] = { "first", "second", "third" };
int *const counters[] = { &ta_counter, &ta_counter + 1 };
void __ta_entry(unsigned long function)
{
	if (!function)
		call_panic(ta_counter + (long)names[function] + *counters[function] + heap[function]);
	call_odd();
	call_return(function);
}
"""
)

USER = (
    HEAD
    + """
extern long library_function(void), library_data[4], other_function(void);
extern long absent(void) __attribute__((weak));
long ta_own = 1;
long ta_preferred(void) { return 2; }
long *pointer = &library_data[2];
long (*function)(void) = other_function;
long (*nobody)(void) = absent;
long __ta_entry(void) { return *pointer + library_function() + function() + absent(); }
"""
)

LIBRARY_SOURCE = (
    CALLS
    + """
extern long ta_own;
extern long other_function(void);
long library_data[4] = { 1, 2, 3, 4 };
long ta_preferred(void) { return 1; }
__attribute__((weak)) long several(void) { return 1; }
long (*preferred)(void) = ta_preferred;
long library_function(void)
{
	call_return(ta_own);
	return other_function() + ta_preferred() + several();
}
"""
)

OTHER_SOURCE = """
long several(void) { return 2; }
long other_function(void) { return several(); }
"""

PLUGIN_SOURCE = (
    CALLS
    + """
extern long library_function(void);
long plugin_function(void) { call_odd(); return library_function(); }
"""
)

TLS = (
    HEAD
    + """
__thread long first = 7;
__thread long second;
long __ta_entry(void) { return (long)&first + (long)&second; }
"""
)


@dataclass(frozen=True)
class Maker:
    """Makes objects in a directory."""

    path: Path
    prefix: str

    def ta(self, source: str, *options: str, name: str = "ta", script: str = SCRIPT) -> bytes:
        """Return the object of a TA."""
        (self.path / "ta.ld").write_text(script, "utf-8")
        (self.path / "exports").write_text(EXPORTS, "utf-8")
        words = ["-pie", "-Wl,-e,__ta_entry", f"-Wl,-T,{self.path}/ta.ld"]
        words += [f"-Wl,--dynamic-list,{self.path}/exports", *options]
        return self._make(name, source, words)

    def library(self, source: str, soname: str, *options: str) -> bytes:
        """Return the object of a library."""
        words = ["-shared", f"-Wl,-soname,{soname}", "-Wl,-z,separate-code", *options]
        return self._make(soname, source, words)

    def made(self, name: str) -> str:
        """Return where an object is, to link another with it."""
        return str(self.path / name)

    def _make(self, name: str, source: str, words: list[str]) -> bytes:
        file, out = self.path / f"{name}.c", self.path / name
        file.write_text(source, "utf-8")
        common = ["-nostdlib", "-O1", "-fPIC", "-fno-asynchronous-unwind-tables", "-w"]
        common += ["-Wl,-z,max-page-size=4096", "-Wl,--build-id=none", "-Wl,--no-warn-mismatch"]
        process.run([f"{self.prefix}gcc", *common, "-o", out, file, *words])
        process.run([f"{self.prefix}objcopy", "--strip-unneeded", out])
        return out.read_bytes()


def make_family(maker: Maker) -> dict[str, bytes]:
    """Return a TA that needs a library, which needs another; and one to be opened later."""
    names = {name: str(uuid) for name, uuid in
             (("other", OTHER), ("library", LIBRARY), ("plugin", PLUGIN))}  # fmt: skip
    found = {names["other"]: maker.library(OTHER_SOURCE, names["other"])}
    other = maker.made(names["other"])
    found[names["library"]] = maker.library(LIBRARY_SOURCE, names["library"], other)
    library = maker.made(names["library"])
    found[names["plugin"]] = maker.library(PLUGIN_SOURCE, names["plugin"], library)
    options = ("-Wl,--no-as-needed", library, "-Wl,--as-needed", other)
    found[str(TA)] = maker.ta(USER, *options, name=str(TA))
    return found
