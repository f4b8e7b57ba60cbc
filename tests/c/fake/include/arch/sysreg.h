/* SPDX-License-Identifier: BSD-3-Clause */
/* System registers of the fake arch: a store by name that a test can fill and look at. */
#pragma once

#include <stdint.h>

/* A register never written reads 0. */
uint64_t fake_sysreg_read(const char *name);
void fake_sysreg_write(const char *name, uint64_t value);

#define read_sysreg(name)	  fake_sysreg_read(#name)
#define write_sysreg(name, value) fake_sysreg_write(#name, (value))
