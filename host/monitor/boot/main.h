/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the assembly goes on, with the MMU on. */
#pragma once

_Noreturn void monitor_main(void);
_Noreturn void secondary_main(unsigned int pe);
