/* SPDX-License-Identifier: BSD-3-Clause */
/* From core/vectors.S: exceptions that the RMM itself takes. */
#pragma once

#include <stdint.h>

/* Where to go on after the exception, which was one of a guarded access; otherwise panics. */
uint64_t exception_current_el(uint32_t kind);

_Noreturn void exception_stack_overflow(void);
