/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the payloads share. A payload is a bare-metal program that runs alone in a realm, with the
 * MMU off, and tells what it met on the realm's UART as lines `name 0xvalue`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/platform.h>
#include <abi/rmi.h>
#include <abi/rsi.h>

#define PAYLOAD_RAM_SIZE UINT64_C(0x200000)
#define PAYLOAD_RAM_END	 (REALM_RAM_BASE + PAYLOAD_RAM_SIZE)
/* The program, its data and its stack lie below. */
#define PAYLOAD_END	  (REALM_RAM_BASE + UINT64_C(0x20000))
#define PAYLOAD_SHARED	  ((uint64_t)REALM_SHARED_BIT)
#define PAYLOAD_PAGE_SIZE UINT64_C(0x1000)

/* The payload itself; the realm powers off when it returns. */
void payload_main(uint64_t realm);

void tell(const char *name);
void say(const char *name, uint64_t value);
_Noreturn void power_off(void);

struct call {
	uint64_t x[11];
};

void smc(struct call *call);
/* Calls with up to four arguments; returns X0. */
uint64_t smc4(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);
/* The result of a host call, in gprs[0]; `argument` is gprs[1]. */
uint64_t host_call(uint16_t imm, uint64_t argument);

/* The last exception; an access that is not carried out leaves the value it would have replaced. */
struct fault {
	uint64_t count;
	uint64_t esr;
	uint64_t far;
	uint64_t elr;
};

extern volatile struct fault last_fault;

#define UNTOUCHED UINT64_C(0x4E4F4E4554484552)

/* Reads; returns whether that came through. `value` is UNTOUCHED if not. */
bool try_read(uint64_t ipa, uint64_t *value);
bool try_write(uint64_t ipa, uint64_t value);
void fetch_from(uint64_t ipa);

/* Accesses that a hypervisor can emulate: one register, no write-back. */
uint32_t mmio_read32(uint64_t ipa);
void mmio_write32(uint64_t ipa, uint32_t value);

/* Sleeps for about a millisecond. */
void rest(void);

/* From start.S. */
uint64_t take_exception(uint64_t esr, uint64_t elr, uint64_t far, uint64_t link);
_Noreturn void unexpected(void);
