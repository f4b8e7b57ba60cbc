/* SPDX-License-Identifier: BSD-3-Clause */
/* What the monitor does about each kind of exit, and that no realm makes it do more. */
#include <string.h>

#include <abi/gic.h>
#include <abi/monitor.h>
#include <abi/smccc.h>
#include <abi/syndrome.h>

#include "monitor_fixture.h"
#include "tap.h"

#define DATA_ABORT  ((uint64_t)ESR_EC_DATA_ABORT_LOWER << ESR_EC_SHIFT)
#define FETCH_ABORT ((uint64_t)ESR_EC_INSTRUCTION_ABORT_LOWER << ESR_EC_SHIFT)
#define TRANSLATION 7U
#define WORD	    (UINT64_C(2) << ESR_SAS_SHIFT | ESR_ISV_MASK)
#define SHARED	    ((uint64_t)REALM_SHARED_BIT)
#define RAM	    ((uint64_t)REALM_RAM_BASE)

static uint64_t populated(void)
{
	uint64_t count = 0;

	for (size_t n = 0; n < FAKE_PAGES; n++) {
		count += fake_rmm.assigned[n] ? 1U : 0U;
	}
	return count;
}

static void fault_on_new_memory_fills_the_piece_around_it(void)
{
	fake_start();
	fake_abort(RAM + POPULATE_SIZE + 0x1234U, DATA_ABORT | TRANSLATION);
	EXPECT(realm_runs(&fake_realm));
	EXPECT_EQ(populated(), POPULATE_SIZE / PAGE_SIZE);
	EXPECT(!fake_rmm.assigned[POPULATE_SIZE / PAGE_SIZE - 1]);
	EXPECT(fake_rmm.assigned[POPULATE_SIZE / PAGE_SIZE]);
	EXPECT(fake_rmm.assigned[2 * POPULATE_SIZE / PAGE_SIZE - 1]);
	EXPECT_EQ(fake_run()->enter.flags, 0);
}

static void fetch_from_new_memory_does_too(void)
{
	fake_start();
	fake_abort(RAM, FETCH_ABORT | TRANSLATION);
	EXPECT_EQ(populated(), POPULATE_SIZE / PAGE_SIZE);
}

static void fault_at_the_end_stays_in_memory(void)
{
	fake_start();
	fake_abort(RAM + FAKE_RAM_SIZE - 1U, DATA_ABORT | TRANSLATION);
	EXPECT(realm_runs(&fake_realm));
	EXPECT_EQ(populated(), POPULATE_SIZE / PAGE_SIZE);
}

static void pages_that_are_there_are_kept(void)
{
	fake_start();
	fake_rmm.has_table[0] = true;
	fake_rmm.assigned[3] = true;
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(populated(), POPULATE_SIZE / PAGE_SIZE);
	/* What was taken in vain came back. */
	EXPECT_EQ(fake_rmm.delegated, POPULATE_SIZE / PAGE_SIZE - 1U);
	EXPECT_EQ(fake_pool_lent, POPULATE_SIZE / PAGE_SIZE - 1U);
}

static void destroyed_memory_ends_the_realm(void)
{
	fake_start();
	fake_rmm.ripas[5] = RMI_RIPAS_DESTROYED;
	fake_abort(RAM + 5U * PAGE_SIZE, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	EXPECT_EQ(populated(), 0);
}

static void faults_without_end_end_the_realm(void)
{
	unsigned int count = 0;

	fake_start();
	fake_rmm.has_table[0] = true;
	fake_rmm.assigned[0] = true;
	while (realm_runs(&fake_realm) && count <= MAX_SAME_FAULTS) {
		fake_abort(RAM, DATA_ABORT | TRANSLATION);
		count++;
	}
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void faults_with_work_in_between_are_fine(void)
{
	fake_start();
	fake_rmm.has_table[0] = true;
	fake_rmm.assigned[0] = true;
	for (unsigned int n = 0; n < 2U * MAX_SAME_FAULTS; n++) {
		fake_abort(RAM, DATA_ABORT | TRANSLATION);
		fake_exit(RMI_EXIT_HOST_CALL);
	}
	EXPECT(realm_runs(&fake_realm));
}

static void realm_that_empties_the_pool_ends(void)
{
	fake_start();
	fake_pool_left = 4;
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	fake_start();
	fake_pool_left = 0;
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void rmm_that_refuses_ends_the_realm(void)
{
	fake_start();
	fake_rmm.refuse_with = RMI_ERROR_INPUT;
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	fake_start();
	fake_rmm.refuse_with = RMI_ERROR_INPUT;
	fake_abort(SHARED | RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void shared_memory_is_mapped_by_blocks(void)
{
	fake_start();
	fake_abort(SHARED | (RAM + BLOCK_SIZE + 0x5008U), DATA_ABORT | TRANSLATION);
	EXPECT(fake_rmm.shared_block[1]);
	EXPECT(!fake_rmm.shared_block[0]);
	EXPECT_EQ(fake_run()->enter.flags, 0);
	EXPECT_EQ(populated(), 0);
}

static void shared_memory_is_mapped_by_pages_where_a_table_is(void)
{
	fake_start();
	fake_rmm.shared_table[1] = true;
	fake_abort(SHARED | (RAM + BLOCK_SIZE + 0x5008U), DATA_ABORT | TRANSLATION | WORD);
	EXPECT(fake_rmm.shared_page[512 + 5]);
	EXPECT(!fake_rmm.shared_block[1]);
	EXPECT(realm_runs(&fake_realm));
}

static void shared_memory_mapped_by_another_vcpu_is_no_fault(void)
{
	fake_start();
	fake_rmm.shared_block[0] = true;
	fake_abort(SHARED | RAM, DATA_ABORT | TRANSLATION);
	EXPECT(realm_runs(&fake_realm));
}

static void device_reads_are_answered(void)
{
	fake_start();
	fake_abort(SHARED | (REALM_GICD_BASE + GICD_PIDR2), DATA_ABORT | TRANSLATION | WORD);
	EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_EMUL_MMIO_MASK);
	EXPECT_EQ(fake_run()->enter.gprs[0], GIC_PIDR2_V3);
}

static void device_writes_are_carried_out(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = GICD_CTLR_ENABLE_GRP1_MASK;
	fake_abort(SHARED | (REALM_GICD_BASE + GICD_CTLR),
		   DATA_ABORT | TRANSLATION | WORD | ESR_WNR_MASK);
	EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_EMUL_MMIO_MASK);
	EXPECT_EQ(fake_realm.vgic.enabled_groups, GICD_CTLR_ENABLE_GRP1_MASK);
}

static void device_writes_are_as_wide_as_the_access(void)
{
	const uint64_t router = REALM_GICD_BASE + GICD_IROUTER + 8U * GIC_SPI_FIRST;

	fake_start();
	fake_run()->exit.gprs[0] = UINT64_C(0xBAD0000000000002);
	fake_abort(SHARED | router, DATA_ABORT | TRANSLATION | WORD | ESR_WNR_MASK);
	EXPECT_EQ(fake_realm.vgic.route[0], 2);
}

static void external_aborts_of_any_kind_end_nothing(void)
{
	const uint64_t codes[] = { ESR_FSC_EXTERNAL, ESR_FSC_EXTERNAL_WALK_FIRST,
				   ESR_FSC_EXTERNAL_WALK_LAST };

	for (size_t n = 0; n < ARRAY_COUNT(codes); n++) {
		fake_start();
		fake_abort(0, DATA_ABORT | codes[n]);
		EXPECT(realm_runs(&fake_realm));
		EXPECT_EQ(fake_run()->enter.flags, 0);
	}
}

static void absent_devices_abort_in_the_realm(void)
{
	const uint64_t holes[] = { 0, REALM_VIRTIO_BASE + REALM_VIRTIO_STRIDE * REALM_VIRTIO_COUNT,
				   RAM - 4U, RAM + FAKE_RAM_SIZE, SHARED - 4U };

	for (size_t n = 0; n < ARRAY_COUNT(holes); n++) {
		fake_start();
		fake_abort(SHARED | holes[n], DATA_ABORT | TRANSLATION | WORD);
		EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_INJECT_SEA_MASK);
		EXPECT(realm_runs(&fake_realm));
	}
}

static void device_access_that_was_not_decoded_aborts_in_the_realm(void)
{
	fake_start();
	fake_abort(SHARED | REALM_GICD_BASE, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_INJECT_SEA_MASK);
}

static void window_without_device_reads_zero(void)
{
	fake_start();
	fake_abort(SHARED | REALM_VIRTIO_BASE, DATA_ABORT | TRANSLATION | WORD);
	EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_EMUL_MMIO_MASK);
	EXPECT_EQ(fake_run()->enter.gprs[0], 0);
}

static void private_memory_that_is_not_there_ends_the_realm(void)
{
	fake_start();
	fake_abort(RAM + FAKE_RAM_SIZE, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	EXPECT_EQ(fake_rmm.calls, 0);
}

static void flags_of_an_exit_do_not_outlive_it(void)
{
	fake_start();
	fake_abort(SHARED | 0U, DATA_ABORT | TRANSLATION | WORD);
	EXPECT(fake_run()->enter.flags != 0U);
	fake_exit(RMI_EXIT_IRQ);
	EXPECT_EQ(fake_run()->enter.flags, 0);
}

static void unknown_exits_end_the_realm_only(void)
{
	fake_start();
	fake_exit(RMI_EXIT_SERROR + 1);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	/* Every PE of the realm is told, and no other. */
	EXPECT_EQ(fake_kicked, 0xE);
	fake_start();
	fake_exit(UINT8_MAX);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	fake_start();
	fake_exit(RMI_EXIT_SERROR);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
	fake_start();
	fake_run()->exit.esr = UINT64_C(0x3C) << ESR_EC_SHIFT;
	fake_exit(RMI_EXIT_SYNC);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void realm_ends_once(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_SYSTEM_OFF;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT_EQ(fake_realm.end, REALM_OFF);
	fake_exit(UINT8_MAX);
	EXPECT_EQ(fake_realm.end, REALM_OFF);
}

static void reset_is_told_from_off(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_SYSTEM_RESET;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT_EQ(fake_realm.end, REALM_RESET);
}

static void cpu_on_wakes_its_target(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_CPU_ON_64;
	fake_run()->exit.gprs[1] = 2;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT_EQ(fake_rmm.psci_target, fake_realm.vcpus[2].rec.value);
	EXPECT(fake_realm.vcpus[2].wake);
	EXPECT(!fake_realm.vcpus[1].wake);
	EXPECT_EQ(fake_kicked, 1U << 3);
}

static void affinity_info_wakes_nobody(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_AFFINITY_INFO_64;
	fake_run()->exit.gprs[1] = 1;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT_EQ(fake_rmm.psci_target, fake_realm.vcpus[1].rec.value);
	EXPECT(!fake_realm.vcpus[1].wake);
	EXPECT_EQ(fake_kicked, 0);
}

static void psci_call_on_no_vcpu_ends_the_realm(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_CPU_ON_64;
	fake_run()->exit.gprs[1] = FAKE_VCPUS;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void cpu_off_parks_the_vcpu(void)
{
	fake_start();
	fake_run()->exit.gprs[0] = PSCI_CPU_OFF;
	fake_exit(RMI_EXIT_PSCI);
	EXPECT(fake_realm.vcpus[0].is_off);
	EXPECT(realm_runs(&fake_realm));
}

static void sgi_is_delivered_and_its_target_kicked(void)
{
	fake_start();
	(void)vgic_distributor_write(&fake_realm.vgic, GICD_CTLR, 4, 3);
	(void)vgic_redistributor_write(&fake_realm.vgic,
				       GICR_SIZE + GICR_SGI_FRAME + GICD_ISENABLER, 4, 0xFFFF);
	fake_run()->exit.esr = (uint64_t)ESR_EC_SYSREG << ESR_EC_SHIFT | ESR_SYSREG_ICC_SGI1R;
	fake_run()->exit.gprs[0] = UINT64_C(3) << ICC_SGIR_INTID_SHIFT | 2U;
	fake_exit(RMI_EXIT_SYNC);
	EXPECT_EQ(fake_realm.vgic.cpus[1].bank.latch, 8);
	EXPECT_EQ(fake_kicked, 1U << 2);
}

static void other_system_registers_end_the_realm(void)
{
	fake_start();
	fake_run()->exit.esr = (uint64_t)ESR_EC_SYSREG << ESR_EC_SHIFT | 0x300000U;
	fake_exit(RMI_EXIT_SYNC);
	EXPECT_EQ(fake_realm.end, REALM_KILLED);
}

static void change_ripas(uint64_t base, uint64_t top, uint8_t ripas)
{
	fake_run()->exit.ripas_base = base;
	fake_run()->exit.ripas_top = top;
	fake_run()->exit.ripas_value = ripas;
	fake_exit(RMI_EXIT_RIPAS_CHANGE);
}

static void memory_made_shared_returns_to_the_pool(void)
{
	fake_start();
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	EXPECT_EQ(fake_pool_lent, POPULATE_SIZE / PAGE_SIZE + 1U);
	change_ripas(RAM + PAGE_SIZE, RAM + POPULATE_SIZE, RMI_RIPAS_EMPTY);
	EXPECT_EQ(populated(), 1);
	EXPECT_EQ(fake_pool_lent, 2);
	EXPECT_EQ(fake_rmm.ripas[0], RMI_RIPAS_RAM);
	EXPECT_EQ(fake_rmm.ripas[1], RMI_RIPAS_EMPTY);
	EXPECT_EQ(fake_run()->enter.flags, 0);
}

static void whole_blocks_change_without_tables(void)
{
	fake_start();
	change_ripas(RAM, RAM + FAKE_RAM_SIZE, RMI_RIPAS_EMPTY);
	EXPECT_EQ(fake_rmm.ripas[FAKE_PAGES - 1], RMI_RIPAS_EMPTY);
	EXPECT_EQ(fake_rmm.has_table[0], 0);
	change_ripas(RAM, RAM + FAKE_RAM_SIZE, RMI_RIPAS_RAM);
	EXPECT_EQ(fake_rmm.ripas[0], RMI_RIPAS_RAM);
}

static void parts_of_blocks_get_tables(void)
{
	fake_start();
	change_ripas(RAM + BLOCK_SIZE - PAGE_SIZE, RAM + BLOCK_SIZE + PAGE_SIZE, RMI_RIPAS_EMPTY);
	EXPECT(fake_rmm.has_table[0]);
	EXPECT(fake_rmm.has_table[1]);
	EXPECT_EQ(fake_rmm.ripas[511], RMI_RIPAS_EMPTY);
	EXPECT_EQ(fake_rmm.ripas[512], RMI_RIPAS_EMPTY);
	EXPECT_EQ(fake_rmm.ripas[510], RMI_RIPAS_RAM);
	EXPECT_EQ(fake_rmm.ripas[513], RMI_RIPAS_RAM);
}

static void requests_outside_memory_are_rejected(void)
{
	const struct {
		uint64_t base;
		uint64_t top;
	} bad[] = {
		{ 0, PAGE_SIZE },
		{ RAM - PAGE_SIZE, RAM + PAGE_SIZE },
		{ RAM, RAM + FAKE_RAM_SIZE + PAGE_SIZE },
		{ RAM + PAGE_SIZE, RAM },
		{ 0, UINT64_MAX - 0xFFFU },
	};

	for (size_t n = 0; n < ARRAY_COUNT(bad); n++) {
		fake_start();
		change_ripas(bad[n].base, bad[n].top, RMI_RIPAS_EMPTY);
		EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_RIPAS_REJECT_MASK);
		EXPECT_EQ(fake_rmm.calls, 0);
	}
}

static void request_stops_at_destroyed_memory(void)
{
	fake_start();
	fake_rmm.has_table[0] = true;
	fake_rmm.ripas[2] = RMI_RIPAS_DESTROYED;
	change_ripas(RAM, RAM + 4U * PAGE_SIZE, RMI_RIPAS_RAM);
	/* Some of it was done: the realm asks again, and is then told. */
	EXPECT_EQ(fake_run()->enter.flags, 0);
	change_ripas(RAM + 2U * PAGE_SIZE, RAM + 4U * PAGE_SIZE, RMI_RIPAS_RAM);
	EXPECT_EQ(fake_run()->enter.flags, RMI_ENTER_RIPAS_REJECT_MASK);
	EXPECT(realm_runs(&fake_realm));
}

static void host_calls_have_a_version(void)
{
	fake_start();
	fake_run()->exit.imm = MONITOR_CALL_VERSION;
	fake_run()->exit.gprs[30] = 30;
	fake_exit(RMI_EXIT_HOST_CALL);
	EXPECT_EQ(fake_run()->enter.gprs[0], MONITOR_CALL_OK);
	EXPECT_EQ(fake_run()->enter.gprs[1], MONITOR_CALLS_VERSION_1);
	EXPECT_EQ(fake_run()->enter.gprs[30], 30);
}

static void unknown_host_calls_are_answered(void)
{
	fake_start();
	fake_exit(RMI_EXIT_HOST_CALL);
	EXPECT_EQ(fake_run()->enter.gprs[0], (uint64_t)MONITOR_CALL_NOT_SUPPORTED);
	EXPECT(realm_runs(&fake_realm));
}

static void pages_are_released_on_request_only_for_the_probe(void)
{
	fake_start();
	fake_abort(RAM, DATA_ABORT | TRANSLATION);
	fake_run()->exit.imm = MONITOR_CALL_RELEASE_PAGE;
	fake_run()->exit.gprs[1] = RAM;
	fake_exit(RMI_EXIT_HOST_CALL);
	EXPECT_EQ(fake_run()->enter.gprs[0], (uint64_t)MONITOR_CALL_INVALID);
	EXPECT(fake_rmm.assigned[0]);
	fake_probe = true;
	fake_exit(RMI_EXIT_HOST_CALL);
	EXPECT_EQ(fake_run()->enter.gprs[0], MONITOR_CALL_OK);
	EXPECT(!fake_rmm.assigned[0]);
	EXPECT(fake_rmm.assigned[1]);
	fake_run()->exit.gprs[1] = RAM + FAKE_RAM_SIZE;
	fake_exit(RMI_EXIT_HOST_CALL);
	EXPECT_EQ(fake_run()->enter.gprs[0], (uint64_t)MONITOR_CALL_INVALID);
}

static const struct tap_case cases[] = {
	TAP_CASE(fault_on_new_memory_fills_the_piece_around_it),
	TAP_CASE(fetch_from_new_memory_does_too),
	TAP_CASE(fault_at_the_end_stays_in_memory),
	TAP_CASE(pages_that_are_there_are_kept),
	TAP_CASE(destroyed_memory_ends_the_realm),
	TAP_CASE(faults_without_end_end_the_realm),
	TAP_CASE(faults_with_work_in_between_are_fine),
	TAP_CASE(realm_that_empties_the_pool_ends),
	TAP_CASE(rmm_that_refuses_ends_the_realm),
	TAP_CASE(shared_memory_is_mapped_by_blocks),
	TAP_CASE(shared_memory_is_mapped_by_pages_where_a_table_is),
	TAP_CASE(shared_memory_mapped_by_another_vcpu_is_no_fault),
	TAP_CASE(device_reads_are_answered),
	TAP_CASE(device_writes_are_carried_out),
	TAP_CASE(device_writes_are_as_wide_as_the_access),
	TAP_CASE(external_aborts_of_any_kind_end_nothing),
	TAP_CASE(absent_devices_abort_in_the_realm),
	TAP_CASE(device_access_that_was_not_decoded_aborts_in_the_realm),
	TAP_CASE(window_without_device_reads_zero),
	TAP_CASE(private_memory_that_is_not_there_ends_the_realm),
	TAP_CASE(flags_of_an_exit_do_not_outlive_it),
	TAP_CASE(unknown_exits_end_the_realm_only),
	TAP_CASE(realm_ends_once),
	TAP_CASE(reset_is_told_from_off),
	TAP_CASE(cpu_on_wakes_its_target),
	TAP_CASE(affinity_info_wakes_nobody),
	TAP_CASE(psci_call_on_no_vcpu_ends_the_realm),
	TAP_CASE(cpu_off_parks_the_vcpu),
	TAP_CASE(sgi_is_delivered_and_its_target_kicked),
	TAP_CASE(other_system_registers_end_the_realm),
	TAP_CASE(memory_made_shared_returns_to_the_pool),
	TAP_CASE(whole_blocks_change_without_tables),
	TAP_CASE(parts_of_blocks_get_tables),
	TAP_CASE(requests_outside_memory_are_rejected),
	TAP_CASE(request_stops_at_destroyed_memory),
	TAP_CASE(host_calls_have_a_version),
	TAP_CASE(unknown_host_calls_are_answered),
	TAP_CASE(pages_are_released_on_request_only_for_the_probe),
};

TAP_MAIN(cases)
