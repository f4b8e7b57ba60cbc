/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <tee_client_api.h>

#include "call.h"

/*
 * Complete a request whose head holds `size` bytes up to its parameters: put those of the
 * operation, which may be NULL, and the header. Returns the result of a request that cannot be
 * made.
 */
TEEC_Result operation_pack(TEEC_Operation *operation, struct call *call, size_t size);

/* Bring what the TA wrote into the operation; memory is there already. */
void operation_unpack(TEEC_Operation *operation, const struct call *call);
