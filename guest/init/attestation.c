/* SPDX-License-Identifier: BSD-3-Clause */
#include "attestation.h"

#include "modules.h"
#include "system.h"

#define LAZY_MODULE_LIST "/etc/realmos/lazy-modules"

bool attestation_prepare(void)
{
	bool loaded = modules_load(LAZY_MODULE_LIST);

	return system_mount_reports() && loaded;
}
