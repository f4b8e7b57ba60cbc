/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The physical GICv3, Non-secure side. Interrupts stay masked at EL2: they end a REC's run, wake a
 * PE from WFI, and are acknowledged by polling.
 */
#pragma once

#include <lib/types.h>

/* Once, on the first PE. */
void gic_init(void);
/* On each PE, with its index: CPU interface, the kick SGI and the PPIs that end a REC's run. */
void gic_init_pe(unsigned int pe);

/* Routes a level-sensitive SPI to a PE and enables it. */
void gic_enable_spi(unsigned int intid, unsigned int pe);
void gic_disable_spi(unsigned int intid);

/* Takes the most urgent pending interrupt, or returns false. Each one taken is ended. */
bool gic_acknowledge(unsigned int *intid);
void gic_end(unsigned int intid);

/* Makes a PE leave the realm, or wake up. */
void gic_kick(unsigned int pe);
