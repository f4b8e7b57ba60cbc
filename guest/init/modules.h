/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel modules, loaded in the order in which the image lists them. */
#pragma once

#include <stdbool.h>

/*
 * Load the modules that the file at path names, one path a line; .ko.xz files are left to the
 * kernel to unpack. A module that cannot be loaded is complained about and passed over. Returns
 * whether all of them are loaded now.
 */
bool modules_load(const char *path);
