/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/check.h>
#include <lib/console.h>
#include <lib/smc.h>
#include <lib/string.h>

#include "attest/cbor.h"
#include "attest/platform.h"
#include "attest/signer.h"
#include "hash.h"

static struct platform platform_data;
static bool is_available;

/* False if EL3 fails, or claims to have written more than there is room for; tells which. */
static bool ask_el3(uint64_t fid, uintptr_t buffer, uint64_t argument, struct smc_regs *regs)
{
	*regs = (struct smc_regs){ .x = { fid, buffer, GRANULE_SIZE, argument } };
	smc_call(regs);
	if (regs->x[0] != EL3_OK || regs->x[1] > GRANULE_SIZE) {
		console_line("no attestation tokens: EL3 call 0x%llx gives %lld and %llu bytes",
			     (unsigned long long)fid, (long long)regs->x[0],
			     (unsigned long long)regs->x[1]);
		return false;
	}
	return true;
}

static bool fetch_key(uintptr_t buffer)
{
	struct smc_regs regs;
	bool done = ask_el3(EL3_ATTEST_GET_REALM_KEY, buffer, EL3_CURVE_P384, &regs);

	if (done && regs.x[1] != sizeof(platform_data.key)) {
		console_line("no attestation tokens: EL3's realm key has %llu bytes",
			     (unsigned long long)regs.x[1]);
		done = false;
	}
	if (done) {
		memcpy(platform_data.key, (const void *)buffer, sizeof(platform_data.key));
	}
	memset((void *)buffer, 0, GRANULE_SIZE);
	return done;
}

/* In this order and no other: the platform token holds a hash of these very bytes. */
static bool make_cose_key(void)
{
	struct cbor cbor = { .to = platform_data.cose_key, .capacity = PLATFORM_COSE_KEY_SIZE };
	uint8_t point[2U * CCA_COORDINATE_SIZE];

	if (!signer_public_key(platform_data.key, point)) {
		console_line("no attestation tokens: EL3's realm key is none, or this PE has no "
			     "random numbers");
		return false;
	}
	cbor_head(&cbor, CBOR_MAP, 4);
	cbor_integer(&cbor, COSE_KEY_KTY);
	cbor_integer(&cbor, COSE_KTY_EC2);
	cbor_integer(&cbor, COSE_KEY_CRV);
	cbor_integer(&cbor, COSE_CRV_P384);
	cbor_integer(&cbor, COSE_KEY_X);
	cbor_bytes(&cbor, point, CCA_COORDINATE_SIZE);
	cbor_integer(&cbor, COSE_KEY_Y);
	cbor_bytes(&cbor, point + CCA_COORDINATE_SIZE, CCA_COORDINATE_SIZE);
	CHECK(cbor.size == PLATFORM_COSE_KEY_SIZE);
	return true;
}

static bool fetch_token(uintptr_t buffer)
{
	struct cbor cbor = { .to = platform_data.part, .capacity = sizeof(platform_data.part) };
	struct smc_regs regs;
	struct digest challenge;

	hash_bytes(RMI_HASH_SHA_256, platform_data.cose_key, PLATFORM_COSE_KEY_SIZE, &challenge);
	memcpy((void *)buffer, challenge.bytes, CCA_KEY_HASH_SIZE);
	if (!ask_el3(EL3_ATTEST_GET_PLAT_TOKEN, buffer, CCA_KEY_HASH_SIZE, &regs)) {
		return false;
	}
	if (regs.x[1] == 0U || regs.x[2] != 0U) {
		console_line("no attestation tokens: EL3's platform token has %llu bytes and %llu "
			     "more",
			     (unsigned long long)regs.x[1], (unsigned long long)regs.x[2]);
		return false;
	}
	cbor_head(&cbor, CBOR_TAG, CCA_TOKEN_TAG);
	cbor_head(&cbor, CBOR_MAP, 2);
	cbor_integer(&cbor, CCA_PLATFORM_TOKEN);
	cbor_bytes(&cbor, (const void *)buffer, regs.x[1]);
	CHECK(cbor.size <= sizeof(platform_data.part));
	platform_data.part_size = cbor.size;
	return true;
}

void platform_init(uintptr_t shared_buffer)
{
	signer_init();
	is_available = fetch_key(shared_buffer) && make_cose_key() && fetch_token(shared_buffer);
	if (!is_available) {
		memset(&platform_data, 0, sizeof(platform_data));
	}
}

const struct platform *platform(void)
{
	return is_available ? &platform_data : NULL;
}
