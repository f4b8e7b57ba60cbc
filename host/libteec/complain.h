/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Say on stderr what is wrong and how to mend it: results of the API have no room for either. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
