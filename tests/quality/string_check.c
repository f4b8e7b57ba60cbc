/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our string functions as they were compiled for the bare machine, on a processor of the kind: a
 * program without a C library, whose exit status is the number of the check that failed.
 */
#include <stddef.h>
#include <stdint.h>

#include <lib/string.h>

#define SIZE	   160U
#define LINUX_EXIT 93

static _Alignas(16) unsigned char ours[SIZE];
static unsigned char before[SIZE];

_Noreturn void _start(void);

static _Noreturn void leave(uint64_t status)
{
	register uint64_t x0 __asm__("x0") = status;
	register uint64_t x8 __asm__("x8") = LINUX_EXIT;

	for (;;) {
		__asm__ volatile("svc #0" ::"r"(x0), "r"(x8) : "memory");
	}
}

static void fill(void)
{
	for (size_t n = 0; n < SIZE; n++) {
		ours[n] = (unsigned char)(n * 7U + 1U);
		before[n] = ours[n];
	}
}

static unsigned char wanted(size_t at, size_t to, size_t from, size_t size)
{
	return at >= to && at - to < size ? before[from + at - to] : before[at];
}

static void check_moves(size_t to, size_t from, size_t size)
{
	fill();
	(void)memmove(ours + to, ours + from, size);
	for (size_t n = 0; n < SIZE; n++) {
		if (ours[n] != wanted(n, to, from, size)) {
			leave(1);
		}
	}
}

static void check_wipes(size_t at, size_t size)
{
	fill();
	explicit_bzero(ours + at, size);
	for (size_t n = 0; n < SIZE; n++) {
		if (ours[n] != (n >= at && n - at < size ? 0U : before[n])) {
			leave(2);
		}
	}
}

void _start(void)
{
	for (size_t to = 0; to < 40U; to++) {
		for (size_t size = 0; size < 120U; size++) {
			for (size_t from = 0; from < 40U; from++) {
				check_moves(to, from, size);
			}
			check_wipes(to, size);
		}
	}
	leave(0);
}
