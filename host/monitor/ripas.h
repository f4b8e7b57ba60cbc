/* SPDX-License-Identifier: BSD-3-Clause */
/* The realm's requests to change what its memory is: RAM, or empty and so shared. */
#pragma once

#include "realm.h"

/* Carries out the request of the last exit as far as it goes; may end the realm. */
void ripas_change(struct vcpu *vcpu);

/* Destroys the pages of [base, top) and returns them to the pool. The caller holds memory_lock. */
void ripas_release(struct realm *realm, uint64_t base, uint64_t top);
