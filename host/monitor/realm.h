/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A realm as the monitor sees it: what it gave to it, what it emulates for it, and whether it still
 * runs. Lock order: a virtio device's, the vGIC's; memory_lock is taken with neither held.
 */
#pragma once

#include "config.h"
#include "manifest.h"
#include "rmi.h"
#include "uart.h"
#include "vgic/vgic.h"
#include "virtio/device.h"

#define REALM_LABEL_SIZE   (MANIFEST_NAME_SIZE + 16U)

#define REALM_EXIT_REASONS (RMI_EXIT_SERROR + 1)

struct realm;

/* One REC and its PE. Only that PE touches what is not said to be atomic. */
struct vcpu {
	struct realm *realm;
	unsigned int index;
	struct pa rec;
	struct pa aux[RMI_MAX_REC_AUX];
	struct rmi_rec_run *run;
	/* The RMM would refuse to run it: until another vCPU's CPU_ON. */
	bool is_off;
	/* Atomic: CPU_ON has completed, it is worth trying again. */
	bool wake;
	uint64_t last_fault;
	unsigned int same_faults;
	/* Runs by what ended them (RmiRecExitReason). */
	uint64_t exit_counts[REALM_EXIT_REASONS];
};

enum realm_end {
	REALM_RUNS = 0,
	REALM_OFF,
	REALM_RESET,
	REALM_KILLED,
};

struct realm {
	const struct realm_config *config;
	unsigned int number;
	/* "realm 0 linux" */
	char label[REALM_LABEL_SIZE];

	struct pa rd;
	struct pa rtt_base;
	unsigned int rtt_count;
	unsigned int aux_count;
	unsigned int vcpu_count;
	struct vcpu vcpus[REALM_MAX_VCPUS];

	/* Held while pages of the realm come and go. */
	struct spinlock memory_lock;
	/* Atomic; leaves REALM_RUNS once. */
	enum realm_end end;
	/* Atomic. */
	unsigned int warnings;
	/* Atomic: vCPUs whose PE has not left. */
	unsigned int vcpus_left;

	struct window window;
	struct vgic vgic;
	struct uart uart;
	struct virtio_device virtio[REALM_VIRTIO_COUNT];
};

/* Prints a line about the realm. */
void realm_line(const struct realm *realm, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same about something that the realm can cause as often as it likes: a few times only. */
void realm_warn(struct realm *realm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets up all but the RMM's side. `lr_count` list registers are there. */
void realm_init(struct realm *realm, unsigned int number, const struct realm_config *config,
		unsigned int lr_count);

/* Creates and populates the realm by its plan; powers off with a message if that fails. */
void realm_build(struct realm *realm);

/* A RTT at `level` for `ipa`, if there is none yet. The caller holds memory_lock, or is alone. */
bool realm_create_rtt(struct realm *realm, struct ipa ipa, int level);

static inline bool realm_runs(const struct realm *realm)
{
	return __atomic_load_n(&realm->end, __ATOMIC_ACQUIRE) == REALM_RUNS;
}

static inline unsigned int realm_pe(const struct realm *realm, unsigned int vcpu)
{
	return realm->config->first_pe + vcpu;
}

/* Whether [ipa, ipa + size), shared bit stripped, is RAM. */
static inline bool realm_has_ram(const struct realm *realm, uint64_t ipa, uint64_t size)
{
	return range_within(ipa, size, REALM_RAM_BASE, realm->config->ram_size);
}

/* Ends the realm, once: says how and makes its vCPUs leave. */
void realm_stop(struct realm *realm, enum realm_end end);
/* Ends it because of what it did; the reason is printed. */
void realm_kill(struct realm *realm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the PEs of a set of vCPUs look again; `self` needs no telling. */
void realm_kick(const struct realm *realm, uint32_t vcpus, unsigned int self);
#define REALM_NOBODY UINT32_MAX

/* Destroys all of a realm that no vCPU runs any more, so that its memory returns to the pool. */
void realm_tear_down(struct realm *realm);
