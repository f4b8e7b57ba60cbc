/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two PEs at once. Nothing here makes the case fail by itself: what happened is counted, and the
 * case says what must never have, and what must have so that there was a race at all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DUEL_PE	    1U
#define DUEL_ROUNDS 200U

/* One round: `before` and `after` on this PE alone, between them `mine` here and `theirs` there. */
struct duel {
	void (*before)(void);
	uint64_t (*mine)(void);
	uint64_t (*theirs)(void);
	void (*after)(uint64_t mine, uint64_t theirs);
	bool (*seen)(
		void); /* whether all came about that should have; NULL: nothing in particular */
	bool bounded;  /* no more rounds than wanted */
};

/*
 * Now the one side begins, now the other; returns in how many rounds both were at it at once. Fewer
 * rounds than wanted if they take seconds; more until the sides have met and all was seen, which
 * takes long on a machine that has no two processors to spare.
 */
unsigned int duel_fight(const struct duel *duel, unsigned int rounds);

/* Repeats `step` on the other PE until duel_calm(), which returns how often it was done. */
void duel_rage(void (*step)(void));
uint64_t duel_calm(void);

/* How often the other PE has done its step so far. */
uint64_t duel_steps(void);
