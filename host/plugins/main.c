// SPDX-License-Identifier: BSD-3-Clause
/*
 * plugins FILE...: the part of tee-supplicant that loads its plugins. Calls come on standard input,
 * a socket, one by one, and answers go back there: Plugin and PluginDone of docs/tee-wire.md, each
 * behind its length. The first answer comes uncalled, when all plugins are loaded. The end of the
 * input is the program's.
 */
#include <abi/tee.h>
#include <abi/tee_client.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin.h"
#include "stream.h"

struct call {
	struct tee_client_plugin head;
	uint8_t data[TEE_CLIENT_PLUGIN_BYTES_MAX];
};

/* The socket must not be where plugins print, nor what they start inherits. */
static int take_socket(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		perror("plugins: standard input and output cannot be replaced");
		exit(EXIT_FAILURE);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	close(nothing);
	return fd;
}

/* What a plugin is given is memory of its own, of exactly the size that it is told. */
static void answer(int fd, const struct call *call, size_t size)
{
	const struct plugin_method *method = plugin_find(call->head.uuid);
	struct tee_client_plugin_done done = { .result = TEE_ERROR_ITEM_NOT_FOUND };
	void *data = NULL;
	size_t length = 0;

	if (method != NULL && size > 0) {
		data = malloc(size);
		if (data == NULL) {
			method = NULL;
			done.result = TEE_ERROR_OUT_OF_MEMORY;
		} else {
			memcpy(data, call->data, size);
		}
	}
	if (method != NULL) {
		done.result = method->invoke(call->head.command, call->head.subcommand, data, size,
					     &length);
		done.length = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	}
	if (!stream_write(fd, &done, sizeof(done), data, length < size ? length : size)) {
		exit(EXIT_FAILURE);
	}
	free(data);
}

int main(int argc, char **argv)
{
	static struct call call;
	int fd = take_socket();
	struct tee_client_plugin_done ready = { 0 };
	size_t size;

	for (int n = 1; n < argc; n++) {
		if (!plugin_load(argv[n])) {
			return EXIT_FAILURE;
		}
		ready.length++;
	}
	if (!stream_write(fd, &ready, sizeof(ready), NULL, 0)) {
		return EXIT_FAILURE;
	}
	while (stream_read(fd, &call, sizeof(call), &size) && size >= sizeof(call.head)) {
		answer(fd, &call, size - sizeof(call.head));
	}
	return EXIT_SUCCESS;
}
