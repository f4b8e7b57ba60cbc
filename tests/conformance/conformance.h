/* SPDX-License-Identifier: BSD-3-Clause */
/* What the cases share beyond the rig. */
#pragma once

/* QEMU is given so many; the cases run on PE 0, and the others for what needs two at once. */
#define CONFORMANCE_PES 3U
