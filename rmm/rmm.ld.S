/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image is loaded flat at QEMU_RMM_BASE and mapped where it lies. Sections that differ in
 * permission begin on their own page. What is not in the file (bss, stacks) is cleared at cold boot.
 */
#include <abi/platform.h>
#include <abi/rmi.h>

#include "src/limits.h"

ENTRY(rmm_entry)

SECTIONS
{
	. = QEMU_RMM_BASE;

	.text : {
		image_text_start = .;
		KEEP(*(.text.entry))
		*(.text .text.*)
		. = ALIGN(GRANULE_SIZE);
		image_text_end = .;
	}

	.rodata : {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		fixups_start = .;
		KEEP(*(.fixups))
		fixups_end = .;
		. = ALIGN(GRANULE_SIZE);
		image_rodata_end = .;
	}

	.data : {
		*(.data .data.*)
		. = ALIGN(16);
	}

	.bss (NOLOAD) : {
		. = ALIGN(GRANULE_SIZE);
		bss_start = .;
		*(.bss .bss.*)
		. = ALIGN(GRANULE_SIZE);
		bss_end = .;
		image_data_end = .;
	}

	.stacks (NOLOAD) : {
		. = ALIGN(STACK_SLOT_SIZE);
		stacks_start = .;
		. += STACK_SLOT_SIZE * MAX_PES;
		stacks_end = .;
	}

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.ARM.attributes) }

	ASSERT(stacks_end <= QEMU_RMM_BASE + QEMU_RMM_IMAGE_LIMIT, "image too large")
}
