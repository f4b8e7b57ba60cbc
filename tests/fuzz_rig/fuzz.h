/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls of host and realms on two PEs at once. What a call is given comes from small pools,
 * so that many calls get far; a call's results are not predicted, but their form is checked, and
 * after each epoch everything must come back: no granule is left with the RMM.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "realm.h"

#define FUZZ_PES      2U
#define POOL_GRANULES 96U
#define WORLD_REALMS  2U
#define WORLD_RECS    2U
#define WORLD_STRAYS  8U
#define STRAY_RECS    64U

/* A realm that a random call made. */
struct stray {
	struct rig_realm realm;
	struct rmi_realm_params shape;
};

/* A PE's part of the fuzzing; no other touches it. */
struct fuzzer {
	uint64_t random; /* state of its generator */
	uint64_t calls;	 /* still to be made in this epoch */
	struct rmi_realm_params *realm_params;
	struct rmi_rec_params *rec_params;
	struct {
		struct rmi_rec_enter enter;
		struct rmi_rec_exit exit;
	} * run;
	struct rig_rec *entered; /* what `run` tells of */
	struct stray strays[WORLD_STRAYS];
	unsigned int stray_count;
	uint64_t recs[STRAY_RECS]; /* made by random calls, of the pool or not */
	unsigned int rec_count;
};

extern struct fuzzer fuzzers[FUZZ_PES];

/* world.c */
extern uint64_t pool[POOL_GRANULES];
extern struct rig_realm *world[WORLD_REALMS];

void world_make(uint64_t epoch);
/* Takes everything down again; false if the RMM kept something. */
bool world_unmake(void);

/* pick.c */
uint64_t pick(struct fuzzer *fuzzer, uint64_t below);
uint64_t pick_word(struct fuzzer *fuzzer);
uint64_t pick_granule(struct fuzzer *fuzzer);
uint64_t pick_address(struct fuzzer *fuzzer);
uint64_t pick_rd(struct fuzzer *fuzzer);
uint64_t pick_rec(struct fuzzer *fuzzer);
uint64_t pick_ipa(struct fuzzer *fuzzer);
uint64_t pick_level(struct fuzzer *fuzzer);

/* host_calls.c: one call of the host, with arguments from the pools or from nowhere. */
void host_call(struct fuzzer *fuzzer);

#define HOST_CALL_FIDS 26U
extern uint64_t host_tried[HOST_CALL_FIDS], host_succeeded[HOST_CALL_FIDS];

/* Makes the call, counts it, and checks the form of its result. */
uint64_t host_make(const uint64_t *x, size_t count);
#define HOST_MAKE(...) host_make(RIG_WORDS(__VA_ARGS__))

/* realm_calls.c: enters a REC whose hand makes one call or access, and does the host's part. */
void realm_call(struct fuzzer *fuzzer);

extern uint64_t realm_exits[RMI_EXIT_SERROR + 1U];
