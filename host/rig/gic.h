/* SPDX-License-Identifier: BSD-3-Clause */
/* Physical interrupts: what ends a REC's run. They stay masked here and are taken by polling. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The interrupt of this PE's EL2 physical timer, which neither EL3 nor an RMM switches. */
#define GIC_PPI_CNTHP 26U

void gic_init(void);
void gic_init_pe(unsigned int pe);

/* Makes SGI 0 pending on the PE. */
void gic_kick(unsigned int pe);

/* Has CNTHP fire on this PE after `ticks` of the counter; gic_alarm_off() takes it back. */
void gic_alarm(uint64_t ticks);
void gic_alarm_off(void);

/* Acknowledges and ends every interrupt that is pending on this PE; returns how many. */
unsigned int gic_drain(void);
