/* SPDX-License-Identifier: BSD-3-Clause */
/* What each PE has for itself. Only code that runs on the PE touches it. */
#pragma once

#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/types.h>

#include "attest/heap.h"
#include "context.h"
#include "debug.h"
#include "fp_switch.h"
#include "hash.h"

union pe_buffer {
	struct rmi_realm_params realm_params;
	struct rmi_rec_params rec_params;
	struct {
		struct rmi_rec_enter enter;
		struct rmi_rec_exit exit;
	} run;
};

struct pe {
	/* The host's parameters, copied once and then checked. */
	_Alignas(GRANULE_SIZE) union pe_buffer host;
	/* What of them is measured, and other things that are laid out before they are hashed. */
	_Alignas(16) union pe_buffer measured;
	struct host_context host_context;
	struct host_debug host_debug;
	struct fp_file fp;
	struct heap *heap;  /* of the signature that this PE is working on */
	struct pa last_rec; /* the REC that last ran here: whose translations the TLB may hold */
	uint32_t index;
};

/* Makes `index` this PE and programs its R-EL2 registers that never change afterwards. */
void pe_init(uint32_t index);

static inline struct pe *pe_this(void)
{
	return (struct pe *)(uintptr_t)read_sysreg(TPIDR_EL2);
}
