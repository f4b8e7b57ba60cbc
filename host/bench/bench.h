/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts what operations of an RMM cost, under QEMU's `-icount shift=0`: there a tick of the
 * counter is an instruction. An operation is a series of samples, printed as one line that Python
 * reads:
 *
 *     bench: NAME median N min N max N samples N
 *     bench: NAME not offered
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

#define BENCH_SAMPLES 32U

/* The samples from here to series_end(), which prints the line, are of the operation `name`. */
void series_begin(const char *name);
void series_add(uint64_t ticks);
void series_end(void);

/* Instead of a series. */
void series_not_offered(const char *name);

/* A sample of an SMC; the program ends unless it answers 0. Its registers. */
struct call sample_with(const uint64_t *x, size_t count);
#define sample(...) sample_with(RIG_WORDS(__VA_ARGS__))

/* Gives up, naming the operation that was measured. */
_Noreturn void series_failed(const char *what, uint64_t value);

/* Gives back what an operation's realms were made of. */
void clean_up(void);

/* A realm of one REC whose hand takes orders. */
struct rig_rec;
struct rig_rec *fresh_rec(void);

/* Has it repeat something (hand.h), to the first stop for `reason`. */
void begin_turns(struct rig_rec *rec, uint64_t what, uint64_t address, uint64_t turns,
		 uint64_t reason);

/*
 * Enters the REC; returns the ticks. An RMM may come back as if by an interrupt at any time: then
 * exit_came() is false, and enter_until() goes on to the stop that was meant.
 */
uint64_t enter_timed(const struct rig_rec *rec);
bool exit_came(const struct rig_rec *rec, uint64_t reason);
void enter_until(const struct rig_rec *rec, uint64_t reason);

/* The operations by the file that has them. */
void measure_floor(void);
void measure_granules(void);
void measure_tables(void);
void measure_runs(void);
void measure_calls(void);
void measure_token(void);
