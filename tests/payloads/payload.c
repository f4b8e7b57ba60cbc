/* SPDX-License-Identifier: BSD-3-Clause */
#include "payload.h"

#include <abi/gic.h>
#include <abi/smccc.h>

#define UART		     (PAYLOAD_SHARED | REALM_UART_BASE)
#define DISTRIBUTOR	     (PAYLOAD_SHARED | REALM_GICD_BASE)
#define REDISTRIBUTOR	     (PAYLOAD_SHARED | REALM_GICR_BASE)
#define EC_SHIFT	     26U
#define EC_INSTRUCTION_ABORT 0x21U
#define REST_TICKS	     1000000U

volatile struct fault last_fault;

static struct rsi_host_call call_page __attribute__((aligned(RSI_HOST_CALL_ALIGN)));

uint32_t mmio_read32(uint64_t ipa)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(ipa) : "memory");
	return value;
}

void mmio_write32(uint64_t ipa, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(ipa) : "memory");
}

static void put(char c)
{
	mmio_write32(UART, (uint8_t)c);
}

static void put_text(const char *text)
{
	for (; *text != '\0'; text++) {
		put(*text);
	}
}

void tell(const char *name)
{
	put_text(name);
	put('\n');
}

void say(const char *name, uint64_t value)
{
	unsigned int shift = 60;

	while (shift != 0U && value >> shift == 0U) {
		shift -= 4U;
	}
	put_text(name);
	put_text(" 0x");
	for (;; shift -= 4U) {
		put("0123456789abcdef"[(value >> shift) & 0xFU]);
		if (shift == 0U) {
			break;
		}
	}
	put('\n');
}

uint64_t smc4(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	struct call call = { .x = { fid, x1, x2, x3, x4 } };

	smc(&call);
	return call.x[0];
}

uint64_t host_call(uint16_t imm, uint64_t argument)
{
	call_page.imm = imm;
	call_page.gprs[0] = UNTOUCHED;
	call_page.gprs[1] = argument;
	if (smc4(RSI_HOST_CALL, (uintptr_t)&call_page, 0, 0, 0) != RSI_SUCCESS) {
		tell("the host call failed");
		power_off();
	}
	return *(volatile uint64_t *)&call_page.gprs[0];
}

void power_off(void)
{
	(void)smc4(PSCI_SYSTEM_OFF, 0, 0, 0, 0);
	unexpected();
}

uint64_t take_exception(uint64_t esr, uint64_t elr, uint64_t far, uint64_t link)
{
	last_fault.count++;
	last_fault.esr = esr;
	last_fault.far = far;
	last_fault.elr = elr;
	return esr >> EC_SHIFT == EC_INSTRUCTION_ABORT ? link : elr + 4U;
}

void unexpected(void)
{
	say("unexpected exception: esr", last_fault.esr);
	for (;;) {
		(void)smc4(PSCI_SYSTEM_RESET, 0, 0, 0, 0);
	}
}

bool try_read(uint64_t ipa, uint64_t *value)
{
	uint64_t before = last_fault.count;
	uint64_t read = UNTOUCHED;

	__asm__ volatile("ldr %0, [%1]\n\tdsb sy\n\tisb" : "+&r"(read) : "r"(ipa) : "memory");
	*value = read;
	return last_fault.count == before;
}

bool try_write(uint64_t ipa, uint64_t value)
{
	uint64_t before = last_fault.count;

	__asm__ volatile("str %0, [%1]\n\tdsb sy\n\tisb" : : "r"(value), "r"(ipa) : "memory");
	return last_fault.count == before;
}

/*
 * Once the timer has fired, the RMM hides its line from the PE: what ends the WFI then is the
 * virtual interrupt. It stays pending, for interrupts are masked.
 */
static void enable_timer_interrupt(void)
{
	mmio_write32(DISTRIBUTOR + GICD_CTLR, GICD_CTLR_ENABLE_GRP1_MASK);
	mmio_write32(REDISTRIBUTOR + GICR_SGI_FRAME + GICD_IGROUPR, UINT32_MAX);
	mmio_write32(REDISTRIBUTOR + GICR_SGI_FRAME + GICD_ISENABLER, 1U << GIC_PPI_CNTV);
	/* ICC_PMR_EL1 and ICC_IGRPEN1_EL1, which not every assembler knows by name. */
	__asm__ volatile("msr s3_0_c4_c6_0, %0\n\tmsr s3_0_c12_c12_7, %1\n\tisb"
			 :
			 : "r"(UINT64_C(0xFF)), "r"(UINT64_C(1)));
}

void rest(void)
{
	static bool is_enabled;

	if (!is_enabled) {
		enable_timer_interrupt();
		is_enabled = true;
	}
	__asm__ volatile("msr cntv_tval_el0, %0\n\t"
			 "msr cntv_ctl_el0, %1\n\t"
			 "isb\n\twfi\n\t"
			 "msr cntv_ctl_el0, xzr\n\tisb"
			 :
			 : "r"((uint64_t)REST_TICKS), "r"(UINT64_C(1))
			 : "memory");
	/* Any exit has the monitor see that the timer is off, so that the next WFI waits again. */
	(void)mmio_read32(UART);
}
