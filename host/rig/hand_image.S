/* SPDX-License-Identifier: BSD-3-Clause */
	.section .rodata
	.balign 16
	.global hand_image_start, hand_image_end
hand_image_start:
	.incbin HAND_IMAGE
hand_image_end:
