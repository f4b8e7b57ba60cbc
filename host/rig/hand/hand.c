/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>

#include "call.h"
#include "hand.h"
#include "sve.h"
#include "vector.h"

#define EC_SHIFT	     26U
#define EC_INSTRUCTION_ABORT 0x21U
#define EC_SVC		     0x15U
#define EC_HVC		     0x16U
#define EC_SMC		     0x17U
#define GPR_SMC		     1U
#define GPR_CLOBBERED	     19U
#define GPR_TICKS	     19U
#define VECTOR_KIND_MASK     0x180U /* 0 for a synchronous exception */
#define VECTOR_KIND_IRQ	     0x080U
#define VECTOR_LOWER	     0x400U
#define SPSR_OWN	     0x3C5U /* EL1h, interrupts masked */
#define NO_INTID	     1023U
#define DAIF_I		     "#2"

/* From start.S, code.S and repeat.S. */
void branch_to(uint64_t address);
void code_call(uint64_t *gprs);
void code_drop(uint64_t *gprs);
extern const char code_back[];
void repeat_read(uint64_t address, uint64_t turns);
void repeat_write(uint64_t address, uint64_t turns);
void repeat_wfi(uint64_t unused, uint64_t turns);
void repeat_call(uint64_t page, uint64_t turns);
void repeat_call_fp(uint64_t page, uint64_t turns);
void repeat_ripas(uint64_t page, uint64_t turns);
_Noreturn void hand_main(uint64_t index);
uint64_t hand_exception(uint32_t offset, uint64_t link);

/* A REC's stack page and its page of the call go by the same index. */
static struct rsi_host_call *own_page(void)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	return (struct rsi_host_call *)((sp & ~UINT64_C(0xFFF)) - HAND_STACKS + HAND_CALLS);
}

static void take_irq(uint64_t *gprs)
{
	uint64_t intid = read_sysreg(ICC_IAR1_EL1);

	gprs[HAND_INTID] = intid;
	write_sysreg(ICC_EOIR1_EL1, intid);
	isb();
}

uint64_t hand_exception(uint32_t offset, uint64_t link)
{
	uint64_t *gprs = own_page()->gprs;
	uint64_t esr = read_sysreg(ESR_EL1);
	uint64_t elr = read_sysreg(ELR_EL1);

	gprs[HAND_FAULTS]++;
	gprs[HAND_ESR] = esr;
	gprs[HAND_ELR] = elr;
	gprs[HAND_FAR] = read_sysreg(FAR_EL1);
	gprs[HAND_SPSR] = read_sysreg(SPSR_EL1);
	gprs[HAND_VECTOR] = offset;
	if ((offset & VECTOR_KIND_MASK) == VECTOR_KIND_IRQ) {
		take_irq(gprs);
	}
	if (offset >= VECTOR_LOWER) {
		write_sysreg(SPSR_EL1, SPSR_OWN);
		return (uint64_t)(uintptr_t)code_back;
	}
	if ((offset & VECTOR_KIND_MASK) != 0U) {
		return elr;
	}
	switch (esr >> EC_SHIFT) {
	case EC_INSTRUCTION_ABORT:
		return link;
	case EC_SVC:
	case EC_HVC:
	case EC_SMC:
		return elr;
	default:
		return elr + 4U;
	}
}

static uint64_t read_memory(uint64_t address, uint64_t bytes)
{
	uint64_t value = 0;

	switch (bytes) {
	case 1:
		__asm__ volatile("ldrb %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
		break;
	case 2:
		__asm__ volatile("ldrh %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
		break;
	case 4:
		__asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
		break;
	default:
		__asm__ volatile("ldr %0, [%1]" : "+r"(value) : "r"(address) : "memory");
		break;
	}
	return value;
}

static void write_memory(uint64_t address, uint64_t bytes, uint64_t value)
{
	switch (bytes) {
	case 1:
		__asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
		break;
	case 2:
		__asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
		break;
	case 4:
		__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
		break;
	default:
		__asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
		break;
	}
}

#define GET(name)                                                                                  \
	case HAND_REG_##name:                                                                      \
		return read_sysreg(name);
#define SET(name)                                                                                  \
	case HAND_REG_##name:                                                                      \
		write_sysreg(name, value);                                                         \
		break;
#define NOTHING(name)

static uint64_t get_register(uint64_t number)
{
	switch (number) {
#define READ_WRITE GET
#define READ_ONLY  GET
#define WRITE_ONLY NOTHING
#include "registers.def"
#undef READ_WRITE
#undef READ_ONLY
#undef WRITE_ONLY
	default:
		return 0;
	}
}

static void set_register(uint64_t number, uint64_t value)
{
	switch (number) {
#define READ_WRITE SET
#define READ_ONLY  NOTHING
#define WRITE_ONLY SET
#include "registers.def"
#undef READ_WRITE
#undef READ_ONLY
#undef WRITE_ONLY
	default:
		break;
	}
	isb();
}

static void do_smc(uint64_t *gprs)
{
	struct call call;

	for (unsigned int n = 0; n < CALL_REGS; n++) {
		call.x[n] = gprs[GPR_SMC + n];
	}
	call_smc(&call);
	for (unsigned int n = 0; n < CALL_REGS; n++) {
		gprs[GPR_SMC + n] = call.x[n];
	}
	gprs[GPR_CLOBBERED] = call.clobbered;
}

static void time_smc(uint64_t *gprs)
{
	struct call nothing = { .clobbered = 0 };
	struct call call;
	uint64_t ticks;

	for (unsigned int n = 0; n < CALL_REGS; n++) {
		call.x[n] = gprs[GPR_SMC + n];
	}
	ticks = timed_smc(&call);
	for (unsigned int n = 0; n < CALL_REGS; n++) {
		gprs[GPR_SMC + n] = call.x[n];
	}
	gprs[GPR_TICKS] = ticks - timed_nothing(&nothing);
}

static void repeat(uint64_t what, uint64_t argument, uint64_t turns)
{
	static void (*const loops[])(uint64_t argument, uint64_t turns) = {
		[HAND_REPEAT_READ] = repeat_read,	[HAND_REPEAT_WRITE] = repeat_write,
		[HAND_REPEAT_WFI] = repeat_wfi,		[HAND_REPEAT_CALL] = repeat_call,
		[HAND_REPEAT_CALL_FP] = repeat_call_fp, [HAND_REPEAT_RIPAS] = repeat_ripas,
	};

	if (what < sizeof(loops) / sizeof(loops[0])) {
		loops[what](argument, turns);
	}
}

static void spin(uint64_t ticks)
{
	uint64_t end = read_sysreg(CNTVCT_EL0) + ticks;

	while (read_sysreg(CNTVCT_EL0) < end) {
	}
}

static uint64_t poll(const uint64_t *gprs)
{
	uint64_t end = read_sysreg(CNTVCT_EL0) + gprs[2];
	uint64_t value;

	do {
		value = read_memory(gprs[1], sizeof(value));
	} while (gprs[HAND_FAULTS] == 0U && value != gprs[3] && read_sysreg(CNTVCT_EL0) < end);
	return value;
}

static void listen(uint64_t *gprs)
{
	uint64_t end = read_sysreg(CNTVCT_EL0) + gprs[1];

	gprs[HAND_INTID] = NO_INTID;
	__asm__ volatile("msr daifclr, " DAIF_I ::: "memory");
	while (*(volatile uint64_t *)&gprs[HAND_FAULTS] == 0U && read_sysreg(CNTVCT_EL0) < end) {
	}
	__asm__ volatile("msr daifset, " DAIF_I ::: "memory");
}

static void obey(uint64_t *gprs)
{
	switch (gprs[0]) {
	case HAND_SMC:
		do_smc(gprs);
		break;
	case HAND_READ:
		gprs[1] = read_memory(gprs[1], gprs[2]);
		break;
	case HAND_WRITE:
		write_memory(gprs[1], gprs[2], gprs[3]);
		break;
	case HAND_READ_PAIR:
		__asm__ volatile("ldp %0, %1, [%2]"
				 : "=&r"(gprs[3]), "=&r"(gprs[4])
				 : "r"(gprs[1])
				 : "memory");
		break;
	case HAND_FETCH:
		branch_to(gprs[1]);
		break;
	case HAND_GET:
		gprs[1] = get_register(gprs[1]);
		break;
	case HAND_SET:
		set_register(gprs[1], gprs[2]);
		break;
	case HAND_WFI:
		__asm__ volatile("wfi" ::: "memory");
		break;
	case HAND_WFE:
		__asm__ volatile("wfe" ::: "memory");
		break;
	case HAND_HVC:
		__asm__ volatile("hvc #0" ::: "memory");
		break;
	case HAND_SPIN:
		spin(gprs[1]);
		break;
	case HAND_POLL:
		gprs[3] = poll(gprs);
		break;
	case HAND_FILL:
		vector_fill(gprs[1]);
		break;
	case HAND_SUM:
		gprs[1] = vector_sum();
		break;
	case HAND_TIME:
		time_smc(gprs);
		break;
	case HAND_REPEAT:
		repeat(gprs[1], gprs[2], gprs[3]);
		break;
	case HAND_SVE_FILL:
		sve_fill(gprs[1]);
		break;
	case HAND_SVE_SUM:
		gprs[1] = sve_sum();
		gprs[2] = sve_size();
		break;
	case HAND_CODE:
		code_call(gprs);
		break;
	case HAND_DROP:
		code_drop(gprs);
		break;
	case HAND_LISTEN:
		listen(gprs);
		break;
	default:
		break;
	}
}

void hand_main(uint64_t index)
{
	struct rsi_host_call *page =
		(struct rsi_host_call *)(uintptr_t)(HAND_CALLS + index * UINT64_C(0x1000));
	uint64_t *gprs = page->gprs;

	page->imm = HAND_IMM;
	for (;;) {
		struct call call = { .x = { RSI_HOST_CALL, (uintptr_t)page } };

		call_smc(&call);
		gprs[HAND_FAULTS] = 0;
		obey(gprs);
	}
}
