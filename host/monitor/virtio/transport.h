/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's virtio-mmio transports: the real devices. */
#pragma once

#include <abi/virtio.h>
#include <lib/mmio.h>
#include <lib/types.h>

/* Where transport `number` has its registers. */
uintptr_t transport_base(unsigned int number);
/* Its interrupt, an SPI. */
unsigned int transport_intid(unsigned int number);

/* The device's configuration, in accesses of 1, 2 or 4 bytes. */
uint32_t transport_read_config(uintptr_t base, uint64_t offset, unsigned int size);
void transport_write_config(uintptr_t base, uint64_t offset, unsigned int size, uint32_t value);

/* Stops the device: when this returns it does no DMA any more. */
static inline void transport_reset(uintptr_t base)
{
	mmio_write32(base + VIRTIO_MMIO_STATUS, 0);
	while (mmio_read32(base + VIRTIO_MMIO_STATUS) != 0U) {
	}
}
