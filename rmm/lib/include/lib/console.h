/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Line output on a PL011. Every line is printed whole, under one lock, behind the image's prefix.
 * Before console_init() output is dropped. Formats: %s %c %d %u %x %p with l and ll, zero padding
 * and field width; nothing else.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* `prefix` ("RMM: ") is kept; `uart` is the mapped address of the PL011's registers. */
void console_init(const char *prefix, uintptr_t uart);

/* Prints one line: prefix, formatted text (cut at 511 characters), newline. */
void console_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_line_v(const char *format, va_list args);

/* As C's vsnprintf for the formats above: always terminated, returns the length wanted. */
size_t format_text(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_text_v(char *to, size_t size, const char *format, va_list args);
