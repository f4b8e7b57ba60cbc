/* SPDX-License-Identifier: BSD-3-Clause */
/* What the signer TA and its clients agree on. */
#ifndef SIGNER_TA_H
#define SIGNER_TA_H

/* edb617fa-9fed-4d89-825b-716277701d5b */
#define SIGNER_TA_UUID                                                                             \
	{                                                                                          \
		0xedb617fa, 0x9fed, 0x4d89,                                                        \
		{                                                                                  \
			0x82, 0x5b, 0x71, 0x62, 0x77, 0x70, 0x1d, 0x5b                             \
		}                                                                                  \
	}

/* The key pair is on the curve P-256 of NIST; coordinates and halves of signatures are big-endian.
 */
#define SIGNER_COORDINATE_SIZE 32
#define SIGNER_PUBLIC_KEY_SIZE (1 + 2 * SIGNER_COORDINATE_SIZE)
#define SIGNER_SIGNATURE_SIZE  (2 * SIGNER_COORDINATE_SIZE)

/*
 * Gives the public key.
 * params[0] memory, out: an uncompressed point (SEC 1): 4, X, Y.
 */
#define SIGNER_CMD_PUBLIC_KEY 0

/*
 * Signs a message with ECDSA over its SHA-256.
 * params[0] memory, in: the message, of any size.
 * params[1] memory, out: r, s.
 */
#define SIGNER_CMD_SIGN 1

/*
 * Shows that the key is this TA's, in a realm: gives a token for the public key as above.
 * params[0] memory, in: the verifier's nonce.
 * params[1] memory, out: the token, of at most SIGNER_TOKEN_MAX bytes.
 */
#define SIGNER_CMD_ATTEST 2

#define SIGNER_TOKEN_MAX  8192

#endif
