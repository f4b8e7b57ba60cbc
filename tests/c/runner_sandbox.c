/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process can still do in the runner's sandbox: on this machine's kernel, and each in a
 * process. */
#include "sandbox.h"

#include <abi/tee_run.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

#define BOTH (PROT_READ | PROT_WRITE)

static void *const place = (void *)UINT64_C(0x200000000000);
static char byte = 'x';

/* How a process ends that does something behind the filter: 0, or the signal. */
static int after_filter(long (*act)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || dup2(ends[0], 200) != 200 ||
		    dup2(ends[1], TEE_RUN_FD) != TEE_RUN_FD || write(200, &byte, 1) != 1 ||
		    signal(SIGSYS, SIG_DFL) == SIG_ERR ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !sandbox_filter()) {
			_exit(9);
		}
		(void)syscall(SYS_exit_group, act() < 0 ? 8 : 0);
	}
	if (waitpid(child, &status, 0) != child) {
		abort();
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* By number throughout: a sanitizer's own read() or mmap() makes more system calls than that. */
static long do_read(void)
{
	return syscall(SYS_read, TEE_RUN_FD, &byte, 1);
}

static long do_write(void)
{
	struct iovec part = { &byte, 1 };

	return syscall(SYS_writev, TEE_RUN_FD, &part, 1);
}

static long do_map(void)
{
	if (syscall(SYS_mmap, place, MAP_PAGE, BOTH, MEMORY_MAP_FLAGS, -1, 0) != (long)place ||
	    syscall(SYS_mprotect, place, MAP_PAGE, PROT_READ | PROT_EXEC) != 0 ||
	    syscall(SYS_mprotect, place, MAP_PAGE, PROT_NONE) != 0) {
		return -1;
	}
	return syscall(SYS_munmap, place, MAP_PAGE);
}

static long do_random(void)
{
	return syscall(SYS_getrandom, &byte, 1, 0);
}

static void what_the_runner_does_is_allowed(void)
{
	EXPECT_EQ(after_filter(do_read), 0);
	EXPECT_EQ(after_filter(do_write), 0);
	EXPECT_EQ(after_filter(do_map), 0);
	EXPECT_EQ(after_filter(do_random), 0);
}

/* System calls and their first arguments; `place` is mapped by none of them. */
static const struct refused {
	long number;
	long arguments[6];
} refused[] = {
	{ SYS_read, { 200 } },
	{ SYS_read, { 0 } },
	{ SYS_writev, { 1 } },
	{ SYS_write, { TEE_RUN_FD } },
	{ SYS_mmap, { 0, MAP_PAGE, PROT_READ | PROT_EXEC, MEMORY_MAP_FLAGS, -1 } },
	{ SYS_mmap, { 0, MAP_PAGE, BOTH | PROT_EXEC, MEMORY_MAP_FLAGS, -1 } },
	{ SYS_mmap, { 0, MAP_PAGE, BOTH, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1 } },
	{ SYS_mmap, { 0, MAP_PAGE, BOTH, MEMORY_MAP_FLAGS, TEE_RUN_FD } },
	{ SYS_mmap, { 0, MAP_PAGE, BOTH | (1L << 40), MEMORY_MAP_FLAGS, -1 } },
	{ SYS_mprotect, { 0, MAP_PAGE, BOTH | PROT_EXEC } },
	{ SYS_mprotect, { 0, MAP_PAGE, PROT_WRITE | PROT_EXEC } },
	{ SYS_mprotect, { 0, MAP_PAGE, PROT_EXEC } },
	{ SYS_mprotect, { 0, MAP_PAGE, PROT_READ | (1L << 32) } },
	{ SYS_mremap, { 0, MAP_PAGE, MAP_PAGE } },
	{ SYS_openat, { -1 } },
	{ SYS_close, { TEE_RUN_FD } },
	{ SYS_dup, { TEE_RUN_FD } },
	{ SYS_sendmsg, { TEE_RUN_FD } },
	{ SYS_socket, { AF_INET, SOCK_STREAM } },
	{ SYS_clone, { 0 } },
	{ SYS_execve, { 0 } },
	{ SYS_kill, { 1, 0 } },
	{ SYS_ptrace, { 0 } },
	{ SYS_prctl, { PR_SET_DUMPABLE, 1 } },
	{ SYS_rt_sigaction, { SIGSYS } },
	{ SYS_rt_sigprocmask, { 0 } },
	{ SYS_unshare, { 0 } },
	{ SYS_getpid, { 0 } },
};

static const struct refused *trying;

static long do_try(void)
{
	const long *at = trying->arguments;

	return syscall(trying->number, at[0], at[1], at[2], at[3], at[4], at[5]);
}

static void all_else_is_a_sigsys(void)
{
	for (size_t n = 0; n < sizeof(refused) / sizeof(refused[0]); n++) {
		trying = &refused[n];
		EXPECT_EQ(after_filter(do_try), SIGSYS);
	}
}

static void the_sandbox_says_what_is_on(void)
{
	const struct sandbox_options options = { .weak = true, .user = 65534 };
	const uint32_t always =
		TEE_RUN_HELLO_SECCOMP | TEE_RUN_HELLO_NO_NEW_PRIVS | TEE_RUN_HELLO_RLIMITS;
	uint32_t flags = 0;
	int ends[2];
	pid_t child;

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	child = fork();
	if (child == 0) {
		struct iovec part = { &flags, sizeof(flags) };

		/* Namespaces that this machine does not allow are not for this test to complain
		 * about. */
		(void)close(STDERR_FILENO);
		if (dup2(ends[1], TEE_RUN_FD) != TEE_RUN_FD || !sandbox_enter(&options, &flags)) {
			_exit(9);
		}
		(void)syscall(SYS_writev, TEE_RUN_FD, &part, 1);
		(void)syscall(SYS_exit_group, 0);
	}
	(void)close(ends[1]);
	EXPECT_EQ(read(ends[0], &flags, sizeof(flags)), sizeof(flags));
	(void)close(ends[0]);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
	EXPECT_EQ(flags & always, always);
}

static const struct tap_case cases[] = {
	TAP_CASE(what_the_runner_does_is_allowed),
	TAP_CASE(all_else_is_a_sigsys),
	TAP_CASE(the_sandbox_says_what_is_on),
};

TAP_MAIN(cases)
