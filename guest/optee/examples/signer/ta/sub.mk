# SPDX-License-Identifier: BSD-3-Clause
global-incdirs-y += ../proto
global-incdirs-y += ../../../include
srcs-y += signer_ta.c
