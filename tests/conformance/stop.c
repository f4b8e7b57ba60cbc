/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "rig.h"
#include "stop.h"
#include "tap.h"

#define SOIL		  0xA5U
#define EXIT_WORD(member) (offsetof(struct rmi_rec_exit, member) / sizeof(uint64_t))
#define EXIT_WORDS	  (sizeof(struct rmi_rec_exit) / sizeof(uint64_t))

struct rig_rec *stop_rec(unsigned int recs)
{
	struct rig_realm *realm = hand_realm(recs);

	if (!hand_begin(&realm->recs[0])) {
		rig_give_up("the hand does not begin");
	}
	stop_soil(&realm->recs[0]);
	return &realm->recs[0];
}

void stop_soil(struct rig_rec *rec)
{
	memset(&rec->run->exit, SOIL, sizeof(rec->run->exit));
}

bool stop_untouched(const struct rig_rec *rec)
{
	const uint8_t *bytes = (const uint8_t *)&rec->run->exit;
	bool same = true;

	for (size_t n = 0; n < sizeof(rec->run->exit); n++) {
		same = same && bytes[n] == SOIL;
	}
	return EXPECT(same);
}

static bool always_there(size_t word)
{
	return word == EXIT_WORD(exit_reason) ||
	       (word >= EXIT_WORD(gicv3_hcr) && word <= EXIT_WORD(gicv3_vmcr)) ||
	       (word >= EXIT_WORD(cntp_ctl) && word <= EXIT_WORD(cntv_cval));
}

static bool is_listed(size_t word, unsigned int fields)
{
	static const struct {
		unsigned int field;
		size_t first, last;
	} list[] = {
		{ STOP_ESR, EXIT_WORD(esr), EXIT_WORD(esr) },
		{ STOP_FAR, EXIT_WORD(far), EXIT_WORD(far) },
		{ STOP_HPFAR, EXIT_WORD(hpfar), EXIT_WORD(hpfar) },
		{ STOP_GPR0, EXIT_WORD(gprs), EXIT_WORD(gprs) },
		{ STOP_GPR1, EXIT_WORD(gprs) + 1U, EXIT_WORD(gprs) + 1U },
		{ STOP_RIPAS, EXIT_WORD(ripas_base), EXIT_WORD(ripas_value) },
		{ STOP_HOST_CALL, EXIT_WORD(gprs), EXIT_WORD(gprs) + RMI_GPRS - 1U },
		{ STOP_HOST_CALL, EXIT_WORD(imm), EXIT_WORD(imm) },
	};

	for (size_t n = 0; n < ARRAY_COUNT(list); n++) {
		if ((fields & list[n].field) != 0U && word >= list[n].first &&
		    word <= list[n].last) {
			return true;
		}
	}
	return always_there(word);
}

bool stop_is(const struct rig_rec *rec, uint8_t reason, unsigned int fields)
{
	const uint64_t *words = (const uint64_t *)&rec->run->exit;
	bool clean = EXPECT_EQ(words[0], reason);

	for (size_t n = 1; n < EXIT_WORDS; n++) {
		if (words[n] != 0U && !is_listed(n, fields)) {
			tap_fail("the exit has 0x%lx at 0x%x", (unsigned long)words[n],
				 (unsigned int)(n * sizeof(*words)));
			clean = false;
		}
	}
	return clean;
}

struct outcome stop_resume_with(struct rig_rec *rec, uint64_t flags)
{
	struct outcome outcome;

	rec->run->enter.flags = flags;
	outcome = hand_resume(rec);
	rec->run->enter.flags = 0;
	return outcome;
}

bool took_exception(const struct outcome *outcome, uint64_t esr, unsigned int vector)
{
	return EXPECT(outcome->done) && EXPECT_EQ(outcome->gprs[HAND_FAULTS], 1) &&
	       EXPECT_EQ(outcome->gprs[HAND_ESR], esr) &&
	       EXPECT_EQ(outcome->gprs[HAND_VECTOR], vector);
}

bool took_none(const struct outcome *outcome)
{
	return EXPECT(outcome->done) && EXPECT_EQ(outcome->gprs[HAND_FAULTS], 0);
}
