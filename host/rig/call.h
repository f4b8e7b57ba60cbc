/* SPDX-License-Identifier: BSD-3-Clause */
/* SMCs with every register in sight. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_REGS 18U

struct call {
	uint64_t x[CALL_REGS];
	uint64_t clobbered; /* not 0 if the call changed any of X18 to X28 */
};

void call_smc(struct call *call);

/* The ticks of CNTVCT_EL0 that an SMC with X0 to X17 takes, or nothing at all. */
uint64_t timed_smc(struct call *call);
uint64_t timed_nothing(struct call *call);

/* What the registers hold that a call does not name. */
static inline uint64_t call_fill(size_t n)
{
	return UINT64_C(0xF111000000000000) + n;
}

/* `count` registers from X0 on, the others filled; and a call with them. */
struct call call_filling(const uint64_t *x, size_t count);
struct call call_with(const uint64_t *x, size_t count);

/*
 * An RMI command, and what came back. A register that the command may not change (SMCCC 1.2; X4 too
 * unless it is an output) is reported as a failure of the running case.
 */
struct call rmi_with(const uint64_t *x, size_t count);

#define RIG_WORDS(...)	    ((const uint64_t[]){ __VA_ARGS__ }), RIG_WORD_COUNT(__VA_ARGS__)
#define RIG_WORD_COUNT(...) (sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
#define call(...)	    call_with(RIG_WORDS(__VA_ARGS__))
#define rmi(...)	    rmi_with(RIG_WORDS(__VA_ARGS__))

/* X0 alone. */
#define rmi_status(...) (rmi(__VA_ARGS__).x[0])

/* The status word of an RTT error. */
static inline uint64_t rmi_rtt_error(int level)
{
	return 4U | (uint64_t)(uint8_t)level << 8U;
}

/* Accesses to memory that may not be ours: false if they fault. */
bool ns_read(uint64_t pa, uint64_t *value);
bool ns_write(uint64_t pa, uint64_t value);
