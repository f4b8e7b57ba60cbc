/* SPDX-License-Identifier: BSD-3-Clause */
/* Running a REC on its PE. */
#pragma once

#include "realm.h"

/* Runs the vCPU on the calling PE, its own, until its realm has ended. */
void vcpu_run(struct vcpu *vcpu);
