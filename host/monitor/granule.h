/* SPDX-License-Identifier: BSD-3-Clause */
/* Pool pages on their way into the Realm world and back. */
#pragma once

#include <lib/types.h>

/* A delegated page from the pool; false if the pool is empty or the RMM refuses. */
bool granule_take(struct pa *granule);
/* `count` delegated pages in a row, naturally aligned. */
bool granule_take_contiguous(size_t count, struct pa *base);

/* Undelegates a page and returns it to the pool. A page that the RMM keeps is lost, and reported.
 */
void granule_give_back(struct pa granule);
