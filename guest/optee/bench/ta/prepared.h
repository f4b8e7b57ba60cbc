/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session has ready, so that an invocation does what it is measured for and little else. */
#ifndef PREPARED_H
#define PREPARED_H

#include <tee_internal_api.h>

struct prepared {
	TEE_OperationHandle sha256;
	TEE_OperationHandle aes_ctr;
	TEE_OperationHandle aes_gcm;
	TEE_OperationHandle rsa;
	TEE_OperationHandle p256;
	TEE_ObjectHandle object;
};

/* Makes all of it; what is there already stays. */
TEE_Result prepared_make(struct prepared *prepared);

/* Frees what was made; the object is deleted. */
void prepared_free(struct prepared *prepared);

#endif
