/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The isolation probe: what a hostile normal world would try, tried on purpose when the manifest
 * says probe-isolation, with each outcome on the console. Without it every function does nothing.
 */
#pragma once

#include <lib/types.h>

struct realm;

/* Turns the probe on. */
void probe_enable(void);
bool probe_is_enabled(void);

/* Attacks a realm that is populated but not active; only realm 0. */
void probe_realm(struct realm *realm);

/* Looks at a page that the RMM has just given back. */
void probe_returned_page(struct pa page);
/* Says what was found in the pages of realms that are gone. */
void probe_report_returned_pages(void);
