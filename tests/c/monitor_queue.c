/* SPDX-License-Identifier: BSD-3-Clause */
/* The shadow virtqueue, fed by drivers that behave and by drivers that do not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "virtio/queue.h"

#define IPA_BASE    UINT64_C(0x40000000)
#define SHARED_BIT  UINT64_C(0x100000000)
#define WINDOW_PA   UINT64_C(0x180000000)
#define WINDOW_SIZE 0x4000U
#define SIZE	    8U
#define DESC_AT	    0x0U
#define AVAIL_AT    0x1000U
#define USED_AT	    0x2000U
#define BUFFER_AT   0x3000U

static _Alignas(4096) uint8_t memory[WINDOW_SIZE];
static struct queue_shadow shadow;
static struct queue queue;
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

static queue_fault start_sized(uint16_t size)
{
	memset(memory, 0, sizeof(memory));
	memset(&shadow, 0xAA, sizeof(shadow));
	queue = (struct queue){
		.size = size,
		.desc_address = IPA_BASE + DESC_AT,
		.avail_address = IPA_BASE + AVAIL_AT,
		.used_address = IPA_BASE + USED_AT,
		.shadow = &shadow,
	};
	return queue_start(&queue, &window);
}

static void start(void)
{
	(void)start_sized(SIZE);
}

static void describe(unsigned int n, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	desc[n] = (struct virtq_desc){ addr, len, flags, next };
}

static void offer(uint16_t head)
{
	avail[2U + avail[1] % SIZE] = head;
	avail[1]++;
}

static queue_fault push(void)
{
	bool added;

	return queue_push(&queue, &window, &added);
}

/* What the device does with the oldest chain that it has not used. */
static void device_uses(uint16_t head, uint32_t length)
{
	shadow.used_ring[shadow.used.idx % SIZE] = (struct virtq_used_elem){ head, length };
	shadow.used.idx++;
}

static void good_chain_is_translated_and_returned(void)
{
	struct virtq_used_elem *elem = (struct virtq_used_elem *)(used + 2);
	unsigned int first;
	unsigned int second;
	bool interrupt;

	start();
	describe(3, IPA_BASE + BUFFER_AT, 16, VIRTQ_DESC_F_NEXT, 5);
	describe(5, IPA_BASE + BUFFER_AT + 16U, 32, VIRTQ_DESC_F_WRITE, 0);
	offer(3);
	EXPECT(push() == NULL);
	EXPECT_EQ(shadow.avail.idx, 1);
	first = shadow.avail_ring[0];
	EXPECT(first < SIZE);
	EXPECT_EQ(shadow.desc[first].addr, WINDOW_PA + BUFFER_AT);
	EXPECT_EQ(shadow.desc[first].len, 16);
	EXPECT_EQ(shadow.desc[first].flags, VIRTQ_DESC_F_NEXT);
	second = shadow.desc[first].next;
	EXPECT(second < SIZE && second != first);
	EXPECT_EQ(shadow.desc[second].addr, WINDOW_PA + BUFFER_AT + 16U);
	EXPECT_EQ(shadow.desc[second].flags, VIRTQ_DESC_F_WRITE);

	device_uses((uint16_t)first, 20);
	EXPECT(queue_pull(&queue, &interrupt) == NULL);
	EXPECT(interrupt);
	EXPECT_EQ(used[1], 1);
	EXPECT_EQ(elem->id, 3);
	EXPECT_EQ(elem->len, 20);
	EXPECT_EQ(shadow.free_count, SIZE);
}

static void shared_bit_in_addresses_is_accepted(void)
{
	start();
	describe(0, SHARED_BIT | (IPA_BASE + BUFFER_AT), 8, 0, 0);
	offer(0);
	EXPECT(push() == NULL);
	EXPECT_EQ(shadow.desc[shadow.avail_ring[0]].addr, WINDOW_PA + BUFFER_AT);

	queue = (struct queue){
		.size = SIZE,
		.desc_address = SHARED_BIT | IPA_BASE,
		.avail_address = SHARED_BIT | (IPA_BASE + AVAIL_AT),
		.used_address = SHARED_BIT | (IPA_BASE + USED_AT),
		.shadow = &shadow,
	};
	EXPECT(queue_start(&queue, &window) == NULL);
}

static void many_rounds_wrap_every_index(void)
{
	bool interrupt;

	start();
	for (unsigned int n = 0; n < 70000U; n++) {
		uint16_t head = (uint16_t)(n % SIZE);

		describe(head, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE, 0);
		offer(head);
		EXPECT(push() == NULL);
		device_uses(shadow.avail_ring[(uint16_t)(shadow.avail.idx - 1U) % SIZE], 4);
		EXPECT(queue_pull(&queue, &interrupt) == NULL);
		EXPECT_EQ(used[1], (uint16_t)(n + 1U));
	}
}

static void full_ring_is_carried(void)
{
	start();
	for (uint16_t n = 0; n < SIZE; n++) {
		describe(n, IPA_BASE + BUFFER_AT + n, 1, 0, 0);
		offer(n);
	}
	EXPECT(push() == NULL);
	EXPECT_EQ(shadow.avail.idx, SIZE);
	EXPECT_EQ(shadow.free_count, 0);
}

static void driver_may_refuse_interrupts(void)
{
	bool interrupt = true;

	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, 0, 0);
	offer(0);
	EXPECT(push() == NULL);
	avail[0] = VIRTQ_AVAIL_F_NO_INTERRUPT;
	device_uses(shadow.avail_ring[0], 0);
	EXPECT(queue_pull(&queue, &interrupt) == NULL);
	EXPECT(!interrupt);
	EXPECT_EQ(used[1], 1);
}

static void nothing_new_is_no_fault(void)
{
	bool added = true;
	bool interrupt = true;

	start();
	EXPECT(queue_push(&queue, &window, &added) == NULL);
	EXPECT(!added);
	EXPECT(queue_pull(&queue, &interrupt) == NULL);
	EXPECT(!interrupt);
}

static void sizes_are_powers_of_two_up_to_the_limit(void)
{
	EXPECT(start_sized(0) != NULL);
	EXPECT(start_sized(3) != NULL);
	EXPECT(start_sized(QUEUE_MAX_SIZE * 2U) != NULL);
	EXPECT(start_sized(QUEUE_MAX_SIZE) == NULL);
	EXPECT(start_sized(1) == NULL);
}

static queue_fault start_at(uint64_t desc_address, uint64_t avail_address, uint64_t used_address)
{
	queue = (struct queue){
		.size = SIZE,
		.desc_address = desc_address,
		.avail_address = avail_address,
		.used_address = used_address,
		.shadow = &shadow,
	};
	return queue_start(&queue, &window);
}

static void rings_outside_the_window_are_refused(void)
{
	const uint64_t good = IPA_BASE;
	const uint64_t end = IPA_BASE + WINDOW_SIZE;
	const uint64_t bad[] = {
		0, IPA_BASE - 16U, end - 16U, end, UINT64_MAX - 15U, UINT64_C(2) << 32 | IPA_BASE,
	};

	EXPECT(start_at(good, good, good) == NULL);
	for (size_t n = 0; n < ARRAY_COUNT(bad); n++) {
		EXPECT(start_at(bad[n], good, good) != NULL);
		EXPECT(start_at(good, bad[n], good) != NULL);
		EXPECT(start_at(good, good, bad[n]) != NULL);
		EXPECT(!queue.ready);
	}
}

static void misaligned_rings_are_refused(void)
{
	EXPECT(start_at(IPA_BASE + 8U, IPA_BASE, IPA_BASE) != NULL);
	EXPECT(start_at(IPA_BASE, IPA_BASE + 1U, IPA_BASE) != NULL);
	EXPECT(start_at(IPA_BASE, IPA_BASE, IPA_BASE + 2U) != NULL);
}

static void queue_starts_once_between_resets(void)
{
	start();
	queue.ready = false;
	EXPECT(queue_start(&queue, &window) != NULL);
}

static void index_that_jumps_is_refused(void)
{
	start();
	avail[1] = SIZE + 1U;
	EXPECT(push() != NULL);
	EXPECT_EQ(shadow.avail.idx, 0);
	start();
	avail[1] = UINT16_MAX;
	EXPECT(push() != NULL);
}

static void head_outside_the_queue_is_refused(void)
{
	const uint16_t heads[] = { SIZE, SIZE + 1U, 0x7FFF, UINT16_MAX };

	for (size_t n = 0; n < ARRAY_COUNT(heads); n++) {
		start();
		offer(heads[n]);
		EXPECT(push() != NULL);
		EXPECT_EQ(shadow.avail.idx, 0);
	}
}

static void next_outside_the_queue_is_refused(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_NEXT, SIZE);
	offer(0);
	EXPECT(push() != NULL);
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_NEXT, UINT16_MAX);
	offer(0);
	EXPECT(push() != NULL);
}

static void loops_are_refused(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_NEXT, 0);
	offer(0);
	EXPECT(push() != NULL);

	start();
	for (uint16_t n = 0; n < SIZE; n++) {
		describe(n, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_NEXT,
			 (uint16_t)((n + 1U) % SIZE));
	}
	offer(4);
	EXPECT(push() != NULL);
	EXPECT_EQ(shadow.avail.idx, 0);
	EXPECT_EQ(shadow.free_count, SIZE);
}

static void buffers_outside_the_window_are_refused(void)
{
	const struct {
		uint64_t addr;
		uint32_t len;
	} bad[] = {
		{ 0, 4 },
		{ IPA_BASE - 1U, 4 },
		{ IPA_BASE + WINDOW_SIZE - 3U, 4 },
		{ IPA_BASE + WINDOW_SIZE, 1 },
		{ IPA_BASE, WINDOW_SIZE + 1U },
		{ IPA_BASE + BUFFER_AT, UINT32_MAX },
		{ UINT64_MAX - 3U, 8 },
		{ UINT64_MAX, UINT32_MAX },
		{ IPA_BASE + BUFFER_AT, 0 },
		{ UINT64_C(0x200000000) | IPA_BASE, 4 },
		/* The window's own PA is no address of the realm's. */
		{ WINDOW_PA, 4 },
	};

	for (size_t n = 0; n < ARRAY_COUNT(bad); n++) {
		start();
		describe(0, bad[n].addr, bad[n].len, VIRTQ_DESC_F_WRITE, 0);
		offer(0);
		EXPECT(push() != NULL);
		EXPECT_EQ(shadow.avail.idx, 0);
	}
}

static void indirect_descriptors_are_refused(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 16, VIRTQ_DESC_F_INDIRECT, 0);
	offer(0);
	EXPECT(push() != NULL);
}

static void readable_after_writable_is_refused(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT, 1);
	describe(1, IPA_BASE + BUFFER_AT, 4, 0, 0);
	offer(0);
	EXPECT(push() != NULL);
}

static void unknown_flags_do_not_reach_the_device(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4,
		 (uint16_t) ~(VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_INDIRECT), 0);
	offer(0);
	EXPECT(push() == NULL);
	EXPECT_EQ(shadow.desc[shadow.avail_ring[0]].flags, VIRTQ_DESC_F_WRITE);
}

static void changes_in_flight_change_nothing(void)
{
	struct virtq_desc seen;
	bool interrupt;

	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	EXPECT(push() == NULL);
	seen = shadow.desc[shadow.avail_ring[0]];
	describe(0, 0, UINT32_MAX, VIRTQ_DESC_F_NEXT, 0);
	avail[2] = UINT16_MAX;
	EXPECT(push() == NULL);
	EXPECT(memcmp(&seen, &shadow.desc[shadow.avail_ring[0]], sizeof(seen)) == 0);
	device_uses(shadow.avail_ring[0], 4);
	EXPECT(queue_pull(&queue, &interrupt) == NULL);
	EXPECT_EQ(((struct virtq_used_elem *)(used + 2))->id, 0);
}

static void one_descriptor_offered_too_often_is_refused(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, 0, 0);
	for (unsigned int n = 0; n < SIZE; n++) {
		offer(0);
	}
	EXPECT(push() == NULL);
	offer(0);
	EXPECT(push() != NULL);
	EXPECT_EQ(shadow.free_count, 0);
}

static void what_came_before_the_fault_is_left_whole(void)
{
	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, 0, 0);
	describe(1, 0, 4, 0, 0);
	offer(0);
	offer(1);
	EXPECT(push() != NULL);
	EXPECT_EQ(shadow.avail.idx, 1);
	EXPECT_EQ(shadow.free_count, SIZE - 1U);
}

static void device_cannot_return_what_it_has_not(void)
{
	bool interrupt;

	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	EXPECT(push() == NULL);
	device_uses((uint16_t)((shadow.avail_ring[0] + 1U) % SIZE), 4);
	EXPECT(queue_pull(&queue, &interrupt) != NULL);
	EXPECT_EQ(used[1], 0);

	start();
	device_uses(UINT16_MAX, 4);
	EXPECT(queue_pull(&queue, &interrupt) != NULL);

	start();
	shadow.used.idx = SIZE + 1U;
	EXPECT(queue_pull(&queue, &interrupt) != NULL);
}

static void chain_is_returned_once(void)
{
	bool interrupt;

	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	EXPECT(push() == NULL);
	device_uses(shadow.avail_ring[0], 4);
	device_uses(shadow.avail_ring[0], 4);
	EXPECT(queue_pull(&queue, &interrupt) != NULL);
}

static void length_used_is_bounded_by_the_chain(void)
{
	bool interrupt;

	start();
	describe(0, IPA_BASE + BUFFER_AT, 4, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	EXPECT(push() == NULL);
	device_uses(shadow.avail_ring[0], UINT32_MAX);
	EXPECT(queue_pull(&queue, &interrupt) == NULL);
	EXPECT_EQ(((struct virtq_used_elem *)(used + 2))->len, 4);
}

/* Random rings: whatever they hold, the device only ever sees the window. */
static void random_rings_never_leave_the_window(void)
{
	srand(1);
	for (unsigned int round = 0; round < 20000U; round++) {
		unsigned int tries = 4;

		start();
		for (unsigned int n = 0; n < SIZE; n++) {
			uint64_t addr = IPA_BASE + (uint64_t)(rand() % (2 * (int)WINDOW_SIZE));

			describe(n, addr, (uint32_t)(rand() % 0x1000), (uint16_t)(rand() % 4),
				 (uint16_t)(rand() % 9));
			avail[2U + n] = (uint16_t)(rand() % 9);
		}
		while (tries-- != 0U) {
			avail[1] = (uint16_t)(avail[1] + rand() % 4);
			if (push() != NULL) {
				break;
			}
		}
		for (unsigned int n = 0; n < shadow.avail.idx; n++) {
			unsigned int at = shadow.avail_ring[n % SIZE];

			for (unsigned int length = 0;; length++) {
				const struct virtq_desc *d = &shadow.desc[at];

				EXPECT(length < SIZE);
				EXPECT(d->addr >= WINDOW_PA);
				EXPECT(d->addr + d->len <= WINDOW_PA + WINDOW_SIZE);
				if ((d->flags & VIRTQ_DESC_F_NEXT) == 0U) {
					break;
				}
				at = d->next;
			}
		}
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(good_chain_is_translated_and_returned),
	TAP_CASE(shared_bit_in_addresses_is_accepted),
	TAP_CASE(many_rounds_wrap_every_index),
	TAP_CASE(full_ring_is_carried),
	TAP_CASE(driver_may_refuse_interrupts),
	TAP_CASE(nothing_new_is_no_fault),
	TAP_CASE(sizes_are_powers_of_two_up_to_the_limit),
	TAP_CASE(rings_outside_the_window_are_refused),
	TAP_CASE(misaligned_rings_are_refused),
	TAP_CASE(queue_starts_once_between_resets),
	TAP_CASE(index_that_jumps_is_refused),
	TAP_CASE(head_outside_the_queue_is_refused),
	TAP_CASE(next_outside_the_queue_is_refused),
	TAP_CASE(loops_are_refused),
	TAP_CASE(buffers_outside_the_window_are_refused),
	TAP_CASE(indirect_descriptors_are_refused),
	TAP_CASE(readable_after_writable_is_refused),
	TAP_CASE(unknown_flags_do_not_reach_the_device),
	TAP_CASE(changes_in_flight_change_nothing),
	TAP_CASE(one_descriptor_offered_too_often_is_refused),
	TAP_CASE(what_came_before_the_fault_is_left_whole),
	TAP_CASE(device_cannot_return_what_it_has_not),
	TAP_CASE(chain_is_returned_once),
	TAP_CASE(length_used_is_bounded_by_the_chain),
	TAP_CASE(random_rings_never_leave_the_window),
};

TAP_MAIN(cases)
