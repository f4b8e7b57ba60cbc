/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtual GIC CPU interface of a REC; the host owns all of the GIC but these registers. */
#pragma once

#include "rec.h"

/* Whether the host's values are ones that RMI_REC_ENTER accepts. */
bool gic_entry_is_valid(const struct rmi_rec_enter *enter);

/* Loads the REC's interface with the host's list registers. */
void gic_enter(struct rec *rec, const struct rmi_rec_enter *enter);

/* Saves the interface, reports it, and turns it off. */
void gic_leave(struct rec *rec, struct rmi_rec_exit *exit);
