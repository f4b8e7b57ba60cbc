# SPDX-License-Identifier: BSD-3-Clause
global-incdirs-y += ../proto
srcs-y += bench_ta.c pieces.c prepared.c
