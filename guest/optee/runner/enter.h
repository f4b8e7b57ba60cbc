/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way into the TA and back. While a TA runs, the runner's stack and thread pointer wait in
 * `enter_saved`; the TA's stack is its own.
 */
#pragma once

/* Offsets that enter.S knows. */
#define ENTER_SAVED_SP	   0
#define ENTER_SAVED_THREAD 8
#define ENTER_SAVED_TA	   16

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct enter_registers {
	uint64_t x[4];
	uint64_t sp;
	uint64_t pc;
};

struct enter_saved {
	uint64_t sp;
	uint64_t thread;
	/* The TA's thread pointer, from one entry to the next. */
	uint64_t ta_thread;
};

_Static_assert(offsetof(struct enter_saved, sp) == ENTER_SAVED_SP, "sp");
_Static_assert(offsetof(struct enter_saved, thread) == ENTER_SAVED_THREAD, "thread");
_Static_assert(offsetof(struct enter_saved, ta_thread) == ENTER_SAVED_TA, "ta_thread");

extern struct enter_saved enter_saved;

/*
 * Run the TA until it returns; its result.
 */
uint32_t enter_ta(const struct enter_registers *registers);

/*
 * Return from enter_ta(), from within a system call.
 */
_Noreturn void enter_leave(uint32_t result);

/*
 * Where the TA's system calls come in, by a branch with x17 as the way back.
 */
void enter_dispatcher(void);

/*
 * Signal handler: have the runner's thread pointer, then report the fault.
 */
void enter_fault(int number, void *info, void *context);

/*
 * Serve a system call; what the TA gets in x0.
 */
uint64_t enter_serve(const uint64_t *registers, uint64_t number);
#endif
