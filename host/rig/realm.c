/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "realm.h"
#include "rig.h"
#include "tap.h"

#define MAX_REALMS    6U
#define DEFAULT_S2SZ  33U
#define DEFAULT_LEVEL 2
#define DEFAULT_ROOTS 8U
#define LAST_LEVEL    3
#define AFF0_COUNT    16U
#define FIRST_VMID    0x21U

static struct rig_realm realms[MAX_REALMS];
static unsigned int realm_count;

static uint64_t level_size(int level)
{
	return UINT64_C(1) << (GRANULE_SHIFT + 9U * (unsigned int)(LAST_LEVEL - level));
}

void realm_shape(struct rig_realm *realm, unsigned int s2sz, int start_level, unsigned int roots)
{
	struct rmi_realm_params *params = realm->params;

	params->s2sz = (uint8_t)s2sz;
	params->rtt_level_start = start_level;
	params->rtt_num_start = roots;
	params->rtt_base = granules_take_delegated(roots, (uint64_t)roots * GRANULE_SIZE);
}

struct rig_realm *realm_prepare(void)
{
	struct rig_realm *realm = &realms[realm_count];

	if (realm_count == MAX_REALMS) {
		rig_give_up("a case of more than %u realms", MAX_REALMS);
	}
	memset(realm, 0, sizeof(*realm));
	realm->rd = granule_take_delegated();
	realm->params = (struct rmi_realm_params *)(uintptr_t)granule_take();
	realm_shape(realm, DEFAULT_S2SZ, DEFAULT_LEVEL, DEFAULT_ROOTS);
	realm->params->num_bps = 1;
	realm->params->num_wps = 1;
	realm->params->hash_algo = RMI_HASH_SHA_256;
	realm->params->vmid = (uint16_t)(FIRST_VMID + realm_count);
	realm_count++;
	return realm;
}

uint64_t realm_create(struct rig_realm *realm)
{
	return rmi_status(RMI_REALM_CREATE, realm->rd, (uintptr_t)realm->params);
}

struct rig_realm *realm_make(void)
{
	struct rig_realm *realm = realm_prepare();

	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("an ordinary realm cannot be created");
	}
	return realm;
}

uint64_t realm_shared_bit(const struct rig_realm *realm)
{
	return bit64(realm->params->s2sz - 1U);
}

uint64_t realm_tables(struct rig_realm *realm, uint64_t ipa, int level)
{
	for (int each = (int)realm->params->rtt_level_start + 1; each <= level; each++) {
		uint64_t base = align_down(ipa, level_size(each - 1));
		uint64_t table;
		uint64_t status;

		if (realm_entry(realm, base, each - 1).state == RMI_TABLE) {
			continue;
		}
		table = granule_take_delegated();
		status = rmi_status(RMI_RTT_CREATE, realm->rd, table, base, (uint64_t)each);
		if (status != RMI_SUCCESS) {
			return status;
		}
		if (realm->table_count == REALM_MAX_TABLES) {
			rig_give_up("a realm of more than %u tables", REALM_MAX_TABLES);
		}
		realm->tables[realm->table_count].ipa = base;
		realm->tables[realm->table_count].level = each;
		realm->table_count++;
	}
	return RMI_SUCCESS;
}

uint64_t realm_ram(struct rig_realm *realm, uint64_t base, uint64_t top, bool fine)
{
	while (base < top) {
		struct call result;

		if (fine) {
			(void)realm_tables(realm, base, LAST_LEVEL);
		}
		result = rmi(RMI_RTT_INIT_RIPAS, realm->rd, base, top);
		if (result.x[0] != RMI_SUCCESS) {
			return result.x[0];
		}
		base = result.x[1];
	}
	return RMI_SUCCESS;
}

static uint64_t remember_page(struct rig_realm *realm, uint64_t ipa, uint64_t status)
{
	if (status == RMI_SUCCESS) {
		if (realm->page_count == REALM_MAX_PAGES) {
			rig_give_up("a realm of more than %u pages", REALM_MAX_PAGES);
		}
		realm->pages[realm->page_count++] = ipa;
	}
	return status;
}

uint64_t realm_data(struct rig_realm *realm, uint64_t ipa, uint64_t source, uint64_t flags)
{
	uint64_t data = granule_take_delegated();

	return remember_page(realm, ipa,
			     rmi_status(RMI_DATA_CREATE, realm->rd, data, ipa, source, flags));
}

uint64_t realm_data_unknown(struct rig_realm *realm, uint64_t ipa)
{
	uint64_t data = granule_take_delegated();

	return remember_page(realm, ipa, rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data, ipa));
}

uint64_t realm_share(struct rig_realm *realm, uint64_t ipa, uint64_t pa, int level)
{
	uint64_t status;

	(void)realm_tables(realm, ipa, level);
	status = rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, ipa, (uint64_t)level,
			    pa | UNPROTECTED_RW);
	if (status == RMI_SUCCESS) {
		if (realm->unprotected_count == REALM_MAX_PAGES) {
			rig_give_up("a realm of more than %u shared pages", REALM_MAX_PAGES);
		}
		realm->unprotected[realm->unprotected_count].ipa = ipa;
		realm->unprotected[realm->unprotected_count].level = level;
		realm->unprotected_count++;
	}
	return status;
}

uint64_t realm_activate(struct rig_realm *realm)
{
	return rmi_status(RMI_REALM_ACTIVATE, realm->rd);
}

struct rtt_entry realm_entry(const struct rig_realm *realm, uint64_t ipa, int level)
{
	struct call result = rmi(RMI_RTT_READ_ENTRY, realm->rd, ipa, (uint64_t)level);

	return (struct rtt_entry){
		.status = result.x[0],
		.level = result.x[1],
		.state = result.x[2],
		.desc = result.x[3],
		.ripas = result.x[4],
	};
}

uint64_t rec_mpidr(unsigned int index)
{
	return (index % AFF0_COUNT) | (uint64_t)(index / AFF0_COUNT) << RMI_MPIDR_AFF1_SHIFT;
}

struct rig_rec *rec_prepare(struct rig_realm *realm, uint64_t pc, bool runnable)
{
	struct rig_rec *rec = &realm->recs[realm->rec_count];
	struct call aux = rmi(RMI_REC_AUX_COUNT, realm->rd);

	if (realm->rec_count == REALM_MAX_RECS || aux.x[0] != RMI_SUCCESS ||
	    aux.x[1] > RMI_MAX_REC_AUX) {
		rig_give_up("no REC can be prepared");
	}
	rec->realm = realm;
	rec->pa = granule_take_delegated();
	rec->params = (struct rmi_rec_params *)(uintptr_t)granule_take();
	rec->run = (void *)(uintptr_t)granule_take();
	rec->params->flags = runnable ? RMI_REC_CREATE_RUNNABLE_MASK : 0U;
	rec->params->mpidr = rec_mpidr(realm->rec_count);
	rec->params->pc = pc;
	rec->params->gprs[0] = realm->rec_count;
	rec->params->num_aux = aux.x[1];
	for (uint64_t n = 0; n < aux.x[1]; n++) {
		rec->params->aux[n] = granule_take_delegated();
	}
	realm->rec_count++;
	return rec;
}

uint64_t rec_create(struct rig_rec *rec)
{
	return rmi_status(RMI_REC_CREATE, rec->realm->rd, rec->pa, (uintptr_t)rec->params);
}

uint64_t rec_enter(struct rig_rec *rec)
{
	return rmi_status(RMI_REC_ENTER, rec->pa, (uintptr_t)rec->run);
}

/*
 * For what was made by other ways than those above, and what a failed case left: goes by what the
 * RMM says is there.
 */
static void sweep_pages(const struct rig_realm *realm)
{
	uint64_t ipa = 0;

	while (ipa < realm_shared_bit(realm)) {
		struct call result = rmi(RMI_DATA_DESTROY, realm->rd, ipa);
		int level = (int)(result.x[0] >> RMI_RESULT_INDEX_SHIFT);

		if (result.x[2] > ipa) {
			ipa = result.x[2];
		} else if (level < LAST_LEVEL) {
			uint64_t block = align_down(ipa, level_size(level));

			if (rmi_status(RMI_RTT_CREATE, realm->rd, granule_take_delegated(), block,
				       (uint64_t)level + 1U) != RMI_SUCCESS) {
				return;
			}
		} else {
			return;
		}
	}
}

static void sweep_tables(const struct rig_realm *realm)
{
	for (int level = LAST_LEVEL; level > realm->params->rtt_level_start; level--) {
		uint64_t ipa = 0;

		while (ipa >> realm->params->s2sz == 0U) {
			struct call result = rmi(RMI_RTT_DESTROY, realm->rd, ipa, (uint64_t)level);
			int stopped = (int)(result.x[0] >> RMI_RESULT_INDEX_SHIFT);
			uint64_t step = level_size(stopped < level - 1 ? stopped : level - 1);

			/* A block of the host's is live, but needs no taking down. */
			ipa = result.x[2] > ipa ? result.x[2] : align_down(ipa, step) + step;
		}
	}
}

void realm_take_down(struct rig_realm *realm)
{
	for (unsigned int n = 0; n < realm->rec_count; n++) {
		(void)rmi(RMI_REC_DESTROY, realm->recs[n].pa);
	}
	for (unsigned int n = 0; n < realm->page_count; n++) {
		(void)rmi(RMI_DATA_DESTROY, realm->rd, realm->pages[n]);
	}
	for (unsigned int n = 0; n < realm->unprotected_count; n++) {
		(void)rmi(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, realm->unprotected[n].ipa,
			  (uint64_t)realm->unprotected[n].level);
	}
	for (unsigned int n = realm->table_count; n-- > 0U;) {
		(void)rmi(RMI_RTT_DESTROY, realm->rd, realm->tables[n].ipa,
			  (uint64_t)realm->tables[n].level);
	}
	if (rmi_status(RMI_REALM_DESTROY, realm->rd) == RMI_ERROR_REALM) {
		sweep_pages(realm);
		sweep_tables(realm);
		(void)rmi(RMI_REALM_DESTROY, realm->rd);
	}
}

void realms_reset(void)
{
	while (realm_count > 0U) {
		realm_take_down(&realms[--realm_count]);
	}
}
