/* SPDX-License-Identifier: BSD-3-Clause */
/* Running a REC on this PE, from entry to exit. */
#pragma once

#include "rec.h"

/* Why the PE came back from the realm: which vector was taken. */
enum realm_vector {
	REALM_VECTOR_SYNC,
	REALM_VECTOR_IRQ,
	REALM_VECTOR_FIQ,
	REALM_VECTOR_SERROR,
};

/* Runs the realm with these general registers until it takes an exception to R-EL2. */
enum realm_vector realm_enter(uint64_t gprs[RMI_GPRS]);

/* Runs the REC, which is marked as running, until the host is needed; `exit` is then complete. */
void rec_run(struct rec *rec, struct pa pa, const struct rmi_rec_enter *enter,
	     struct rmi_rec_exit *exit);
