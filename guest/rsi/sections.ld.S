/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* The sections that this kernel wants every module to have. */
#include <asm/module.lds.h>
