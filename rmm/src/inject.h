/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions that the RMM makes a REC take to EL1. The REC's registers are loaded on this PE. */
#pragma once

#include "rec.h"

/* The instruction at rec->pc is undefined. */
void inject_undefined(struct rec *rec);

/* A synchronous external abort in place of the abort with syndrome `esr` at address `far`. */
void inject_sea(struct rec *rec, uint64_t esr, uint64_t far);

/* As inject_sea(), with fault status code `fsc`. */
void inject_abort(struct rec *rec, uint64_t esr, uint64_t far, uint64_t fsc);

/* An SError with the syndrome of `esr`, at the realm's next chance. */
void inject_serror(struct rec *rec, uint64_t esr);
