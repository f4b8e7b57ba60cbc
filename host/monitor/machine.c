/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/monitor.h>
#include <arch/barrier.h>
#include <arch/pe.h>
#include <arch/sysreg.h>
#include <lib/console.h>

#include "gic.h"
#include "machine.h"
#include "power.h"
#include "probe.h"
#include "realm.h"
#include "vcpu.h"
#include "virtio/transport.h"

/* Long enough for a build machine that has much else to do. */
#define PE_TIMEOUT_S 10U

static struct {
	unsigned int realm_count;
	struct realm realms[MANIFEST_MAX_REALMS];
	struct vcpu *vcpus[QEMU_MAX_PES];
	struct virtio_device *devices[QEMU_VIRTIO_MMIO_COUNT];
	/* Atomic, a bit each. */
	uint32_t pes_up;
	/* Atomic. */
	bool started;
	unsigned int realms_left;
	unsigned int realms_failed;
} machine;

static void check_transport(const struct realm *realm, unsigned int number)
{
	uintptr_t base = transport_base(number);
	uint32_t version = mmio_read32(base + VIRTIO_MMIO_VERSION);

	if (mmio_read32(base + VIRTIO_MMIO_MAGIC) != VIRTIO_MMIO_MAGIC_VALUE) {
		power_off_error("%s: there is no virtio transport %u", realm->label, number);
	}
	if (version != VIRTIO_MMIO_VERSION_MODERN) {
		power_off_error("%s: virtio transport %u has the legacy interface: start QEMU with "
				"-global virtio-mmio.force-legacy=false",
				realm->label, number);
	}
}

static void give_devices(struct realm *realm)
{
	for (unsigned int n = 0; n < realm->config->virtio_count; n++) {
		unsigned int number = realm->config->virtio[n];

		check_transport(realm, number);
		machine.devices[number] = &realm->virtio[n];
		gic_enable_spi(transport_intid(number), realm_pe(realm, 0));
	}
}

void machine_build(const struct manifest *manifest, unsigned int lr_count)
{
	machine.realm_count = manifest->realm_count;
	machine.realms_left = manifest->realm_count;
	for (unsigned int n = 0; n < manifest->realm_count; n++) {
		struct realm *realm = &machine.realms[n];

		realm_init(realm, n, &manifest->realms[n], lr_count);
		give_devices(realm);
		realm_build(realm);
		for (unsigned int vcpu = 0; vcpu < realm->vcpu_count; vcpu++) {
			machine.vcpus[realm_pe(realm, vcpu)] = &realm->vcpus[vcpu];
		}
	}
}

/* EL3 does not know which PEs QEMU has: CPU_ON of one that is not there succeeds. */
static bool wait_for_pe(unsigned int pe)
{
	uint64_t start = read_sysreg(cntpct_el0);
	uint64_t limit = read_sysreg(cntfrq_el0) * PE_TIMEOUT_S;

	while ((__atomic_load_n(&machine.pes_up, __ATOMIC_ACQUIRE) & (1U << pe)) == 0U) {
		if (read_sysreg(cntpct_el0) - start > limit) {
			return false;
		}
	}
	return true;
}

void machine_power_pes(const struct manifest *manifest)
{
	for (unsigned int n = 0; n < manifest->realm_count; n++) {
		const struct realm_config *config = &manifest->realms[n];

		for (unsigned int vcpu = 0; vcpu < config->vcpu_count; vcpu++) {
			unsigned int pe = config->first_pe + vcpu;

			if (pe != 0U && !(power_pe_on(pe) && wait_for_pe(pe))) {
				power_off_error(
					"realm %u %s: there is no PE %u for vCPU %u: QEMU's "
					"-smp is too small",
					n, config->name, pe, vcpu);
			}
		}
	}
}

void machine_start(void)
{
	for (unsigned int n = 0; n < machine.realm_count; n++) {
		realm_line(&machine.realms[n], "running");
	}
	__atomic_store_n(&machine.started, true, __ATOMIC_RELEASE);
	for (unsigned int pe = 1; pe < QEMU_MAX_PES; pe++) {
		if (machine.vcpus[pe] != NULL) {
			gic_kick(pe);
		}
	}
}

static void on_interrupt(unsigned int intid)
{
	unsigned int number = intid - transport_intid(0);

	if (number < QEMU_VIRTIO_MMIO_COUNT && machine.devices[number] != NULL) {
		virtio_device_service(machine.devices[number]);
	}
}

void machine_take_interrupts(void)
{
	unsigned int intid;

	while (gic_acknowledge(&intid)) {
		on_interrupt(intid);
		gic_end(intid);
	}
}

/* A kick that comes after the caller looked is pending here: WFI falls through. */
static void sleep(void)
{
	dsb_sy();
	pe_wait_for_interrupt();
	machine_take_interrupts();
}

static void take_devices(struct realm *realm)
{
	for (unsigned int n = 0; n < realm->config->virtio_count; n++) {
		gic_disable_spi(transport_intid(realm->config->virtio[n]));
		virtio_device_shut_down(&realm->virtio[n]);
	}
}

/* Powers the machine off if this realm was the last. */
static void count_out(const struct realm *realm)
{
	if (realm->end != REALM_OFF) {
		(void)__atomic_fetch_add(&machine.realms_failed, 1U, __ATOMIC_RELAXED);
	}
	if (__atomic_fetch_sub(&machine.realms_left, 1U, __ATOMIC_ACQ_REL) == 1U) {
		probe_report_returned_pages();
		power_off(machine.realms_failed == 0U ? MONITOR_STATUS_OK : MONITOR_STATUS_FAILED);
	}
}

static void end_realm(struct realm *realm)
{
	take_devices(realm);
	/* Nobody needs the memory of the last realm: that it is destroyed too is for the probe. */
	if (probe_is_enabled()) {
		realm_tear_down(realm);
		count_out(realm);
	} else {
		count_out(realm);
		realm_tear_down(realm);
	}
}

_Noreturn void machine_run_pe(unsigned int pe)
{
	struct vcpu *vcpu;

	(void)__atomic_fetch_or(&machine.pes_up, 1U << pe, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&machine.started, __ATOMIC_ACQUIRE)) {
		sleep();
	}
	vcpu = machine.vcpus[pe];
	if (vcpu != NULL) {
		vcpu_run(vcpu);
		if (__atomic_fetch_sub(&vcpu->realm->vcpus_left, 1U, __ATOMIC_ACQ_REL) == 1U) {
			end_realm(vcpu->realm);
		}
	}
	for (;;) {
		sleep();
	}
}
