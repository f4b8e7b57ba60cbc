/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RD2	     PAGE(19)
#define REC3	     PAGE(20)
#define ROOTS2	     PAGE(32)

/*
 * A command and where its arguments come from, by letter: g granule, r RD, c REC, p parameters,
 * u run page, s source, i IPA, l level, f flag, d descriptor, n number, S PSCI status, and the
 * base B and top T of the RIPAS change that a realm asked for.
 */
struct command {
	uint64_t fid;
	const char *arguments;
};

static const struct command commands[] = {
	{ RMI_VERSION, "n" },
	{ RMI_FEATURES, "n" },
	{ RMI_GRANULE_DELEGATE, "g" },
	{ RMI_GRANULE_DELEGATE, "g" },
	{ RMI_GRANULE_UNDELEGATE, "g" },
	{ RMI_DATA_CREATE, "rgisf" },
	{ RMI_DATA_CREATE_UNKNOWN, "rgi" },
	{ RMI_DATA_DESTROY, "ri" },
	{ RMI_REALM_ACTIVATE, "r" },
	{ RMI_REALM_CREATE, "rp" },
	{ RMI_REALM_DESTROY, "r" },
	{ RMI_REC_AUX_COUNT, "r" },
	{ RMI_REC_CREATE, "rcp" },
	{ RMI_REC_DESTROY, "c" },
	{ RMI_REC_ENTER, "cu" },
	{ RMI_REC_ENTER, "cu" },
	{ RMI_REC_ENTER, "cu" },
	{ RMI_REC_ENTER, "cu" },
	{ RMI_RTT_CREATE, "rgil" },
	{ RMI_RTT_CREATE, "rgil" },
	{ RMI_RTT_DESTROY, "ril" },
	{ RMI_RTT_FOLD, "ril" },
	{ RMI_RTT_READ_ENTRY, "ril" },
	{ RMI_RTT_MAP_UNPROTECTED, "rild" },
	{ RMI_RTT_UNMAP_UNPROTECTED, "ril" },
	{ RMI_RTT_INIT_RIPAS, "rii" },
	{ RMI_RTT_SET_RIPAS, "rcBT" },
	{ RMI_RTT_SET_RIPAS, "rcBT" },
	{ RMI_PSCI_COMPLETE, "ccS" },
	{ RMI_FID_LAST, "n" },
	{ 0, "n" },
};

/* What the last command returned in X1: where a RIPAS change goes on. */
static uint64_t last_x1;

static uint64_t mostly(const uint64_t *usual, size_t count)
{
	uint8_t which = input_byte();

	return which < 0xE0U ? usual[which % count] : input_pa();
}

static uint64_t descriptor(void)
{
	static const uint64_t addresses[] = { DATA, UNUSED, 0, UINT64_C(1) << 30,
					      UINT64_C(1) << 39 };
	uint64_t address = addresses[input_byte() % COUNT(addresses)];
	uint8_t bits = input_byte();

	if (bits == UINT8_MAX) {
		return input_number();
	}
	return address | (bits & 0x3CU) | (bits & 3U) << 6;
}

static uint64_t argument(char kind)
{
	static const uint64_t rds[] = { RD, RD, RD, RD2 };
	static const uint64_t recs[] = { REC, REC, REC2, REC3 };
	static const uint64_t pages[] = { RUN, RUN, RUN, PAGE(3) };
	static const uint64_t sources[] = { SOURCE };
	static const int64_t statuses[] = { PSCI_SUCCESS, PSCI_DENIED, PSCI_ALREADY_ON, 1 };
	uint8_t which;

	switch (kind) {
	case 'g':
		return input_pa();
	case 'r':
		return mostly(rds, COUNT(rds));
	case 'c':
		return mostly(recs, COUNT(recs));
	case 'u':
		return mostly(pages, COUNT(pages));
	case 's':
		return mostly(sources, COUNT(sources));
	case 'p':
		return input_byte() < 0xF8U ? PARAMS : input_pa();
	case 'i':
		return input_ipa();
	case 'l':
		return (uint64_t)input_level();
	case 'f':
		return input_byte() % 3U;
	case 'd':
		return descriptor();
	case 'S':
		return (uint64_t)statuses[input_byte() % COUNT(statuses)];
	case 'B':
		which = input_byte();
		return which < 0x80U ? result()->ripas_base : which < 0xE0U ? last_x1 : input_ipa();
	case 'T':
		which = input_byte();
		return which < 0xC0U ? result()->ripas_top : input_ipa();
	default:
		return input_number();
	}
}

/* One of the legal shapes, at times with something wrong. */
static void make_realm_params(void)
{
	static const struct {
		uint8_t s2sz;
		uint8_t level;
		uint8_t roots;
	} shapes[] = { { 32, 2, 4 }, { 33, 2, 8 },  { 34, 2, 16 }, { 39, 1, 1 },
		       { 40, 1, 2 }, { 43, 1, 16 }, { 48, 0, 1 } };
	static const uint64_t bases[] = { ROOTS, ROOTS2, PAGE(16), DATA };
	struct rmi_realm_params *params = realm_params();
	uint8_t shape = input_byte();
	uint8_t others = input_byte();

	params->s2sz = shapes[shape % COUNT(shapes)].s2sz;
	params->rtt_level_start = shapes[shape % COUNT(shapes)].level;
	params->rtt_num_start = shapes[shape % COUNT(shapes)].roots;
	params->hash_algo = (others & 1U) != 0U ? RMI_HASH_SHA_512 : RMI_HASH_SHA_256;
	params->vmid = 1U + (others >> 1 & 1U);
	params->rtt_base = bases[others >> 2 & 3U];
	if ((others & 0x10U) != 0U) {
		params->flags |= RMI_REALM_FLAG_SVE_MASK;
		params->sve_vl = others >> 5;
	}
	if (others >= 0xE0U) {
		((uint8_t *)params)[input_number() % sizeof(*params)] = input_byte();
	}
}

static void make_rec_params(void)
{
	static const uint64_t others_aux[] = { AUX_OF(REC), AUX_OF(REC2), PAGE(21), PAGE(22) };
	struct rmi_rec_params *params = rec_params();
	uint8_t which = input_byte();

	params->flags = which & 1U;
	params->mpidr = which >> 1 & 3U;
	params->aux[0] = others_aux[which >> 3 & 3U];
	params->aux[1] = PAGE(23);
	params->aux[2] = PAGE(28);
	params->num_aux = 1U + (which >> 5) % 3U;
	params->pc = input_ipa();
	if (which >= 0xE0U) {
		params->num_aux = input_byte();
		params->mpidr = input_number();
		params->aux[0] = input_pa();
	}
}

static void make_entry(void)
{
	struct rmi_rec_enter *enter = entry();
	uint8_t which = input_byte();

	memset(enter, 0, sizeof(*enter));
	enter->flags = which & 0x1FU;
	if (which >= 0x80U) {
		enter->gprs[0] = input_number();
		enter->gicv3_lrs[0] = input_number() | REG_FIELD(which >> 5, 62);
		enter->gicv3_lrs[1] = REG_FIELD(input_byte(), 56) | input_byte();
		enter->gicv3_hcr = (which & 0x20U) != 0U ? input_number() : 0U;
	}
}

static void call(const uint64_t x[RMI_ARGUMENTS])
{
	state_begin();
	fuzz_calls++;
	(void)rmi(x[0], x[1], x[2], x[3], x[4], x[5]);
	state_check(x, &regs);
	last_x1 = regs.x[1];
}

static void command(const struct command *command)
{
	uint64_t x[RMI_ARGUMENTS] = { command->fid };

	for (size_t n = 0; command->arguments[n] != '\0'; n++) {
		x[n + 1U] = argument(command->arguments[n]);
	}
	/* The host, too, cannot write to what it has delegated. */
	if (command->fid == RMI_REALM_CREATE && !fake_is_realm(PARAMS)) {
		make_realm_params();
	} else if (command->fid == RMI_REC_CREATE && !fake_is_realm(PARAMS)) {
		make_rec_params();
	} else if (command->fid == RMI_REC_ENTER && !fake_is_realm(RUN)) {
		make_entry();
	}
	call(x);
}

/* A table whose entries are like each other, as blocks are made of; and perhaps the block. */
static void fill(bool protected)
{
	static const uint64_t rds[] = { RD, RD, RD2 };
	uint64_t rd = rds[input_byte() % COUNT(rds)];
	uint64_t ipa = input_ipa() & ~(BLOCK - 1U);
	int64_t level = protected ? RTT_LEVEL_LAST : input_level();
	uint64_t size =
		level >= 1 && level <= RTT_LEVEL_LAST ? rtt_entry_size(level) : GRANULE_SIZE;
	uint8_t how = input_byte();
	/* At odd addresses there can be no block. */
	uint64_t ns = (how & 1U) * size;

	(void)rmi(RMI_RTT_CREATE, rd, PAGE(22), ipa, (uint64_t)level, 0);
	for (uint64_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		if (protected) {
			(void)delegate(DATA + n * GRANULE_SIZE);
			(void)rmi(RMI_DATA_CREATE_UNKNOWN, rd, DATA + n * GRANULE_SIZE,
				  ipa + n * GRANULE_SIZE, 0, 0);
		} else {
			(void)rmi(RMI_RTT_MAP_UNPROTECTED, rd, ipa + n * size, (uint64_t)level,
				  (ns + n * size) | 6U << 2 | 3U << 6, 0);
		}
	}
	if ((how & 2U) != 0U) {
		call((const uint64_t[RMI_ARGUMENTS]){ RMI_RTT_FOLD, rd, ipa, (uint64_t)level });
	}
}

void host_begin(void)
{
	switch (input_byte() % 4U) {
	case 0:
		start();
		break;
	case 1:
		start_realm();
		break;
	case 2:
		start_mapped();
		break;
	default:
		start_active();
		break;
	}
	(void)delegate(RD2);
	(void)delegate(REC3);
	(void)delegate(PAGE(21));
	(void)delegate(PAGE(22));
	(void)delegate(PAGE(23));
	(void)delegate(PAGE(28));
	fake_realm = realm_step;
	fake_signer_steps = 2;
	last_x1 = 0;
}

void host_step(void)
{
	uint8_t which = input_byte();

	if (which < 0xF0U) {
		command(&commands[which % COUNT(commands)]);
	} else if (which < 0xF6U) {
		fill(true);
	} else if (which < 0xFCU) {
		fill(false);
	} else {
		/* A page of the host's own cannot be accessed; or each can. */
		fake_ns_fault = input_byte() % 4U;
	}
}
