/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the host that a command reads or writes, taken from it meanwhile by another PE. */
#include <stddef.h>

#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "duel.h"
#include "granules.h"
#include "probe.h"
#include "realm.h"
#include "rim.h"
#include "space.h"
#include "tap.h"

#define ATTEMPTS   1500U
#define PATIENCE   UINT64_C(20000000000) /* ticks of 1 ns */
#define PAGES	   UINT64_C(0x200000)	 /* of the case, behind the hand's */
#define PAGES_END  (PAGES + 3U * BLOCK_SIZE)
#define RECS_LIMIT 200U

static uint64_t page; /* what the command is given, and what it should hold */
static uint64_t content[GRANULE_SIZE / sizeof(uint64_t)];
static uint64_t lost; /* changes of the page that the RMM refused, which should be none */
static unsigned int accepted;
static unsigned int refused;
static unsigned int wrong;

/* The RMM wipes what it gives back: for a while the page holds a part of the content. */
static void take_and_give_back(void)
{
	bool taken = rmi_status(RMI_GRANULE_DELEGATE, page) == RMI_SUCCESS;

	if (!taken || rmi_status(RMI_GRANULE_UNDELEGATE, page) != RMI_SUCCESS) {
		lost++;
	}
	memcpy((void *)(uintptr_t)page, content, sizeof(content));
}

static bool goes_on(unsigned int attempts, unsigned int limit, uint64_t start)
{
	uint64_t elapsed = read_sysreg(CNTPCT_EL0) - start;
	bool both = accepted != 0U && refused != 0U;

	return accepted < limit && (attempts < ATTEMPTS || !both) && elapsed < PATIENCE;
}

/* Makes the call, until it succeeded `limit` times, while its page comes and goes. */
static void storm(const void *at, uint64_t (*attempt)(void), unsigned int limit)
{
	uint64_t start = read_sysreg(CNTPCT_EL0);

	page = (uintptr_t)at;
	memcpy(content, at, sizeof(content));
	lost = 0;
	accepted = 0;
	refused = 0;
	wrong = 0;
	duel_rage(take_and_give_back);
	for (unsigned int n = 0; goes_on(n, limit, start); n++) {
		uint64_t status = attempt();

		if (status == RMI_SUCCESS) {
			accepted++;
		} else if (status == RMI_ERROR_INPUT) {
			refused++;
		} else {
			tap_note("0x%lx", (unsigned long)status);
			wrong++;
		}
	}
	(void)duel_calm();
	EXPECT_EQ(lost, 0);
	EXPECT_EQ(wrong, 0);
	EXPECT(accepted != 0U);
	EXPECT(refused != 0U);
}

static struct rig_realm *realm;
static struct rig_rec *rec;

static uint64_t create_realm(void)
{
	uint64_t status = realm_create(realm);

	if (status == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, realm->rd), RMI_SUCCESS);
	}
	return status;
}

CASE(the_parameters_of_a_realm_are_taken_while_they_are_read, "RACE.realm_params")
{
	realm = realm_prepare();
	storm(realm->params, create_realm, UINT32_MAX);
	EXPECT(granule_is_delegated(realm->rd));
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

/* The next is of another MPIDR, whether or not the other PE copies the content just now. */
static uint64_t create_rec(void)
{
	uint64_t status = rec_create(rec);

	if (status == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_REC_DESTROY, rec->pa), RMI_SUCCESS);
		__atomic_store_n(
			&content[offsetof(struct rmi_rec_params, mpidr) / sizeof(uint64_t)],
			rec_mpidr(accepted + 1U), __ATOMIC_RELEASE);
	}
	return status;
}

CASE(the_parameters_of_a_rec_are_taken_while_they_are_read, "RACE.rec_params")
{
	realm = realm_make();
	rec = rec_prepare(realm, 0, true);
	storm(rec->params, create_rec, RECS_LIMIT);
	rec->params->mpidr = rec_mpidr(accepted);
	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
}

static uint64_t enter(void)
{
	return rec_enter(rec);
}

/* Each entry exits at once: there is RAM but no page. */
CASE(the_run_structure_is_taken_while_the_rec_runs, "RACE.run REC_ENTER.run_taken")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, false), RMI_SUCCESS);
	rec = rec_prepare(realm, 0, true);
	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	storm(rec->run, enter, UINT32_MAX);
	EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
}

static uint64_t data;
static uint64_t source;
static uint64_t next_ipa;

static uint64_t create_data(void)
{
	uint64_t status =
		rmi_status(RMI_DATA_CREATE, realm->rd, data, next_ipa, source, RMI_DATA_NO_MEASURE);

	if (status == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, next_ipa), RMI_SUCCESS);
		next_ipa += GRANULE_SIZE;
	}
	return status;
}

static void prepare_pages(struct rig_realm *of)
{
	realm = of;
	data = granule_take_delegated();
	source = granule_take();
	next_ipa = PAGES;
	EXPECT_EQ(realm_ram(realm, PAGES, PAGES_END, true), RMI_SUCCESS);
}

static void build_in_storm(struct rig_realm *of)
{
	prepare_pages(of);
	storm((const void *)(uintptr_t)source, create_data,
	      (unsigned int)((PAGES_END - PAGES) / GRANULE_SIZE));
}

static void build_in_calm(struct rig_realm *of)
{
	prepare_pages(of);
	for (unsigned int n = 0; n < accepted; n++) {
		EXPECT_EQ(create_data(), RMI_SUCCESS);
	}
}

/* What failed is not in the measurement, and the granule is as it was. */
CASE(the_content_of_a_page_is_taken_while_it_is_read, "RACE.data_source")
{
	struct rim stormy = rim_of(NULL, build_in_storm);
	struct rim calm;

	EXPECT(granule_comes_back_wiped(data));
	calm = rim_of(NULL, build_in_calm);
	EXPECT(rim_equal(stormy, calm));
}
