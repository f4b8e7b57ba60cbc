/* SPDX-License-Identifier: BSD-3-Clause */
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "console.h"

#define PATH_MAX_BYTES 512

/* Linux 5.17; older headers lack it. */
#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

static bool ends_with(const char *text, const char *end)
{
	size_t text_size = strlen(text);
	size_t end_size = strlen(end);

	return text_size >= end_size && strcmp(text + text_size - end_size, end) == 0;
}

static bool module_load(const char *path)
{
	int flags = ends_with(path, ".ko") ? 0 : MODULE_INIT_COMPRESSED_FILE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool loaded = false;

	if (fd < 0) {
		console_complain("module %s", path);
		return false;
	}
	/* EEXIST: another program has loaded it, at once with us or before. */
	if (syscall(SYS_finit_module, fd, "", flags) != 0 && errno != EEXIST) {
		console_complain("module %s", path);
	} else {
		loaded = true;
	}
	close(fd);
	return loaded;
}

bool modules_load(const char *path)
{
	char line[PATH_MAX_BYTES];
	bool all_loaded = true;
	FILE *list = fopen(path, "re");

	if (list == NULL) {
		console_complain("%s", path);
		return false;
	}
	while (fgets(line, sizeof(line), list) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && !module_load(line)) {
			all_loaded = false;
		}
	}
	fclose(list);
	return all_loaded;
}
