# SPDX-License-Identifier: BSD-3-Clause
global-incdirs-y += ../proto
srcs-y += counter_ta.c
