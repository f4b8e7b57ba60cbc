/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual GICv3 for one realm: distributor and redistributors in software, CPU interfaces in
 * hardware, fed through list registers that the RMM loads. One security state, no LPIs, 32 SPIs.
 *
 * Every function takes the lock itself. Those that can make an interrupt deliverable return the set
 * of vCPUs (a bit each) that should look again; kicking them is the caller's business.
 */
#pragma once

#include <abi/gic.h>
#include <abi/platform.h>
#include <abi/rmi.h>
#include <lib/spinlock.h>
#include <lib/types.h>

#define VGIC_NO_CPU 0xFFU

/*
 * The state of 32 interrupts. What is pending: `latch`, and of level-sensitive ones also `line`. An
 * edge moves from `latch` into a list register, and back if the vCPU did not take it.
 */
struct vgic_bank {
	uint32_t group1;
	uint32_t enabled;
	uint32_t latch;
	uint32_t line;
	uint32_t active;
	uint32_t edge;
	uint8_t priority[GIC_BANK_INTIDS];
};

struct vgic_cpu {
	struct vgic_bank bank;
	uint32_t waker;
	/* INTIDs in the list registers of the run that is going on. */
	unsigned int listed_count;
	uint8_t listed[RMI_GIC_LRS];
};

struct vgic {
	struct spinlock lock;
	unsigned int cpu_count;
	unsigned int lr_count;
	uint32_t enabled_groups;
	struct vgic_cpu cpus[REALM_MAX_VCPUS];
	struct vgic_bank spis;
	uint64_t route[GIC_BANK_INTIDS];
	/* The vCPU that holds the SPI in a list register or has it active, or VGIC_NO_CPU. */
	uint8_t holder[GIC_BANK_INTIDS];
};

void vgic_init(struct vgic *vgic, unsigned int cpu_count, unsigned int lr_count);

/* The line of a private interrupt of one vCPU, or of an SPI (`cpu` is then ignored). */
uint32_t vgic_set_line(struct vgic *vgic, unsigned int cpu, unsigned int intid, bool high);
/* A new event on an SPI whose line may be high already: an edge even so. */
uint32_t vgic_pulse_spi(struct vgic *vgic, unsigned int intid);
/* A write of `cpu` to ICC_SGI1R_EL1 or ASGI1R (group 1), or SGI0R. */
uint32_t vgic_send_sgi(struct vgic *vgic, unsigned int cpu, uint64_t value);

/* Fills the entry's list registers, and the maintenance bits of gicv3_hcr, before a run. */
void vgic_fill(struct vgic *vgic, unsigned int cpu, struct rmi_rec_enter *enter);
/* Takes back what the run left in them, and its gicv3_hcr; after no run, what was filled in. */
uint32_t vgic_drain(struct vgic *vgic, unsigned int cpu, const uint64_t *lrs, uint64_t hcr);

/* Accesses of 1, 2, 4 or 8 bytes; what does not exist reads 0 and ignores writes. */
uint64_t vgic_distributor_read(struct vgic *vgic, uint64_t offset, unsigned int size);
uint32_t vgic_distributor_write(struct vgic *vgic, uint64_t offset, unsigned int size,
				uint64_t value);
/* `offset` counts from the first vCPU's redistributor. */
uint64_t vgic_redistributor_read(struct vgic *vgic, uint64_t offset, unsigned int size);
uint32_t vgic_redistributor_write(struct vgic *vgic, uint64_t offset, unsigned int size,
				  uint64_t value);
