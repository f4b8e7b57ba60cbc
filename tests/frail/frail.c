/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A frail RMM: ours, but with orders to do what it must never do, so that a host can see what
 * becomes of the rest. The linker puts each __wrap_ function here in the place of the function of
 * that name.
 */
#include <abi/rmi.h>
#include <lib/check.h>
#include <lib/string.h>

#include "frail.h"
#include "granule.h"
#include "memory.h"
#include "rmi/rmi.h"
#include "rsi/rsi.h"

#define A64_RET UINT32_C(0xD65F03C0)

extern uint32_t image_text_start[];
extern const uint64_t __stack_chk_guard;

rmi_handler __wrap_rmi_features, __real_rmi_features;
rsi_handler __wrap_rsi_version, __real_rsi_version;

bool __wrap_memory_read_ns(void *to, struct pa granule, size_t offset, size_t size);
bool __real_memory_read_ns(void *to, struct pa granule, size_t offset, size_t size);

static bool spoiling;
static _Alignas(16) uint8_t spoiled[GRANULE_SIZE];

static const uint32_t constant = A64_RET;
static uint32_t variable = A64_RET;

/* Through no type, so that the compiler cannot tell what is wrong with it. */
static void write_word(const uint32_t *at)
{
	__asm__ volatile("str wzr, [%0]" ::"r"(at) : "memory");
}

static void run_word(const uint32_t *at)
{
	__asm__ volatile("blr %0" ::"r"(at) : "x30", "memory");
}

static void use_up_stack(void)
{
	__asm__ volatile("1: str xzr, [sp, #-16]!\n\tb 1b" ::: "memory");
}

void __wrap_rmi_features(struct rmi_call *call)
{
	switch (call->x[1]) {
	case FRAIL_READ_NULL:
		__asm__ volatile("ldr xzr, [%0]" ::"r"(0UL));
		break;
	case FRAIL_WRITE_CODE:
		write_word(image_text_start);
		break;
	case FRAIL_WRITE_CONST:
		write_word(&constant);
		break;
	case FRAIL_RUN_DATA:
		run_word(&variable);
		break;
	case FRAIL_USE_UP:
		use_up_stack();
		break;
	case FRAIL_KEEP_LOCK:
		CHECK(!granule_lock(pa_make(call->x[2]), GRANULE_DELEGATED));
		break;
	case FRAIL_SPOIL:
	case FRAIL_DO_NOT:
		memset(spoiled, FRAIL_SPOILED, sizeof(spoiled));
		spoiling = call->x[1] == FRAIL_SPOIL;
		break;
	default:
		break;
	}
	__real_rmi_features(call);
	if (call->x[1] == FRAIL_TELL_GUARD) {
		call->result[1] = __stack_chk_guard;
	}
}

enum rsi_action __wrap_rsi_version(struct rsi_call *call)
{
	CHECK(call->x[1] != FRAIL_IN_REALM);
	return __real_rsi_version(call);
}

bool __wrap_memory_read_ns(void *to, struct pa granule, size_t offset, size_t size)
{
	bool done = __real_memory_read_ns(to, granule, offset, size);

	if (done && spoiling) {
		CHECK(memory_write_ns(granule, offset, spoiled, size));
	}
	return done;
}
