/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls of the realm that stop its REC, and what became of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "call.h"
#include "hand_order.h"

/* Pages of the hand's realm that it does not use itself: RAM without DATA, and behind all RAM. */
#define ASK_RAM	  UINT64_C(0x100000)
#define ASK_EMPTY UINT64_C(0x200000)

/* An active realm whose hand takes orders in its first REC. */
struct rig_rec *asker(unsigned int recs);

/* Has the hand make an SMC, over interrupts of the host: true if its REC stopped for `reason`. */
bool ask_with(struct rig_rec *rec, uint8_t reason, const uint64_t *words, size_t count);
#define ask(rec, reason, ...) ask_with((rec), (reason), RIG_WORDS(__VA_ARGS__))

/* Enters the REC again, and returns what that SMC gave; registers that are no outputs stayed. */
struct call ask_again(struct rig_rec *rec);

/* Whether the exit is that of a data access to a page that is missing at `level`. */
bool exit_is_missing(const struct rig_rec *rec, uint64_t ipa, unsigned int level);

/* Whether no syndrome is shown, and no general register from the `first` on. */
bool exit_shows_no_more(const struct rig_rec *rec, unsigned int first);

/* Has the RIPAS of [base, top) changed through `rec`, whatever it was. */
bool ripas_force(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas);
