/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <abi/tee_run.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

void frame_begin(struct frame_out *out, uint32_t type)
{
	out->size = 0;
	out->part_count = 0;
	out->scratch_used = 0;
	frame_put_copy(out, &(struct tee_run_frame){ .type = type }, sizeof(struct tee_run_frame));
}

void frame_put_copy(struct frame_out *out, const void *bytes, size_t size)
{
	uint8_t *place = out->scratch + out->scratch_used;

	assert(size <= sizeof(out->scratch) - out->scratch_used);
	memcpy(place, bytes, size);
	out->scratch_used += size;
	frame_put_bytes(out, place, size);
}

void frame_put_u32(struct frame_out *out, uint32_t value)
{
	frame_put_copy(out, &value, sizeof(value));
}

void frame_put_u64(struct frame_out *out, uint64_t value)
{
	frame_put_copy(out, &value, sizeof(value));
}

void frame_put_bytes(struct frame_out *out, const void *bytes, size_t size)
{
	struct iovec *last = out->part_count > 0 ? &out->parts[out->part_count - 1] : NULL;

	if (size == 0) {
		return;
	}
	out->size += size;
	if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == bytes) {
		last->iov_len += size;
		return;
	}
	assert(out->part_count < FRAME_PARTS);
	/* writev(2) reads only: its structure has no place for a const. */
	out->parts[out->part_count].iov_base = (void *)(uintptr_t)bytes;
	out->parts[out->part_count].iov_len = size;
	out->part_count++;
}

bool frame_fits(const struct frame_out *out)
{
	return out->size - offsetof(struct tee_run_frame, type) <= TEE_RUN_LENGTH_MAX;
}

bool frame_send(struct frame_out *out, int fd)
{
	struct iovec *part = out->parts;
	size_t parts = out->part_count;
	uint32_t length = (uint32_t)(out->size - offsetof(struct tee_run_frame, type));

	assert(frame_fits(out));
	memcpy(out->scratch + offsetof(struct tee_run_frame, length), &length, sizeof(length));
	while (parts > 0) {
		ssize_t sent = writev(fd, part, (int)parts);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			return false;
		}
		while (parts > 0 && (size_t)sent >= part->iov_len) {
			sent -= (ssize_t)part->iov_len;
			part++;
			parts--;
		}
		if (parts > 0) {
			part->iov_base = (uint8_t *)part->iov_base + sent;
			part->iov_len -= (size_t)sent;
		}
	}
	return true;
}

static bool read_all(int fd, void *to, size_t size)
{
	uint8_t *next = to;

	while (size > 0) {
		ssize_t got = read(fd, next, size);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return false;
		}
		next += got;
		size -= (size_t)got;
	}
	return true;
}

bool frame_next(struct frame_in *in)
{
	struct tee_run_frame head;

	if (!read_all(in->fd, &head, sizeof(head)) || head.length < TEE_RUN_LENGTH_MIN ||
	    head.length > TEE_RUN_LENGTH_MAX) {
		return false;
	}
	in->type = head.type;
	in->left = head.length - TEE_RUN_LENGTH_MIN;
	return true;
}

bool frame_take(struct frame_in *in, void *to, size_t size)
{
	if (size > in->left) {
		return false;
	}
	in->left -= size;
	return read_all(in->fd, to, size);
}

bool frame_take_u64(struct frame_in *in, uint64_t *value)
{
	return frame_take(in, value, sizeof(*value));
}

bool frame_skip(struct frame_in *in, size_t size)
{
	uint8_t waste[1024];

	while (size > 0) {
		size_t step = size < sizeof(waste) ? size : sizeof(waste);

		if (!frame_take(in, waste, step)) {
			return false;
		}
		size -= step;
	}
	return true;
}
