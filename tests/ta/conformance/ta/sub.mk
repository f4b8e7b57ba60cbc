# SPDX-License-Identifier: BSD-3-Clause
global-incdirs-y += ..
srcs-y += arithmetic.c asymmetric.c ciphers.c crashes.c digests.c main.c memory.c objects.c panics.c
srcs-y += parameters.c properties.c report.c runtime.c sessions.c storage.c time.c
