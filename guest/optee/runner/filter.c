/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls that a runner makes while it holds a TA, and with which arguments. */
#include <abi/tee_run.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "memory.h"
#include "sandbox.h"

#if defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#error "no system call numbers for this processor"
#endif

/* clang-format off */
#define LOAD(offset)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define ALLOW           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define LOW(n)          (offsetof(struct seccomp_data, args) + 8 * (n))
#define HIGH(n)         (LOW(n) + 4)
/* The next so many instructions are for this call; they end in ALLOW or REFUSE. */
#define CALL(nr, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, (count))
#define ONLY(value)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 1, 0), REFUSE
#define NONE_OF(bits)   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), 0, 1), REFUSE
#define IF(value)       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, 1), ALLOW

static const struct sock_filter program[] = {
	LOAD(offsetof(struct seccomp_data, arch)), ONLY(ARCHITECTURE),
	LOAD(offsetof(struct seccomp_data, nr)),
	CALL(SYS_read, 4), LOAD(LOW(0)), ONLY(TEE_RUN_FD), ALLOW,
	CALL(SYS_writev, 4), LOAD(LOW(0)), ONLY(TEE_RUN_FD), ALLOW,
	CALL(SYS_getrandom, 1), ALLOW,
	CALL(SYS_munmap, 1), ALLOW,
	CALL(SYS_exit_group, 1), ALLOW,
	/* Nothing is executable at first, and nothing is replaced. */
	CALL(SYS_mmap, 16), LOAD(HIGH(2)), ONLY(0), LOAD(LOW(2)), NONE_OF(~(PROT_READ | PROT_WRITE)),
		LOAD(HIGH(3)), ONLY(0), LOAD(LOW(3)), ONLY(MEMORY_MAP_FLAGS),
		LOAD(LOW(4)), ONLY(-1), ALLOW,
	CALL(SYS_mprotect, 15), LOAD(HIGH(2)), ONLY(0), LOAD(LOW(2)), IF(PROT_NONE), IF(PROT_READ),
		IF(PROT_READ | PROT_WRITE), IF(PROT_READ | PROT_EXEC),
		IF(PROT_READ | PROT_EXEC | MEMORY_PROT_BTI), REFUSE,
	REFUSE,
};
/* clang-format on */

bool sandbox_filter(void)
{
	struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(program[0]),
		/* The kernel only reads it. */
		.filter = (struct sock_filter *)(uintptr_t)program,
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
