/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>

#include <lib/check.h>
#include <lib/console.h>
#include <lib/string.h>

#include "gic.h"
#include "granule.h"
#include "realm.h"
#include "virtio/transport.h"

#define MESSAGE_SIZE 256U
#define MAX_WARNINGS 16U

void realm_line(const struct realm *realm, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	(void)format_text_v(message, sizeof(message), format, args);
	va_end(args);
	console_line("%s: %s", realm->label, message);
}

void realm_warn(struct realm *realm, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	if (__atomic_fetch_add(&realm->warnings, 1U, __ATOMIC_RELAXED) >= MAX_WARNINGS) {
		return;
	}
	va_start(args, format);
	(void)format_text_v(message, sizeof(message), format, args);
	va_end(args);
	console_line("%s: %s", realm->label, message);
}

static void complain(struct virtio_device *device, const char *what)
{
	realm_warn(device->owner, "virtio %u: %s: the device needs a reset", device->number, what);
}

static void set_interrupt(struct virtio_device *device, bool raise)
{
	struct realm *realm = device->owner;
	unsigned int intid = REALM_VIRTIO_FIRST_INTID + device->number;

	if (raise) {
		realm_kick(realm, vgic_pulse_spi(&realm->vgic, intid), REALM_NOBODY);
	} else {
		(void)vgic_set_line(&realm->vgic, 0, intid, false);
	}
}

_Static_assert(REALM_VIRTIO_FIRST_INTID + REALM_VIRTIO_COUNT <= GIC_SPI_FIRST + GIC_BANK_INTIDS,
	       "the vGIC has an SPI for each virtio window");

void realm_init(struct realm *realm, unsigned int number, const struct realm_config *config,
		unsigned int lr_count)
{
	realm->config = config;
	realm->number = number;
	(void)format_text(realm->label, sizeof(realm->label), "realm %u %s", number, config->name);
	realm->vcpus_left = config->vcpu_count;
	realm->uart.realm = number;
	realm->window = (struct window){
		.ipa_base = REALM_RAM_BASE,
		.shared_bit = REALM_SHARED_BIT,
		.size = config->ram_size,
		.pa = config->window_base,
		.memory = (uint8_t *)(uintptr_t)config->window_base,
	};
	vgic_init(&realm->vgic, config->vcpu_count, lr_count);
	for (unsigned int n = 0; n < config->virtio_count; n++) {
		struct virtio_device *device = &realm->virtio[n];

		device->window = &realm->window;
		device->transport = transport_base(config->virtio[n]);
		device->interrupt = set_interrupt;
		device->complain = complain;
		device->owner = realm;
		device->number = n;
	}
}

bool realm_create_rtt(struct realm *realm, struct ipa ipa, int level)
{
	uint64_t covered = UINT64_C(1) << (GRANULE_SHIFT + 9 * (4 - level));
	struct rmi_result result;
	struct pa rtt;

	if (!granule_take(&rtt)) {
		return false;
	}
	result = rmi_rtt_create(realm->rd, rtt, ipa_make(align_down(ipa.value, covered)), level);
	if (rmi_ok(result)) {
		return true;
	}
	granule_give_back(rtt);
	return rmi_is_rtt_error(result, level - 1);
}

void realm_kick(const struct realm *realm, uint32_t vcpus, unsigned int self)
{
	for (uint32_t left = vcpus; left != 0U; left &= left - 1U) {
		unsigned int vcpu = (unsigned int)__builtin_ctz(left);

		if (vcpu != self) {
			gic_kick(realm_pe(realm, vcpu));
		}
	}
}

/* False if the realm had ended before. */
static bool end(struct realm *realm, enum realm_end how)
{
	enum realm_end expected = REALM_RUNS;

	return __atomic_compare_exchange_n(&realm->end, &expected, how, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static void make_vcpus_leave(const struct realm *realm)
{
	realm_kick(realm, (1U << realm->config->vcpu_count) - 1U, REALM_NOBODY);
}

void realm_stop(struct realm *realm, enum realm_end how)
{
	CHECK(how == REALM_OFF || how == REALM_RESET);
	if (end(realm, how)) {
		uart_flush(&realm->uart);
		realm_line(realm, "%s", how == REALM_OFF ? "off" : "reset");
		make_vcpus_leave(realm);
	}
}

void realm_kill(struct realm *realm, const char *format, ...)
{
	char reason[MESSAGE_SIZE];
	va_list args;

	if (end(realm, REALM_KILLED)) {
		va_start(args, format);
		(void)format_text_v(reason, sizeof(reason), format, args);
		va_end(args);
		uart_flush(&realm->uart);
		realm_line(realm, "killed: %s", reason);
		make_vcpus_leave(realm);
	}
}
