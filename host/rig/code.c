/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/string.h>

#include "call.h"
#include "code.h"
#include "rig.h"

#define GPR_OPERANDS 1U
#define GPR_SPSR     7U
#define GPR_CODE     8U
#define OPERANDS     6U
#define ORDER_WORDS  (GPR_CODE + HAND_CODE_WORDS / 2U)

struct order {
	uint64_t words[ORDER_WORDS];
};

static struct order make(uint64_t what, uint64_t spsr, const uint32_t *start, const uint32_t *end,
			 const uint64_t *x, size_t count)
{
	struct order order = { .words = { what } };
	size_t size = (size_t)(end - start) * sizeof(*start);

	if (size > HAND_CODE_WORDS * sizeof(*start) || count > OPERANDS) {
		rig_give_up("code of %u bytes, %u operands", (unsigned int)size,
			    (unsigned int)count);
	}
	for (size_t n = 0; n < OPERANDS; n++) {
		order.words[GPR_OPERANDS + n] = n < count ? x[n] : call_fill(n);
	}
	order.words[GPR_SPSR] = spsr;
	memcpy(&order.words[GPR_CODE], start, size);
	return order;
}

struct outcome code_order(struct rig_rec *rec, const uint32_t *start, const uint32_t *end,
			  const uint64_t *x, size_t count)
{
	struct order order = make(HAND_CODE, 0, start, end, x, count);

	return hand_order_with(rec, order.words, ORDER_WORDS);
}

struct outcome code_do(struct rig_rec *rec, const uint32_t *start, const uint32_t *end,
		       const uint64_t *x, size_t count)
{
	struct order order = make(HAND_CODE, 0, start, end, x, count);

	return hand_do_with(rec, order.words, ORDER_WORDS);
}

struct outcome code_drop(struct rig_rec *rec, uint64_t spsr, const uint32_t *start,
			 const uint32_t *end, const uint64_t *x, size_t count)
{
	struct order order = make(HAND_DROP, spsr, start, end, x, count);

	return hand_order_with(rec, order.words, ORDER_WORDS);
}
