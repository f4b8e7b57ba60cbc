/* SPDX-License-Identifier: BSD-3-Clause */
/* IPA spaces of any shape, and what their tables say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hand_order.h"
#include "realm.h"

#define PAGE_LEVEL	3
#define BLOCK_LEVEL	2
#define TABLE_ENTRIES	512U
#define BLOCK_SIZE	UINT64_C(0x200000)
#define GIGABYTE	UINT64_C(0x40000000)
#define NO_SUCH_LEVEL	4
#define RIG_UNPROTECTED UINT64_C(0x100000000) /* the shared bit of the rig's ordinary realm */

/* Bytes that one entry at `level` maps. */
uint64_t level_size(int level);

/* A realm of this shape: created; or with the hand in one REC, active and begun. */
struct rig_realm *realm_of_shape(unsigned int s2sz, int start_level, unsigned int roots);
struct rig_realm *hand_realm_of_shape(unsigned int s2sz, int start_level, unsigned int roots);

/*
 * Tables down to level 3 and 512 DATA granules of unknown content at `ipa`, whose memory is
 * contiguous and aligned as that of a block; returns its PA.
 */
uint64_t realm_fill_block(struct rig_realm *realm, uint64_t ipa);

/* The same as one block: the table is folded, and its granule is left DELEGATED. */
uint64_t realm_make_block(struct rig_realm *realm, uint64_t ipa);

/* Expects of RMI_RTT_READ_ENTRY what the fields of struct rtt_entry after `at` say; others are 0.
 */
#define EXPECT_ENTRY(realm, ipa, at, ...)                                                          \
	entry_equal((realm), (ipa), (at), (struct rtt_entry){ __VA_ARGS__ }, __FILE__, __LINE__)
bool entry_equal(const struct rig_realm *realm, uint64_t ipa, int at, struct rtt_entry wanted,
		 const char *file, int line);

/* The word at `ipa` as the hand sees it, or has it become. */
uint64_t hand_read(struct rig_rec *rec, uint64_t ipa);
void hand_write(struct rig_rec *rec, uint64_t ipa, uint64_t value);

/* Has the hand ask for a RIPAS: true if its REC stopped with that request. */
bool ripas_ask(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags);

/* RMI_RTT_SET_RIPAS for as long as it moves; whether it came to `top`. */
bool ripas_grant(struct rig_rec *rec, uint64_t base, uint64_t top);

/* Both, and back to the hand. */
bool ripas_change(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags);
