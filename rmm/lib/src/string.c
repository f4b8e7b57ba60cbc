/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Built with -fno-builtin and -fno-tree-loop-distribute-patterns: the compiler must not turn these
 * loops into calls to the functions they implement. Long runs go by words when both sides are
 * aligned, because pages are what is copied most and unaligned words fault on device memory and
 * with the MMU off.
 */
#include <stdint.h>

#include <lib/string.h>

typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD sizeof(word_t)

static int words_fit(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1U)) == 0U;
}

/* What is read in one turn is read before anything is written: memmove() relies on it. */
static void copy_forwards(unsigned char *out, const unsigned char *in, size_t size)
{
	if (words_fit(out, in)) {
		for (; size >= 4U * WORD; size -= 4U * WORD, out += 4U * WORD, in += 4U * WORD) {
			const word_t *words = (const word_t *)in;
			word_t a = words[0];
			word_t b = words[1];
			word_t c = words[2];
			word_t d = words[3];

			((word_t *)out)[0] = a;
			((word_t *)out)[1] = b;
			((word_t *)out)[2] = c;
			((word_t *)out)[3] = d;
		}
		for (; size >= WORD; size -= WORD, out += WORD, in += WORD) {
			*(word_t *)out = *(const word_t *)in;
		}
	}
	while (size-- != 0U) {
		*out++ = *in++;
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	copy_forwards(to, from, size);
	return to;
}

static void copy_backwards(unsigned char *out, const unsigned char *in, size_t size)
{
	if (words_fit(out + size, in + size)) {
		for (; size >= WORD; size -= WORD) {
			*(word_t *)(out + size - WORD) = *(const word_t *)(in + size - WORD);
		}
	}
	while (size-- != 0U) {
		out[size] = in[size];
	}
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size) {
		copy_forwards(to, from, size);
	} else {
		copy_backwards(to, from, size);
	}
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	unsigned char *out = to;
	word_t pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);

	if (words_fit(out, out)) {
		for (; size >= 8U * WORD; size -= 8U * WORD, out += 8U * WORD) {
			((word_t *)out)[0] = pattern;
			((word_t *)out)[1] = pattern;
			((word_t *)out)[2] = pattern;
			((word_t *)out)[3] = pattern;
			((word_t *)out)[4] = pattern;
			((word_t *)out)[5] = pattern;
			((word_t *)out)[6] = pattern;
			((word_t *)out)[7] = pattern;
		}
		for (; size >= WORD; size -= WORD, out += WORD) {
			*(word_t *)out = pattern;
		}
	}
	while (size-- != 0U) {
		*out++ = (unsigned char)byte;
	}
	return to;
}

void explicit_bzero(void *memory, size_t size)
{
	memset(memory, 0, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a;
	const unsigned char *right = b;

	for (; size != 0U; size--, left++, right++) {
		if (*left != *right) {
			return *left < *right ? -1 : 1;
		}
	}
	return 0;
}

void *memchr(const void *s, int byte, size_t size)
{
	const unsigned char *at = s;

	for (; size != 0U; size--, at++) {
		if (*at == (unsigned char)byte) {
			return (void *)(uintptr_t)at;
		}
	}
	return NULL;
}

size_t strlen(const char *s)
{
	size_t length = 0;

	while (s[length] != '\0') {
		length++;
	}
	return length;
}

size_t strnlen(const char *s, size_t size)
{
	size_t length = 0;

	while (length < size && s[length] != '\0') {
		length++;
	}
	return length;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size != 0U; size--, a++, b++) {
		if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		}
		if (*a == '\0') {
			break;
		}
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c) {
			return (char *)(uintptr_t)s;
		}
		if (*s == '\0') {
			return NULL;
		}
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c) {
			last = s;
		}
		if (*s == '\0') {
			return (char *)(uintptr_t)last;
		}
	}
}
