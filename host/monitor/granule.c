/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/console.h>

#include "config.h"
#include "granule.h"
#include "pool.h"
#include "probe.h"
#include "rmi.h"

bool granule_take(struct pa *granule)
{
	if (!pool_take(granule)) {
		console_line("no page is left in the pool");
		return false;
	}
	if (!rmi_ok(rmi_granule_delegate(*granule))) {
		console_line("page 0x%lx cannot be delegated", (unsigned long)granule->value);
		return false;
	}
	return true;
}

bool granule_take_contiguous(size_t count, struct pa *base)
{
	if (!pool_take_contiguous(count, base)) {
		console_line("no %lu pages in a row are left in the pool", (unsigned long)count);
		return false;
	}
	for (size_t n = 0; n < count; n++) {
		if (!rmi_ok(rmi_granule_delegate(pa_make(base->value + n * PAGE_SIZE)))) {
			console_line("page 0x%lx cannot be delegated",
				     (unsigned long)(base->value + n * PAGE_SIZE));
			return false;
		}
	}
	return true;
}

void granule_give_back(struct pa granule)
{
	struct rmi_result result = rmi_granule_undelegate(granule);

	if (!rmi_ok(result)) {
		console_line("page 0x%lx cannot be undelegated: %s", (unsigned long)granule.value,
			     rmi_status_name(result));
		return;
	}
	probe_returned_page(granule);
	pool_give_back(granule);
}
