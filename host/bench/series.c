/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/console.h>

#include "bench.h"
#include "rig.h"
#include "tap.h"

static struct {
	const char *name;
	unsigned int count;
	uint64_t samples[BENCH_SAMPLES];
} series;

void series_begin(const char *name)
{
	series.name = name;
	series.count = 0;
}

void series_failed(const char *what, uint64_t value)
{
	rig_give_up("%s: %s 0x%lx", series.name, what, (unsigned long)value);
}

/* Keeps the samples in order. */
void series_add(uint64_t ticks)
{
	unsigned int at = series.count++;

	if (at == BENCH_SAMPLES) {
		series_failed("samples beyond", at);
	}
	for (; at > 0U && series.samples[at - 1U] > ticks; at--) {
		series.samples[at] = series.samples[at - 1U];
	}
	series.samples[at] = ticks;
}

void series_end(void)
{
	const uint64_t *samples = series.samples;
	unsigned int count = series.count;

	if (count == 0U || tap_failed()) {
		series_failed("samples", count);
	}
	console_line("%s median %lu min %lu max %lu samples %u", series.name,
		     (unsigned long)samples[count / 2U], (unsigned long)samples[0],
		     (unsigned long)samples[count - 1U], count);
}

void series_not_offered(const char *name)
{
	console_line("%s not offered", name);
}

struct call sample_with(const uint64_t *x, size_t count)
{
	struct call nothing = call_filling(x, count);
	struct call regs = nothing;
	uint64_t ticks = timed_smc(&regs);

	if (regs.x[0] != 0U) {
		series_failed("answer", regs.x[0]);
	}
	series_add(ticks - timed_nothing(&nothing));
	return regs;
}
