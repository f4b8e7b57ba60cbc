/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* The kernel's own offsetof, under the name by which the generated abi/ headers ask for it. */
#pragma once

#include <linux/stddef.h>
