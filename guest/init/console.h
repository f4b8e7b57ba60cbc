/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines for whoever watches the realm boot. Until a console is there they go to the kernel's log,
 * which the kernel shows on the console as soon as there is one.
 */
#pragma once

/* Wait for the console, for some seconds at most, and make it standard input, output and error. */
void console_open(void);

/* Take standard error for the console. */
void console_use_stderr(void);

/* Print "init: " and a formatted line. */
void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, followed by the reason that errno holds. */
void console_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
