/* SPDX-License-Identifier: BSD-3-Clause */
#include "sandbox.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
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

/* An emulator of processors may say that it has done it. */
static bool limit(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit both = { value, value };

	return setrlimit(resource, &both) == 0 && getrlimit(resource, &both) == 0 &&
	       both.rlim_cur == value && both.rlim_max == value;
}

static bool limit_all(const struct sandbox_options *options)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_NPROC, 0) &&
	       limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_MSGQUEUE, 0) &&
	       (options->memory == 0 || limit(RLIMIT_AS, options->memory));
}

/* When memory runs out this process is to end, not the core: that holds all TAs' keys. */
static bool be_first_to_go(void)
{
	static const char most[] = "1000";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, most, sizeof(most) - 1) == (ssize_t)(sizeof(most) - 1);

	if (fd >= 0) {
		(void)close(fd);
	}
	return done;
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

/* Whether there are system call filters: if so, the missing one is what is wrong. */
static bool filter_exists(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 && errno == EFAULT;
}

/* Last: there is nowhere left to complain to. */
static bool shut(uint32_t flags)
{
	for (int fd = 0; fd < TEE_RUN_FD; fd++) {
		(void)close(fd);
	}
	return (flags & TEE_RUN_HELLO_SECCOMP) == 0 || sandbox_filter();
}

bool sandbox_enter(const struct sandbox_options *options, uint32_t *flags)
{
	struct progress progress = { .options = options };
	bool root = geteuid() == 0;

	if (options->bare) {
		*flags = 0;
		return true;
	}
	note(&progress, close_range(TEE_RUN_FD + 1, UINT_MAX, 0) == 0, TEE_RUN_HELLO_FILES,
	     "closed files");
	note(&progress, be_first_to_go() && setpriority(PRIO_PROCESS, 0, options->nice) == 0,
	     TEE_RUN_HELLO_OOM_FIRST, "precedence of the core");
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
		note(&progress, prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, TEE_RUN_HELLO_LEASH,
		     "end with the core");
	}
	note(&progress, prctl(PR_SET_DUMPABLE, 0) == 0, TEE_RUN_HELLO_NO_DUMP,
	     "memory closed to others");
	note(&progress, limit_all(options), TEE_RUN_HELLO_RLIMITS, "resource limits");
	note(&progress, filter_exists(), TEE_RUN_HELLO_SECCOMP, "system call filter");
	*flags = progress.flags;
	return !progress.failed && shut(progress.flags);
}
