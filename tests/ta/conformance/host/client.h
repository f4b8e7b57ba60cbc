/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client asks of the client library itself. */
#ifndef CLIENT_H
#define CLIENT_H

#include <tee_client_api.h>

void try_opening(TEEC_Context *context);
void try_parameters(TEEC_Context *context);
void try_shared_memory(TEEC_Context *context);
void try_cancelling(TEEC_Context *context);

#endif
