/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PID 1 of the Linux image. It makes the kernel's file systems available, loads the modules that
 * the image lists, starts the agent, and reaps what the agent's workloads leave behind. When the
 * agent ends, the realm ends.
 *
 * As `/init attestation`, it is no PID 1 but prepares what programs need for attestation, which few
 * of them do, and which would make every realm start later.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "attestation.h"
#include "console.h"
#include "modules.h"
#include "system.h"

#define MODULE_LIST "/etc/realmos/modules"

/* Reap orphans until the agent ends; return its wait status. */
static int wait_for_agent(pid_t agent)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = wait(&status);
		if (pid == agent) {
			return status;
		}
		if (pid < 0 && errno != EINTR) {
			console_complain("wait");
			system_stop(RB_POWER_OFF);
		}
	}
}

static int help_program(int argc, char *const argv[])
{
	console_use_stderr();
	if (argc == 2 && strcmp(argv[1], "attestation") == 0) {
		return attestation_prepare() ? 0 : 1;
	}
	console_say("only as PID 1, or with the word attestation");
	return 1;
}

int main(int argc, char *argv[])
{
	struct timespec start;
	pid_t agent;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (getpid() != 1) {
		return help_program(argc, argv);
	}
	umask(0022);
	system_mount();
	modules_load(MODULE_LIST);
	console_open();
	console_say("starting the agent");
	agent = agent_start(&start);
	if (agent < 0) {
		system_stop(RB_POWER_OFF);
	}
	system_name();
	console_say("ready");
	system_stop(agent_verdict(wait_for_agent(agent)));
}
