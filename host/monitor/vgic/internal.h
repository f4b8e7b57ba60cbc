/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the virtual GIC share. The caller holds the lock. */
#pragma once

#include "vgic/bank.h"

/* Interrupts of `bank` that are pending, enabled, and of an enabled group. */
uint32_t vgic_deliverable(const struct vgic *vgic, const struct vgic_bank *bank);
/* The vCPU that takes an SPI (0 to 31), or VGIC_NO_CPU. */
uint8_t vgic_target(const struct vgic *vgic, unsigned int spi);
/* Every vCPU that has something deliverable. */
uint32_t vgic_wanted_cpus(const struct vgic *vgic);
