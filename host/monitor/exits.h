/* SPDX-License-Identifier: BSD-3-Clause */
/* What the monitor does when a REC has stopped. */
#pragma once

#include "realm.h"

/* Acts on vcpu->run->exit and prepares the next entry; may end the realm. */
void exits_handle(struct vcpu *vcpu);

/* Says how often the vCPU has stopped, and why. */
void exits_report(const struct vcpu *vcpu);
