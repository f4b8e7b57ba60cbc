// SPDX-License-Identifier: BSD-3-Clause
/* Big numbers. */
#include "report.h"

#define BITS  512
#define WORDS TEE_BigIntSizeInU32(BITS)

static uint32_t a[WORDS + 8], b[WORDS + 8], c[WORDS + 8], d[WORDS + 8];

static void prepare(int32_t first, int32_t second)
{
	TEE_BigIntInit(a, WORDS);
	TEE_BigIntInit(b, WORDS);
	TEE_BigIntInit(c, WORDS);
	TEE_BigIntInit(d, WORDS);
	TEE_BigIntConvertFromS32(a, first);
	TEE_BigIntConvertFromS32(b, second);
}

static void show(const char *name, const TEE_BigInt *number)
{
	uint8_t bytes[64] = {};
	size_t size = sizeof(bytes);
	int32_t value = 0;
	TEE_Result result = TEE_BigIntConvertToOctetString(bytes, &size, number);

	report("%s: %#x sign %d", name, result, TEE_BigIntCmpS32(number, 0));
	report_bytes("  bytes", bytes, size);
	result = TEE_BigIntConvertToS32(&value, number);
	report("  %#x %d, %u bits", result, value, TEE_BigIntGetBitCount(number));
}

static void conversions(void)
{
	static const int32_t values[] = { 0, 1, -1, 255, -256, INT32_MAX, INT32_MIN };
	uint8_t bytes[100];
	size_t size = 3;

	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		prepare(values[i], 0);
		show("number", a);
	}
	fill_pattern(bytes, sizeof(bytes));
	RESULT(TEE_BigIntConvertFromOctetString(a, bytes, 40, -1));
	show("from bytes", a);
	RESULT(TEE_BigIntConvertToOctetString(bytes, &size, a));
	report("wants %zu", size);
	RESULT(TEE_BigIntConvertFromOctetString(a, bytes, 100, 1));
	RESULT(TEE_BigIntConvertFromOctetString(a, bytes, 0, 1));
	show("from nothing", a);
}

static void divisions(void)
{
	static const int32_t pairs[][2] = { { 7, 3 },	{ -7, 3 }, { 7, -3 },
					    { -7, -3 }, { 0, 5 },  { 3, 7 } };

	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
		prepare(pairs[i][0], pairs[i][1]);
		TEE_BigIntDiv(c, d, a, b);
		show("quotient", c);
		show("remainder", d);
		if (pairs[i][1] > 1) {
			TEE_BigIntMod(c, a, b);
			show("modulo", c);
		}
	}
}

static void bits(void)
{
	prepare(0x12345, 0);
	TEE_BigIntShiftRight(b, a, 4);
	show("shifted", b);
	TEE_BigIntShiftRight(b, a, 100);
	show("shifted out", b);
	report("bits %d %d %d", TEE_BigIntGetBit(a, 0), TEE_BigIntGetBit(a, 1),
	       TEE_BigIntGetBit(a, 200));
	RESULT(TEE_BigIntSetBit(a, 130, true));
	RESULT(TEE_BigIntSetBit(a, 0, false));
	show("with bits set", a);
	RESULT(TEE_BigIntAssign(b, a));
	TEE_BigIntNeg(b, b);
	RESULT(TEE_BigIntAbs(c, b));
	report("compared %d %d %d", TEE_BigIntCmp(a, b), TEE_BigIntCmp(b, a), TEE_BigIntCmp(a, c));
}

static void modular(void)
{
	prepare(1234567, 1000003);
	TEE_BigIntAddMod(c, a, a, b);
	show("sum", c);
	TEE_BigIntSubMod(c, b, a, b);
	show("difference", c);
	TEE_BigIntMulMod(c, a, a, b);
	show("product", c);
	TEE_BigIntInvMod(c, a, b);
	show("inverse", c);
	RESULT(TEE_BigIntExpMod(c, a, a, b, NULL));
	show("power", c);
	TEE_BigIntMul(c, a, b);
	show("whole product", c);
	TEE_BigIntSquare(c, a);
	show("square", c);
	report("relative primes: %d", TEE_BigIntRelativePrime(a, b));
	report("probably a prime: %d", TEE_BigIntIsProbablePrime(b, 80));
	report("probably a prime: %d", TEE_BigIntIsProbablePrime(a, 80));
	prepare(240, -46);
	TEE_BigIntComputeExtendedGcd(c, NULL, NULL, a, b);
	show("common divisor", c);
}

const struct test_case arithmetic_cases[] = {
	{ "numbers and bytes", conversions },
	{ "divisions", divisions },
	{ "bits of numbers", bits },
	{ "modular arithmetic", modular },
	{},
};
