/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <arch/fake.h>
#include <arch/pe.h>
#include <arch/sysreg.h>

#define MAX_REGISTERS 256U

static struct {
	const char *name;
	uint64_t value;
} registers[MAX_REGISTERS];

static size_t register_count;

void (*fake_smc_hook)(struct smc_regs *regs);
unsigned int fake_random_refusals;

uint64_t fake_sysreg_read(const char *name)
{
	for (size_t n = 0; n < register_count; n++) {
		if (strcmp(registers[n].name, name) == 0) {
			return registers[n].value;
		}
	}
	return 0;
}

void fake_sysreg_write(const char *name, uint64_t value)
{
	size_t n = 0;

	while (n < register_count && strcmp(registers[n].name, name) != 0) {
		n++;
	}
	if (n == MAX_REGISTERS) {
		abort();
	}
	if (n == register_count) {
		register_count++;
	}
	registers[n].name = name;
	registers[n].value = value;
}

void fake_sysreg_reset(void)
{
	register_count = 0;
}

void smc_call(struct smc_regs *regs)
{
	if (fake_smc_hook != NULL) {
		fake_smc_hook(regs);
	} else {
		regs->x[0] = UINT64_MAX;
	}
}

bool pe_random(uint64_t *number)
{
	static uint64_t state;

	if (fake_random_refusals != 0U) {
		fake_random_refusals--;
		return false;
	}
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	*number = state ^ (state >> 32);
	return true;
}
