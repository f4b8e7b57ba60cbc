/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bench TA and its clients agree on. */
#ifndef BENCH_TA_H
#define BENCH_TA_H

/* 4a03deef-5433-40bb-b266-807fffad2cf4 */
#define BENCH_TA_UUID                                                                              \
	{                                                                                          \
		0x4a03deef, 0x5433, 0x40bb,                                                        \
		{                                                                                  \
			0xb2, 0x66, 0x80, 0x7f, 0xff, 0xad, 0x2c, 0xf4                             \
		}                                                                                  \
	}

/* Does nothing. No parameters. */
#define BENCH_CMD_NOTHING 0

/* Makes the session's keys, operations and object: before any of what follows. No parameters. */
#define BENCH_CMD_PREPARE 1

/*
 * What takes and gives as many bytes.
 * params[0] memory, in: the message.
 * params[1] memory, out: its digest or ciphertext; GCM's tag is not given.
 */
#define BENCH_CMD_SHA256  2
#define BENCH_CMD_AES_CTR 3
#define BENCH_CMD_AES_GCM 4

/*
 * Signs.
 * params[0] memory, in: the digest, of SHA-256.
 * params[1] memory, out: its signature.
 */
#define BENCH_CMD_RSA_SIGN  5
#define BENCH_CMD_P256_SIGN 6

/* params[0] memory, in: what is written to the beginning of the session's object. */
#define BENCH_CMD_WRITE 7

/* params[0] memory, out: for as much from the beginning of the session's object. */
#define BENCH_CMD_READ 8

/* As SHA256, AES_CTR and AES_GCM, the message in pieces of BENCH_PIECE bytes, an update each. */
#define BENCH_CMD_SHA256_PIECES	 9
#define BENCH_CMD_AES_CTR_PIECES 10
#define BENCH_CMD_AES_GCM_PIECES 11
#define BENCH_PIECE		 1024

#endif
