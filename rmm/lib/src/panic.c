/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdint.h>

#include <arch/pe.h>
#include <lib/check.h>
#include <lib/console.h>

#define MESSAGE_SIZE   480U
#define MAX_FRAMES     32U
#define MAX_FRAME_SIZE 0x10000U
/* A fault while reporting a panic comes back here: after this many reports, say no more. */
#define MAX_REPORTS 8U

/* AAPCS64 6.4.6: the frame record that x29 points to. */
struct frame {
	const struct frame *caller;
	uintptr_t return_address;
};

static void print_backtrace(const struct frame *frame)
{
	for (unsigned int n = 0; n < MAX_FRAMES && frame != NULL; n++) {
		uintptr_t step = (uintptr_t)frame->caller - (uintptr_t)frame;

		console_line("  #%u 0x%lx", n, (unsigned long)frame->return_address);
		if (step == 0U || step > MAX_FRAME_SIZE || ((uintptr_t)frame & 15U) != 0U) {
			break;
		}
		frame = frame->caller;
	}
}

_Noreturn void panic(const char *format, ...)
{
	static uint32_t reports;
	char message[MESSAGE_SIZE];
	va_list args;

	if (__atomic_fetch_add(&reports, 1U, __ATOMIC_RELAXED) < MAX_REPORTS) {
		va_start(args, format);
		(void)format_text_v(message, sizeof(message), format, args);
		va_end(args);
		console_line("panic: %s", message);
		print_backtrace(__builtin_frame_address(0));
	}
	pe_stop();
}
