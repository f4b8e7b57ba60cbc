// SPDX-License-Identifier: BSD-3-Clause
/* A plugin of tee-supplicant that does what it is told, good or bad. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UUID_END
#define UUID_END 1
#endif

struct plugin_method {
	const char *name;
	struct {
		uint32_t low;
		uint16_t mid, high;
		uint8_t rest[8];
	} uuid;
	uint32_t (*init)(void);
	uint32_t (*invoke)(unsigned int, unsigned int, void *, size_t, size_t *);
};

enum {
	REVERSE = 1,
	CLAIM,
	PRINT,
	FAIL,
	DIE,
	HANG,
	DATA_IS_NULL
};

static uint32_t init(void)
{
#ifdef INIT_RESULT
	return INIT_RESULT;
#else
	printf("begun\n");
	return 0;
#endif
}

static uint32_t invoke(unsigned int command, unsigned int sub, void *data, size_t size,
		       size_t *length)
{
	unsigned char *bytes = data, copy[64];

	switch (command) {
	case REVERSE:
		memcpy(copy, bytes, size);
		for (size_t n = 0; n < size; n++) {
			bytes[n] = copy[size - 1 - n];
		}
		*length = sub;
		return 0;
	case CLAIM:
		*length = (size_t)sub << 8;
		return 0;
	case PRINT:
		printf("printed %d\n", getchar());
		fflush(stdout);
		return 0;
	case FAIL:
		bytes[0] = '!';
		*length = 1;
		return sub;
	case DIE:
		abort();
	case HANG:
		for (;;) {
			pause();
		}
	case DATA_IS_NULL:
		return data != NULL;
	}
	return 0xffff0009;
}

#ifndef NO_METHOD
const struct plugin_method plugin_method = {
	"test",
	{ 0x01020304, 0x0506, 0x0708, { 9, 10, 11, 12, 13, 14, 15, UUID_END } },
	init,
	invoke,
};
#endif
