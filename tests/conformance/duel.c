/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include <arch/pe.h>
#include <arch/sysreg.h>

#include "duel.h"
#include "gic.h"
#include "pe.h"
#include "tap.h"

#define PATIENCE       UINT64_C(3000000000) /* ticks of 1 ns */
#define LAST_PATIENCE  UINT64_C(90000000000)
#define LATENESS_STEP  1237U /* ticks: no round like another, few like the one before */
#define LATENESS_LIMIT 150000U
#define LATENESS_WIDER 100U /* rounds, after each of which it may be later by as much again */

struct moment {
	uint64_t begun; /* number of the round */
	uint64_t from;
	uint64_t to;
};

static const struct duel *fight;
static bool over;
static const unsigned int pe_of[2] = { 0, DUEL_PE };
static uint64_t arrivals[2];
static uint64_t kicks[2];
static uint64_t asleep[2]; /* in which meeting */
static struct moment moments[2];
static uint64_t answer;
static void (*rage)(void);
static uint64_t stopping;
static uint64_t steps;

/* Before any later load, which QEMU does not make sure of for STLR and LDAR alone. */
static void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Both PEs come here for the `number`th time. The first sleeps: a spinning PE would take its
 * emulator's processor from the other. It is woken only there, and no wake-up is left pending, for
 * it would end a REC's run.
 */
static void meet(unsigned int side, uint64_t number)
{
	unsigned int other = 1U - side;

	put(&arrivals[side], number);
	if (__atomic_load_n(&asleep[other], __ATOMIC_ACQUIRE) == number) {
		gic_kick(pe_of[other]);
	}
	put(&kicks[side], number);
	put(&asleep[side], number);
	while (__atomic_load_n(&arrivals[other], __ATOMIC_ACQUIRE) < number) {
		pe_wait_for_interrupt();
		(void)gic_drain();
	}
	while (__atomic_load_n(&kicks[other], __ATOMIC_ACQUIRE) < number) {
	}
	(void)gic_drain();
}

/* In ticks. A machine on which the rounds do not suffice is a slow one: they spread further there.
 */
static uint64_t lateness(unsigned int round)
{
	uint64_t limit = (uint64_t)LATENESS_LIMIT * (1U + round / LATENESS_WIDER);

	return (uint64_t)round * LATENESS_STEP % limit;
}

/*
 * In each round one side acts only when the other has begun, and a little later from round to
 * round: both orders come about, and all that lies between them, on emulators as well whose PEs
 * hardly ever run at the same time.
 */
static uint64_t act(unsigned int side, unsigned int round, uint64_t (*action)(void))
{
	struct moment *own = &moments[side];
	uint64_t result;

	if (side == (round & 1U)) {
		uint64_t until;

		while (__atomic_load_n(&moments[1U - side].begun, __ATOMIC_ACQUIRE) <= round) {
		}
		until = read_sysreg(CNTPCT_EL0) + lateness(round);
		while (read_sysreg(CNTPCT_EL0) < until) {
		}
	}
	own->from = read_sysreg(CNTPCT_EL0);
	__atomic_store_n(&own->begun, (uint64_t)round + 1U, __ATOMIC_RELEASE);
	result = action();
	own->to = read_sysreg(CNTPCT_EL0);
	return result;
}

static bool overlapped(void)
{
	return moments[0].from < moments[1].to && moments[1].from < moments[0].to;
}

static void other_side(void *argument)
{
	(void)argument;
	for (unsigned int round = 0;; round++) {
		meet(1, 2U * round + 1U);
		if (over) {
			return;
		}
		answer = act(1, round, fight->theirs);
		meet(1, 2U * round + 2U);
	}
}

static bool goes_on(bool wanted, unsigned int at_once, uint64_t start)
{
	uint64_t elapsed = read_sysreg(CNTPCT_EL0) - start;

	bool complete = at_once != 0U && (fight->seen == NULL || fight->seen());

	if (!complete && !fight->bounded && !tap_failed()) {
		return elapsed < LAST_PATIENCE;
	}
	return wanted && elapsed < PATIENCE;
}

unsigned int duel_fight(const struct duel *duel, unsigned int rounds)
{
	uint64_t start = read_sysreg(CNTPCT_EL0);
	unsigned int at_once = 0;
	unsigned int round;

	fight = duel;
	over = false;
	for (unsigned int side = 0; side < 2U; side++) {
		arrivals[side] = 0;
		kicks[side] = 0;
		asleep[side] = 0;
		moments[side].begun = 0;
	}
	pe_send(DUEL_PE, other_side, NULL);
	for (round = 0; goes_on(round < rounds, at_once, start); round++) {
		uint64_t mine;

		if (duel->before != NULL) {
			duel->before();
		}
		meet(0, 2U * round + 1U);
		mine = act(0, round, duel->mine);
		meet(0, 2U * round + 2U);
		at_once += overlapped() ? 1U : 0U;
		duel->after(mine, answer);
	}
	over = true;
	meet(0, 2U * round + 1U);
	pe_join(DUEL_PE);
	return at_once;
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
