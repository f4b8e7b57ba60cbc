/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arguments that no command takes, tried on a call of the case's: `probe` makes the call with one
 * argument replaced, and returns X0. Each wants RMI_ERROR_INPUT, and everything left as it was.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t probe(uint64_t argument);

/* The states of a granule. */
enum zoo {
	ZOO_UNDELEGATED,
	ZOO_DELEGATED,
	ZOO_RD,
	ZOO_REC,
	ZOO_REC_AUX, /* if this RMM takes any */
	ZOO_RTT,
	ZOO_DATA,
	ZOO_COUNT,
};

/* Addresses next to `good`, which the call takes, that no granule begins at. */
void refuses_unaligned(probe *attempt, uint64_t good);

/* Addresses that are no memory of the host's, the RMM's own among them. */
void refuses_untracked(probe *attempt);

/* A granule in each state but `wanted`, of a realm that lives beside the case's. */
void refuses_other_states(probe *attempt, enum zoo wanted);

/* The last two for a pointer to memory of the host, which any tracked, undelegated granule is. */
void refuses_what_the_host_has_not(probe *attempt);

/* Whether the granule is the host's, or in state DELEGATED. */
bool granule_is_undelegated(uint64_t pa);
bool granule_is_delegated(uint64_t pa);

/* Undelegates it: true if that works and it holds nothing but zeros. */
bool granule_comes_back_wiped(uint64_t pa);
