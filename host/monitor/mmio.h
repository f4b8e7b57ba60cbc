/* SPDX-License-Identifier: BSD-3-Clause */
/* The realm's emulated devices, by address. */
#pragma once

#include "realm.h"

/* One access of a vCPU; addresses are without the shared bit. */
struct mmio_access {
	uint64_t ipa;
	unsigned int size;
	bool is_write;
	/* Written, or read. */
	uint64_t value;
};

/* False if there is no device at this address. */
bool mmio_emulate(struct vcpu *vcpu, struct mmio_access *access);
