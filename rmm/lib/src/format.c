/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>

#include <lib/console.h>

struct output {
	char *to;
	size_t size;
	size_t length;
};

struct conversion {
	char type;
	bool zero_pad;
	unsigned int width;
	unsigned int longs;
};

static void put(struct output *out, char c)
{
	if (out->length + 1U < out->size) {
		out->to[out->length] = c;
	}
	out->length++;
}

static void put_padding(struct output *out, const struct conversion *conv, size_t used, char fill)
{
	for (size_t n = used; n < conv->width; n++) {
		put(out, fill);
	}
}

static void put_text(struct output *out, const struct conversion *conv, const char *text)
{
	size_t length = 0;

	while (text[length] != '\0') {
		length++;
	}
	put_padding(out, conv, length, ' ');
	for (size_t n = 0; n < length; n++) {
		put(out, text[n]);
	}
}

static void put_number(struct output *out, const struct conversion *conv, unsigned long long value,
		       unsigned int base, bool negative)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0U);

	if (negative && conv->zero_pad) {
		put(out, '-');
	}
	put_padding(out, conv, count + (negative ? 1U : 0U), conv->zero_pad ? '0' : ' ');
	if (negative && !conv->zero_pad) {
		put(out, '-');
	}
	while (count != 0U) {
		put(out, digits[--count]);
	}
}

static const char *parse(const char *at, struct conversion *conv)
{
	*conv = (struct conversion){ .zero_pad = *at == '0' };
	for (; *at >= '0' && *at <= '9'; at++) {
		conv->width = conv->width * 10U + (unsigned int)(*at - '0');
	}
	for (; *at == 'l'; at++) {
		conv->longs++;
	}
	conv->type = *at;
	return *at == '\0' ? at : at + 1;
}

/* long and long long are 64 bits wide on both of our architectures. */
#define NEXT_UNSIGNED(conv, args)                                                                  \
	((conv).longs != 0U ? va_arg(args, unsigned long long) : va_arg(args, unsigned int))
#define NEXT_SIGNED(conv, args) ((conv).longs != 0U ? va_arg(args, long long) : va_arg(args, int))

size_t format_text_v(char *to, size_t size, const char *format, va_list args)
{
	struct output out = { .to = to, .size = size };
	struct conversion conv;

	while (*format != '\0') {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format = parse(format + 1, &conv);
		if (conv.type == 's') {
			put_text(&out, &conv, va_arg(args, const char *));
		} else if (conv.type == 'c') {
			put(&out, (char)va_arg(args, int));
		} else if (conv.type == 'u') {
			put_number(&out, &conv, NEXT_UNSIGNED(conv, args), 10, false);
		} else if (conv.type == 'x') {
			put_number(&out, &conv, NEXT_UNSIGNED(conv, args), 16, false);
		} else if (conv.type == 'd') {
			long long value = NEXT_SIGNED(conv, args);
			unsigned long long size_of = (unsigned long long)value;

			put_number(&out, &conv, value < 0 ? 0ULL - size_of : size_of, 10,
				   value < 0);
		} else if (conv.type == 'p') {
			put(&out, '0');
			put(&out, 'x');
			put_number(&out, &conv, (uintptr_t)va_arg(args, void *), 16, false);
		} else {
			put(&out, '%');
		}
	}
	if (size != 0U) {
		to[out.length < size ? out.length : size - 1U] = '\0';
	}
	return out.length;
}

size_t format_text(char *to, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = format_text_v(to, size, format, args);
	va_end(args);
	return length;
}
