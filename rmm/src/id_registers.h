/* SPDX-License-Identifier: BSD-3-Clause */
/* The ID registers as a realm sees them: of the PE's features, those that the RMM can vouch for. */
#pragma once

#include "realm.h"

/*
 * The value for a trapped read of op0 3, op1 0, CRn 0, CRm `crm` (1 to 7), op2 `op2`. What is not
 * listed here reads 0: not implemented.
 */
uint64_t id_register_value(const struct realm *realm, unsigned int crm, unsigned int op2);
