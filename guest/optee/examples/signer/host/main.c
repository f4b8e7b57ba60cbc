// SPDX-License-Identifier: BSD-3-Clause
/*
 * The signer TA's client: `signer key` prints the public key, `signer sign FILE` a file's
 * signature, `signer attest NONCE` the realm's token for the key, all in hexadecimal.
 */
#include <inttypes.h>
#include <signer_ta.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

#define MESSAGE_MAX (1 << 20)
#define NONCE_MAX   64

static void check(TEEC_Result result, const uint32_t *origin, const char *what)
{
	if (result != TEEC_SUCCESS) {
		fprintf(stderr, "signer: %s: result 0x%08" PRIx32 ", origin %" PRIu32 "\n", what,
			result, *origin);
		exit(EXIT_FAILURE);
	}
}

static void print(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		printf("%02x", bytes[i]);
	}
	printf("\n");
}

static void public_key(TEEC_Session *session)
{
	unsigned char point[SIGNER_PUBLIC_KEY_SIZE];
	TEEC_Operation operation = { 0 };
	uint32_t origin = TEEC_ORIGIN_API;

	operation.paramTypes =
		TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	operation.params[0].tmpref.buffer = point;
	operation.params[0].tmpref.size = sizeof(point);
	check(TEEC_InvokeCommand(session, SIGNER_CMD_PUBLIC_KEY, &operation, &origin), &origin,
	      "getting the public key");
	print(point, operation.params[0].tmpref.size);
}

static size_t read_message(const char *name, unsigned char *message)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");

	if (file == NULL) {
		perror(name);
		exit(EXIT_FAILURE);
	}
	const size_t size = fread(message, 1, MESSAGE_MAX, file);

	if (ferror(file) || fgetc(file) != EOF) {
		fprintf(stderr, "signer: %s cannot be read, or has more than %d bytes\n", name,
			MESSAGE_MAX);
		exit(EXIT_FAILURE);
	}
	if (file != stdin) {
		fclose(file);
	}
	return size;
}

static void sign(TEEC_Session *session, const char *name)
{
	static unsigned char message[MESSAGE_MAX];
	unsigned char signature[SIGNER_SIGNATURE_SIZE];
	TEEC_Operation operation = { 0 };
	uint32_t origin = TEEC_ORIGIN_API;

	operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
						TEEC_NONE, TEEC_NONE);
	operation.params[0].tmpref.buffer = message;
	operation.params[0].tmpref.size = read_message(name, message);
	operation.params[1].tmpref.buffer = signature;
	operation.params[1].tmpref.size = sizeof(signature);
	check(TEEC_InvokeCommand(session, SIGNER_CMD_SIGN, &operation, &origin), &origin,
	      "signing");
	print(signature, operation.params[1].tmpref.size);
}

/* Reads pairs of hexadecimal digits; returns how many, or 0 if it is something else. */
static size_t read_nonce(const char *digits, unsigned char nonce[NONCE_MAX])
{
	const size_t size = strlen(digits) / 2;

	if (strlen(digits) % 2 != 0 || size > NONCE_MAX ||
	    strspn(digits, "0123456789abcdefABCDEF") != 2 * size) {
		return 0;
	}
	for (size_t i = 0; i < size; i++) {
		const char pair[3] = { digits[2 * i], digits[2 * i + 1], 0 };

		nonce[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return size;
}

static void attest(TEEC_Session *session, const char *digits)
{
	unsigned char nonce[NONCE_MAX];
	unsigned char token[SIGNER_TOKEN_MAX];
	TEEC_Operation operation = { 0 };
	uint32_t origin = TEEC_ORIGIN_API;

	operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
						TEEC_NONE, TEEC_NONE);
	operation.params[0].tmpref.buffer = nonce;
	operation.params[0].tmpref.size = read_nonce(digits, nonce);
	operation.params[1].tmpref.buffer = token;
	operation.params[1].tmpref.size = sizeof(token);
	check(TEEC_InvokeCommand(session, SIGNER_CMD_ATTEST, &operation, &origin), &origin,
	      "getting a token");
	print(token, operation.params[1].tmpref.size);
}

int main(int count, char *words[])
{
	static const TEEC_UUID uuid = SIGNER_TA_UUID;
	const int is_key = count == 2 && strcmp(words[1], "key") == 0;
	const int is_sign = count == 3 && strcmp(words[1], "sign") == 0;
	const int is_attest = count == 3 && strcmp(words[1], "attest") == 0;
	TEEC_Context context;
	TEEC_Session session;
	uint32_t origin = TEEC_ORIGIN_API;

	if (!is_key && !is_sign && !is_attest) {
		fprintf(stderr, "usage: signer key\n"
				"       signer sign FILE   (-: what comes in)\n"
				"       signer attest HEX  (a nonce of 1 to 64 bytes)\n");
		return 2;
	}
	check(TEEC_InitializeContext(NULL, &context), &origin, "finding a TEE");
	check(TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin),
	      &origin, "opening a session");
	if (is_key) {
		public_key(&session);
	} else if (is_attest) {
		attest(&session, words[2]);
	} else {
		sign(&session, words[2]);
	}
	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
	return EXIT_SUCCESS;
}
