# SPDX-License-Identifier: BSD-3-Clause
# What the RMM is on the build machine: its own sources, and the fake arch's instead of core/.
LIB := tests/c/fake/arch.c tests/c/fake/panic.c rmm/lib/src/format.c

RMM := $(addprefix rmm/src/,$(addsuffix .c,abort context cpu_features debug fp_switch gic granule hash \
	id_registers inject manifest measure pe realm rec rec_exit rec_run rtt sha_constants \
	sysreg_trap timer $(addprefix attest/,cbor heap platform random token) \
	$(addprefix rmi/,data dispatch features granule psci realm rec rec_enter ripas rtt \
	unprotected) $(addprefix rsi/,attestation config dispatch host_call measurement psci \
	realm_memory ripas))) rmm/lib/src/console.c $(addprefix tests/c/fake/,rmm.c sha.c signer.c)
