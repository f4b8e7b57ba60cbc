/* SPDX-License-Identifier: BSD-3-Clause */
#include "agent.h"

#include <abi/agent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console.h"

#define NS_PER_S	  1000000000
#define EXIT_CANNOT_START 127
#define START_ENTRY_SIZE  48

#define PYTHON		  "/usr/bin/python3"

/*
 * The one place that says how the agent is run. Without -S, importing site would cost every boot
 * some hundredths of a second; the agent does it once it has answered. -P and -s keep the current
 * directory and the user's home out of the module path.
 */
static char *const command[] = { PYTHON, "-P", "-s", "-S", "-m", "realmos_agent", NULL };

/*
 * The last two: tracebacks reach logs without a terminal's colours; cryptography does without
 * OpenSSL's old ciphers, and starts sooner.
 */
#define ENVIRONMENT                                                                                \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",         \
		"LANG=C.UTF-8", "PYTHONPATH=/usr/lib/realmos:/usr/lib/python3/dist-packages",      \
		"PYTHON_COLORS=0", "CRYPTOGRAPHY_OPENSSL_NO_LEGACY=1", "PYTHON_COLORS=0"

static void exempt_from_oom(void)
{
	static const char never[] = "-1000";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, never, strlen(never)) < 0) {
		console_complain("oom_score_adj");
	}
	if (fd >= 0) {
		close(fd);
	}
}

static _Noreturn void agent_exec(const struct timespec *init_start)
{
	char start[START_ENTRY_SIZE];
	char *environment[] = { ENVIRONMENT, start, NULL };
	sigset_t none;

	snprintf(start, sizeof(start), "REALMOS_INIT_NS=%" PRIu64,
		 (uint64_t)init_start->tv_sec * NS_PER_S + (uint64_t)init_start->tv_nsec);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	exempt_from_oom();
	if (chdir("/") == 0) {
		execve(PYTHON, command, environment);
	}
	console_complain("%s", PYTHON);
	_exit(EXIT_CANNOT_START);
}

pid_t agent_start(const struct timespec *init_start)
{
	pid_t pid = fork();

	if (pid < 0) {
		console_complain("fork");
	}
	if (pid == 0) {
		agent_exec(init_start);
	}
	return pid;
}

int agent_verdict(int wait_status)
{
	if (WIFEXITED(wait_status)) {
		switch (WEXITSTATUS(wait_status)) {
		case AGENT_EXIT_POWER_OFF:
			console_say("power off");
			return RB_POWER_OFF;
		case AGENT_EXIT_REBOOT:
			console_say("reboot");
			return RB_AUTOBOOT;
		default:
			console_say("agent died: exit status %d", WEXITSTATUS(wait_status));
			return RB_POWER_OFF;
		}
	}
	console_say("agent died: signal %d", WTERMSIG(wait_status));
	return RB_POWER_OFF;
}
