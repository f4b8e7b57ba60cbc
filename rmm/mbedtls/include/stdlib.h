/* SPDX-License-Identifier: BSD-3-Clause */
/* mbedTLS includes it, and needs nothing of it that its configuration does not name. */
#pragma once
