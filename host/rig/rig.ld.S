/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaded flat at QEMU_BL33_BASE; the MMU stays off. */
#include <abi/platform.h>

#include "rig.h"

ENTRY(rig_entry)

SECTIONS
{
	. = QEMU_BL33_BASE;

	.text : {
		*(.text.entry)
		*(.text .text.*)
	}

	.rodata : {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		fixups_start = .;
		KEEP(*(.fixups))
		fixups_end = .;
		cases_start = .;
		KEEP(*(.cases))
		cases_end = .;
		. = ALIGN(0x1000); /* so that no segment is both writable and executable */
	}

	.data : {
		*(.data .data.*)
		. = ALIGN(16);
	}

	.bss (NOLOAD) : {
		. = ALIGN(16);
		bss_start = .;
		*(.bss .bss.*)
		. = ALIGN(16);
		bss_end = .;
		stacks_start = .;
		. += RIG_STACK_SIZE * QEMU_MAX_PES;
		image_end = .;
	}

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.ARM.attributes) }

	ASSERT(image_end <= RIG_POOL_BASE, "image reaches into the pool of granules")
}
