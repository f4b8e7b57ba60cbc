/* SPDX-License-Identifier: BSD-3-Clause */
/* From the reset of the first PE to the last realm's end: what is read, checked and built when. */
#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/console.h>

#include "boot/main.h"
#include "boot/mmu.h"
#include "dram.h"
#include "fw_cfg.h"
#include "gic.h"
#include "machine.h"
#include "pool.h"
#include "power.h"
#include "probe.h"
#include "rmi.h"

#define MANIFEST_FILE	  "opt/realmos/manifest"
#define MANIFEST_MAX_SIZE 0x4000U

static uint8_t manifest_tree[MANIFEST_MAX_SIZE] __attribute__((aligned(8)));
static struct manifest manifest;

static uint64_t find_dram_end(void)
{
	const void *tree = (const void *)(uintptr_t)QEMU_DTB_BASE;
	uint64_t end = dram_end_of(tree, QEMU_DTB_MAX_SIZE);

	if (end < MONITOR_POOL_A_BASE || end > MMU_LIMIT) {
		power_off_error("DRAM ends at 0x%lx, which is not supported", (unsigned long)end);
	}
	return end;
}

static void read_manifest(uint64_t dram_end)
{
	char error[MANIFEST_ERROR_SIZE];
	struct fw_cfg_file file;

	if (!fw_cfg_init()) {
		power_off_error("this machine has no fw_cfg with DMA");
	}
	if (!fw_cfg_find(MANIFEST_FILE, &file)) {
		power_off_error("there is no fw_cfg file %s", MANIFEST_FILE);
	}
	if (file.size > MANIFEST_MAX_SIZE || !fw_cfg_read(&file, 0, manifest_tree, file.size)) {
		power_off_error("the manifest of %u bytes cannot be read", file.size);
	}
	if (!manifest_parse(manifest_tree, file.size, dram_end, &manifest, error)) {
		power_off_error("manifest: %s", error);
	}
}

/* Returns feature register 0 of an RMM that speaks our ABI. */
static uint64_t check_rmm(void)
{
	uint64_t lower = 0;
	uint64_t higher = 0;
	uint64_t features = 0;
	struct rmi_result result = rmi_version(RMI_ABI_VERSION_1_0, &lower, &higher);

	if (result.status == RMI_STATUS_NONE) {
		power_off_error("no RMM: none was loaded, or it refused to boot");
	}
	if (!rmi_ok(result)) {
		power_off_error("RMM speaks RMI %lu.%lu to %lu.%lu, the monitor 1.0",
				(unsigned long)(lower >> 16), (unsigned long)(lower & 0xFFFFU),
				(unsigned long)(higher >> 16), (unsigned long)(higher & 0xFFFFU));
	}
	if (!rmi_ok(rmi_features(0, &features))) {
		power_off_error("RMM does not tell its features");
	}
	return features;
}

/* A timer of ours must not raise the interrupts that belong to the realm's. */
static void init_pe(unsigned int pe)
{
	write_sysreg(cntv_ctl_el0, 0);
	write_sysreg(cntp_ctl_el0, 0);
	gic_init_pe(pe);
}

_Noreturn void monitor_main(void)
{
	uint64_t features;
	uint64_t dram_end;

	console_init("MON: ", QEMU_UART0_BASE);
	console_line("ready");
	gic_init();
	init_pe(0);

	dram_end = find_dram_end();
	mmu_map_high_dram(dram_end);
	pool_init(dram_end);
	read_manifest(dram_end);
	if (manifest.probe_isolation) {
		probe_enable();
	}
	features = check_rmm();
	machine_power_pes(&manifest);
	machine_build(&manifest,
		      (unsigned int)field_get(features, RMI_FEATURE0_GICV3_NUM_LRS_MASK) + 1U);
	machine_start();
	machine_run_pe(0);
}

_Noreturn void secondary_main(unsigned int pe)
{
	init_pe(pe);
	machine_run_pe(pe);
}
