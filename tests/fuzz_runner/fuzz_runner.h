/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TA and a core that do what an input's bytes say, with the runner's real code between them.
 * Every byte string is an input. The TA is hostile, with any numbers, pointers and lengths; so is
 * the core, which nobody asks of it, but a runner that trusts nothing is easier to be sure of.
 *
 *   input.c   bytes to numbers and addresses
 *   core.c    what the runner reads comes from say.c; what it writes is checked
 *   say.c     what the input says that the core says
 *   ta.c      what the input says that the TA does
 *   expect.c  which of the TA's bytes a system call may change
 *   pages.c   the TA's memory: nothing else may be mapped, changed, read into a frame, or written
 *
 * A read or write of what is not there, or not in this way, is a fault; one of what is the
 * runner's own, AddressSanitizer sees at `secret`.
 */
#pragma once

#include <abi/tee.h>
#include <abi/tee_run.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "call.h"
#include "driver.h"
#include "enter.h"
#include "fail.h"
#include "runner.h"

/* Handles of states that are spoken of. */
#define FUZZ_STATES 4
#define FUZZ_FD	    3

/* Where a TA can have memory here, as in tests/c/runner_fixture.h. */
#define WINDOW_FIRST UINT64_C(0x200000000000)
#define WINDOW_PAGES 2048U
#define WINDOW_END   (WINDOW_FIRST + WINDOW_PAGES * MAP_PAGE)
#define TA_DATA	     WINDOW_FIRST
#define TA_CONSTANT  (TA_DATA + UINT64_C(0x100000))
#define TA_CODE	     (TA_DATA + UINT64_C(0x200000))
#define TA_STACK     (TA_DATA + UINT64_C(0x300000))
#define TA_TOP	     (TA_STACK + 4 * MAP_PAGE)
#define TA_REGION    (TA_DATA + UINT64_C(0x400000))
#define TA_NOWHERE   (TA_DATA + UINT64_C(0x500000))

#define SECRET_SIZE  256U

extern struct runner fuzz_runner;

/* Poisoned: whoever touches it is caught. */
extern uint8_t fuzz_secret[SECRET_SIZE];

/* The process ends, as the runner has it in enter_serve(). */
_Noreturn void fuzz_exit(void);

/* Whether a buffer is of the C stack in use. */
bool fuzz_on_stack(const void *at, size_t size);

/* input.c: at the end of the input everything is 0. */
void input_begin(const uint8_t *data, size_t size);
bool input_is_left(void);
uint8_t input_byte(void);
/* Mostly small, sometimes anything. */
uint64_t input_number(void);
/* Of the TA's memory, near its borders, or not in it. */
uint64_t input_address(void);

/* core.c: in place of the socket. */
void core_begin(void);
ssize_t core_read(int fd, void *to, size_t size);
ssize_t core_writev(int fd, const struct iovec *parts, int count);
/* A call is unanswered, and which. */
extern bool core_in_call;
extern uint32_t core_call_number;

/* say.c: what is at the beginning, and what the input says next; then how much of it is unread. */
void say_beginning(void);
void say_something(void);
size_t say_left(void);
void say_bytes(void *to, size_t size);

/* expect.c: a call begins; something else may change, too; it has ended. */
void expect_begin(uint64_t number, const uint64_t *registers);
void expect_change(uint64_t addr, uint64_t size);
void expect_end(void);
/* What a call of the table takes, and which types the parameters of the current one have. */
const struct call_entry *expect_entry(uint32_t number);
uint64_t expect_types(void);

/* pages.c: in place of Linux's calls for memory. */
void *pages_map(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int pages_unmap(void *at, size_t size);
int pages_protect(void *at, size_t size, int prot);
/* Whether all bytes lie in pages that Linux lets be used in all these ways. */
bool pages_allow(uint64_t addr, uint64_t size, int prot);
bool pages_in_window(uint64_t addr);
/* Another number after each change of what is mapped. */
uint64_t pages_version(void);
/* The runner's map is what Linux has. */
void pages_check(void);
void pages_end(void);
