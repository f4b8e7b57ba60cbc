/* SPDX-License-Identifier: BSD-3-Clause */
/* What the counter TA and its clients agree on. */
#ifndef COUNTER_TA_H
#define COUNTER_TA_H

/* 84a4369f-806e-4e78-ba7c-007f2e6b865c */
#define COUNTER_TA_UUID                                                                            \
	{                                                                                          \
		0x84a4369f, 0x806e, 0x4e78,                                                        \
		{                                                                                  \
			0xba, 0x7c, 0x00, 0x7f, 0x2e, 0x6b, 0x86, 0x5c                             \
		}                                                                                  \
	}

/*
 * Both give the counter's value in params[0], value, out: a is its low half, b its high half.
 * A counter that nobody has advanced is at 0.
 */

/* Adds one, and answers only when the new value is in storage. */
#define COUNTER_CMD_ADVANCE 0

/* Only reads. */
#define COUNTER_CMD_READ 1

#endif
