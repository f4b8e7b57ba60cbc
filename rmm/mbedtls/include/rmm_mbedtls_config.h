/* SPDX-License-Identifier: BSD-3-Clause */
/* What the RMM takes of mbedTLS: deterministic, restartable ECDSA on P-384 with SHA-384. */
#pragma once

/* ECDSA, and what it cannot do without; ASN.1 only because mbedTLS's own check asks for it. */
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_ECP_NIST_OPTIM /* reduction modulo P-384 by additions, not by division */
#define MBEDTLS_ECP_RESTARTABLE
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_HAVE_ASM	   /* MUL and UMULH in the multiplication's inner loop */
#define MBEDTLS_SHA512_PROCESS_ALT /* attest/sha512_process.c: the PE's instructions */
#define MBEDTLS_NO_UDBL_DIVISION   /* __udivti3 is of the compiler's library */

/* The table of the generator's multiples is constant data: none is computed, none in the heap. */
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 1
#define MBEDTLS_ECP_WINDOW_SIZE	      2 /* nothing but the generator is multiplied */
#define MBEDTLS_MPI_MAX_SIZE	      104
#define MBEDTLS_HMAC_DRBG_MAX_INPUT   256
#define MBEDTLS_HMAC_DRBG_MAX_REQUEST 64

/* No C library. The heap is that of the signature which this PE works on. */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_PLATFORM_STD_MEM_HDR  "attest/heap.h"
#define MBEDTLS_PLATFORM_CALLOC_MACRO heap_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO   heap_free
