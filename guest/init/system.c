/* SPDX-License-Identifier: BSD-3-Clause */
#include "system.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"

#define HOST_NAME "realm"

static const struct {
	const char *type;
	const char *target;
	unsigned long flags;
	const char *options;
} mounts[] = {
	{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "devtmpfs", "/dev", MS_NOSUID, "mode=0755" },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666" },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777" },
	{ "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755" },
	{ "tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777" },
};

void system_mount(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		if (mkdir(mounts[i].target, 0755) != 0 && errno != EEXIST) {
			console_complain("mkdir %s", mounts[i].target);
		}
		/* EBUSY: the kernel has mounted it already. */
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
			  mounts[i].options) != 0 &&
		    errno != EBUSY) {
			console_complain("mount %s", mounts[i].target);
		}
	}
}

bool system_mount_reports(void)
{
	/* EBUSY: another program was first. */
	if (mount("configfs", "/sys/kernel/config", "configfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) != 0 &&
	    errno != EBUSY) {
		console_complain("mount /sys/kernel/config");
		return false;
	}
	return true;
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A kernel without networking has nothing to bring up. */
	if (fd < 0) {
		return;
	}
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) {
		console_complain("loopback interface");
	}
	close(fd);
}

void system_name(void)
{
	if (sethostname(HOST_NAME, strlen(HOST_NAME)) != 0) {
		console_complain("host name");
	}
	loopback_up();
}

_Noreturn void system_stop(int reboot_command)
{
	kill(-1, SIGKILL);
	sync();
	if (reboot(reboot_command) != 0) {
		console_complain("reboot");
	}
	/* PID 1 must not return: the kernel would panic, which also ends the realm. */
	for (;;) {
		pause();
	}
}
