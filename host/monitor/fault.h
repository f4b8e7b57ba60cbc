/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage-2 faults of a realm on its own RAM. */
#pragma once

#include "realm.h"

/* Both are given an address in RAM, the second without its shared bit; they may end the realm. */
void fault_on_private(struct vcpu *vcpu, uint64_t ipa);
void fault_on_shared(struct vcpu *vcpu, uint64_t ipa);
