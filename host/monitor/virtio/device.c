/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "config.h"
#include "pool.h"
#include "virtio/device.h"
#include "virtio/transport.h"

#define SHADOW_PAGES  ((sizeof(struct queue_shadow) + PAGE_SIZE - 1U) / PAGE_SIZE)
#define FEATURE_WORDS 2U

static uint32_t reg_read(const struct virtio_device *device, uint64_t offset)
{
	return mmio_read32(device->transport + offset);
}

static void reg_write(const struct virtio_device *device, uint64_t offset, uint32_t value)
{
	mmio_write32(device->transport + offset, value);
}

/*
 * Features of the transport are offered only if we carry them; those of the device type pass. The
 * realm must always be told to use DMA addresses, for its private memory is no use to a device.
 */
static uint32_t offered_features(const struct virtio_device *device, uint32_t word)
{
	const uint64_t transport = mask64(VIRTIO_F_TRANSPORT_END - 1U, VIRTIO_F_TRANSPORT_FIRST);
	const uint64_t carried = bit64(VIRTIO_F_VERSION_1) | bit64(VIRTIO_F_ACCESS_PLATFORM) |
				 bit64(VIRTIO_F_ORDER_PLATFORM);
	const uint64_t allowed = ~transport | carried;
	uint32_t features;

	if (word >= FEATURE_WORDS) {
		return 0;
	}
	reg_write(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
	features =
		reg_read(device, VIRTIO_MMIO_DEVICE_FEATURES) & (uint32_t)(allowed >> 32U * word);
	return features;
}

static uint32_t shown_features(const struct virtio_device *device, uint32_t word)
{
	uint32_t forced = word == VIRTIO_F_ACCESS_PLATFORM / 32U
				  ? 1U << (VIRTIO_F_ACCESS_PLATFORM % 32U)
				  : 0U;

	return offered_features(device, word) | forced;
}

static struct queue *selected_queue(struct virtio_device *device)
{
	return device->queue_sel < VIRTIO_MAX_QUEUES ? &device->queues[device->queue_sel] : NULL;
}

static uint32_t queue_size_limit(const struct virtio_device *device)
{
	reg_write(device, VIRTIO_MMIO_QUEUE_SEL, device->queue_sel);
	return (uint32_t)min_u64(reg_read(device, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX_SIZE);
}

static void raise(struct virtio_device *device, uint32_t reason)
{
	device->interrupt_status |= reason;
	device->interrupt(device, true);
}

static void forget_queues(struct virtio_device *device)
{
	for (unsigned int n = 0; n < device->queue_limit; n++) {
		struct queue_shadow *shadow = device->queues[n].shadow;

		device->queues[n] = (struct queue){ .shadow = shadow };
	}
}

static void reset(struct virtio_device *device)
{
	transport_reset(device->transport);
	forget_queues(device);
	device->is_broken = false;
	device->status = 0;
	device->interrupt_status = 0;
	device->device_features_sel = 0;
	device->driver_features_sel = 0;
	device->queue_sel = 0;
	device->interrupt(device, false);
}

/* The driver's rings make no sense: nothing is done with them any more until it resets. */
static void break_device(struct virtio_device *device, queue_fault fault)
{
	transport_reset(device->transport);
	forget_queues(device);
	device->is_broken = true;
	device->complain(device, fault);
	raise(device, VIRTIO_INTERRUPT_CONFIG);
}

static void write_address(const struct virtio_device *device, uint64_t low_offset, const void *at)
{
	reg_write(device, low_offset, (uint32_t)(uintptr_t)at);
	reg_write(device, low_offset + 4U, (uint32_t)((uint64_t)(uintptr_t)at >> 32));
}

static bool give_shadow(struct queue *queue)
{
	struct pa base;

	if (queue->shadow == NULL && pool_take_contiguous(SHADOW_PAGES, &base)) {
		queue->shadow = (struct queue_shadow *)(uintptr_t)base.value;
	}
	return queue->shadow != NULL;
}

static void enable_queue(struct virtio_device *device, struct queue *queue)
{
	queue_fault fault;

	if (queue->ready || device->is_broken) {
		return;
	}
	if (!give_shadow(queue)) {
		break_device(device, "no memory for a shadow ring");
		return;
	}
	device->queue_limit =
		(unsigned int)(device->queue_sel < device->queue_limit ? device->queue_limit
								       : device->queue_sel + 1U);
	fault = queue->size > queue_size_limit(device) ? "queue size not allowed"
						       : queue_start(queue, device->window);
	if (fault != NULL) {
		break_device(device, fault);
		return;
	}
	reg_write(device, VIRTIO_MMIO_QUEUE_NUM, queue->size);
	write_address(device, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->shadow->desc);
	write_address(device, VIRTIO_MMIO_QUEUE_DRIVER_LOW, &queue->shadow->avail);
	write_address(device, VIRTIO_MMIO_QUEUE_DEVICE_LOW, &queue->shadow->used);
	reg_write(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void write_queue_ready(struct virtio_device *device, struct queue *queue, uint32_t value)
{
	if (value != 0U) {
		enable_queue(device, queue);
	} else if (queue->ready) {
		queue->ready = false;
		reg_write(device, VIRTIO_MMIO_QUEUE_SEL, device->queue_sel);
		reg_write(device, VIRTIO_MMIO_QUEUE_READY, 0);
	}
}

static void pull_all(struct virtio_device *device)
{
	bool any = false;

	for (unsigned int n = 0; n < device->queue_limit; n++) {
		struct queue *queue = &device->queues[n];
		bool interrupt;
		queue_fault fault;

		if (!queue->ready) {
			continue;
		}
		fault = queue_pull(queue, &interrupt);
		if (fault != NULL) {
			break_device(device, fault);
			return;
		}
		any = any || interrupt;
	}
	if (any) {
		raise(device, VIRTIO_INTERRUPT_USED_BUFFER);
	}
}

/* Acknowledging comes before looking: what happens after it raises the interrupt again. */
static void service(struct virtio_device *device)
{
	uint32_t status = reg_read(device, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (status != 0U) {
		reg_write(device, VIRTIO_MMIO_INTERRUPT_ACK, status);
	}
	if (device->is_broken) {
		return;
	}
	if ((status & VIRTIO_INTERRUPT_CONFIG) != 0U) {
		raise(device, VIRTIO_INTERRUPT_CONFIG);
	}
	pull_all(device);
}

static void notify(struct virtio_device *device, uint32_t number)
{
	queue_fault fault;
	bool added;

	if (number >= VIRTIO_MAX_QUEUES || !device->queues[number].ready) {
		return;
	}
	fault = queue_push(&device->queues[number], device->window, &added);
	if (fault != NULL) {
		break_device(device, fault);
		return;
	}
	if (added) {
		reg_write(device, VIRTIO_MMIO_QUEUE_NOTIFY, number);
		/* Most devices have answered by now: this spares an exit for the interrupt. */
		service(device);
	}
}

static void set_low(uint64_t *address, uint32_t value)
{
	*address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
	*address = (*address & UINT32_MAX) | (uint64_t)value << 32;
}

static void write_queue_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	struct queue *queue = selected_queue(device);

	/* A queue that is ready keeps its rings. */
	if (queue == NULL || (queue->ready && offset != VIRTIO_MMIO_QUEUE_READY)) {
		return;
	}
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		queue->size = value <= QUEUE_MAX_SIZE ? (uint16_t)value : 0U;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		write_queue_ready(device, queue, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&queue->desc_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&queue->desc_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW:
		set_low(&queue->avail_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH:
		set_high(&queue->avail_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW:
		set_low(&queue->used_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH:
		set_high(&queue->used_address, value);
		break;
	default:
		break;
	}
}

static void write_status(struct virtio_device *device, uint32_t value)
{
	if (value == 0U) {
		reset(device);
	} else if (!device->is_broken) {
		device->status = value;
		reg_write(device, VIRTIO_MMIO_STATUS, value);
	}
}

static void write_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		device->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		device->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		value &= offered_features(device, device->driver_features_sel);
		reg_write(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, device->driver_features_sel);
		reg_write(device, VIRTIO_MMIO_DRIVER_FEATURES, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		device->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		notify(device, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		device->interrupt_status &= ~value;
		if (device->interrupt_status == 0U) {
			device->interrupt(device, false);
		}
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(device, value);
		break;
	default:
		write_queue_register(device, offset, value);
		break;
	}
}

static uint32_t read_status(const struct virtio_device *device)
{
	if (device->is_broken) {
		return device->status | VIRTIO_STATUS_NEEDS_RESET;
	}
	return reg_read(device, VIRTIO_MMIO_STATUS);
}

static uint32_t read_register(struct virtio_device *device, uint64_t offset)
{
	const struct queue *queue = selected_queue(device);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC:
	case VIRTIO_MMIO_VERSION:
	case VIRTIO_MMIO_DEVICE_ID:
	case VIRTIO_MMIO_VENDOR_ID:
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return reg_read(device, offset);
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return shown_features(device, device->device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return queue == NULL ? 0U : queue_size_limit(device);
	case VIRTIO_MMIO_QUEUE_READY:
		return queue != NULL && queue->ready ? 1U : 0U;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return device->interrupt_status;
	case VIRTIO_MMIO_STATUS:
		return read_status(device);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		/* No shared memory region. */
		return UINT32_MAX;
	default:
		return 0;
	}
}

static bool is_config(uint64_t offset, unsigned int size)
{
	return range_within(offset, size, VIRTIO_MMIO_CONFIG,
			    VIRTIO_MMIO_CONFIG_END - VIRTIO_MMIO_CONFIG) &&
	       is_aligned(offset, size);
}

uint64_t virtio_device_read(struct virtio_device *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	spin_lock(&device->lock);
	if (is_config(offset, size)) {
		if (size == 8U) {
			value = transport_read_config(device->transport, offset, 4);
			value |= (uint64_t)transport_read_config(device->transport, offset + 4U, 4)
				 << 32;
		} else {
			value = transport_read_config(device->transport, offset, size);
		}
	} else if (size == 4U) {
		value = read_register(device, offset);
	}
	spin_unlock(&device->lock);
	return value;
}

void virtio_device_write(struct virtio_device *device, uint64_t offset, unsigned int size,
			 uint64_t value)
{
	spin_lock(&device->lock);
	if (is_config(offset, size)) {
		if (size == 8U) {
			transport_write_config(device->transport, offset, 4, (uint32_t)value);
			transport_write_config(device->transport, offset + 4U, 4,
					       (uint32_t)(value >> 32));
		} else {
			transport_write_config(device->transport, offset, size, (uint32_t)value);
		}
	} else if (size == 4U) {
		write_register(device, offset, (uint32_t)value);
	}
	spin_unlock(&device->lock);
}

void virtio_device_service(struct virtio_device *device)
{
	spin_lock(&device->lock);
	service(device);
	spin_unlock(&device->lock);
}

void virtio_device_shut_down(struct virtio_device *device)
{
	spin_lock(&device->lock);
	transport_reset(device->transport);
	for (unsigned int n = 0; n < VIRTIO_MAX_QUEUES; n++) {
		uintptr_t base = (uintptr_t)device->queues[n].shadow;

		for (size_t page = 0; base != 0U && page < SHADOW_PAGES; page++) {
			pool_give_back(pa_make(base + page * PAGE_SIZE));
		}
		device->queues[n] = (struct queue){ 0 };
	}
	spin_unlock(&device->lock);
}
