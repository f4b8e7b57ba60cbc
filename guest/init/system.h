/* SPDX-License-Identifier: BSD-3-Clause */
/* What a Linux program may expect to find: file systems, a host name, the loopback interface. */
#pragma once

#include <stdbool.h>

/* Mount the kernel's file systems and those for temporary files. */
void system_mount(void);

/*
 * Mount the file system in which the kernel makes attestation reports, if it is not mounted yet.
 * Returns whether it is mounted now.
 */
bool system_mount_reports(void);

/* Set the host name and bring the loopback interface up. */
void system_name(void);

/* End every other process, write out what is not on disk yet, and power off or reboot. */
_Noreturn void system_stop(int reboot_command);
