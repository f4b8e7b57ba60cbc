/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rig: a bare-metal BL33 (EL2, Non-secure, MMU off) that drives an RMM through RMI alone, for
 * programs that test or measure one. It knows RMM 1.0 and QEMU's virt machine, and takes nothing
 * from the monitor: what both got wrong would not show.
 */
#pragma once

#include <abi/platform.h>

#define RIG_STACK_SIZE 0x4000

/* Granules for realms: tracked DRAM behind the image. */
#define RIG_POOL_BASE 0x61000000
#define RIG_POOL_SIZE 0x04000000

#ifndef __ASSEMBLER__

/* What the program does; the machine powers off when it returns. */
void rig_main(void);

/* Ends the machine, saying why: for what makes any further result worthless. */
_Noreturn void rig_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
