/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image is loaded flat at QEMU_BL33_BASE and mapped where it lies. Sections that differ in
 * permission begin on their own page. What is not in the file (bss, stacks) is cleared at boot.
 */
#include <abi/platform.h>

#include "config.h"

ENTRY(monitor_entry)

SECTIONS
{
	. = QEMU_BL33_BASE;

	.text : {
		image_start = .;
		*(.text.entry)
		*(.text .text.*)
		. = ALIGN(PAGE_SIZE);
	}

	.rodata : {
		image_rodata_start = .;
		*(.rodata .rodata.*)
		. = ALIGN(8);
		fixups_start = .;
		KEEP(*(.fixups))
		fixups_end = .;
		. = ALIGN(PAGE_SIZE);
	}

	.data : {
		image_data_start = .;
		*(.data .data.*)
		. = ALIGN(16);
	}

	.bss (NOLOAD) : {
		. = ALIGN(16);
		bss_start = .;
		*(.bss .bss.*)
		. = ALIGN(16);
		bss_end = .;
	}

	.stacks (NOLOAD) : {
		. = ALIGN(PAGE_SIZE);
		stacks_start = .;
		. += STACK_SIZE * QEMU_MAX_PES;
		image_end = .;
	}

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.ARM.attributes) }

	ASSERT(image_end <= QEMU_BL33_BASE + IMAGE_MAPPED_SIZE, "image too large")
}
