/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaded flat at HAND_BASE. It has no writable data: what it keeps is on the pages of its REC. */
#include "hand/hand.h"

ENTRY(hand_entry)

SECTIONS
{
	. = HAND_BASE;

	.text : {
		*(.text.entry)
		*(.text .text.*)
		*(.rodata .rodata.*)
		. = ALIGN(16);
		hand_end = .;
	}

	.none : { *(.data .data.* .bss .bss.*) }

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.ARM.attributes) }

	ASSERT(hand_end <= HAND_BASE + HAND_IMAGE_SIZE, "the hand is too large")
	ASSERT(SIZEOF(.none) == 0, "the hand has no writable data")
}
