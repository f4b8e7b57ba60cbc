/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/console.h>

#include "uart.h"

/* PL011 Technical Reference Manual (DDI 0183), 3.2 */
#define PL011_DR      0x00U
#define PL011_FR      0x18U
#define PL011_FR_RXFE 0x10U
#define PL011_FR_TXFE 0x80U

static void flush(struct uart *uart)
{
	if (uart->length != 0U) {
		uart->line[uart->length] = '\0';
		console_line("realm %u uart: %s", uart->realm, uart->line);
		uart->length = 0;
	}
}

/* A realm must not forge lines or move the terminal's cursor. */
static void put(struct uart *uart, char c)
{
	if (uart->sent == UART_LIMIT) {
		return;
	}
	uart->sent++;
	if (c == '\n' || uart->sent == UART_LIMIT) {
		flush(uart);
	} else if (c >= ' ' && c <= '~') {
		uart->line[uart->length++] = c;
		if (uart->length == UART_LINE_SIZE - 1U) {
			flush(uart);
		}
	}
}

uint64_t uart_read(struct uart *uart, uint64_t offset)
{
	(void)uart;
	return offset == PL011_FR ? PL011_FR_TXFE | PL011_FR_RXFE : 0U;
}

void uart_write(struct uart *uart, uint64_t offset, uint64_t value)
{
	if (offset == PL011_DR) {
		spin_lock(&uart->lock);
		put(uart, (char)(value & 0x7FU));
		spin_unlock(&uart->lock);
	}
}

void uart_flush(struct uart *uart)
{
	spin_lock(&uart->lock);
	flush(uart);
	spin_unlock(&uart->lock);
}
