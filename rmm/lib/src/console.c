/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>

#include <lib/console.h>
#include <lib/mmio.h>
#include <lib/spinlock.h>

/* PL011 Technical Reference Manual (DDI 0183), 3.2 */
#define PL011_DR      0x00U
#define PL011_FR      0x18U
#define PL011_FR_TXFF 0x20U

#define LINE_SIZE     512U
/* Long enough for any line; a PE that died with the lock must not silence the others. */
#define LOCK_TRIES 0x2000000U
/* Long enough for a character to leave; whoever shares the device may have stopped it. */
#define TX_TRIES 0x100000U

static struct {
	struct spinlock lock;
	const char *prefix;
	uintptr_t uart;
} console;

void console_init(const char *prefix, uintptr_t uart)
{
	console.prefix = prefix;
	console.uart = uart;
}

static bool put_char(char c)
{
	for (uint32_t tries = 0; tries < TX_TRIES; tries++) {
		if ((mmio_read32(console.uart + PL011_FR) & PL011_FR_TXFF) == 0U) {
			mmio_write32(console.uart + PL011_DR, (unsigned char)c);
			return true;
		}
	}
	return false;
}

/* False if the device takes no more. */
static bool put_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((*text == '\n' && !put_char('\r')) || !put_char(*text)) {
			return false;
		}
	}
	return true;
}

static bool lock_bounded(void)
{
	for (uint32_t tries = 0; tries < LOCK_TRIES; tries++) {
		if (spin_try_lock(&console.lock)) {
			return true;
		}
	}
	return false;
}

void console_line_v(const char *format, va_list args)
{
	char line[LINE_SIZE];
	bool locked;

	if (console.uart == 0U) {
		return;
	}
	(void)format_text_v(line, sizeof(line), format, args);
	locked = lock_bounded();
	(void)(put_text(console.prefix) && put_text(line) && put_text("\n"));
	if (locked) {
		spin_unlock(&console.lock);
	}
}

void console_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_line_v(format, args);
	va_end(args);
}
