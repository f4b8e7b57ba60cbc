/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host and its realms that do what an input's bytes say, with the RMM's real handlers on the fake
 * arch. Every byte string is an input. After each command the whole state is checked.
 *
 *   input.c     bytes to numbers, addresses, table levels
 *   host.c      bytes to RMI calls
 *   realm.c     bytes to what a realm does while it runs: RSI and PSCI calls, aborts, traps
 *   state.c     what a command may have changed, and what must hold whatever it was
 *   tables.c    the same for translation tables
 *   teardown.c  in the end everything can be taken back
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver.h"
#include "fail.h"
#include "rmm_fixture.h"

#define GRANULES ((FAKE_DRAM_SIZE + FAKE_ABSENT_SIZE) / GRANULE_SIZE)
/* Commands use these granules; DATA has 512, of which most only take part in whole blocks. */
#define POOL_SIZE 67U
/* Kept out of the pool: delegated for the teardown's own tables. */
#define SPARE PAGE(48)

/* input.c: at the end of the input everything is 0. */
void input_begin(const uint8_t *data, size_t size);
bool input_is_left(void);
uint8_t input_byte(void);
/* Mostly small, sometimes anything. */
uint64_t input_number(void);
uint64_t input_pa(void);
uint64_t input_ipa(void);
int64_t input_level(void);
uint64_t pool_pa(size_t n);

/* host.c */
void host_begin(void);
void host_step(void);

/* realm.c: what runs when a REC is entered. */
enum realm_vector realm_step(uint64_t gprs[RMI_GPRS]);

/* granules.c: granule.c with a window. */
enum granule_state granules_state(uint64_t pa);
/* Every granule's state; more than the last state if it is locked. */
void granules_copy(uint8_t states[GRANULES]);

/* state.c */
void state_begin(void);
void state_check(const uint64_t x[RMI_ARGUMENTS], const struct smc_regs *after);

/* tables.c: checks the tables of a realm and counts in `owners` what its entries lead to. */
void tables_check(const struct realm *realm, uint8_t owners[GRANULES]);

/* teardown.c */
void teardown(void);
