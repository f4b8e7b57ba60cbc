/* SPDX-License-Identifier: BSD-3-Clause */
/* The agent's process: how it is started, and what its end means. */
#pragma once

#include <sys/types.h>
#include <time.h>

/*
 * Start the agent, telling it when PID 1 started. Returns its process, or -1 after a complaint.
 */
pid_t agent_start(const struct timespec *init_start);

/*
 * Say how the agent ended, and return the reboot(2) command that follows from it.
 */
int agent_verdict(int wait_status);
