# SPDX-License-Identifier: BSD-3-Clause
global-incdirs-y += ../proto
srcs-y += signer_ta.c
