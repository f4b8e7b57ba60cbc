/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaded flat at the start of the realm's RAM; bss and stack lie behind, in memory not measured. */
#include <abi/platform.h>

ENTRY(payload_entry)

SECTIONS
{
	. = REALM_RAM_BASE;

	.text : {
		*(.text.entry)
		*(.text .text.*)
		*(.rodata .rodata.*)
		*(.data .data.*)
		. = ALIGN(16);
	}

	.bss (NOLOAD) : {
		bss_start = .;
		*(.bss .bss.*)
		. = ALIGN(16);
		bss_end = .;
		. += 0x4000;
		stack_top = .;
		image_end = .;
	}

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.ARM.attributes) }

	ASSERT(image_end <= REALM_RAM_BASE + 0x20000, "payload too large: see PAYLOAD_END")
}
