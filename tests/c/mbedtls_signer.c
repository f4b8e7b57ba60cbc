/* SPDX-License-Identifier: BSD-3-Clause */
/* The real signer: mbedTLS as the RMM has it, in the RMM's heap. */
#include <arch/fake.h>

#include "attest/heap.h"
#include "attest/random.h"
#include "attest/signer.h"
#include "cpu_features.h"
#include "rmm_fixture.h"

void *real_heap_calloc(size_t count, size_t size);
#define heap_calloc real_heap_calloc
#include "../../rmm/src/attest/heap.c"
#undef heap_calloc

#define MANY	  100U
#define MAX_STEPS 100U

static unsigned int allocations;
static unsigned int failing_allocation; /* from 1 on; 0: none */

void *heap_calloc(size_t count, size_t size)
{
	allocations++;
	return allocations == failing_allocation ? NULL : real_heap_calloc(count, size);
}

/* RFC 6979, A.2.6: the key, its public point, and signatures with SHA-384. */
static const char key_hex[] = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA"
			      "9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";
static const char point_hex[] = "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E"
				"06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"
				"8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9"
				"F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720";
static const char sample_hex[] = "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA7"
				 "3D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
				 "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526"
				 "203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8";
static const char test_hex[] = "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36"
			       "AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB"
			       "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B"
			       "827C2F13173923E06A739F040649A667BF3B828246BAA5A5";

static uint8_t key[EL3_KEY_P384_SIZE];
static struct signer signer;
static uint8_t signature[CCA_SIGNATURE_SIZE];

static void from_hex(uint8_t *to, const char *hex)
{
	for (size_t n = 0; hex[n] != '\0'; n++) {
		unsigned int digit =
			(unsigned int)(hex[n] <= '9' ? hex[n] - '0' : hex[n] - 'A' + 10);

		to[n / 2U] = (uint8_t)(to[n / 2U] << 4 | digit);
	}
}

static bool is_hex(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[CCA_SIGNATURE_SIZE];

	from_hex(expected, hex);
	return memcmp(bytes, expected, sizeof(expected)) == 0;
}

static bool is_wiped(const struct signer *which)
{
	static const struct signer zeros;

	return memcmp(which, &zeros, sizeof(zeros)) == 0;
}

static void begin(void)
{
	fake_reset();
	from_hex(key, key_hex);
	memset(&signer, 0xFF, sizeof(signer));
	allocations = 0;
	failing_allocation = 0;
}

/* The message in two parts, cut anywhere. */
static enum signer_status begin_message(struct signer *which, const char *message, size_t cut)
{
	const struct signer_part parts[] = { { message, cut },
					     { message + cut, strlen(message) - cut } };

	return signer_begin(which, key, parts, 2);
}

/* To the end; how many steps it took. */
static unsigned int finish(struct signer *which, enum signer_status *status)
{
	unsigned int steps = 0;

	while (*status == SIGNER_BUSY && steps < MAX_STEPS) {
		*status = signer_step(which, signature);
		steps++;
	}
	return steps;
}

static enum signer_status sign(const char *message, size_t cut)
{
	enum signer_status status = begin_message(&signer, message, cut);

	(void)finish(&signer, &status);
	return status;
}

static void the_public_key_is_the_vectors(void)
{
	uint8_t point[2U * CCA_COORDINATE_SIZE];

	begin();
	EXPECT(signer_public_key(key, point));
	EXPECT(is_hex(point, point_hex));
}

static void signatures_are_the_vectors(void)
{
	begin();
	for (size_t cut = 0; cut <= 6U; cut++) {
		EXPECT_EQ(sign("sample", cut), SIGNER_DONE);
		EXPECT(is_hex(signature, sample_hex));
	}
	EXPECT_EQ(sign("test", 0), SIGNER_DONE);
	EXPECT(is_hex(signature, test_hex));
	EXPECT(is_wiped(&signer));
}

static void signatures_take_many_short_steps(void)
{
	enum signer_status status;
	unsigned int steps;

	begin();
	status = begin_message(&signer, "sample", 0);
	steps = finish(&signer, &status);
	EXPECT_EQ(status, SIGNER_DONE);
	EXPECT(steps >= 10U && steps <= 20U);
}

static void what_is_abandoned_leaves_nothing(void)
{
	enum signer_status status = SIGNER_BUSY;

	begin();
	for (unsigned int steps = 0; status == SIGNER_BUSY; steps++) {
		status = begin_message(&signer, "test", 0);
		for (unsigned int n = 0; n < steps && status == SIGNER_BUSY; n++) {
			status = signer_step(&signer, signature);
		}
		signer_end(&signer);
		EXPECT(is_wiped(&signer));
		EXPECT_EQ(sign("sample", 0), SIGNER_DONE);
		EXPECT(is_hex(signature, sample_hex));
	}
	EXPECT_EQ(status, SIGNER_DONE);
}

static void each_allocation_may_fail(void)
{
	unsigned int total;

	begin();
	EXPECT_EQ(sign("sample", 0), SIGNER_DONE);
	total = allocations;
	EXPECT(total > 10U);
	for (unsigned int n = 1; n <= total; n++) {
		begin();
		failing_allocation = allocations + n;
		EXPECT_EQ(sign("sample", 0), SIGNER_FAILED);
		EXPECT(is_wiped(&signer));
	}
	begin();
	EXPECT_EQ(sign("sample", 0), SIGNER_DONE);
	EXPECT(is_hex(signature, sample_hex));
}

static void two_signers_take_turns(void)
{
	static struct signer other;
	enum signer_status one = SIGNER_BUSY;
	enum signer_status two = SIGNER_BUSY;
	uint8_t one_signature[CCA_SIGNATURE_SIZE];

	begin();
	EXPECT_EQ(begin_message(&signer, "sample", 0), SIGNER_BUSY);
	EXPECT_EQ(begin_message(&other, "test", 0), SIGNER_BUSY);
	while (one == SIGNER_BUSY || two == SIGNER_BUSY) {
		if (one == SIGNER_BUSY) {
			one = signer_step(&signer, one_signature);
		}
		if (two == SIGNER_BUSY) {
			two = signer_step(&other, signature);
		}
	}
	EXPECT_EQ(one, SIGNER_DONE);
	EXPECT_EQ(two, SIGNER_DONE);
	EXPECT(is_hex(one_signature, sample_hex));
	EXPECT(is_hex(signature, test_hex));
}

static void keys_that_are_none_are_refused(void)
{
	/* The order of the group: SEC 2, 2.5.1. */
	static const char order_hex[] = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
					"C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973";
	uint8_t point[2U * CCA_COORDINATE_SIZE];

	begin();
	from_hex(key, order_hex);
	EXPECT(!signer_public_key(key, point));
	EXPECT_EQ(sign("sample", 0), SIGNER_FAILED);
	memset(key, 0, sizeof(key));
	EXPECT(!signer_public_key(key, point));
	EXPECT_EQ(sign("sample", 0), SIGNER_FAILED);
	EXPECT(is_wiped(&signer));
}

static void without_random_numbers_nothing_is_signed(void)
{
	uint8_t point[2U * CCA_COORDINATE_SIZE];

	begin();
	fake_random_refusals = 5;
	EXPECT_EQ(sign("sample", 0), SIGNER_DONE);
	EXPECT(is_hex(signature, sample_hex));
	fake_random_refusals = 1000;
	EXPECT_EQ(sign("sample", 0), SIGNER_FAILED);
	EXPECT(is_wiped(&signer));
	fake_random_refusals = 1000;
	EXPECT(!signer_public_key(key, point));
}

static void a_pe_without_random_numbers_is_not_asked_for_any(void)
{
	const char *missing;
	uint8_t point[2U * CCA_COORDINATE_SIZE];

	begin();
	write_sysreg(ID_AA64ISAR0_EL1, read_sysreg(ID_AA64ISAR0_EL1) & (UINT64_MAX >> 4));
	EXPECT(cpu_features_probe(&missing));
	EXPECT(!signer_public_key(key, point));
	EXPECT_EQ(sign("sample", 0), SIGNER_FAILED);
}

static void the_heap_is_large_enough(void)
{
	begin();
	for (unsigned int n = 0; n < MANY; n++) {
		char message[16];

		EXPECT(random_fill(key, sizeof(key)));
		memset(key, 0, n % 48U);
		(void)snprintf(message, sizeof(message), "message %u", n);
		EXPECT_EQ(sign(message, 0), SIGNER_DONE);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(the_public_key_is_the_vectors),
	TAP_CASE(signatures_are_the_vectors),
	TAP_CASE(signatures_take_many_short_steps),
	TAP_CASE(what_is_abandoned_leaves_nothing),
	TAP_CASE(each_allocation_may_fail),
	TAP_CASE(two_signers_take_turns),
	TAP_CASE(keys_that_are_none_are_refused),
	TAP_CASE(without_random_numbers_nothing_is_signed),
	TAP_CASE(a_pe_without_random_numbers_is_not_asked_for_any),
	TAP_CASE(the_heap_is_large_enough),
};

TAP_MAIN(cases)
