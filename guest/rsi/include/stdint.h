/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* The kernel's own types, under the name by which the generated abi/ headers ask for them. */
#pragma once

#include <linux/types.h>
