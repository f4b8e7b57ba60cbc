/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * Called by the vectors with 0 synchronous, 1 IRQ, 2 FIQ, 3 SError, and X30 of what was
 * interrupted: a function without a frame record was called from there. Returns where to continue:
 * the fix-up of a guarded access that faulted. Anything else panics.
 */
uint64_t exception_take(uint32_t kind, uint64_t lr);
