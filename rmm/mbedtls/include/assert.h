/* SPDX-License-Identifier: BSD-3-Clause */
/* mbedTLS asserts at compile time alone. */
#pragma once

#undef static_assert
#define static_assert _Static_assert
