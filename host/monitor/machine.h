/* SPDX-License-Identifier: BSD-3-Clause */
/* All realms and PEs of the machine: who runs what, whose interrupt is whose, and the end. */
#pragma once

#include "manifest.h"

/*
 * Starts every other PE that is to have a vCPU; they sleep until machine_start(). This comes first,
 * because a PE that was not started yet polls in EL3, and takes the build machine's time.
 */
void machine_power_pes(const struct manifest *manifest);

/* Builds every realm of the manifest. */
void machine_build(const struct manifest *manifest, unsigned int lr_count);

/* Lets the PEs run their vCPUs. */
void machine_start(void);

/*
 * Runs what this PE has to run. The last PE of a realm destroys it, and that of the last realm
 * powers the machine off.
 */
_Noreturn void machine_run_pe(unsigned int pe);

/* Acknowledges what is pending. Most of it was sent only to end a REC's run, or to wake the PE. */
void machine_take_interrupts(void);
