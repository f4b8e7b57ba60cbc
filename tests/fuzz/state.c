/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What there was before the command. */
static struct {
	uint8_t states[GRANULES];
	bool is_realm[POOL_SIZE];
	_Alignas(16) uint8_t pages[POOL_SIZE][GRANULE_SIZE];
} was;

/* How granules change state, and by which command. */
static const struct {
	enum granule_state from;
	enum granule_state to;
	uint64_t fid;
} transitions[] = {
	{ GRANULE_UNDELEGATED, GRANULE_DELEGATED, RMI_GRANULE_DELEGATE },
	{ GRANULE_DELEGATED, GRANULE_UNDELEGATED, RMI_GRANULE_UNDELEGATE },
	{ GRANULE_DELEGATED, GRANULE_RD, RMI_REALM_CREATE },
	{ GRANULE_DELEGATED, GRANULE_RTT, RMI_REALM_CREATE },
	{ GRANULE_RD, GRANULE_DELEGATED, RMI_REALM_DESTROY },
	{ GRANULE_RTT, GRANULE_DELEGATED, RMI_REALM_DESTROY },
	{ GRANULE_DELEGATED, GRANULE_REC, RMI_REC_CREATE },
	{ GRANULE_DELEGATED, GRANULE_REC_AUX, RMI_REC_CREATE },
	{ GRANULE_REC, GRANULE_DELEGATED, RMI_REC_DESTROY },
	{ GRANULE_REC_AUX, GRANULE_DELEGATED, RMI_REC_DESTROY },
	{ GRANULE_DELEGATED, GRANULE_RTT, RMI_RTT_CREATE },
	{ GRANULE_RTT, GRANULE_DELEGATED, RMI_RTT_DESTROY },
	{ GRANULE_RTT, GRANULE_DELEGATED, RMI_RTT_FOLD },
	{ GRANULE_DELEGATED, GRANULE_DATA, RMI_DATA_CREATE },
	{ GRANULE_DELEGATED, GRANULE_DATA, RMI_DATA_CREATE_UNKNOWN },
	{ GRANULE_DATA, GRANULE_DELEGATED, RMI_DATA_DESTROY },
};

/* Which command may write to a granule that keeps its state. */
static const struct {
	enum granule_state state;
	uint64_t fid;
} writers[] = {
	{ GRANULE_RD, RMI_REALM_ACTIVATE },
	{ GRANULE_RD, RMI_DATA_CREATE },
	{ GRANULE_RD, RMI_RTT_INIT_RIPAS },
	{ GRANULE_RD, RMI_REC_CREATE },
	{ GRANULE_RD, RMI_REC_DESTROY },
	{ GRANULE_RD, RMI_REC_ENTER },
	{ GRANULE_REC, RMI_REC_ENTER },
	{ GRANULE_REC, RMI_PSCI_COMPLETE },
	{ GRANULE_REC, RMI_RTT_SET_RIPAS },
	{ GRANULE_REC_AUX, RMI_REC_ENTER },
	{ GRANULE_DATA, RMI_REC_ENTER },
	{ GRANULE_RTT, RMI_DATA_CREATE },
	{ GRANULE_RTT, RMI_DATA_CREATE_UNKNOWN },
	{ GRANULE_RTT, RMI_DATA_DESTROY },
	{ GRANULE_RTT, RMI_RTT_CREATE },
	{ GRANULE_RTT, RMI_RTT_DESTROY },
	{ GRANULE_RTT, RMI_RTT_FOLD },
	{ GRANULE_RTT, RMI_RTT_MAP_UNPROTECTED },
	{ GRANULE_RTT, RMI_RTT_UNMAP_UNPROTECTED },
	{ GRANULE_RTT, RMI_RTT_INIT_RIPAS },
	{ GRANULE_RTT, RMI_RTT_SET_RIPAS },
};

static uint64_t pa_of(size_t granule)
{
	return FAKE_DRAM_BASE + granule * GRANULE_SIZE;
}

static size_t granule_of(uint64_t pa)
{
	return (pa - FAKE_DRAM_BASE) / GRANULE_SIZE;
}

static uint64_t command_of(uint64_t x0)
{
	return (uint32_t)x0 & ~(uint64_t)SMCCC_FID_SVE_HINT;
}

void state_begin(void)
{
	granules_copy(was.states);
	for (size_t n = 0; n < POOL_SIZE; n++) {
		was.is_realm[n] = fake_is_realm(pool_pa(n));
		memcpy(was.pages[n], fake_memory(pool_pa(n)), GRANULE_SIZE);
	}
}

static void check_status(const uint64_t x[RMI_ARGUMENTS], const struct smc_regs *after)
{
	uint64_t status = after->x[0] & 0xFFU;
	uint64_t index = after->x[0] >> RMI_RESULT_INDEX_SHIFT;

	if (after->x[0] == (uint64_t)SMCCC_NOT_SUPPORTED) {
		MUST(command_of(x[0]) < RMI_VERSION || command_of(x[0]) > RMI_RTT_SET_RIPAS,
		     "0x%lx is not supported", x[0]);
		return;
	}
	MUST(after->x[0] >> 16 == 0U && status <= RMI_ERROR_RTT, "status 0x%lx", after->x[0]);
	MUST(status == RMI_ERROR_RTT	 ? index <= RTT_LEVEL_LAST
	     : status == RMI_ERROR_REALM ? index <= 1U
					 : index == 0U,
	     "status 0x%lx", after->x[0]);
}

static bool may_change_state(uint64_t fid, uint8_t from, uint8_t to)
{
	for (size_t n = 0; n < COUNT(transitions); n++) {
		if (transitions[n].fid == fid && transitions[n].from == from &&
		    transitions[n].to == to) {
			return true;
		}
	}
	return false;
}

static bool may_write(uint64_t fid, enum granule_state state)
{
	for (size_t n = 0; n < COUNT(writers); n++) {
		if (writers[n].fid == fid && writers[n].state == state) {
			return true;
		}
	}
	return false;
}

/* Whether the page that changed is the one that RMI_REC_ENTER answers in, and only there. */
static bool is_answer(const uint64_t x[RMI_ARGUMENTS], size_t n)
{
	return command_of(x[0]) == RMI_REC_ENTER && x[2] == pool_pa(n) &&
	       memcmp(was.pages[n], fake_memory(x[2]), sizeof(struct rmi_rec_enter)) == 0;
}

/* Whether a command that succeeded goes into the RIM of this realm. */
static bool is_measured(const uint64_t x[RMI_ARGUMENTS], uint64_t rd)
{
	uint64_t fid = command_of(x[0]);

	if (x[1] != rd) {
		return false;
	}
	if (fid == RMI_REC_CREATE) {
		return (((struct rmi_rec_params *)fake_memory(x[3]))->flags &
			RMI_REC_CREATE_RUNNABLE_MASK) != 0U;
	}
	return fid == RMI_DATA_CREATE || fid == RMI_RTT_INIT_RIPAS;
}

static void check_realm(const uint64_t x[RMI_ARGUMENTS], uint64_t rd, const struct realm *before)
{
	const struct realm *after = fake_memory(rd);
	uint64_t fid = command_of(x[0]);
	size_t rim_size = sizeof(before->measurement[0]);
	bool moved = memcmp(before->measurement, after->measurement, rim_size) != 0;
	bool extended = memcmp(&before->measurement[1], &after->measurement[1],
			       sizeof(before->measurement) - rim_size) != 0;

	MUST(moved == is_measured(x, rd), "0x%lx and the RIM: moved is %d", fid, moved);
	MUST(!moved || before->state == REALM_NEW, "0x%lx moved the RIM of a final realm", fid);
	MUST(!extended || fid == RMI_REC_ENTER, "0x%lx extended a REM", fid);
	MUST(before->state == after->state ||
		     (fid == RMI_REALM_ACTIVATE && x[1] == rd && before->state == REALM_NEW) ||
		     (fid == RMI_REC_ENTER && after->state == REALM_SYSTEM_OFF),
	     "0x%lx took a realm from state %u to %u", fid, before->state, after->state);
}

/* What changed, page by page; true if anything did. */
static bool check_changes(const uint64_t x[RMI_ARGUMENTS], bool succeeded,
			  const uint8_t states[GRANULES])
{
	uint64_t fid = command_of(x[0]);
	bool changed = false;

	for (size_t n = 0; n < GRANULES; n++) {
		if (states[n] != was.states[n]) {
			MUST(succeeded && may_change_state(fid, was.states[n], states[n]),
			     "0x%lx took granule 0x%lx from state %u to %u", fid, pa_of(n),
			     was.states[n], states[n]);
			changed = true;
		}
	}
	for (size_t n = 0; n < POOL_SIZE; n++) {
		size_t granule = granule_of(pool_pa(n));
		uint8_t state = states[granule];

		if (memcmp(was.pages[n], fake_memory(pool_pa(n)), GRANULE_SIZE) == 0) {
			continue;
		}
		MUST(succeeded, "0x%lx failed, and changed 0x%lx", fid, pool_pa(n));
		MUST(state != was.states[granule] || is_answer(x, n) || may_write(fid, state),
		     "0x%lx wrote to 0x%lx in state %u", fid, pool_pa(n), state);
		changed = true;
	}
	return changed;
}

static void check_rec(const struct rec *rec, uint64_t pa, uint8_t owners[GRANULES])
{
	const struct realm *realm;

	MUST(granules_state(rec->rd.value) == GRANULE_RD, "REC 0x%lx has no realm", pa);
	for (uint32_t n = 0; n < rec->aux_count; n++) {
		uint64_t aux = rec->aux[n].value;

		MUST(granules_state(aux) == GRANULE_REC_AUX, "REC 0x%lx has no aux", pa);
		owners[granule_of(aux)]++;
	}
	realm = fake_memory(rec->rd.value);
	MUST(!rec->running, "REC 0x%lx runs on", pa);
	MUST(rec->index < realm->rec_count, "REC 0x%lx has index %u", pa, rec->index);
	MUST(memcmp(&rec->s2, &realm->s2, sizeof(rec->s2)) == 0, "REC 0x%lx has other tables", pa);
	MUST(rec->pending <= REC_PENDING_SEA, "REC 0x%lx is in a state of %u", pa, rec->pending);
	MUST((rec->pstate & (SPSR_AARCH32 | SPSR_MODE_MASK)) <= SPSR_EL1H, "REC 0x%lx at EL2", pa);
}

static unsigned int count_recs(uint64_t rd)
{
	unsigned int count = 0;

	for (size_t n = 0; n < POOL_SIZE; n++) {
		const struct rec *rec = fake_memory(pool_pa(n));

		if (granules_state(pool_pa(n)) == GRANULE_REC && rec->rd.value == rd) {
			count++;
		}
	}
	return count;
}

static void check_granule(uint64_t pa, uint8_t owners[GRANULES])
{
	static const uint8_t zeros[GRANULE_SIZE];
	const struct realm *realm = fake_memory(pa);

	switch (granules_state(pa)) {
	case GRANULE_RD:
		MUST(realm->rec_live == count_recs(pa), "realm 0x%lx counts %u RECs", pa,
		     realm->rec_live);
		tables_check(realm, owners);
		break;
	case GRANULE_REC:
		check_rec(fake_memory(pa), pa, owners);
		break;
	case GRANULE_DELEGATED:
		MUST(memcmp(fake_memory(pa), zeros, GRANULE_SIZE) == 0, "0x%lx is not wiped", pa);
		break;
	case GRANULE_UNDELEGATED:
	case GRANULE_REC_AUX:
	case GRANULE_RTT:
	case GRANULE_DATA:
	default:
		break;
	}
}

static void check_everything(const uint8_t states[GRANULES])
{
	static uint8_t owners[GRANULES];

	memset(owners, 0, sizeof(owners));
	for (size_t n = 0; n < POOL_SIZE; n++) {
		check_granule(pool_pa(n), owners);
	}
	for (size_t n = 0; n < GRANULES; n++) {
		uint8_t state = states[n];
		bool is_owned =
			state == GRANULE_RTT || state == GRANULE_DATA || state == GRANULE_REC_AUX;

		MUST(owners[n] == (is_owned ? 1U : 0U), "granule 0x%lx in state %u has %u owners",
		     pa_of(n), state, owners[n]);
		MUST(fake_is_realm(pa_of(n)) == (state != GRANULE_UNDELEGATED),
		     "granule 0x%lx in state %u is in the wrong world", pa_of(n), state);
	}
}

void state_check(const uint64_t x[RMI_ARGUMENTS], const struct smc_regs *after)
{
	static uint8_t states[GRANULES];

	granules_copy(states);
	for (size_t n = 0; n < GRANULES; n++) {
		MUST(states[n] <= GRANULE_DATA, "0x%lx left 0x%lx locked", x[0], pa_of(n));
	}
	check_status(x, after);
	for (size_t n = RMI_RESULTS; n < COUNT(after->x); n++) {
		MUST(after->x[n] == (n < RMI_ARGUMENTS ? x[n] : 0U), "X%zu is not preserved", n);
	}
	if (!check_changes(x, after->x[0] == RMI_SUCCESS, states)) {
		return;
	}
	for (size_t n = 0; n < POOL_SIZE; n++) {
		uint64_t pa = pool_pa(n);

		if (states[granule_of(pa)] == GRANULE_RD &&
		    was.states[granule_of(pa)] == GRANULE_RD) {
			check_realm(x, pa, (const struct realm *)(const void *)was.pages[n]);
		}
	}
	check_everything(states);
}
