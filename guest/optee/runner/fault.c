/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "enter.h"
#include "ta.h"

#define FRAMES_MAX 64
#define STACK_SIZE 0x10000

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };

/* A TA that overflows its stack leaves none for a handler. */
static uint8_t stack[STACK_SIZE] __attribute__((aligned(16)));
static struct runner *reporting;

int fault_install(struct runner *runner)
{
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	reporting = runner;
	/* C has no cast from a function with `void *` for the structure's pointers. */
	action.sa_sigaction = (void (*)(int, siginfo_t *, void *))(void (*)(void))enter_fault;
	(void)sigfillset(&action.sa_mask);
	if (sigaltstack(&alternate, NULL) != 0) {
		return errno;
	}
	for (size_t n = 0; n < sizeof(faults) / sizeof(faults[0]); n++) {
		if (sigaction(faults[n], &action, NULL) != 0) {
			return errno;
		}
	}
	return 0;
}

/* Put the return addresses that a chain of frame records has, as far as it is one. */
static void put_frames(struct runner *runner, uint64_t frame)
{
	uint64_t record[2];

	for (int n = 0; n < FRAMES_MAX; n++) {
		if (frame % sizeof(uint64_t) != 0 ||
		    !map_allows(&runner->map, frame, sizeof(record), TEE_RUN_PROT_READ, true)) {
			return;
		}
		memcpy(record, ta_pointer(frame), sizeof(record));
		frame_put_u64(&runner->out, record[1] & TEE_RUN_ADDRESS_MASK);
		if (record[0] <= frame) {
			return;
		}
		frame = record[0];
	}
}

void fault_report(int number, void *info, void *context)
{
	const siginfo_t *about = info;
	const ucontext_t *at = context;
	const mcontext_t *registers = &at->uc_mcontext;
	struct tee_run_fault fault = {
		.signal = (uint32_t)number,
		.code = (uint32_t)about->si_code,
		.address = (uint64_t)(uintptr_t)about->si_addr,
		.pc = registers->pc,
		.lr = registers->regs[30] & TEE_RUN_ADDRESS_MASK,
		.sp = registers->sp,
	};

	for (size_t n = 0; n < sizeof(fault.x) / sizeof(fault.x[0]); n++) {
		fault.x[n] = registers->regs[n];
	}
	frame_begin(&reporting->out, TEE_RUN_FAULT);
	frame_put_copy(&reporting->out, &fault, sizeof(fault));
	put_frames(reporting, registers->regs[29]);
	(void)frame_send(&reporting->out, reporting->fd);
	_exit(128 + number);
}
