/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"

#include <abi/tee.h>
#include <assert.h>
#include <string.h>

#include "call.h"
#include "ta.h"

#define TAG_MIN	  4
#define NONCE_MAX 128

/* Where calls have a buffer, among their registers; and outputs, among their arguments. */
#define INPUT	1
#define LAST	5
#define OUTPUT	2
#define TAG	3
#define TAG_GCM 3

typedef uint32_t (*server)(struct state *state, struct call *call, const uint64_t *registers);

bool state_make(struct state *state, uint32_t algorithm, uint32_t mode, const uint8_t *key,
		size_t key_size)
{
	bool encrypt = mode == TEE_MODE_ENCRYPT;

	state->algorithm = algorithm;
	state->mode = mode;
	state->keyed = true;
	if (hash_make(&state->hash, algorithm, key, key_size)) {
		state->class = STATE_HASH;
	} else if (!encrypt && mode != TEE_MODE_DECRYPT) {
		return false;
	} else if (aes_make(&state->aes, algorithm, encrypt, key, key_size)) {
		state->class = STATE_CIPHER;
	} else if (algorithm == TEE_ALG_AES_GCM && gcm_make(&state->gcm, encrypt, key, key_size)) {
		state->class = STATE_AEAD;
	}
	return state->class != STATE_FREE;
}

bool state_needs_no_key(const struct state *state)
{
	return state->class == STATE_HASH && !state->hash.keyed;
}

/* Tell how long an output is, or would have to be. */
static void tell(const struct call_output *output, uint64_t size)
{
	memcpy(ta_pointer(output->length_addr), &size, sizeof(size));
}

static uint32_t give(const struct call_output *output, const void *bytes, size_t size)
{
	memcpy(ta_pointer(output->addr), bytes, size);
	tell(output, size);
	return TEE_SUCCESS;
}

static uint32_t short_buffer(const struct call_output *output, uint64_t size)
{
	tell(output, size);
	return TEE_ERROR_SHORT_BUFFER;
}

/* An input, where it can be read while the output is written: there too, or nowhere near. */
static const uint8_t *apart(const struct call_output *output, uint64_t addr, uint64_t size)
{
	bool overlaps = addr < output->addr + size && output->addr < addr + size;

	if (!overlaps || addr == output->addr) {
		return ta_pointer(addr);
	}
	memmove(ta_pointer(output->addr), ta_pointer(addr), size);
	return ta_pointer(output->addr);
}

static uint32_t begin_hash(struct state *state, struct call *call, const uint64_t *registers)
{
	(void)call;
	(void)registers;
	hash_begin(&state->hash);
	state->begun = true;
	return TEE_SUCCESS;
}

static uint32_t update_hash(struct state *state, struct call *call, const uint64_t *registers)
{
	uint64_t size = registers[INPUT + 1];

	(void)call;
	if (size == 0) {
		return TEE_SUCCESS;
	}
	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	hash_update(&state->hash, ta_pointer(registers[INPUT]), size);
	return TEE_SUCCESS;
}

static uint32_t end_hash(struct state *state, struct call *call, const uint64_t *registers)
{
	const struct call_output *output = &call->outputs[OUTPUT];
	size_t size = hash_size(&state->hash);
	uint8_t digest[HASH_SIZE_MAX];

	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (output->capacity < size) {
		return short_buffer(output, size);
	}
	hash_update(&state->hash, ta_pointer(registers[INPUT]), registers[INPUT + 1]);
	hash_end(&state->hash, digest);
	state->begun = false;
	return give(output, digest, size);
}

static uint32_t begin_cipher(struct state *state, struct call *call, const uint64_t *registers)
{
	size_t wanted = aes_iv_size(&state->aes);

	(void)call;
	if (wanted > 0 && registers[INPUT + 1] != wanted) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	aes_begin(&state->aes, ta_pointer(registers[INPUT]));
	state->begun = true;
	return TEE_SUCCESS;
}

static uint32_t run_cipher(struct state *state, struct call *call, const uint64_t *registers,
			   bool last)
{
	const struct call_output *output = &call->outputs[OUTPUT];
	uint64_t size = registers[INPUT + 1];

	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (output->capacity < size) {
		return short_buffer(output, size);
	}
	state->begun = !last;
	if (size % aes_granule(&state->aes) != 0) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (size > 0) {
		aes_update(&state->aes, apart(output, registers[INPUT], size),
			   ta_pointer(output->addr), size);
	}
	tell(output, size);
	return TEE_SUCCESS;
}

static uint32_t update_cipher(struct state *state, struct call *call, const uint64_t *registers)
{
	return run_cipher(state, call, registers, false);
}

static uint32_t end_cipher(struct state *state, struct call *call, const uint64_t *registers)
{
	return run_cipher(state, call, registers, true);
}

static uint32_t begin_aead(struct state *state, struct call *call, const uint64_t *registers)
{
	uint64_t nonce_size = registers[INPUT + 1];
	uint64_t tag_size = registers[TAG_GCM];

	(void)call;
	if (tag_size > GCM_TAG_MAX) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (tag_size < TAG_MIN || nonce_size < 1 || nonce_size > NONCE_MAX) {
		return TEE_ERROR_NOT_SUPPORTED;
	}
	gcm_begin(&state->gcm, ta_pointer(registers[INPUT]), nonce_size);
	state->tag_size = tag_size;
	state->begun = true;
	state->flows = false;
	return TEE_SUCCESS;
}

static uint32_t authenticate(struct state *state, struct call *call, const uint64_t *registers)
{
	uint64_t size = registers[INPUT + 1];

	(void)call;
	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (state->flows) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	return gcm_authenticate(&state->gcm, ta_pointer(registers[INPUT]), size)
		       ? TEE_SUCCESS
		       : TEE_ERROR_GENERIC;
}

/* Some more of a message that has begun, into an output that has room for it. */
static uint32_t run_aead(struct state *state, const struct call_output *output,
			 const uint64_t *registers)
{
	uint64_t size = registers[INPUT + 1];

	state->flows = state->flows || size > 0;
	return gcm_update(&state->gcm, apart(output, registers[INPUT], size),
			  ta_pointer(output->addr), size)
		       ? TEE_SUCCESS
		       : TEE_ERROR_GENERIC;
}

static uint32_t update_aead(struct state *state, struct call *call, const uint64_t *registers)
{
	const struct call_output *output = &call->outputs[OUTPUT];
	uint64_t size = registers[INPUT + 1];
	uint32_t result;

	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (output->capacity < size) {
		return short_buffer(output, size);
	}
	result = run_aead(state, output, registers);
	if (result == TEE_SUCCESS) {
		tell(output, size);
	}
	return result;
}

static uint32_t end_encryption(struct state *state, struct call *call, const uint64_t *registers)
{
	const struct call_output *output = &call->outputs[OUTPUT];
	const struct call_output *tag_output = &call->outputs[TAG];
	uint64_t size = registers[INPUT + 1];
	uint32_t result = TEE_SUCCESS;
	uint8_t tag[GCM_TAG_MAX];

	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (state->mode != TEE_MODE_ENCRYPT) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (output->capacity < size) {
		result = short_buffer(output, size);
	}
	if (tag_output->capacity < state->tag_size) {
		result = short_buffer(tag_output, state->tag_size);
	}
	if (result != TEE_SUCCESS) {
		return result;
	}
	state->begun = false;
	result = run_aead(state, output, registers);
	if (result != TEE_SUCCESS) {
		return result;
	}
	gcm_end(&state->gcm, tag, state->tag_size);
	tell(output, size);
	return give(tag_output, tag, state->tag_size);
}

/* What has come out of a decryption before its tag was found to be wrong, nobody may have. */
static uint32_t end_decryption(struct state *state, struct call *call, const uint64_t *registers)
{
	const struct call_output *output = &call->outputs[OUTPUT];
	uint64_t size = registers[INPUT + 1];
	uint32_t result;
	uint8_t tag[GCM_TAG_MAX];

	if (!state->begun) {
		return TEE_ERROR_BAD_STATE;
	}
	if (state->mode != TEE_MODE_DECRYPT) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (output->capacity < size) {
		return short_buffer(output, size);
	}
	if (registers[LAST + 1] != state->tag_size) {
		return TEE_ERROR_MAC_INVALID;
	}
	memcpy(tag, ta_pointer(registers[LAST]), state->tag_size);
	state->begun = false;
	result = run_aead(state, output, registers);
	if (result == TEE_SUCCESS && !gcm_verify(&state->gcm, tag, state->tag_size)) {
		result = TEE_ERROR_MAC_INVALID;
	}
	if (result == TEE_SUCCESS) {
		tell(output, size);
	} else {
		memset(ta_pointer(output->addr), 0, size);
	}
	return result;
}

static const struct {
	enum state_class class;
	server serve;
} servers[] = {
	[TEE_CALL_HASH_INIT] = { STATE_HASH, begin_hash },
	[TEE_CALL_HASH_UPDATE] = { STATE_HASH, update_hash },
	[TEE_CALL_HASH_FINAL] = { STATE_HASH, end_hash },
	[TEE_CALL_CIPHER_INIT] = { STATE_CIPHER, begin_cipher },
	[TEE_CALL_CIPHER_UPDATE] = { STATE_CIPHER, update_cipher },
	[TEE_CALL_CIPHER_FINAL] = { STATE_CIPHER, end_cipher },
	[TEE_CALL_AUTHENC_INIT] = { STATE_AEAD, begin_aead },
	[TEE_CALL_AUTHENC_UPDATE_AAD] = { STATE_AEAD, authenticate },
	[TEE_CALL_AUTHENC_UPDATE_PAYLOAD] = { STATE_AEAD, update_aead },
	[TEE_CALL_AUTHENC_ENC_FINAL] = { STATE_AEAD, end_encryption },
	[TEE_CALL_AUTHENC_DEC_FINAL] = { STATE_AEAD, end_decryption },
};

bool state_knows(uint32_t number)
{
	return number < sizeof(servers) / sizeof(servers[0]) && servers[number].serve != NULL;
}

bool state_serve(struct state *state, struct call *call, const uint64_t *registers, uint32_t number,
		 uint32_t *result)
{
	assert(state_knows(number));
	if (servers[number].class != state->class) {
		return false;
	}
	*result = servers[number].serve(state, call, registers);
	return true;
}
