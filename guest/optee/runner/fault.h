/* SPDX-License-Identifier: BSD-3-Clause */
/* What a TA does that its memory or the processor does not allow: told to the core, then the end.
 */
#pragma once

#include "runner.h"

/*
 * Have faults reported from now on. Returns 0, or an error as in errno.
 */
int fault_install(struct runner *runner);

/*
 * Report a fault, and end. enter_fault() calls it.
 */
_Noreturn void fault_report(int number, void *info, void *context);
