/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rec.h"

/*
 * Handles an instruction or data abort of the running REC that came to R-EL2: mended, given to the
 * realm, or (true) reported to the host.
 */
bool abort_handle(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit);

/* Reports to the host that a call of the REC needs the protected granule at `ipa` mapped. */
void abort_report_missing(uint64_t ipa, int32_t level, struct rmi_rec_exit *exit);

/*
 * Completes what the last exit reported, as the entry's flags ask: an emulated access, or an SEA.
 */
void abort_complete(struct rec *rec, const struct rmi_rec_enter *enter);
