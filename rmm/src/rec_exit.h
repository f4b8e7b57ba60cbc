/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rec_run.h"

/* Handles one exception of the running REC; true if the host is needed, with `exit` filled in. */
bool rec_exit_handle(struct rec *rec, enum realm_vector vector, struct rmi_rec_exit *exit);
