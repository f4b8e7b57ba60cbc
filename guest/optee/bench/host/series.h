/* SPDX-License-Identifier: BSD-3-Clause */
/* A series: one operation, done again and again, and what it took by CLOCK_MONOTONIC. */
#ifndef SERIES_H
#define SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_MAX 1000

struct series {
	const char *name;
	size_t size;
	/* So many samples, or fewer of what takes long. */
	unsigned int wanted;
	unsigned int count;
	uint64_t begin;
	uint64_t rested;
	uint64_t samples[SERIES_MAX];
};

/* Begins a series: of one sample at least, of SERIES_MAX at most. */
void series_begin(struct series *series, const char *name, size_t size, unsigned int wanted);

/* Tells whether there is another sample to take. */
bool series_goes_on(const struct series *series);

uint64_t series_now(void);

/* Does nothing for a while, between what is measured. */
void series_rest(struct series *series);

/* Adds what has been done since `start`. */
void series_add(struct series *series, uint64_t start);

/*
 * Prints `bench: NAME BYTES median NS min NS max NS samples COUNT from NS to NS`, the last two
 * being the times at which it began and ended.
 */
void series_print(struct series *series);

#endif
