/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Without libFuzzer: FUZZER CORPUS [SEED CALLS]
 * Runs the inputs of a corpus (a line of hexadecimal digits each), then until CALLS calls have been
 * made inputs that come from them, or from nothing, by chance. An input that fails is printed as a
 * line of the corpus.
 */
#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "driver.h"

#define MAX_INPUT  4096U
#define MAX_CORPUS 4096U
/* An input takes milliseconds; one that does not end waits for a lock. */
#define PATIENCE 60U

struct text {
	uint8_t bytes[MAX_INPUT];
	size_t size;
};

static struct text corpus[MAX_CORPUS];
static size_t corpus_size;
static struct text current;
static uint64_t random_state;

/* Of the sanitizers: called before one ends the program. */
void __sanitizer_set_death_callback(void (*callback)(void));

static void print_input(void)
{
	(void)fputs("this input failed: ", stderr);
	for (size_t n = 0; n < current.size; n++) {
		(void)fprintf(stderr, "%02x", current.bytes[n]);
	}
	(void)fputc('\n', stderr);
}

static _Noreturn void end(int number)
{
	if (number == SIGALRM) {
		(void)fputs("fuzz: an input does not end\n", stderr);
	}
	print_input();
	_exit(1);
}

static void run(void)
{
	(void)alarm(PATIENCE);
	(void)LLVMFuzzerTestOneInput(current.bytes, current.size);
}

/* xorshift64* */
static uint64_t random_number(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static void make_input(void)
{
	size_t limit = 16U << random_number() % 6U;

	current.size = 0;
	if (corpus_size != 0U && random_number() % 4U != 0U) {
		current = corpus[random_number() % corpus_size];
	} else {
		while (current.size < limit) {
			current.bytes[current.size++] = (uint8_t)random_number();
		}
	}
	for (uint64_t n = random_number() % 8U; n != 0U && current.size != 0U; n--) {
		current.bytes[random_number() % current.size] = (uint8_t)random_number();
	}
	/* What another one ends with, appended. */
	if (corpus_size != 0U && random_number() % 2U != 0U) {
		const struct text *other = &corpus[random_number() % corpus_size];
		size_t from = other->size == 0U ? 0U : random_number() % other->size;

		for (; from < other->size && current.size < MAX_INPUT; from++) {
			current.bytes[current.size++] = other->bytes[from];
		}
	}
}

static bool read_line(FILE *file, struct text *to)
{
	char line[2U * MAX_INPUT + 2U];

	if (fgets(line, sizeof(line), file) == NULL) {
		return false;
	}
	to->size = 0;
	for (size_t n = 0; isxdigit((unsigned char)line[n]) != 0; n += 2) {
		char digits[3] = { line[n], line[n + 1U], '\0' };

		to->bytes[to->size++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

static bool read_corpus(const char *name)
{
	FILE *file = fopen(name, "r");

	if (file == NULL) {
		perror(name);
		return false;
	}
	while (corpus_size < MAX_CORPUS && read_line(file, &corpus[corpus_size])) {
		corpus_size += corpus[corpus_size].size != 0U ? 1U : 0U;
	}
	return fclose(file) == 0;
}

int main(int argc, char **argv)
{
	unsigned long calls = argc == 4 ? strtoul(argv[3], NULL, 10) : 0U;

	if ((argc != 2 && argc != 4) || !read_corpus(argv[1])) {
		(void)fprintf(stderr, "usage: %s CORPUS [SEED CALLS]\n", argv[0]);
		return 2;
	}
	(void)signal(SIGABRT, end);
	(void)signal(SIGALRM, end);
	__sanitizer_set_death_callback(print_input);
	for (size_t n = 0; n < corpus_size; n++) {
		current = corpus[n];
		run();
	}
	printf("corpus: %zu inputs, %lu calls\n", corpus_size, fuzz_calls);
	fuzz_calls = 0;
	if (calls != 0U) {
		random_state = strtoull(argv[2], NULL, 10) | 1U << 31;
		while (fuzz_calls < calls) {
			make_input();
			run();
		}
		printf("seed %s: %lu calls\n", argv[2], fuzz_calls);
	}
	return 0;
}
