/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The EL1 virtual and physical timers, which a PE has once for both worlds. The host learns from an
 * exit that a realm's timer is asserted; until it is not, its interrupt line is kept masked, or it
 * would end every entry at once.
 */
#pragma once

#include "rec.h"

/* Puts the host's timers aside and loads the REC's. */
void timer_enter(struct rec *rec, struct timer_registers *host);

/* Whether a timer is asserted that was not at the last exit, or the reverse: time to exit. */
bool timer_changed(const struct rec *rec);

/* Saves and reports the REC's timers and brings back the host's. */
void timer_leave(struct rec *rec, const struct timer_registers *host, struct rmi_rec_exit *exit);
