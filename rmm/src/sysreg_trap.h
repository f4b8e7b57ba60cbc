/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rec.h"

/* Handles a trapped MRS or MSR of the running REC; true if the host has to go on with it. */
bool sysreg_trap(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit);
