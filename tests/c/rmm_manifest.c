/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/el3.h>

#include "manifest.h"
#include "rmm_fixture.h"

/* Laid out as TF-A does: manifest, banks, consoles in one granule. */
static struct {
	_Alignas(GRANULE_SIZE) struct el3_manifest manifest;
	struct el3_bank banks[5];
	struct el3_console console;
	uint8_t rest[GRANULE_SIZE - 64 - 80 - 48];
} buffer;

static struct boot_info info;

static uint64_t sum(const void *from, size_t size)
{
	uint64_t total = 0;

	for (size_t n = 0; n < size / 8U; n++) {
		total += ((const uint64_t *)from)[n];
	}
	return total;
}

static void sign(bool whole_console)
{
	struct el3_manifest *m = &buffer.manifest;
	uint64_t console = buffer.console.base + buffer.console.map_pages +
			   buffer.console.clk_in_hz + buffer.console.baud_rate;

	if (whole_console) {
		console = sum(&buffer.console, sizeof(buffer.console));
	}
	m->dram_checksum = 0 - (m->num_banks + m->banks +
				sum(buffer.banks, m->num_banks * sizeof(buffer.banks[0])));
	m->console_checksum = 0 - (m->num_consoles + m->consoles + console);
}

static void fill(void)
{
	memset(&buffer, 0, sizeof(buffer));
	buffer.manifest = (struct el3_manifest){
		.version = 3,
		.num_banks = 1,
		.banks = (uintptr_t)buffer.banks,
		.num_consoles = 1,
		.consoles = (uintptr_t)&buffer.console,
	};
	buffer.banks[0] = (struct el3_bank){ .base = 0x40000000, .size = 0xC0000000 };
	buffer.console = (struct el3_console){
		.base = 0x9000000, .map_pages = 1, .name = "pl011", .clk_in_hz = 1
	};
	sign(true);
}

static int parse(void)
{
	memset(&info, 0, sizeof(info));
	return manifest_parse((uintptr_t)&buffer, &info);
}

static void buffer_must_be_a_granule(void)
{
	EXPECT_EQ(manifest_parse(0, &info), EL3_BOOT_BAD_SHARED_BUFFER);
	EXPECT_EQ(manifest_parse((uintptr_t)&buffer + 8U, &info), EL3_BOOT_BAD_SHARED_BUFFER);
}

static void other_versions_are_refused(void)
{
	fill();
	buffer.manifest.version = 2;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_VERSION);
	buffer.manifest.version = 0x10003;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_VERSION);
	buffer.manifest.version = 4;
	EXPECT_EQ(parse(), EL3_BOOT_OK);
}

static void dram_checksum_must_hold(void)
{
	fill();
	buffer.banks[0].size -= 0x1000;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
}

static void banks_must_lie_in_the_buffer(void)
{
	fill();
	buffer.manifest.num_banks = 0;
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
	fill();
	buffer.manifest.num_banks = UINT64_MAX;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
	fill();
	buffer.manifest.banks = (uintptr_t)&buffer + GRANULE_SIZE - 8U;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
	fill();
	buffer.manifest.banks = UINT64_MAX - 7U;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
	fill();
	buffer.manifest.banks += 4;
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
}

static void expect_bank_refused(uint64_t base, uint64_t size)
{
	fill();
	buffer.manifest.num_banks = 2;
	buffer.banks[1] = (struct el3_bank){ .base = base, .size = size };
	buffer.banks[0].size = 0x1000000;
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
}

static void odd_banks_are_refused(void)
{
	expect_bank_refused(0x80000000, 0);
	expect_bank_refused(0x80000000, 0x1800);
	expect_bank_refused(0x80000800, 0x1000);
	expect_bank_refused(0x40FFF000, 0x1000); /* overlaps the first */
	expect_bank_refused(0x80000000, UINT64_MAX - 0xFFF);
	expect_bank_refused(UINT64_C(1) << 37, 0x1000); /* would lie in the other alias */
	expect_bank_refused(UINT64_C(1) << 48, 0x1000);
	expect_bank_refused(0x80000000, UINT64_C(0x200000000)); /* more than is tracked */
}

static void more_banks_than_there_is_room_for_are_refused(void)
{
	fill();
	buffer.manifest.num_banks = 5;
	for (uint64_t n = 0; n < 5U; n++) {
		buffer.banks[n] = (struct el3_bank){ 0x40000000 + n * 0x10000000, 0x1000 };
	}
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_BAD_MANIFEST_DATA);
	buffer.manifest.num_banks = 4;
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.dram.count, 4);
	EXPECT_EQ(info.dram.bank[3].base, 0x70000000);
}

static void console_is_used_with_either_checksum_and_else_not(void)
{
	fill();
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0x9000000);
	sign(false);
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0x9000000);
	buffer.manifest.console_checksum++;
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0);
}

static void odd_consoles_are_not_used(void)
{
	fill();
	buffer.manifest.num_consoles = UINT64_MAX / 48U;
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0);
	fill();
	memcpy(buffer.console.name, "cdns", 5);
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0);
	fill();
	buffer.console.base = 0x9000010;
	sign(true);
	EXPECT_EQ(parse(), EL3_BOOT_OK);
	EXPECT_EQ(info.console, 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(buffer_must_be_a_granule),
	TAP_CASE(other_versions_are_refused),
	TAP_CASE(dram_checksum_must_hold),
	TAP_CASE(banks_must_lie_in_the_buffer),
	TAP_CASE(odd_banks_are_refused),
	TAP_CASE(more_banks_than_there_is_room_for_are_refused),
	TAP_CASE(console_is_used_with_either_checksum_and_else_not),
	TAP_CASE(odd_consoles_are_not_used),
};

TAP_MAIN(cases)
