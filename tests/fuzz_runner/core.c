/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz_runner.h"

#define KEPT	  512U
#define LINES_MAX 20000

/* The frame that the runner writes: its head, the beginning of its body, and what is to come. */
static uint8_t heard[sizeof(struct tee_run_frame) + KEPT] __attribute__((aligned(8)));
static size_t heard_size;
static size_t heard_left;
bool core_in_call;
uint32_t core_call_number;
/* Reads and writes so far: some are short, some interrupted. */
static unsigned int tick;
/* Where zeros are that are not the TA's. */
static const uint8_t *zeros;

void core_begin(void)
{
	heard_size = heard_left = 0;
	core_in_call = false;
	tick = 0;
	say_beginning();
}

ssize_t core_read(int fd, void *to, size_t size)
{
	uint64_t addr = (uintptr_t)to;

	MUST(fd == FUZZ_FD, "read from descriptor %d", fd);
	MUST(pages_in_window(addr) ? pages_allow(addr, size, PROT_WRITE) : fuzz_on_stack(to, size),
	     "read of %zu bytes to %p", size, to);
	if (++tick % 31 == 0) {
		errno = EINTR;
		return -1;
	}
	if (say_left() == 0) {
		if (!input_is_left()) {
			return 0;
		}
		pages_check();
		say_something();
	}
	if (size > say_left()) {
		size = say_left();
	}
	if (tick % 7 == 0) {
		size = (size + 1) / 2;
	}
	say_bytes(to, size);
	return (ssize_t)size;
}

/* What the runner says must be what the parser of the core takes: Python looks. */
static void write_call_down(void)
{
	static FILE *file;
	static int lines;
	const char *name = getenv("RUNNER_FUZZ_CALLS");

	if (name == NULL || lines++ == LINES_MAX ||
	    (file == NULL && (file = fopen(name, "w")) == NULL)) {
		return;
	}
	for (size_t n = sizeof(struct tee_run_frame); n < heard_size; n++) {
		(void)fprintf(file, "%02x", heard[n]);
	}
	(void)fputc('\n', file);
	(void)fflush(file);
}

static void frame_ends(bool whole)
{
	const struct tee_run_frame *frame = (const void *)heard;

	switch (frame->type) {
	case TEE_RUN_CALL:
		MUST(!core_in_call, "a call in a call");
		core_in_call = true;
		memcpy(&core_call_number, heard + sizeof(*frame), sizeof(core_call_number));
		if (whole) {
			write_call_down();
		}
		break;
	case TEE_RUN_DONE:
	case TEE_RUN_FETCHED:
	case TEE_RUN_RETURNED:
	case TEE_RUN_FAULT:
		break;
	default:
		fuzz_fail("the runner says %#x", frame->type);
	}
	heard_size = 0;
}

/* Take bytes of frames. */
static void hear(const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		size_t head = sizeof(struct tee_run_frame);
		size_t step = heard_size < head ? 1 : size < heard_left ? size : heard_left;
		size_t kept = step < sizeof(heard) - heard_size ? step : sizeof(heard) - heard_size;

		memcpy(heard + heard_size, bytes, kept);
		bytes += step;
		size -= step;
		if (heard_size >= head) {
			heard_left -= step;
		}
		heard_size += kept;
		if (heard_size == head && step == 1) {
			const struct tee_run_frame *frame = (const void *)heard;

			MUST(frame->length >= TEE_RUN_LENGTH_MIN &&
				     frame->length <= TEE_RUN_LENGTH_MAX,
			     "a frame of length %u", frame->length);
			heard_left = frame->length - TEE_RUN_LENGTH_MIN;
		}
		if (heard_size >= head && heard_left == 0) {
			frame_ends(heard_size < sizeof(heard));
		}
	}
}

static void check_source(const uint8_t *from, size_t size)
{
	const struct frame_out *out = &fuzz_runner.out;

	if (pages_in_window((uintptr_t)from)) {
		MUST(pages_allow((uintptr_t)from, size, PROT_READ), "%zu bytes written from %p",
		     size, (const void *)from);
		return;
	}
	if (from >= out->scratch && from + size <= out->scratch + sizeof(out->scratch)) {
		return;
	}
	if (from != zeros) {
		for (size_t n = 0; n < size; n++) {
			MUST(from[n] == 0, "a byte that is the runner's own at %p",
			     (const void *)(from + n));
		}
		zeros = from;
	}
}

ssize_t core_writev(int fd, const struct iovec *parts, int count)
{
	size_t total = 0;

	MUST(fd == FUZZ_FD, "write to descriptor %d", fd);
	if (++tick % 31 == 0) {
		errno = EINTR;
		return -1;
	}
	for (int n = 0; n < count; n++) {
		size_t size = parts[n].iov_len;

		check_source(parts[n].iov_base, size);
		if (tick % 7 == 0 && size > 1) {
			hear(parts[n].iov_base, size / 2);
			return (ssize_t)(total + size / 2);
		}
		hear(parts[n].iov_base, size);
		total += size;
	}
	return (ssize_t)total;
}
