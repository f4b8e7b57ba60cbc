/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/el3.h>
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "manifest.h"

static bool in_buffer(uintptr_t buffer, uint64_t at, uint64_t count, uint64_t size_each)
{
	return count <= GRANULE_SIZE / size_each && is_aligned(at, sizeof(uint64_t)) &&
	       range_within(at, count * size_each, buffer, GRANULE_SIZE);
}

static uint64_t sum_words(uint64_t at, uint64_t size)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)at;
	uint64_t sum = 0;

	for (uint64_t n = 0; n < size / sizeof(*words); n++) {
		sum += words[n];
	}
	return sum;
}

static bool bank_is_legal(const struct memory_bank *bank, uint64_t not_before)
{
	uint64_t end;

	return bank->size != 0U && is_aligned(bank->base | bank->size, GRANULE_SIZE) &&
	       bank->base >= not_before && add_checked(bank->base, bank->size, &end) &&
	       end <= bit64(TRACKED_PA_BITS);
}

static int parse_dram(uintptr_t buffer, const struct el3_manifest *manifest,
		      struct memory_banks *dram)
{
	const struct el3_bank *banks = (const struct el3_bank *)(uintptr_t)manifest->banks;
	uint64_t granules = 0;
	uint64_t end = 0;

	if (manifest->num_banks == 0U || manifest->num_banks > MAX_BANKS ||
	    !in_buffer(buffer, manifest->banks, manifest->num_banks, sizeof(*banks))) {
		return EL3_BOOT_BAD_MANIFEST_DATA;
	}
	if (manifest->num_banks + manifest->banks + manifest->dram_checksum +
		    sum_words(manifest->banks, manifest->num_banks * sizeof(*banks)) !=
	    0U) {
		return EL3_BOOT_BAD_MANIFEST_DATA;
	}
	for (uint64_t n = 0; n < manifest->num_banks; n++) {
		struct memory_bank bank = { .base = banks[n].base, .size = banks[n].size };

		/* No bank has 2^52 granules, so the sum cannot wrap. */
		granules += bank.size / GRANULE_SIZE;
		if (!bank_is_legal(&bank, end) || granules > MAX_GRANULES) {
			return EL3_BOOT_BAD_MANIFEST_DATA;
		}
		end = bank.base + bank.size;
		dram->bank[n] = bank;
	}
	dram->count = manifest->num_banks;
	return EL3_BOOT_OK;
}

/*
 * TF-A 2.12 leaves `name` and `flags` out of the sum on QEMU; later versions count the whole
 * array. Either is taken. A console that fails both is not used: no reason not to boot.
 */
static uint64_t parse_console(uintptr_t buffer, const struct el3_manifest *manifest)
{
	const struct el3_console *consoles =
		(const struct el3_console *)(uintptr_t)manifest->consoles;
	uint64_t base_sum =
		manifest->num_consoles + manifest->consoles + manifest->console_checksum;
	uint64_t whole;
	uint64_t partial = base_sum;

	if (manifest->num_consoles == 0U ||
	    !in_buffer(buffer, manifest->consoles, manifest->num_consoles, sizeof(*consoles))) {
		return 0;
	}
	whole = base_sum +
		sum_words(manifest->consoles, manifest->num_consoles * sizeof(*consoles));
	for (uint64_t n = 0; n < manifest->num_consoles; n++) {
		partial += consoles[n].base + consoles[n].map_pages + consoles[n].clk_in_hz +
			   consoles[n].baud_rate;
	}
	if ((whole != 0U && partial != 0U) || memcmp(consoles[0].name, "pl011", 6) != 0 ||
	    !is_aligned(consoles[0].base, GRANULE_SIZE) ||
	    consoles[0].base >= bit64(TRACKED_PA_BITS)) {
		return 0;
	}
	return consoles[0].base;
}

int manifest_parse(uintptr_t buffer, struct boot_info *info)
{
	const struct el3_manifest *manifest = (const struct el3_manifest *)buffer;
	uint64_t version;

	if (buffer == 0U || !is_aligned(buffer, GRANULE_SIZE)) {
		return EL3_BOOT_BAD_SHARED_BUFFER;
	}
	version = manifest->version;
	if (field_get(version, EL3_VERSION_MAJOR_MASK) != EL3_MANIFEST_MAJOR ||
	    field_get(version, EL3_VERSION_MINOR_MASK) < EL3_MANIFEST_MINOR) {
		return EL3_BOOT_BAD_MANIFEST_VERSION;
	}
	info->shared_buffer = buffer;
	info->console = parse_console(buffer, manifest);
	return parse_dram(buffer, manifest, &info->dram);
}
