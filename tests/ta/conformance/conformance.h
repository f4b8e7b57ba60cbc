/* SPDX-License-Identifier: BSD-3-Clause */
/* What the conformance TA and its client have in common. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#define CONFORMANCE_UUID                                                                           \
	{                                                                                          \
		0x2f31d606, 0x03b1, 0x4c53,                                                        \
		{                                                                                  \
			0x9b, 0xdd, 0x17, 0x86, 0x7f, 0x84, 0x7b, 0x79                             \
		}                                                                                  \
	}

/* Parameter 0: memory for what the TA reports; parameter 1: which case. */
#define CONFORMANCE_CMD_CASE 0
/* The same, of the cases that end the TA; what it reports is lost. */
#define CONFORMANCE_CMD_PANIC 1
/* Any parameters: a digest of the inputs; each output becomes something else. */
#define CONFORMANCE_CMD_ECHO 2
/* The same, and fails. */
#define CONFORMANCE_CMD_ECHO_AND_FAIL 3
/* Parameter 0: value, milliseconds to wait, unless cancelled. */
#define CONFORMANCE_CMD_WAIT 4

#endif
