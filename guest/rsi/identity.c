// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
/* What tells the kernel that a module is of its own build; kbuild writes the like for each. */
#include <linux/module.h>

/* The next header is refused but to those who are about to say this. */
#define INCLUDE_VERMAGIC
#include <linux/vermagic.h>

MODULE_INFO(vermagic, VERMAGIC_STRING);
MODULE_INFO(name, KBUILD_MODNAME);

__visible struct module __this_module __section(".gnu.linkonce.this_module") = {
	.name = KBUILD_MODNAME,
	.init = init_module,
#ifdef CONFIG_MODULE_UNLOAD
	.exit = cleanup_module,
#endif
	.arch = MODULE_ARCH_INIT,
};
