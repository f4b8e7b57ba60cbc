/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio window in front of a transport that is plain memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "tap.h"
#include "virtio/device.h"
#include "virtio/transport.h"

#define IPA_BASE    UINT64_C(0x40000000)
#define SHARED_BIT  UINT64_C(0x100000000)
#define WINDOW_PA   UINT64_C(0x180000000)
#define WINDOW_SIZE 0x4000U
#define SIZE	    8U
#define DESC_AT	    0x0U
#define AVAIL_AT    0x1000U
#define USED_AT	    0x2000U
#define BUFFER_AT   0x3000U
#define DEVICES	    2U

static _Alignas(4096) uint8_t memory[WINDOW_SIZE];
static _Alignas(8) uint8_t transports[DEVICES][VIRTIO_MMIO_CONFIG_END];
static struct virtio_device devices[DEVICES];
static struct virtio_device *const device = &devices[0];
static unsigned int raised;
static bool line;
static unsigned int pages_out;
static unsigned int complaints;
static const struct window window = {
	.ipa_base = IPA_BASE,
	.shared_bit = SHARED_BIT,
	.size = WINDOW_SIZE,
	.pa = WINDOW_PA,
	.memory = memory,
};

static struct virtq_desc *const desc = (struct virtq_desc *)(memory + DESC_AT);
static uint16_t *const avail = (uint16_t *)(memory + AVAIL_AT);
static uint16_t *const used = (uint16_t *)(memory + USED_AT);

/* The monitor's pool, on the build machine's heap; a run of pages is freed with its last page. */
bool pool_take_contiguous(size_t count, struct pa *base)
{
	void *pages = aligned_alloc(4096, count * 4096U);

	base->value = (uintptr_t)pages;
	pages_out += (unsigned int)count;
	return pages != NULL;
}

void pool_give_back(struct pa page)
{
	static struct pa first;
	static unsigned int given;

	if (given == 0U) {
		first = page;
	}
	pages_out--;
	if (++given == (sizeof(struct queue_shadow) + 4095U) / 4096U) {
		free((void *)(uintptr_t)first.value);
		given = 0;
	}
}

static void interrupt(struct virtio_device *from, bool raise)
{
	(void)from;
	line = raise;
	raised += raise ? 1U : 0U;
}

static void complain(struct virtio_device *from, const char *what)
{
	complaints += from->is_broken && what != NULL ? 1U : 0U;
}

static uint32_t *reg(unsigned int number, uint64_t offset)
{
	return (uint32_t *)(void *)(transports[number] + offset);
}

static void write_reg(uint64_t offset, uint64_t value)
{
	virtio_device_write(device, offset, 4, value);
}

static uint64_t read_reg(uint64_t offset)
{
	return virtio_device_read(device, offset, 4);
}

static void start(void)
{
	memset(memory, 0, sizeof(memory));
	memset(transports, 0, sizeof(transports));
	for (unsigned int n = 0; n < DEVICES; n++) {
		if (devices[n].transport != 0U) {
			virtio_device_shut_down(&devices[n]);
		}
		devices[n] = (struct virtio_device){
			.window = &window,
			.transport = (uintptr_t)transports[n],
			.interrupt = interrupt,
			.complain = complain,
			.number = n,
		};
		*reg(n, VIRTIO_MMIO_QUEUE_NUM_MAX) = 1024;
	}
	raised = 0;
	complaints = 0;
	line = false;
}

static void enable_queue(uint32_t number)
{
	write_reg(VIRTIO_MMIO_QUEUE_SEL, number);
	write_reg(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	write_reg(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)(IPA_BASE + DESC_AT));
	write_reg(VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
	write_reg(VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)(IPA_BASE + AVAIL_AT));
	write_reg(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 1);
	write_reg(VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)(IPA_BASE + USED_AT));
	write_reg(VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 1);
	write_reg(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void offer(uint16_t head)
{
	avail[2U + avail[1] % SIZE] = head;
	avail[1]++;
}

static void drive(void)
{
	write_reg(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	enable_queue(0);
	write_reg(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
					      VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	desc[0] = (struct virtq_desc){ IPA_BASE + BUFFER_AT, 64, VIRTQ_DESC_F_WRITE, 0 };
}

static void features_of_the_transport_are_masked(void)
{
	start();
	*reg(0, VIRTIO_MMIO_DEVICE_FEATURES) = UINT32_MAX;
	write_reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_DEVICE_FEATURES), 0x00FFFFFF);
	write_reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	/* VERSION_1, ACCESS_PLATFORM, ORDER_PLATFORM, and what belongs to device types. */
	EXPECT_EQ(read_reg(VIRTIO_MMIO_DEVICE_FEATURES), 0xFFFC0013);
	write_reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	write_reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void platform_access_is_always_offered_but_kept_from_a_device_without(void)
{
	start();
	*reg(0, VIRTIO_MMIO_DEVICE_FEATURES) = 1;
	write_reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_DEVICE_FEATURES), 3);
	write_reg(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write_reg(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_DRIVER_FEATURES), 1);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_DRIVER_FEATURES_SEL), 1);
}

static void device_gets_rings_of_the_monitor(void)
{
	uint64_t given;

	start();
	drive();
	given = *reg(0, VIRTIO_MMIO_QUEUE_DESC_LOW) | (uint64_t)*reg(0, VIRTIO_MMIO_QUEUE_DESC_HIGH)
							      << 32;
	EXPECT_EQ(given, (uintptr_t)device->queues[0].shadow->desc);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_READY), 1);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NUM), SIZE);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_READY), 1);
}

static void queue_sizes_shown_are_capped(void)
{
	start();
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX_SIZE);
	*reg(0, VIRTIO_MMIO_QUEUE_NUM_MAX) = 16;
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_NUM_MAX), 16);
	write_reg(VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MAX_QUEUES);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
}

static void notification_reaches_the_device_with_buffers_only(void)
{
	start();
	drive();
	*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY) = UINT32_MAX;
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY), UINT32_MAX);
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY), 0);
	EXPECT_EQ(device->queues[0].shadow->avail.idx, 1);
}

static void notification_of_a_queue_that_is_not_there_is_ignored(void)
{
	start();
	drive();
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MAX_QUEUES);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
	EXPECT(!device->is_broken);
	EXPECT_EQ(raised, 0);
}

static void used_buffer_raises_until_acknowledged(void)
{
	struct queue_shadow *shadow;

	start();
	drive();
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	shadow = device->queues[0].shadow;
	shadow->used_ring[0] = (struct virtq_used_elem){ shadow->avail_ring[0], 10 };
	shadow->used.idx = 1;
	*reg(0, VIRTIO_MMIO_INTERRUPT_STATUS) = VIRTIO_INTERRUPT_USED_BUFFER;
	virtio_device_service(device);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_INTERRUPT_ACK), VIRTIO_INTERRUPT_USED_BUFFER);
	EXPECT(line);
	EXPECT_EQ(used[1], 1);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_INTERRUPT_USED_BUFFER);
	write_reg(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_INTERRUPT_USED_BUFFER);
	EXPECT(!line);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void change_of_configuration_is_passed_on(void)
{
	start();
	*reg(0, VIRTIO_MMIO_INTERRUPT_STATUS) = VIRTIO_INTERRUPT_CONFIG;
	virtio_device_service(device);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_INTERRUPT_CONFIG);
	EXPECT(line);
}

static void hostile_ring_stops_its_device_and_no_other(void)
{
	start();
	drive();
	*reg(1, VIRTIO_MMIO_STATUS) = VIRTIO_STATUS_DRIVER_OK;
	desc[0].addr = 0;
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET,
		  VIRTIO_STATUS_NEEDS_RESET);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_STATUS), 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_INTERRUPT_CONFIG);
	EXPECT(line);
	EXPECT_EQ(complaints, 1);
	EXPECT(!devices[1].is_broken);
	EXPECT_EQ(*reg(1, VIRTIO_MMIO_STATUS), VIRTIO_STATUS_DRIVER_OK);
}

static void broken_device_does_nothing_until_it_is_reset(void)
{
	start();
	drive();
	desc[0].addr = 0;
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	write_reg(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DRIVER_OK);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_STATUS), 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_READY), 0);
	*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY) = UINT32_MAX;
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY), UINT32_MAX);

	write_reg(VIRTIO_MMIO_STATUS, 0);
	EXPECT(!line);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_STATUS), 0);
	memset(memory, 0, sizeof(memory));
	drive();
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY), 0);
	EXPECT(!device->is_broken);
}

static void queue_enabled_while_broken_stays_off(void)
{
	start();
	drive();
	desc[0].addr = 0;
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	enable_queue(0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_STATUS), 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_READY), 0);
}

static void ring_outside_the_window_breaks_the_device(void)
{
	start();
	write_reg(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	write_reg(VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT(device->is_broken);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_READY), 0);
}

static void size_above_the_device_limit_breaks_it(void)
{
	start();
	*reg(0, VIRTIO_MMIO_QUEUE_NUM_MAX) = SIZE / 2U;
	enable_queue(0);
	EXPECT(device->is_broken);
}

static void ready_queue_keeps_its_rings(void)
{
	start();
	drive();
	write_reg(VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	write_reg(VIRTIO_MMIO_QUEUE_NUM, 4096);
	EXPECT_EQ(device->queues[0].desc_address, (UINT64_C(1) << 32) | (IPA_BASE + DESC_AT));
	EXPECT_EQ(device->queues[0].size, SIZE);
}

static void queue_that_was_stopped_needs_a_reset(void)
{
	start();
	drive();
	write_reg(VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(read_reg(VIRTIO_MMIO_QUEUE_READY), 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_READY), 0);
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT(!device->is_broken);
	write_reg(VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT(device->is_broken);
}

static void last_queue_works_like_the_first(void)
{
	start();
	enable_queue(VIRTIO_MAX_QUEUES - 1U);
	desc[0] = (struct virtq_desc){ IPA_BASE + BUFFER_AT, 64, 0, 0 };
	offer(0);
	write_reg(VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MAX_QUEUES - 1U);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_QUEUE_NOTIFY), VIRTIO_MAX_QUEUES - 1U);
	enable_queue(VIRTIO_MAX_QUEUES);
	EXPECT(!device->is_broken);
}

static void configuration_is_forwarded_in_its_width(void)
{
	start();
	transports[0][VIRTIO_MMIO_CONFIG + 1] = 0x5A;
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_CONFIG + 1, 1), 0x5A);
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_CONFIG, 2), 0x5A00);
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_CONFIG, 8), 0x5A00);
	virtio_device_write(device, VIRTIO_MMIO_CONFIG + 8, 8, UINT64_C(0x1122334455667788));
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_CONFIG + 12, 4), 0x11223344);
	virtio_device_write(device, VIRTIO_MMIO_CONFIG_END - 1, 1, 0x77);
	EXPECT_EQ(transports[0][VIRTIO_MMIO_CONFIG_END - 1], 0x77);
}

static void nothing_is_reached_beyond_the_registers(void)
{
	start();
	for (unsigned int size = 1; size <= 8U; size *= 2U) {
		for (uint64_t offset = VIRTIO_MMIO_CONFIG_END - 8U; offset < 0x1000U; offset++) {
			(void)virtio_device_read(device, offset, size);
			virtio_device_write(device, offset, size, 0);
		}
	}
	EXPECT_EQ(virtio_device_read(device, 0xFFC, 4), 0);
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_CONFIG_END - 2, 4), 0);
}

static void registers_are_words(void)
{
	start();
	*reg(0, VIRTIO_MMIO_MAGIC) = VIRTIO_MMIO_MAGIC_VALUE;
	EXPECT_EQ(read_reg(VIRTIO_MMIO_MAGIC), VIRTIO_MMIO_MAGIC_VALUE);
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_MAGIC, 1), 0);
	EXPECT_EQ(virtio_device_read(device, VIRTIO_MMIO_MAGIC, 8), 0);
	virtio_device_write(device, VIRTIO_MMIO_STATUS, 1, 1);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_STATUS), 0);
}

static void shut_down_returns_every_page(void)
{
	start();
	drive();
	*reg(0, VIRTIO_MMIO_STATUS) = VIRTIO_STATUS_DRIVER_OK;
	EXPECT(pages_out != 0U);
	virtio_device_shut_down(device);
	EXPECT_EQ(pages_out, 0);
	EXPECT_EQ(*reg(0, VIRTIO_MMIO_STATUS), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(features_of_the_transport_are_masked),
	TAP_CASE(platform_access_is_always_offered_but_kept_from_a_device_without),
	TAP_CASE(device_gets_rings_of_the_monitor),
	TAP_CASE(queue_sizes_shown_are_capped),
	TAP_CASE(notification_reaches_the_device_with_buffers_only),
	TAP_CASE(notification_of_a_queue_that_is_not_there_is_ignored),
	TAP_CASE(used_buffer_raises_until_acknowledged),
	TAP_CASE(change_of_configuration_is_passed_on),
	TAP_CASE(hostile_ring_stops_its_device_and_no_other),
	TAP_CASE(broken_device_does_nothing_until_it_is_reset),
	TAP_CASE(queue_enabled_while_broken_stays_off),
	TAP_CASE(ring_outside_the_window_breaks_the_device),
	TAP_CASE(size_above_the_device_limit_breaks_it),
	TAP_CASE(ready_queue_keeps_its_rings),
	TAP_CASE(queue_that_was_stopped_needs_a_reset),
	TAP_CASE(last_queue_works_like_the_first),
	TAP_CASE(configuration_is_forwarded_in_its_width),
	TAP_CASE(nothing_is_reached_beyond_the_registers),
	TAP_CASE(registers_are_words),
	TAP_CASE(shut_down_returns_every_page),
};

TAP_MAIN(cases)
