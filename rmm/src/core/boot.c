/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/el3.h>
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/console.h>

#include "attest/platform.h"
#include "core/boot.h"
#include "core/mmu.h"
#include "cpu_features.h"
#include "fp_switch.h"
#include "granule.h"
#include "hash.h"
#include "limits.h"
#include "pe.h"
#include "rmi/rmi.h"

static int check_el3(uint64_t version, uint64_t pe_count)
{
	if (field_get(version, EL3_VERSION_MAJOR_MASK) != EL3_INTERFACE_MAJOR ||
	    field_get(version, EL3_VERSION_MINOR_MASK) < EL3_INTERFACE_MINOR) {
		return EL3_BOOT_BAD_VERSION;
	}
	return pe_count == 0U || pe_count > MAX_PES ? EL3_BOOT_CPUS_OUT_OF_RANGE : EL3_BOOT_OK;
}

/* What is done once for all PEs, while the MMU is still off. */
static int boot_cold(uint64_t version, uint64_t pe_count, uintptr_t shared_buffer,
		     struct boot_info *info)
{
	int result = check_el3(version, pe_count);

	if (result == EL3_BOOT_OK) {
		result = manifest_parse(shared_buffer, info);
	}
	if (result == EL3_BOOT_OK && !mmu_build(info)) {
		result = EL3_BOOT_BAD_MANIFEST_DATA;
	}
	if (result == EL3_BOOT_OK) {
		granule_init(&info->dram);
	}
	return result;
}

static void announce(const struct boot_info *info)
{
	const char *missing;

	if (info->console != 0U) {
		console_init("RMM: ", info->console);
	}
	if (!cpu_features_probe(&missing)) {
		panic("this PE has no %s", missing);
	}
}

/* EL3 ends each of these calls with the host's next command in the registers. */
static _Noreturn void serve(struct smc_regs *regs)
{
	for (;;) {
		uint64_t results[RMI_RESULTS];

		smc_call(regs);
		rmi_handle(regs);
		for (unsigned int n = 0; n < RMI_RESULTS; n++) {
			results[n] = regs->x[n];
		}
		*regs = (struct smc_regs){ .x = { EL3_RMI_REQ_COMPLETE } };
		for (unsigned int n = 0; n < RMI_RESULTS; n++) {
			regs->x[n + 1U] = results[n];
		}
	}
}

_Noreturn void boot(uint32_t index, uint64_t version, uint64_t pe_count, uintptr_t shared_buffer,
		    uint32_t warm)
{
	struct boot_info info = { .console = 0 };
	struct smc_regs regs = { .x = { EL3_BOOT_COMPLETE } };
	int result = EL3_BOOT_OK;

	if (warm == 0U) {
		result = boot_cold(version, pe_count, shared_buffer, &info);
	}
	if (result == EL3_BOOT_OK) {
		mmu_enable();
		if (warm == 0U) {
			announce(&info);
		}
		pe_init(index);
		if (warm == 0U) {
			if (!hash_self_test()) {
				panic("the SHA instructions do not give SHA-2");
			}
			fp_give_back();
			platform_init(info.shared_buffer);
			console_line("ready: RMI 1.0 RSI 1.0");
		}
	}
	regs.x[1] = (uint64_t)result;
	serve(&regs);
}
