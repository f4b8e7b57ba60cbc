/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Random bytes from the PE; false if it gives none. */
bool random_fill(void *to, size_t size);
