/* SPDX-License-Identifier: BSD-3-Clause */
/* Realms with the hand in them, and orders to it. */
#pragma once

#include "hand/hand.h"
#include "realm.h"

/* What the hand reports of an order. */
struct outcome {
	bool done; /* false: the REC stopped with another exit, which is in rec->run->exit */
	uint64_t gprs[RMI_GPRS];
};

/* An active realm with RAM at [0, 2 MiB), all of it EMPTY RAM but the hand's pages, and its RECs.
 */
struct rig_realm *hand_realm(unsigned int recs);

/* The same, not activated and without RECs: for a realm prepared otherwise. */
void hand_load(struct rig_realm *realm);

/* With other flags of RMI_DATA_CREATE: unmeasured, the RIM does not depend on the hand's code. */
void hand_load_with(struct rig_realm *realm, uint64_t flags);

/* A REC whose program is the hand; only the first is runnable. */
struct rig_rec *hand_rec(struct rig_realm *realm);

/* Brings the REC to its first call, where it takes orders. */
bool hand_begin(struct rig_rec *rec);

/* Gives an order, runs the REC once, and tells what it exited with. */
struct outcome hand_order_with(struct rig_rec *rec, const uint64_t *words, size_t count);
#define hand_order(rec, ...) hand_order_with(rec, RIG_WORDS(__VA_ARGS__))

/* The same, over interrupts of the host, to the outcome; any other exit fails the case. */
struct outcome hand_do_with(struct rig_rec *rec, const uint64_t *words, size_t count);
#define hand_do(rec, ...) hand_do_with(rec, RIG_WORDS(__VA_ARGS__))

/* After an exit amid an order: enters again and tells what came. */
struct outcome hand_resume(struct rig_rec *rec);

/* An SMC of the realm: X0 to X3. X4 and up are checked to have stayed, `outputs` of them excepted.
 */
struct call hand_smc_with(struct rig_rec *rec, const uint64_t *words, size_t count);
#define hand_smc(rec, ...) hand_smc_with(rec, RIG_WORDS(__VA_ARGS__))
