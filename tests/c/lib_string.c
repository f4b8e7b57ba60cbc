/* SPDX-License-Identifier: BSD-3-Clause */
/* Our string functions under other names, compared with the C library's. */
#include <stdint.h>
#include <string.h>

#include "tap.h"

#define memcpy	       lib_memcpy
#define memmove	       lib_memmove
#define memset	       lib_memset
#define memcmp	       lib_memcmp
#define memchr	       lib_memchr
#define strlen	       lib_strlen
#define strnlen	       lib_strnlen
#define strcmp	       lib_strcmp
#define strncmp	       lib_strncmp
#define strchr	       lib_strchr
#define strrchr	       lib_strrchr
#define explicit_bzero lib_explicit_bzero
#include "../../rmm/lib/src/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#define SIZE 160U

static unsigned char ours[SIZE];
static unsigned char theirs[SIZE];

static void fill(void)
{
	for (size_t n = 0; n < SIZE; n++) {
		ours[n] = (unsigned char)(n * 7U + 1U);
		theirs[n] = ours[n];
	}
}

static void moves_of_any_overlap_and_alignment_agree(void)
{
	for (size_t to = 0; to < 24U; to++) {
		for (size_t from = 0; from < 24U; from++) {
			for (size_t size = 0; size < 80U; size++) {
				fill();
				EXPECT(lib_memmove(ours + to, ours + from, size) == ours + to);
				memmove(theirs + to, theirs + from, size);
				EXPECT(memcmp(ours, theirs, SIZE) == 0);
			}
		}
	}
}

static void copies_and_fills_of_any_alignment_agree(void)
{
	for (size_t to = 0; to < 16U; to++) {
		for (size_t size = 0; size < 80U; size++) {
			fill();
			EXPECT(lib_memcpy(ours + to, theirs + 96U - to, size > 64U ? 64U : size) ==
			       ours + to);
			EXPECT(memcmp(ours + to, theirs + 96U - to, size > 64U ? 64U : size) == 0);
			fill();
			EXPECT(lib_memset(ours + to, 0x1A5, size) == ours + to);
			memset(theirs + to, 0xA5, size);
			EXPECT(memcmp(ours, theirs, SIZE) == 0);
		}
	}
}

static void comparison_is_unsigned_and_stops_at_the_size(void)
{
	EXPECT(lib_memcmp("\x80", "\x7f", 1) > 0);
	EXPECT(lib_memcmp("ab", "ac", 1) == 0);
	EXPECT(lib_memcmp("ab", "ac", 2) < 0);
	EXPECT(lib_strcmp("a", "ab") < 0);
	EXPECT(lib_strcmp("\xff", "a") > 0);
	EXPECT(lib_strncmp("abc", "abd", 2) == 0);
	EXPECT(lib_strncmp("a\0x", "a\0y", 3) == 0);
}

static void searches_find_first_last_and_terminator(void)
{
	const char *text = "abcabc";

	EXPECT(lib_strchr(text, 'b') == text + 1);
	EXPECT(lib_strrchr(text, 'b') == text + 4);
	EXPECT(lib_strchr(text, '\0') == text + 6);
	EXPECT(lib_strrchr(text, '\0') == text + 6);
	EXPECT(lib_strchr(text, 'z') == NULL);
	EXPECT(lib_strrchr(text, 'z') == NULL);
	EXPECT(lib_memchr(text, 'c', 2) == NULL);
	EXPECT(lib_memchr(text, 'c', 3) == text + 2);
}

static void lengths_stop_at_the_limit(void)
{
	EXPECT_EQ(lib_strlen(""), 0);
	EXPECT_EQ(lib_strlen("abc"), 3);
	EXPECT_EQ(lib_strnlen("abc", 2), 2);
	EXPECT_EQ(lib_strnlen("abc", 9), 3);
}

static const struct tap_case cases[] = {
	TAP_CASE(moves_of_any_overlap_and_alignment_agree),
	TAP_CASE(copies_and_fills_of_any_alignment_agree),
	TAP_CASE(comparison_is_unsigned_and_stops_at_the_size),
	TAP_CASE(searches_find_first_last_and_terminator),
	TAP_CASE(lengths_stop_at_the_limit),
};

TAP_MAIN(cases)
