/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The library exports what is marked so, and nothing else. */
#define EXPORT __attribute__((visibility("default")))
