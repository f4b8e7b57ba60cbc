/* SPDX-License-Identifier: BSD-3-Clause */
/* What OP-TEE's client library has beyond the specification. */
#ifndef TEE_CLIENT_API_EXTENSIONS_H
#define TEE_CLIENT_API_EXTENSIONS_H

#include <tee_client_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Always NOT_SUPPORTED: a realm cannot map memory of the build machine, whatever descriptor it has.
 */
TEEC_Result TEEC_RegisterSharedMemoryFileDescriptor(TEEC_Context *context,
						    TEEC_SharedMemory *sharedMem, int fd);

#ifdef __cplusplus
}
#endif

#endif
