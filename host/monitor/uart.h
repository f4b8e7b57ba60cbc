/* SPDX-License-Identifier: BSD-3-Clause */
/* As much of a PL011 as earlycon needs: what the realm sends becomes lines on our console. */
#pragma once

#include <lib/spinlock.h>
#include <lib/types.h>

#define UART_LINE_SIZE 160U
/* Characters that a realm may send in all: enough for any boot, too few to flood the log. */
#define UART_LIMIT 0x40000U

struct uart {
	struct spinlock lock;
	unsigned int realm;
	unsigned int length;
	unsigned int sent;
	char line[UART_LINE_SIZE];
};

uint64_t uart_read(struct uart *uart, uint64_t offset);
void uart_write(struct uart *uart, uint64_t offset, uint64_t value);
/* Prints what stands in the line. */
void uart_flush(struct uart *uart);
