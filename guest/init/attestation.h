/* SPDX-License-Identifier: BSD-3-Clause */
/* What programs need for attestation, made ready when the first of them asks. */
#pragma once

#include <stdbool.h>

/*
 * Load the modules that the image lists for it, and mount the file system of attestation reports.
 * To do so twice, or at once, does no harm. Returns whether all went well; complains if not.
 */
bool attestation_prepare(void);
