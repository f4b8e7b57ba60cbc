/* SPDX-License-Identifier: BSD-3-Clause */
/* Bits of architectural registers and syndromes (Arm ARM DDI 0487, D19), as far as we use them. */
#pragma once

#include <stdint.h>

#define REG_BIT(n)	    (UINT64_C(1) << (n))
#define REG_FIELD(value, n) ((uint64_t)(value) << (n))

/* ISR_EL1 */
#define ISR_F REG_BIT(6)
#define ISR_I REG_BIT(7)

/* HCR_EL2 */
#define HCR_VM	   REG_BIT(0)
#define HCR_SWIO   REG_BIT(1)
#define HCR_PTW	   REG_BIT(2)
#define HCR_FMO	   REG_BIT(3)
#define HCR_IMO	   REG_BIT(4)
#define HCR_AMO	   REG_BIT(5)
#define HCR_VSE	   REG_BIT(8)
#define HCR_BSU_IS REG_BIT(10)
#define HCR_TWI	   REG_BIT(13)
#define HCR_TWE	   REG_BIT(14)
#define HCR_TID3   REG_BIT(18)
#define HCR_TSC	   REG_BIT(19)
#define HCR_TIDCP  REG_BIT(20)
#define HCR_TACR   REG_BIT(21)
#define HCR_RW	   REG_BIT(31)
#define HCR_TLOR   REG_BIT(35)
#define HCR_TERR   REG_BIT(36)
#define HCR_TEA	   REG_BIT(37)
#define HCR_APK	   REG_BIT(40)
#define HCR_API	   REG_BIT(41)
#define HCR_FWB	   REG_BIT(46)
#define HCR_TID5   REG_BIT(58)

/* CPTR_EL2, HCR_EL2.E2H = 0 */
#define CPTR_RES1 UINT64_C(0x22FF)
#define CPTR_TZ	  REG_BIT(8)
#define CPTR_TFP  REG_BIT(10)
#define CPTR_TSM  REG_BIT(12)
#define CPTR_TTA  REG_BIT(20)
#define CPTR_TAM  REG_BIT(30)

/* SVCR, SMCR_EL2 */
#define SVCR_SM	     REG_BIT(0)
#define SMCR_LEN_MAX UINT64_C(0xF)

/* MDCR_EL2 */
#define MDCR_TPMCR REG_BIT(5)
#define MDCR_TPM   REG_BIT(6)
#define MDCR_TDA   REG_BIT(9)
#define MDCR_TDOSA REG_BIT(10)
#define MDCR_TDRA  REG_BIT(11)
#define MDCR_TPMS  REG_BIT(14)
#define MDCR_HPMD  REG_BIT(17)
#define MDCR_TTRF  REG_BIT(19)

/* MDSCR_EL1 */
#define MDSCR_SS   REG_BIT(0)
#define MDSCR_TDCC REG_BIT(12)
#define MDSCR_KDE  REG_BIT(13)
#define MDSCR_MDE  REG_BIT(15)

/* DBGBCR<n>_EL1, DBGWVR<n>_EL1, DBGWCR<n>_EL1: what is not RES0 */
#define DBGBCR_BITS  UINT64_C(0x20FFE1E7)
#define DBGWVR_BITS  (~UINT64_C(3))
#define DBGWCR_BITS  UINT64_C(0x3F1FFFFF)
#define DBG_LBN_MASK REG_FIELD(0xF, 16)

/* OSLSR_EL1 */
#define OSLSR_OSLK	REG_BIT(1)
#define OSLSR_OSLM_LOCK REG_BIT(3)

/* PMCR_EL0 */
#define PMCR_DP REG_BIT(5)

/* CNTHCTL_EL2, HCR_EL2.E2H = 0 */
#define CNTHCTL_EL1PCTEN REG_BIT(0)
#define CNTHCTL_EL1PCEN	 REG_BIT(1)
#define CNTHCTL_CNTVMASK REG_BIT(18)
#define CNTHCTL_CNTPMASK REG_BIT(19)

/* CNTx_CTL_EL0 */
#define CNT_CTL_ENABLE	REG_BIT(0)
#define CNT_CTL_IMASK	REG_BIT(1)
#define CNT_CTL_ISTATUS REG_BIT(2)

/* VTCR_EL2 */
#define VTCR_SL0_SHIFT	 6
#define VTCR_IRGN_WBRAWA REG_FIELD(1, 8)
#define VTCR_ORGN_WBRAWA REG_FIELD(1, 10)
#define VTCR_SH_INNER	 REG_FIELD(3, 12)
#define VTCR_PS_SHIFT	 16
#define VTCR_VS		 REG_BIT(19)
#define VTCR_NSA	 REG_BIT(30)
#define VTCR_RES1	 REG_BIT(31)
#define VTTBR_VMID_SHIFT 48

/* SCTLR_EL2 and SCTLR_EL1 */
#define SCTLR_EL2_RES1 UINT64_C(0x30C50830)
#define SCTLR_EL1_RES1 UINT64_C(0x30D00800)
#define SCTLR_M	       REG_BIT(0)
#define SCTLR_C	       REG_BIT(2)
#define SCTLR_SA       REG_BIT(3)
#define SCTLR_I	       REG_BIT(12)
#define SCTLR_WXN      REG_BIT(19)
#define SCTLR_EE       REG_BIT(25)
#define SCTLR_SPAN     REG_BIT(23)

/* SPSR_ELx */
#define SPSR_EL0T      UINT64_C(0x0)
#define SPSR_EL1T      UINT64_C(0x4)
#define SPSR_EL1H      UINT64_C(0x5)
#define SPSR_MODE_MASK UINT64_C(0xF)
#define SPSR_AARCH32   REG_BIT(4)
#define SPSR_DAIF      UINT64_C(0x3C0)
#define SPSR_BTYPE     REG_FIELD(3, 10)
#define SPSR_SSBS      REG_BIT(12)
#define SPSR_SS	       REG_BIT(21)
#define SPSR_PAN       REG_BIT(22)
#define SPSR_DIT       REG_BIT(24)
#define SPSR_NZCV      REG_FIELD(0xF, 28)

/* ESR_ELx */
#define ESR_EC_SHIFT	     26
#define ESR_EC_MASK	     REG_FIELD(0x3F, ESR_EC_SHIFT)
#define ESR_EC(n)	     REG_FIELD(n, ESR_EC_SHIFT)
#define ESR_IL		     REG_BIT(25)
#define ESR_ISS_MASK	     UINT64_C(0x1FFFFFF)

#define EC_UNKNOWN	     0x00U
#define EC_WFX		     0x01U
#define EC_FP		     0x07U
#define EC_LS64		     0x0AU
#define EC_HVC64	     0x16U
#define EC_SMC64	     0x17U
#define EC_SYSREG	     0x18U
#define EC_SVE		     0x19U
#define EC_SME		     0x1DU
#define EC_INSTR_LOWER	     0x20U
#define EC_DATA_LOWER	     0x24U
#define EC_DATA_SAME	     0x25U

#define ESR_WFX_TI_MASK	     UINT64_C(0x3)
#define ESR_ISV		     REG_BIT(24)
#define ESR_SAS_SHIFT	     22
#define ESR_SAS_MASK	     REG_FIELD(3, ESR_SAS_SHIFT)
#define ESR_SSE		     REG_BIT(21)
#define ESR_SRT_SHIFT	     16
#define ESR_SRT_MASK	     REG_FIELD(0x1F, ESR_SRT_SHIFT)
#define ESR_SF		     REG_BIT(15)
#define ESR_SET_SHIFT	     11
#define ESR_SET_MASK	     REG_FIELD(3, ESR_SET_SHIFT)
#define ESR_SET_UEO	     UINT64_C(3)
#define ESR_FNV		     REG_BIT(10)
#define ESR_EA		     REG_BIT(9)
#define ESR_CM		     REG_BIT(8)
#define ESR_S1PTW	     REG_BIT(7)
#define ESR_WNR		     REG_BIT(6)
#define ESR_FSC_MASK	     UINT64_C(0x3F)
#define ESR_SERROR_IDS	     REG_BIT(24)
#define ESR_SERROR_AET_SHIFT 10
#define ESR_SERROR_AET_MASK  REG_FIELD(7, ESR_SERROR_AET_SHIFT)

#define FSC_TRANSLATION_L0   UINT64_C(0x04)
#define FSC_PERMISSION_L0    UINT64_C(0x0C)
#define FSC_SEA		     UINT64_C(0x10)
#define FSC_SEA_TTW_FIRST    UINT64_C(0x13)
#define FSC_SEA_TTW_LAST     UINT64_C(0x17)
#define FSC_GPF_TTW_FIRST    UINT64_C(0x23)
#define FSC_GPF		     UINT64_C(0x28)

/* A trapped MRS or MSR: the register's encoding, and which GPR and direction. */
#define ESR_SYSREG_READ	    REG_BIT(0)
#define ESR_SYSREG_RT_SHIFT 5
#define ESR_SYSREG_RT_MASK  REG_FIELD(0x1F, ESR_SYSREG_RT_SHIFT)
#define ESR_SYSREG(op0, op1, crn, crm, op2)                                                        \
	(REG_FIELD(op0, 20) | REG_FIELD(op2, 17) | REG_FIELD(op1, 14) | REG_FIELD(crn, 10) |       \
	 REG_FIELD(crm, 1))
#define ESR_SYSREG_ID_MASK ESR_SYSREG(3, 7, 15, 15, 7)

/* HPFAR_EL2 */
#define HPFAR_FIPA_MASK UINT64_C(0xFFFFFFFFFF0)

/* ICH_HCR_EL2, ICH_LR<n>_EL2, ICH_VTR_EL2 */
#define ICH_HCR_EN	      REG_BIT(0)
#define ICH_HCR_VSGIEOICOUNT  REG_BIT(8)
#define ICH_HCR_DVIM	      REG_BIT(15)
#define ICH_HCR_EOICOUNT_MASK REG_FIELD(0x1F, 27)
#define ICH_LR_STATE_MASK     REG_FIELD(3, 62)
#define ICH_LR_HW	      REG_BIT(61)
#define ICH_LR_PINTID_MASK    REG_FIELD(0x1FFF, 32)
#define ICH_LR_EOI	      REG_BIT(41)
#define ICH_VTR_LISTREGS_MASK UINT64_C(0x1F)
#define ICH_VTR_DVIM	      REG_BIT(18)
#define ICC_CTLR_EXTRANGE     REG_BIT(19)
