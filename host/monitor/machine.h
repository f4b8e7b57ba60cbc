/* SPDX-License-Identifier: BSD-3-Clause */
/* All realms and PEs of the machine: who runs what, whose interrupt is whose, and the end. */
#pragma once

#include "manifest.h"

/* Builds every realm of the manifest and lets the PEs run. */
void machine_build(const struct manifest *manifest, unsigned int lr_count);

/* Starts the other PEs that have a vCPU. */
void machine_start(void);

/*
 * Runs what this PE has to run. The last PE of a realm destroys it, and that of the last realm
 * powers the machine off.
 */
_Noreturn void machine_run_pe(unsigned int pe);

/* A physical interrupt that was acknowledged. */
void machine_interrupt(unsigned int intid);
