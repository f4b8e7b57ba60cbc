/* SPDX-License-Identifier: BSD-3-Clause */
/* What the monitor asks of EL3's PSCI, and the one way in which a machine ends. */
#pragma once

#include <lib/types.h>

/* Starts the PE with this index in the monitor's secondary_main(); false if EL3 refuses. */
bool power_pe_on(unsigned int pe);

/* Prints the last console line, with a MONITOR_STATUS_ value, and powers the machine off. */
_Noreturn void power_off(int status);

/* Prints "error: <message>" and powers off as failed: what was given to us cannot be run. */
_Noreturn void power_off_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
