/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the process gives up before it holds a TA: its namespaces, its user, its files, its
 * privileges, and all system calls but those that the runner makes. A TA shares the runner's
 * address space, so this is what keeps it from the rest of the realm.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sandbox_options {
	/* Go on without what this kernel, or emulator, does not have. */
	bool weak;
	/* Try no protection: a debugger is to follow, and has descriptors of its own here. */
	bool bare;
	/* Who to become if that can be chosen, which root can. */
	uint32_t user;
	/* The most address space in bytes; 0 is no limit. */
	uint64_t memory;
	/* By how much others come first when the processor is scarce. */
	int nice;
};

/*
 * Enter the sandbox. *flags is what is on, as HELLO has it. Returns false after a complaint if
 * something is missing that must not be. The caller may go on in another process, whose parent ends
 * as it does.
 */
bool sandbox_enter(const struct sandbox_options *options, uint32_t *flags);

/*
 * Refuse from now on what the runner has no need of: a SIGSYS. Returns whether that can be done.
 */
bool sandbox_filter(void);
