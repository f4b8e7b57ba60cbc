/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Realms and RECs, built step by step so that a case may stop, or err, at any of them. What a step
 * made is remembered and taken down behind the case.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/rmi.h>

#define REALM_MAX_TABLES 48U
#define REALM_MAX_PAGES	 64U
#define REALM_MAX_RECS	 20U

struct rig_rec {
	uint64_t pa;
	uint64_t aux[RMI_MAX_REC_AUX];
	struct rmi_rec_params *params;
	struct {
		struct rmi_rec_enter enter;
		struct rmi_rec_exit exit;
	} * run;
	struct rig_realm *realm;
};

struct rig_realm {
	uint64_t rd;
	struct rmi_realm_params *params;
	uint32_t table_count;
	uint32_t page_count;
	uint32_t unprotected_count;
	uint32_t rec_count;
	struct {
		uint64_t ipa;
		int level;
	} tables[REALM_MAX_TABLES];
	uint64_t pages[REALM_MAX_PAGES]; /* IPAs of DATA granules */
	struct {
		uint64_t ipa;
		int level;
	} unprotected[REALM_MAX_PAGES];
	struct rig_rec recs[REALM_MAX_RECS];
};

/* A realm that was prepared but not created: granules, and parameters of a 33-bit IPA space. */
struct rig_realm *realm_prepare(void);

/* For another shape: takes start-level tables for it. */
void realm_shape(struct rig_realm *realm, unsigned int s2sz, int start_level, unsigned int roots);

/* RMI_REALM_CREATE with the parameters as they are. */
uint64_t realm_create(struct rig_realm *realm);

/* Prepared and created; the case ends here if that fails, for nothing works then. */
struct rig_realm *realm_make(void);

/* The bit that divides the IPA space. */
uint64_t realm_shared_bit(const struct rig_realm *realm);

/* Makes the tables down to `level` that hold `ipa`, where there are none. */
uint64_t realm_tables(struct rig_realm *realm, uint64_t ipa, int level);

/* RMI_RTT_INIT_RIPAS from base to top, with tables down to level 3 if `fine`. */
uint64_t realm_ram(struct rig_realm *realm, uint64_t base, uint64_t top, bool fine);

/* A new DATA granule at `ipa`: with the contents of `source` (a PA), or unknown. */
uint64_t realm_data(struct rig_realm *realm, uint64_t ipa, uint64_t source, uint64_t flags);
uint64_t realm_data_unknown(struct rig_realm *realm, uint64_t ipa);

/* Maps `pa` at an unprotected IPA, as Normal write-back memory, readable and writable. */
uint64_t realm_share(struct rig_realm *realm, uint64_t ipa, uint64_t pa, int level);
#define UNPROTECTED_RW UINT64_C(0xD8) /* MemAttr 0b110, S2AP 0b11 */

uint64_t realm_activate(struct rig_realm *realm);

/* RIPAS and state of an IPA as RMI_RTT_READ_ENTRY has them. */
struct rtt_entry {
	uint64_t status;
	uint64_t level;
	uint64_t state;
	uint64_t desc;
	uint64_t ripas;
};

struct rtt_entry realm_entry(const struct rig_realm *realm, uint64_t ipa, int level);

/* Granules and parameters of the next REC by index; rec_create() is RMI_REC_CREATE with them. */
struct rig_rec *rec_prepare(struct rig_realm *realm, uint64_t pc, bool runnable);
uint64_t rec_create(struct rig_rec *rec);
uint64_t rec_mpidr(unsigned int index);

/* RMI_REC_ENTER; returns X0. */
uint64_t rec_enter(struct rig_rec *rec);

/* Takes down a realm, if it is one: of a realm that others made, `rd` and `params` tell enough. */
void realm_take_down(struct rig_realm *realm);

/* Takes down every realm of the case. */
void realms_reset(void);
