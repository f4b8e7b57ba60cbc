/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The realm pseudo TA of realmos: a Trusted Application shows what it is.
 *
 * Copy this file to your TA. TEE_OpenTASession() opens it, as OP-TEE's own pseudo TAs; where there
 * is no realmos, that answers TEE_ERROR_ITEM_NOT_FOUND. Clients cannot open it.
 */
#ifndef PTA_REALM_H
#define PTA_REALM_H

/* 27340966-b308-40ba-b218-c07275250f1f */
#define PTA_REALM_UUID                                                                             \
	{                                                                                          \
		0x27340966, 0xb308, 0x40ba,                                                        \
		{                                                                                  \
			0xb2, 0x18, 0xc0, 0x72, 0x75, 0x25, 0x0f, 0x1f                             \
		}                                                                                  \
	}

#define PTA_REALM_NONCE_MAX	64
#define PTA_REALM_STATEMENT_MAX 65536

/*
 * Gives the realm's CCA attestation token for something that this TA says, such as its public key.
 * params[0] memory, in: the verifier's nonce, 1 to PTA_REALM_NONCE_MAX bytes.
 * params[1] memory, in: the statement, 0 to PTA_REALM_STATEMENT_MAX bytes.
 * params[2] memory, out: the token, about two KiB; TEE_ERROR_SHORT_BUFFER tells how much.
 *
 * The token's challenge is made from the UUID of the TA that asks, the nonce and the statement.
 * `realmos verify TOKEN --nonce HEX --ta UUID --statement FILE` makes the same one, and judges.
 * REM 1 in the token tells which file the TA was loaded from: `realmos measure --ta FILE.ta`.
 *
 * Before the first token the realm becomes exclusive: it goes on with what runs in it, and takes no
 * other program or file until it is started anew. So nobody who has seen the token puts another
 * program beside the TA that it speaks for.
 *
 * TEE_ERROR_BAD_PARAMETERS: other parameters than these.
 * TEE_ERROR_NOT_SUPPORTED: there is no realm here, as with `realmos ta run --local`, or
 *	it cannot be kept to what it runs.
 * TEE_ERROR_GENERIC: the realm failed to make the token; the log of the TEE says why.
 */
#define PTA_REALM_TOKEN 0

#endif
