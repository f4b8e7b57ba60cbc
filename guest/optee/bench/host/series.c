// SPDX-License-Identifier: BSD-3-Clause
#include "series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEAST	  3
#define LONG	  2000000000U
#define REST	  200000000
#define SECOND_NS 1000000000U

uint64_t series_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

void series_begin(struct series *series, const char *name, size_t size, unsigned int wanted)
{
	series->name = name;
	series->size = size;
	series->wanted = wanted == 0 ? 1 : wanted < SERIES_MAX ? wanted : SERIES_MAX;
	series->count = 0;
	series->rested = 0;
	series->begin = series_now();
}

bool series_goes_on(const struct series *series)
{
	if (series->count >= series->wanted) {
		return false;
	}
	return series->count < LEAST || series_now() - series->begin - series->rested < LONG;
}

void series_rest(struct series *series)
{
	const struct timespec time = { .tv_nsec = REST };
	const uint64_t start = series_now();

	(void)nanosleep(&time, NULL);
	series->rested += series_now() - start;
}

void series_add(struct series *series, uint64_t start)
{
	series->samples[series->count++] = series_now() - start;
}

static int compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left;
	const uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

void series_print(struct series *series)
{
	const uint64_t end = series_now();
	const unsigned int count = series->count;

	qsort(series->samples, count, sizeof(series->samples[0]), compare);
	printf("bench: %s %zu median %" PRIu64 " min %" PRIu64 " max %" PRIu64 " samples %u"
	       " from %" PRIu64 " to %" PRIu64 "\n",
	       series->name, series->size, series->samples[count / 2], series->samples[0],
	       series->samples[count - 1], count, series->begin, end);
	fflush(stdout);
}
