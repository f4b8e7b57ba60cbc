/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System registers by the name the architecture gives them (Arm ARM DDI 0487, D19). Names that the
 * assembler lacks at our -march are macros for the S<op0>_<op1>_C<n>_C<m>_<op2> form in
 * <arch/sysreg_names.h>.
 */
#pragma once

#include <stdint.h>

#include <arch/sysreg_names.h>

#define SYSREG_TEXT_(name) #name
#define SYSREG_TEXT(name)  SYSREG_TEXT_(name)

#define read_sysreg(name)                                                                          \
	({                                                                                         \
		uint64_t value_;                                                                   \
		__asm__ volatile("mrs %0, " SYSREG_TEXT(name) : "=r"(value_)::"memory");           \
		value_;                                                                            \
	})

#define write_sysreg(name, value)                                                                  \
	__asm__ volatile("msr " SYSREG_TEXT(name) ", %x0" ::"rZ"((uint64_t)(value)) : "memory")
