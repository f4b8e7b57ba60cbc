/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>

#include "virtio/transport.h"

uintptr_t transport_base(unsigned int number)
{
	return QEMU_VIRTIO_MMIO_BASE + (uintptr_t)number * QEMU_VIRTIO_MMIO_STRIDE;
}

unsigned int transport_intid(unsigned int number)
{
	return QEMU_VIRTIO_MMIO_FIRST_INTID + number;
}

uint32_t transport_read_config(uintptr_t base, uint64_t offset, unsigned int size)
{
	uintptr_t at = base + offset;

	switch (size) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	default:
		return mmio_read32(at);
	}
}

void transport_write_config(uintptr_t base, uint64_t offset, unsigned int size, uint32_t value)
{
	uintptr_t at = base + offset;

	switch (size) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	default:
		mmio_write32(at, value);
		break;
	}
}
