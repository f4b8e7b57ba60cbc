/* SPDX-License-Identifier: BSD-3-Clause */
/* What the hello TA and its clients agree on. */
#ifndef HELLO_TA_H
#define HELLO_TA_H

/* 1d08b4ae-afde-4c31-aaf9-9e1ebcbe02ca */
#define HELLO_TA_UUID                                                                              \
	{                                                                                          \
		0x1d08b4ae, 0xafde, 0x4c31,                                                        \
		{                                                                                  \
			0xaa, 0xf9, 0x9e, 0x1e, 0xbc, 0xbe, 0x02, 0xca                             \
		}                                                                                  \
	}

/*
 * Adds one.
 * params[0] value, in and out: a is the number. At UINT32_MAX it is TEE_ERROR_OVERFLOW.
 */
#define HELLO_CMD_INCREMENT 0

/*
 * Makes a text's ASCII letters capitals; all other bytes stay as they are.
 * params[0] memory, in: the text.
 * params[1] memory, out: as many bytes; may be the text's own memory.
 */
#define HELLO_CMD_CAPITALS 1

#endif
