/* SPDX-License-Identifier: BSD-3-Clause */
#include "sandbox.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the empty file system goes, before it becomes the root. */
#define ROOT_AT "/tmp"

static const struct {
	int namespace;
	uint32_t flag;
	const char *name;
} namespaces[] = {
	{ CLONE_NEWNS, TEE_RUN_HELLO_NS_MOUNT, "mount namespace" },
	{ CLONE_NEWNET, TEE_RUN_HELLO_NS_NET, "network namespace" },
	{ CLONE_NEWIPC, TEE_RUN_HELLO_NS_IPC, "IPC namespace" },
	{ CLONE_NEWUTS, TEE_RUN_HELLO_NS_UTS, "UTS namespace" },
	{ CLONE_NEWPID, TEE_RUN_HELLO_NS_PID, "PID namespace" },
};

/* What is on, and whether something is missing that must not be. */
struct progress {
	const struct sandbox_options *options;
	uint32_t flags;
	bool failed;
};

/* The core hears from HELLO what a weak runner goes on without, and tells. */
static void note(struct progress *progress, bool done, uint32_t flag, const char *name)
{
	if (done) {
		progress->flags |= flag;
	} else if (!progress->options->weak) {
		(void)fprintf(stderr, "ta-runner: %s: %s; --weak goes on without it\n", name,
			      strerror(errno));
		progress->failed = true;
	}
}

static bool limit(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit both = { value, value };

	return setrlimit(resource, &both) == 0;
}

static bool limit_all(const struct sandbox_options *options)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_NPROC, 0) &&
	       limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_MSGQUEUE, 0) &&
	       (options->memory == 0 || limit(RLIMIT_AS, options->memory));
}

/* An empty root: moved, not pivoted, because a realm's first root cannot be pivoted away. */
static bool empty_root(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", ROOT_AT, "tmpfs", flags | MS_RDONLY, "mode=0555,size=4096") == 0 &&
	       chdir(ROOT_AT) == 0 && mount(".", "/", NULL, MS_MOVE, NULL) == 0 &&
	       chroot(".") == 0 && chdir("/") == 0;
}

static void leave_namespaces(struct progress *progress)
{
	for (size_t n = 0; n < sizeof(namespaces) / sizeof(namespaces[0]); n++) {
		bool done = unshare(namespaces[n].namespace) == 0;

		if (done && namespaces[n].namespace == CLONE_NEWNS) {
			done = empty_root();
		}
		note(progress, done, namespaces[n].flag, namespaces[n].name);
	}
}

static bool become(uint32_t user)
{
	return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
	       setresuid(user, user, user) == 0;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) == 0;
}

/* End as the process does that holds the TA. */
static _Noreturn void follow(pid_t child)
{
	int status = 0;

	(void)close(TEE_RUN_FD);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* A PID namespace begins with a new process, which ends with this one. */
static void begin_process(struct progress *progress)
{
	pid_t child;

	if ((progress->flags & TEE_RUN_HELLO_NS_PID) == 0) {
		return;
	}
	child = fork();
	if (child > 0) {
		follow(child);
	}
	if (child < 0) {
		progress->flags &= ~(uint32_t)TEE_RUN_HELLO_NS_PID;
		note(progress, false, TEE_RUN_HELLO_NS_PID, "first process of a PID namespace");
	}
}

bool sandbox_enter(const struct sandbox_options *options, uint32_t *flags)
{
	struct progress progress = { .options = options };
	bool root = geteuid() == 0;

	if (options->bare) {
		*flags = 0;
		return true;
	}
	(void)close_range(TEE_RUN_FD + 1, UINT_MAX, 0);
	if (!root) {
		note(&progress, unshare(CLONE_NEWUSER) == 0, TEE_RUN_HELLO_NS_USER,
		     "user namespace");
	}
	leave_namespaces(&progress);
	begin_process(&progress);
	if (root) {
		note(&progress, become(options->user) && unshare(CLONE_NEWUSER) == 0,
		     TEE_RUN_HELLO_NS_USER, "user namespace");
	}
	note(&progress, drop_capabilities() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
	     TEE_RUN_HELLO_NO_NEW_PRIVS, "no new privileges");
	if ((progress.flags & TEE_RUN_HELLO_NS_PID) != 0) {
		/* After the change of user, which resets it. Otherwise a mere thread is the parent.
		 */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	(void)prctl(PR_SET_DUMPABLE, 0);
	note(&progress, limit_all(options), TEE_RUN_HELLO_RLIMITS, "resource limits");
	note(&progress, sandbox_filter(), TEE_RUN_HELLO_SECCOMP, "system call filter");
	*flags = progress.flags;
	return !progress.failed;
}
