/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <abi/rmi.h>
#include <abi/syndrome.h>
#include <arch/fake.h>

#include "exits.h"
#include "gic.h"
#include "monitor_fixture.h"
#include "pool.h"
#include "probe.h"

#define FIRST_PAGE UINT64_C(0x90000000)
#define RD	   UINT64_C(0x80000000)
#define REC	   UINT64_C(0x80001000)

struct fake_rmm fake_rmm;
unsigned int fake_pool_lent;
unsigned int fake_pool_left;
uint32_t fake_kicked;
bool fake_probe;
struct realm fake_realm;

static struct realm_config config;
static struct rmi_rec_run runs[FAKE_VCPUS];

bool pool_take(struct pa *page)
{
	if (fake_pool_left == 0U) {
		return false;
	}
	fake_pool_left--;
	page->value = FIRST_PAGE + PAGE_SIZE * (uint64_t)fake_pool_lent++;
	return true;
}

bool pool_take_contiguous(size_t count, struct pa *base)
{
	(void)count;
	(void)base;
	return false;
}

void pool_give_back(struct pa page)
{
	(void)page;
	fake_pool_lent--;
	fake_pool_left++;
}

void gic_kick(unsigned int pe)
{
	fake_kicked |= 1U << pe;
}

bool probe_is_enabled(void)
{
	return fake_probe;
}

void probe_returned_page(struct pa page)
{
	(void)page;
}

static uint64_t rtt_error(uint64_t level)
{
	return RMI_ERROR_RTT | level << RMI_RESULT_INDEX_SHIFT;
}

/* The first page from `page` on that is populated, or the end of the table. */
static uint64_t next_live(uint64_t page)
{
	uint64_t end = (page / 512U + 1U) * 512U;

	while (page < end && !fake_rmm.assigned[page]) {
		page++;
	}
	return REALM_RAM_BASE + page * PAGE_SIZE;
}

static uint64_t data_create(uint64_t page)
{
	if (!fake_rmm.has_table[page / 512U]) {
		return rtt_error(2);
	}
	if (fake_rmm.assigned[page]) {
		return rtt_error(3);
	}
	fake_rmm.assigned[page] = true;
	return RMI_SUCCESS;
}

static uint64_t data_destroy(uint64_t page, struct smc_regs *regs)
{
	bool was_assigned = fake_rmm.assigned[page];

	regs->x[1] = FIRST_PAGE;
	if (!fake_rmm.has_table[page / 512U]) {
		regs->x[2] = REALM_RAM_BASE + (page / 512U + 1U) * BLOCK_SIZE;
		return rtt_error(2);
	}
	fake_rmm.assigned[page] = false;
	if (was_assigned && fake_rmm.ripas[page] == RMI_RIPAS_RAM) {
		fake_rmm.ripas[page] = RMI_RIPAS_DESTROYED;
	}
	regs->x[2] = next_live(page);
	return was_assigned ? RMI_SUCCESS : rtt_error(3);
}

static uint64_t set_ripas(const struct smc_regs *in, struct smc_regs *regs)
{
	uint64_t base = (in->x[3] - REALM_RAM_BASE) / PAGE_SIZE;
	uint64_t top = (in->x[4] - REALM_RAM_BASE) / PAGE_SIZE;
	uint64_t end = (base / 512U + 1U) * 512U;
	bool has_table = fake_rmm.has_table[base / 512U];

	if (!has_table && (base % 512U != 0U || top < end)) {
		return rtt_error(2);
	}
	end = top < end ? top : end;
	for (uint64_t page = base; page < end; page++) {
		if (fake_rmm.ripas[page] == RMI_RIPAS_DESTROYED) {
			end = page;
			break;
		}
		fake_rmm.ripas[page] = fake_run()->exit.ripas_value;
	}
	regs->x[1] = REALM_RAM_BASE + end * PAGE_SIZE;
	return end > base ? RMI_SUCCESS : rtt_error(3);
}

static uint64_t map_unprotected(uint64_t page, uint64_t level)
{
	if (level == 2U) {
		if (fake_rmm.shared_table[page / 512U] || fake_rmm.shared_block[page / 512U]) {
			return rtt_error(2);
		}
		fake_rmm.shared_block[page / 512U] = true;
		return RMI_SUCCESS;
	}
	if (!fake_rmm.shared_table[page / 512U]) {
		return rtt_error(2);
	}
	fake_rmm.shared_page[page] = true;
	return RMI_SUCCESS;
}

static uint64_t read_entry(uint64_t page, struct smc_regs *regs)
{
	regs->x[1] = fake_rmm.has_table[page / 512U] ? 3U : 2U;
	regs->x[2] = fake_rmm.assigned[page] ? RMI_ASSIGNED : RMI_UNASSIGNED;
	regs->x[3] = 0;
	regs->x[4] = fake_rmm.ripas[page];
	return RMI_SUCCESS;
}

/* The page of RAM that an IPA names, whichever half it is in. */
static uint64_t page_at(uint64_t ipa)
{
	uint64_t offset = (ipa & ~(uint64_t)REALM_SHARED_BIT) - REALM_RAM_BASE;

	if (offset >= FAKE_RAM_SIZE) {
		abort();
	}
	return offset / PAGE_SIZE;
}

static uint64_t answer(struct smc_regs *regs)
{
	const struct smc_regs in = *regs;

	switch (in.x[0]) {
	case RMI_GRANULE_DELEGATE:
		fake_rmm.delegated++;
		return RMI_SUCCESS;
	case RMI_GRANULE_UNDELEGATE:
		fake_rmm.delegated--;
		return RMI_SUCCESS;
	case RMI_DATA_CREATE_UNKNOWN:
		return data_create(page_at(in.x[3]));
	case RMI_DATA_DESTROY:
		return data_destroy(page_at(in.x[2]), regs);
	case RMI_RTT_CREATE:
		if (fake_rmm.has_table[page_at(in.x[3]) / 512U]) {
			return rtt_error(2);
		}
		fake_rmm.has_table[page_at(in.x[3]) / 512U] = true;
		return RMI_SUCCESS;
	case RMI_RTT_READ_ENTRY:
		return read_entry(page_at(in.x[2]), regs);
	case RMI_RTT_SET_RIPAS:
		return set_ripas(&in, regs);
	case RMI_RTT_MAP_UNPROTECTED:
		return map_unprotected(page_at(in.x[2]), in.x[3]);
	case RMI_PSCI_COMPLETE:
		fake_rmm.psci_target = in.x[2];
		return RMI_SUCCESS;
	default:
		return UINT64_MAX;
	}
}

static void on_smc(struct smc_regs *regs)
{
	fake_rmm.calls++;
	regs->x[0] = fake_rmm.refuse_with != 0U ? fake_rmm.refuse_with : answer(regs);
}

void fake_start(void)
{
	memset(&fake_rmm, 0, sizeof(fake_rmm));
	memset(fake_rmm.ripas, RMI_RIPAS_RAM, sizeof(fake_rmm.ripas));
	memset(&fake_realm, 0, sizeof(fake_realm));
	memset(runs, 0, sizeof(runs));
	fake_pool_lent = 0;
	fake_pool_left = UINT32_MAX;
	fake_kicked = 0;
	fake_probe = false;
	fake_smc_hook = on_smc;
	config = (struct realm_config){
		.name = "fake",
		.vcpu_count = FAKE_VCPUS,
		.first_pe = 1,
		.ram_size = FAKE_RAM_SIZE,
		.window_base = MONITOR_WINDOW_BASE,
	};
	realm_init(&fake_realm, 0, &config, 4);
	fake_realm.rd = pa_make(RD);
	fake_realm.vcpu_count = FAKE_VCPUS;
	for (unsigned int n = 0; n < FAKE_VCPUS; n++) {
		fake_realm.vcpus[n].realm = &fake_realm;
		fake_realm.vcpus[n].index = n;
		fake_realm.vcpus[n].rec = pa_make(REC + n * PAGE_SIZE);
		fake_realm.vcpus[n].run = &runs[n];
	}
}

void fake_exit(uint8_t reason)
{
	fake_run()->exit.exit_reason = reason;
	exits_handle(&fake_realm.vcpus[0]);
}

void fake_abort(uint64_t ipa, uint64_t esr)
{
	fake_run()->exit.esr = esr;
	fake_run()->exit.hpfar = ipa >> GRANULE_SHIFT << HPFAR_FIPA_SHIFT;
	fake_run()->exit.far = ipa & EXIT_FAR_OFFSET_MASK;
	fake_exit(RMI_EXIT_SYNC);
}
