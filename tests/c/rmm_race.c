/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two PEs in the same tables at once. The RMM stops with a failed check if one of them finds a
 * granule in a state that does not fit the entry that led there.
 */
#include <pthread.h>

#include "rmm_fixture.h"

#define ROUNDS	      100000U
#define ROUNDS_HASHED 5000U

/* What one PE calls, in turn, with registers of its own: the fixture's are shared. */
struct program {
	struct smc_regs calls[8];
	size_t count;
	unsigned int rounds;
};

static void *run(void *argument)
{
	const struct program *program = argument;

	for (unsigned int n = 0; n < program->rounds; n++) {
		struct smc_regs own = program->calls[n % program->count];

		rmi_handle(&own);
	}
	return NULL;
}

/* Runs both programs at once; false if there are no threads. */
static bool run_both(struct program *first, struct program *second)
{
	pthread_t other;

	if (pthread_create(&other, NULL, run, second) != 0) {
		return false;
	}
	run(first);
	return pthread_join(other, NULL) == 0;
}

static void walks_while_a_table_comes_and_goes(void)
{
	struct program maker = {
		.calls = { { .x = { RMI_RTT_CREATE, RD, TABLE, IPA_RAM, 3 } },
			   { .x = { RMI_RTT_FOLD, RD, IPA_RAM, 3 } } },
		.count = 2,
		.rounds = ROUNDS,
	};
	struct program walker = {
		.calls = { { .x = { RMI_RTT_READ_ENTRY, RD, IPA_RAM, 3 } } },
		.count = 1,
		.rounds = ROUNDS,
	};

	start_realm();
	EXPECT(run_both(&maker, &walker));
	EXPECT_EQ(entry_ripas(IPA_RAM, 2), RMI_RIPAS_EMPTY);
}

static void data_is_destroyed_as_it_is_made(void)
{
	struct program maker = {
		.calls = { { .x = { RMI_DATA_CREATE_UNKNOWN, RD, DATA, IPA_RAM } } },
		.count = 1,
		.rounds = ROUNDS,
	};
	struct program destroyer = {
		.calls = { { .x = { RMI_DATA_DESTROY, RD, IPA_RAM } } },
		.count = 1,
		.rounds = ROUNDS,
	};

	start_realm();
	EXPECT_EQ(rmi(RMI_RTT_CREATE, RD, TABLE, IPA_RAM, 3, 0), RMI_SUCCESS);
	EXPECT(run_both(&maker, &destroyer));
	(void)rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0);
	EXPECT(granule_is(pa_make(DATA), GRANULE_DELEGATED));
}

static void measured_data_is_destroyed_as_it_is_made(void)
{
	struct program maker = {
		.calls = { { .x = { RMI_DATA_CREATE, RD, DATA, IPA_RAM, SOURCE,
				    RMI_DATA_NO_MEASURE } } },
		.count = 1,
		.rounds = ROUNDS,
	};
	struct program destroyer = {
		.calls = { { .x = { RMI_DATA_DESTROY, RD, IPA_RAM } } },
		.count = 1,
		.rounds = ROUNDS,
	};

	start_realm();
	EXPECT_EQ(rmi(RMI_RTT_CREATE, RD, TABLE, IPA_RAM, 3, 0), RMI_SUCCESS);
	EXPECT(run_both(&maker, &destroyer));
	(void)rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0);
	EXPECT(granule_is(pa_make(DATA), GRANULE_DELEGATED));
}

static void a_realm_comes_and_goes_while_its_tables_are_used(void)
{
	struct program maker = {
		.calls = { { .x = { RMI_REALM_DESTROY, RD } },
			   { .x = { RMI_REALM_CREATE, RD, PARAMS } } },
		.count = 2,
		.rounds = ROUNDS_HASHED,
	};
	struct program user = {
		.calls = { { .x = { RMI_RTT_CREATE, RD, TABLE, IPA_RAM, 3 } },
			   { .x = { RMI_DATA_CREATE_UNKNOWN, RD, DATA, IPA_RAM } },
			   { .x = { RMI_DATA_DESTROY, RD, IPA_RAM } },
			   { .x = { RMI_RTT_MAP_UNPROTECTED, RD, IPA_SHARED, 2, DATA } },
			   { .x = { RMI_RTT_READ_ENTRY, RD, IPA_RAM, 3 } },
			   { .x = { RMI_RTT_UNMAP_UNPROTECTED, RD, IPA_SHARED, 2 } },
			   { .x = { RMI_RTT_DESTROY, RD, IPA_RAM, 3 } } },
		.count = 7,
		.rounds = ROUNDS,
	};

	start_realm();
	EXPECT(run_both(&maker, &user));
	(void)rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0);
	(void)rmi(RMI_RTT_DESTROY, RD, IPA_RAM, 3, 0, 0);
	(void)rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0);
	for (uint64_t pa = ROOTS; pa < ROOTS + ROOT_COUNT * GRANULE_SIZE; pa += GRANULE_SIZE) {
		EXPECT(granule_is(pa_make(pa), GRANULE_DELEGATED));
	}
	EXPECT(granule_is(pa_make(RD), GRANULE_DELEGATED));
	EXPECT(granule_is(pa_make(TABLE), GRANULE_DELEGATED));
	EXPECT(granule_is(pa_make(DATA), GRANULE_DELEGATED));
}

static const struct tap_case cases[] = {
	TAP_CASE(walks_while_a_table_comes_and_goes),
	TAP_CASE(data_is_destroyed_as_it_is_made),
	TAP_CASE(measured_data_is_destroyed_as_it_is_made),
	TAP_CASE(a_realm_comes_and_goes_while_its_tables_are_used),
};

TAP_MAIN(cases)
