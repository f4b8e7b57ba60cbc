/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ta-runner: the process that holds one Trusted Application. The TEE core starts it with a socket
 * as descriptor TEE_RUN_FD, and says there what to map and when to enter; docs/ta-runner.md.
 */
#include <abi/tee.h>
#include <abi/tee_run.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "enter.h"
#include "fault.h"
#include "runner.h"
#include "sandbox.h"

#define NOBODY	 65534
#define NICE_END 20

/* Exit statuses, for those who look. */
#define EXIT_SETUP 1
#define EXIT_LOST  2

struct enter_saved enter_saved;
/* Of zeros, which a program's file does not hold. */
static struct runner runner;

uint64_t enter_serve(const uint64_t *registers, uint64_t number)
{
	uint32_t result;

	if (number == TEE_CALL_RETURN) {
		enter_leave((uint32_t)registers[0]);
	}
	if (!call_serve(&runner, registers, number, &result)) {
		_exit(EXIT_LOST);
	}
	if (number == TEE_CALL_PANIC) {
		_exit(EXIT_SUCCESS);
	}
	return result;
}

static bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

static bool parse(int argc, char **argv, struct sandbox_options *options)
{
	static const struct option known[] = {
		{ "weak", no_argument, NULL, 'w' },
		{ "bare", no_argument, NULL, 'b' },
		{ "user", required_argument, NULL, 'u' },
		{ "memory", required_argument, NULL, 'm' },
		{ "nice", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	bool right = true;
	uint64_t user = options->user;
	uint64_t nice = 0;
	int option;

	while (right && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'w':
			options->weak = true;
			break;
		case 'b':
			options->bare = true;
			break;
		case 'u':
			right = parse_number(optarg, &user) && user > 0 && user < UINT32_MAX;
			break;
		case 'm':
			right = parse_number(optarg, &options->memory);
			break;
		case 'n':
			right = parse_number(optarg, &nice) && nice < NICE_END;
			break;
		default:
			right = false;
			break;
		}
	}
	options->user = (uint32_t)user;
	options->nice = (int)nice;
	return right && optind == argc && (options->weak || !options->bare);
}

static bool say_hello(uint32_t flags)
{
	struct tee_run_hello hello = {
		.version = TEE_RUN_VERSION,
		.flags = flags,
		.dispatcher = (uint64_t)(uintptr_t)enter_dispatcher,
	};

	frame_begin(&runner.out, TEE_RUN_HELLO);
	frame_put_copy(&runner.out, &hello, sizeof(hello));
	return frame_send(&runner.out, runner.fd);
}

int main(int argc, char **argv)
{
	struct sandbox_options options = { .user = NOBODY };
	uint32_t flags;
	int error;

	runner.fd = TEE_RUN_FD;
	if (!parse(argc, argv, &options)) {
		(void)fprintf(stderr,
			      "usage: ta-runner [--weak [--bare]] [--user UID] [--memory BYTES] "
			      "[--nice N], with a socket as descriptor 3\n");
		return EXIT_SETUP;
	}
	error = fault_install(&runner);
	if (error != 0) {
		(void)fprintf(stderr, "ta-runner: signal handlers: %s\n", strerror(error));
		return EXIT_SETUP;
	}
	if (!sandbox_enter(&options, &flags)) {
		return EXIT_SETUP;
	}
	if (say_hello(flags)) {
		runner_serve(&runner);
	}
	/* Nothing is left to be flushed, and little may be called. */
	_exit(EXIT_SUCCESS);
}
