/* SPDX-License-Identifier: BSD-3-Clause */
/* What a Linux program may expect to find: file systems, a host name, the loopback interface. */
#pragma once

/* Mount the kernel's file systems and those for temporary files. */
void system_mount(void);

/* Set the host name and bring the loopback interface up. */
void system_name(void);

/* End every other process, write out what is not on disk yet, and power off or reboot. */
_Noreturn void system_stop(int reboot_command);
