/* SPDX-License-Identifier: BSD-3-Clause */
#include "mmio.h"

struct region {
	uint64_t base;
	uint64_t size;
	uint64_t (*read)(struct vcpu *vcpu, uint64_t offset, unsigned int size);
	void (*write)(struct vcpu *vcpu, uint64_t offset, unsigned int size, uint64_t value);
};

static uint64_t read_distributor(struct vcpu *vcpu, uint64_t offset, unsigned int size)
{
	return vgic_distributor_read(&vcpu->realm->vgic, offset, size);
}

static void write_distributor(struct vcpu *vcpu, uint64_t offset, unsigned int size, uint64_t value)
{
	struct realm *realm = vcpu->realm;

	realm_kick(realm, vgic_distributor_write(&realm->vgic, offset, size, value), vcpu->index);
}

static uint64_t read_redistributor(struct vcpu *vcpu, uint64_t offset, unsigned int size)
{
	return vgic_redistributor_read(&vcpu->realm->vgic, offset, size);
}

static void write_redistributor(struct vcpu *vcpu, uint64_t offset, unsigned int size,
				uint64_t value)
{
	struct realm *realm = vcpu->realm;

	realm_kick(realm, vgic_redistributor_write(&realm->vgic, offset, size, value), vcpu->index);
}

_Static_assert(REALM_GICR_STRIDE == GICR_SIZE, "redistributors follow each other");

static uint64_t read_uart(struct vcpu *vcpu, uint64_t offset, unsigned int size)
{
	(void)size;
	return uart_read(&vcpu->realm->uart, offset);
}

static void write_uart(struct vcpu *vcpu, uint64_t offset, unsigned int size, uint64_t value)
{
	(void)size;
	uart_write(&vcpu->realm->uart, offset, value);
}

static struct virtio_device *virtio_at(struct vcpu *vcpu, uint64_t offset)
{
	uint64_t number = offset / REALM_VIRTIO_STRIDE;

	return number < vcpu->realm->config->virtio_count ? &vcpu->realm->virtio[number] : NULL;
}

static uint64_t read_virtio(struct vcpu *vcpu, uint64_t offset, unsigned int size)
{
	struct virtio_device *device = virtio_at(vcpu, offset);

	return device == NULL ? 0U : virtio_device_read(device, offset % REALM_VIRTIO_STRIDE, size);
}

static void write_virtio(struct vcpu *vcpu, uint64_t offset, unsigned int size, uint64_t value)
{
	struct virtio_device *device = virtio_at(vcpu, offset);

	if (device != NULL) {
		virtio_device_write(device, offset % REALM_VIRTIO_STRIDE, size, value);
	}
}

static const struct region regions[] = {
	{ REALM_GICD_BASE, REALM_GICD_SIZE, read_distributor, write_distributor },
	{ REALM_GICR_BASE, REALM_GICR_STRIDE *REALM_MAX_VCPUS, read_redistributor,
	  write_redistributor },
	{ REALM_UART_BASE, REALM_UART_SIZE, read_uart, write_uart },
	{ REALM_VIRTIO_BASE, REALM_VIRTIO_STRIDE *REALM_VIRTIO_COUNT, read_virtio, write_virtio },
};

bool mmio_emulate(struct vcpu *vcpu, struct mmio_access *access)
{
	for (size_t n = 0; n < ARRAY_COUNT(regions); n++) {
		const struct region *region = &regions[n];

		if (!range_within(access->ipa, access->size, region->base, region->size)) {
			continue;
		}
		if (access->is_write) {
			region->write(vcpu, access->ipa - region->base, access->size,
				      access->value);
		} else {
			access->value =
				region->read(vcpu, access->ipa - region->base, access->size);
		}
		return true;
	}
	return false;
}
