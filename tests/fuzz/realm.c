/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* An SError that is not contained stops the RMM, as it should. */
#define AET_RECOVERABLE REG_FIELD(3, ESR_SERROR_AET_SHIFT)

static void call(uint64_t gprs[RMI_GPRS])
{
	static const uint64_t functions[] = {
		RSI_VERSION,
		RSI_FEATURES,
		RSI_MEASUREMENT_READ,
		RSI_MEASUREMENT_EXTEND,
		RSI_ATTESTATION_TOKEN_INIT,
		RSI_ATTESTATION_TOKEN_CONTINUE,
		RSI_REALM_CONFIG,
		RSI_IPA_STATE_SET,
		RSI_IPA_STATE_GET,
		RSI_HOST_CALL,
		RSI_IPA_STATE_SET,
		SMCCC_VERSION,
		PSCI_VERSION,
		PSCI_FEATURES,
		PSCI_CPU_SUSPEND_64,
		PSCI_CPU_OFF,
		PSCI_CPU_ON_64,
		PSCI_CPU_ON_32,
		PSCI_AFFINITY_INFO_64,
		PSCI_SYSTEM_OFF,
		RMI_VERSION,
		UINT64_MAX,
	};
	uint8_t what = input_byte();
	uint8_t how = input_byte();

	gprs[0] = functions[what % COUNT(functions)];
	for (unsigned int n = 1; n <= 4U; n++) {
		/* Two bits for each argument; by default small numbers and addresses. */
		gprs[n] = (how >> 2U * (n - 1U) & 1U) != 0U ? input_ipa() : input_number();
	}
	write_sysreg(ESR_EL2, ESR_EC(EC_SMC64) | ESR_IL);
}

static void abort_at(uint64_t class)
{
	static const uint64_t status[] = { 4, 5, 6, 7, 0xC, 0xE, 0xF, 0x10, 0x14, 0x23, 0x28 };
	uint64_t ipa = input_ipa();
	uint64_t esr = ESR_EC(class) | ESR_IL | status[input_byte() % COUNT(status)];
	uint8_t bits = input_byte();

	esr |= (bits & 1U) != 0U ? ESR_ISV : 0U;
	esr |= (bits & 2U) != 0U ? ESR_WNR : 0U;
	esr |= (bits & 4U) != 0U ? ESR_SF : 0U;
	esr |= (bits & 8U) != 0U ? ESR_SSE : 0U;
	esr |= (bits & 16U) != 0U ? ESR_S1PTW : 0U;
	esr |= REG_FIELD(bits >> 6, ESR_SAS_SHIFT);
	esr |= REG_FIELD(input_byte() & 0x1FU, ESR_SRT_SHIFT);
	write_sysreg(ESR_EL2, esr);
	write_sysreg(HPFAR_EL2, (ipa >> 8) & HPFAR_FIPA_MASK);
	write_sysreg(FAR_EL2, ipa + (bits & 0x38U));
}

static void trap(void)
{
	uint64_t iss = input_number() & ESR_ISS_MASK;

	write_sysreg(ESR_EL2, ESR_EC(EC_SYSREG) | ESR_IL | iss);
}

static void other_exception(void)
{
	static const uint64_t classes[] = { EC_WFX, EC_FP,  EC_HVC64, EC_UNKNOWN, EC_SVE,
					    EC_SME, EC_WFX, EC_FP,    0x30,	  0x3C };
	uint8_t which = input_byte();

	write_sysreg(ESR_EL2, ESR_EC(classes[which % COUNT(classes)]) | ESR_IL | (which >> 6));
}

/* Modes that a realm can be in, and what it may set besides. */
static void pstate(void)
{
	static const uint64_t modes[] = { SPSR_EL1H, SPSR_EL1T, SPSR_EL0T };
	uint8_t bits = input_byte();

	write_sysreg(SPSR_EL2, modes[bits % COUNT(modes)] | REG_FIELD(bits, 24));
	write_sysreg(CNTV_CTL_EL0, input_byte() & 7U);
	write_sysreg(ISR_EL1, (input_byte() & 3U) << 6);
	fake_signer_fails = bits == UINT8_MAX;
	fake_stage1_is_unreadable = bits == UINT8_MAX - 1U;
}

enum realm_vector realm_step(uint64_t gprs[RMI_GPRS])
{
	fuzz_calls++;
	if (!input_is_left()) {
		return REALM_VECTOR_IRQ;
	}
	switch (input_byte() % 16U) {
	case 0:
		return REALM_VECTOR_IRQ;
	case 1:
		return REALM_VECTOR_FIQ;
	case 2:
		write_sysreg(ESR_EL2, ESR_EC(0x2F) | AET_RECOVERABLE);
		return REALM_VECTOR_SERROR;
	case 3:
		trap();
		break;
	case 4:
		other_exception();
		break;
	case 5:
		abort_at(EC_INSTR_LOWER);
		break;
	case 6:
	case 7:
	case 8:
		abort_at(EC_DATA_LOWER);
		break;
	case 9:
		pstate();
		other_exception();
		break;
	default:
		call(gprs);
		break;
	}
	return REALM_VECTOR_SYNC;
}
