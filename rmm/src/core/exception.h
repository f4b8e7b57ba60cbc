/* SPDX-License-Identifier: BSD-3-Clause */
/* From core/vectors.S: exceptions that the RMM itself takes; and what compiled code finds wrong. */
#pragma once

#include <stdint.h>

/*
 * Where to go on after the exception, which was one of a guarded access; otherwise panics. LR is
 * X30 of what was interrupted: a function without a frame record was called from there.
 */
uint64_t exception_current_el(uint32_t kind, uint64_t lr);

_Noreturn void exception_stack_overflow(void);

/* A function's stack guard is not what it was when the function began. */
_Noreturn void __stack_chk_fail(void);
