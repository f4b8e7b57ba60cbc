/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The runner's portable parts in this process. A test is the core: it says all that the core is to
 * say, has the runner run, and then looks at what the runner said. TA code is a C function.
 */
#pragma once

#include <abi/tee.h>
#include <abi/tee_run.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enter.h"
#include "runner.h"

/* Where nothing of a program's own is, sanitizers and all. */
#define TA_DATA	    UINT64_C(0x200000000000)
#define TA_DATA_END (TA_DATA + 2 * MAP_PAGE)
#define TA_CONSTANT (TA_DATA + UINT64_C(0x100000))
#define TA_CODE	    (TA_DATA + UINT64_C(0x200000))
#define TA_STACK    (TA_DATA + UINT64_C(0x300000))
#define TA_TOP	    (TA_STACK + 4 * MAP_PAGE)
#define TA_REGION   (TA_DATA + UINT64_C(0x400000))
#define TA_NOWHERE  (TA_DATA + UINT64_C(0x500000))

extern struct runner fixture_runner;

/* What enter_ta() does: the TA. */
extern uint32_t (*fixture_ta)(const struct enter_registers *registers);

/*
 * A runner with two pages of data, one of constants, one of code, a stack and a client's region.
 */
void fixture_start(void);

/*
 * Say something as the core.
 */
void fixture_say(uint32_t type, const void *head, size_t head_size, const void *rest,
		 size_t rest_size);

/*
 * Say bytes that need not be a frame.
 */
void fixture_say_bytes(const void *bytes, size_t size);

/*
 * Have the runner do what was said, after which the core hangs up.
 */
void fixture_serve(void);

/*
 * Hear the next frame from the runner; its body's size, or -1 if there is none. What does not fit
 * is cut off.
 */
long fixture_hear(uint32_t *type, void *body, size_t room);

/*
 * Hear a DONE; its status, or -1 if that is not what comes next.
 */
long fixture_hear_done(void);

/*
 * Forget what was said and not heard, on both sides, and let the core be there again.
 */
void fixture_reconnect(void);

/*
 * Unmap what the runner has mapped.
 */
void fixture_stop(void);
