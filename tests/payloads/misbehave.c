/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that make no sense. Each gets the error that its specification names; nothing breaks. */
#include <abi/monitor.h>
#include <abi/smccc.h>

#include "payload.h"

#define RAM	   ((uint64_t)REALM_RAM_BASE)
#define PAGE	   (RAM + UINT64_C(0x100000))
#define NEXT	   (PAGE + PAYLOAD_PAGE_SIZE)
#define GARBAGE	   UINT64_C(0xA5A5A5A5A5A5A5A5)
#define MANY_TIMES 200U

static void unknown_functions(void)
{
	say("unknown RSI", smc4(UINT64_C(0xC40001AF), 0, 0, 0, 0));
	say("RMI from a realm", smc4(RMI_VERSION, RMI_ABI_VERSION_1_0, 0, 0, 0));
	say("call of EL3", smc4(UINT64_C(0xC40001B0), RAM, 0, 0, 0));
	say("unknown vendor call", smc4(UINT64_C(0xC6001234), 0, 0, 0, 0));
	say("yielding call", smc4(UINT64_C(0x32000001), 0, 0, 0, 0));
	say("garbage FID", smc4(GARBAGE, GARBAGE, GARBAGE, GARBAGE, GARBAGE));
}

static void host_calls(void)
{
	say("unknown host call", host_call(0xDEAD, GARBAGE));
	say("release outside a probe", host_call(MONITOR_CALL_RELEASE_PAGE, PAGE));
	say("host call unaligned", smc4(RSI_HOST_CALL, PAGE + 8U, 0, 0, 0));
	say("host call shared", smc4(RSI_HOST_CALL, PAYLOAD_SHARED | PAGE, 0, 0, 0));
	say("host call in a hole", smc4(RSI_HOST_CALL, REALM_UART_BASE, 0, 0, 0));
	say("host call nowhere", smc4(RSI_HOST_CALL, GARBAGE << 8, 0, 0, 0));
}

static void psci_calls(void)
{
	say("unknown PSCI", smc4(UINT64_C(0x8400001F), 0, 0, 0, 0));
	say("CPU_ON of itself", smc4(PSCI_CPU_ON_64, 0, RAM, 0, 0));
	say("CPU_ON of nobody", smc4(PSCI_CPU_ON_64, 77, RAM, 0, 0));
	say("CPU_ON of garbage", smc4(PSCI_CPU_ON_64, GARBAGE, RAM, 0, 0));
	say("CPU_ON in shared memory", smc4(PSCI_CPU_ON_64, 1, PAYLOAD_SHARED | RAM, 0, 0));
	say("AFFINITY_INFO level 1", smc4(PSCI_AFFINITY_INFO_64, 0, 1, 0, 0));
	say("AFFINITY_INFO of nobody", smc4(PSCI_AFFINITY_INFO_64, GARBAGE, 0, 0, 0));
	say("PSCI_FEATURES of garbage", smc4(PSCI_FEATURES, GARBAGE, 0, 0, 0));
	say("CPU_SUSPEND of garbage", smc4(PSCI_CPU_SUSPEND_64, GARBAGE, GARBAGE, GARBAGE, 0));
}

static void set_state(const char *name, uint64_t base, uint64_t top, uint64_t ripas)
{
	say(name, smc4(RSI_IPA_STATE_SET, base, top, ripas, RSI_CHANGE_DESTROYED));
}

static void ipa_states(void)
{
	struct call call = {
		.x = { RSI_IPA_STATE_SET, REALM_UART_BASE, REALM_UART_BASE + REALM_UART_SIZE,
		       RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED },
	};

	set_state("IPA state unaligned", PAGE + 1U, NEXT, RMI_RIPAS_RAM);
	set_state("IPA state top unaligned", PAGE, NEXT + 8U, RMI_RIPAS_RAM);
	set_state("IPA state empty range", PAGE, PAGE, RMI_RIPAS_RAM);
	set_state("IPA state backwards", NEXT, PAGE, RMI_RIPAS_RAM);
	set_state("IPA state shared", PAYLOAD_SHARED | PAGE, PAYLOAD_SHARED | NEXT, RMI_RIPAS_RAM);
	set_state("IPA state across halves", PAGE, PAYLOAD_SHARED + PAYLOAD_PAGE_SIZE,
		  RMI_RIPAS_RAM);
	set_state("IPA state destroyed", PAGE, NEXT, RMI_RIPAS_DESTROYED);
	set_state("IPA state garbage", PAGE, NEXT, GARBAGE);
	set_state("IPA state nowhere", GARBAGE << 12, (GARBAGE << 12) + PAYLOAD_PAGE_SIZE,
		  RMI_RIPAS_RAM);

	/* Well formed, but a device's place is not the monitor's to give. */
	smc(&call);
	say("device to RAM", call.x[0]);
	say("device to RAM reached", call.x[1]);
	say("device to RAM response", call.x[2]);
}

/* HVC is undefined in a realm, and its preferred return address is its own. */
static void hypervisor_call(void)
{
	uint64_t at;
	uint64_t before = last_fault.count;

	__asm__ volatile("adr %0, 1f\n1:\thvc #0\n\tnop" : "=r"(at) : : "x0", "memory");
	say("HVC exceptions", last_fault.count - before);
	say("HVC", last_fault.esr);
	say("HVC return offset", last_fault.elr - at);
}

/* A page that goes and comes is no endless fault. */
static void page_back_and_forth(void)
{
	uint64_t times = 0;
	uint64_t value;

	for (; times < MANY_TIMES; times++) {
		if (smc4(RSI_IPA_STATE_SET, PAGE, NEXT, RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED) !=
			    RSI_SUCCESS ||
		    try_read(PAGE, &value) ||
		    smc4(RSI_IPA_STATE_SET, PAGE, NEXT, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED) !=
			    RSI_SUCCESS ||
		    !try_read(PAGE, &value) || value != 0U || !try_write(PAGE, GARBAGE)) {
			break;
		}
	}
	say("page back and forth", times);
}

void payload_main(uint64_t realm)
{
	(void)realm;
	unknown_functions();
	host_calls();
	psci_calls();
	ipa_states();
	hypervisor_call();
	page_back_and_forth();
	say("version", smc4(RSI_VERSION, RSI_ABI_VERSION_1_0, 0, 0, 0));
}
