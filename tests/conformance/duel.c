/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include <arch/sysreg.h>

#include "duel.h"
#include "pe.h"

#define LATENESS_UNIT  20000U /* ticks of 1 ns */
#define LATENESS_STEPS 16U

static const struct duel *fight;
static unsigned int fight_rounds;
static uint64_t arrivals[2];
static uint64_t answer;
static void (*rage)(void);
static uint64_t stopping;
static uint64_t steps;

/* Both PEs come here for the `number`th time; loads and stores do, and the MMU is off. */
static void meet(unsigned int side, uint64_t number)
{
	__atomic_store_n(&arrivals[side], number, __ATOMIC_RELEASE);
	while (__atomic_load_n(&arrivals[1U - side], __ATOMIC_ACQUIRE) < number) {
	}
}

static void be_late(unsigned int side, unsigned int round)
{
	uint64_t until = read_sysreg(CNTPCT_EL0);

	if (side == (round & 1U)) {
		until += (uint64_t)(round / 2U % LATENESS_STEPS) * LATENESS_UNIT;
	}
	while (read_sysreg(CNTPCT_EL0) < until) {
	}
}

static void other_side(void *argument)
{
	(void)argument;
	for (unsigned int round = 0; round < fight_rounds; round++) {
		meet(1, 2U * round + 1U);
		be_late(1, round);
		answer = fight->theirs();
		meet(1, 2U * round + 2U);
	}
}

void duel_fight(const struct duel *duel, unsigned int rounds)
{
	fight = duel;
	fight_rounds = rounds;
	arrivals[0] = 0;
	arrivals[1] = 0;
	pe_send(DUEL_PE, other_side, NULL);
	for (unsigned int round = 0; round < rounds; round++) {
		uint64_t mine;

		if (duel->before != NULL) {
			duel->before();
		}
		meet(0, 2U * round + 1U);
		be_late(0, round);
		mine = duel->mine();
		meet(0, 2U * round + 2U);
		duel->after(mine, answer);
	}
	pe_join(DUEL_PE);
}

static void raging(void *argument)
{
	(void)argument;
	while (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE) == 0U) {
		rage();
		__atomic_store_n(&steps, steps + 1U, __ATOMIC_RELEASE);
	}
}

void duel_rage(void (*step)(void))
{
	rage = step;
	steps = 0;
	__atomic_store_n(&stopping, 0U, __ATOMIC_RELEASE);
	pe_send(DUEL_PE, raging, NULL);
	while (duel_steps() == 0U) {
	}
}

uint64_t duel_steps(void)
{
	return __atomic_load_n(&steps, __ATOMIC_ACQUIRE);
}

uint64_t duel_calm(void)
{
	__atomic_store_n(&stopping, 1U, __ATOMIC_RELEASE);
	pe_join(DUEL_PE);
	return steps;
}
