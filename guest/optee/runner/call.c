/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "states.h"
#include "ta.h"

static const struct call_entry entries[] = { TEE_CALL_TABLE };

/* What this asks for is asked often, and only the map is needed to answer it. */
static uint32_t check_access_rights(const struct map *map, const uint64_t *registers)
{
	uint32_t flags = (uint32_t)registers[0];
	uint64_t addr = registers[1];
	uint64_t size = registers[2];
	uint32_t prot = 0;

	prot |= (flags & TEE_MEMORY_ACCESS_READ) != 0 ? TEE_RUN_PROT_READ : 0;
	prot |= (flags & TEE_MEMORY_ACCESS_WRITE) != 0 ? TEE_RUN_PROT_WRITE : 0;
	if ((flags & TEE_MEMORY_ACCESS_NONSECURE) != 0) {
		if ((flags & TEE_MEMORY_ACCESS_SECURE) != 0 ||
		    !map_has_flags(map, addr, size, TEE_RUN_FLAG_NONSECURE)) {
			return TEE_ERROR_ACCESS_DENIED;
		}
	}
	if ((flags & TEE_MEMORY_ACCESS_SECURE) != 0 &&
	    !map_lacks_flags(map, addr, size, TEE_RUN_FLAG_NONSECURE)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	return map_allows(map, addr, size, prot, (flags & TEE_MEMORY_ACCESS_ANY_OWNER) == 0)
		       ? TEE_SUCCESS
		       : TEE_ERROR_ACCESS_DENIED;
}

static uint32_t random_bytes(const struct map *map, uint64_t addr, uint64_t size)
{
	if (!map_allows(map, addr, size, TEE_RUN_PROT_WRITE, false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	while (size > 0) {
		/* By number: the C library may have a way of its own, with a state to be mapped. */
		long got = syscall(SYS_getrandom, ta_pointer(addr), size, 0);

		if (got < 0 && errno != EINTR) {
			return TEE_ERROR_GENERIC;
		}
		if (got > 0) {
			addr += (uint64_t)got;
			size -= (uint64_t)got;
		}
	}
	return TEE_SUCCESS;
}

static bool ask(struct runner *runner, const uint64_t *registers, uint32_t number, uint32_t *result)
{
	struct tee_run_call head = { .number = number, .count = entries[number].count };
	struct call call = { .runner = runner, .entry = &entries[number] };
	struct frame_in in;

	frame_begin(&runner->out, TEE_RUN_CALL);
	frame_put_copy(&runner->out, &head, sizeof(head));
	*result = call_put_arguments(&call, registers);
	if (*result != TEE_SUCCESS || states_serve(&call, registers, number, result)) {
		return true;
	}
	if (!frame_send(&runner->out, runner->fd) || !runner_await_result(runner, &in) ||
	    !call_take_outputs(&call, &in, result)) {
		return false;
	}
	states_settle(&call, registers, number, result);
	return true;
}

bool call_serve(struct runner *runner, const uint64_t *registers, uint64_t number, uint32_t *result)
{
	switch (number) {
	case TEE_CALL_CHECK_ACCESS_RIGHTS:
		*result = check_access_rights(&runner->map, registers);
		return true;
	case TEE_CALL_CRYP_RANDOM_NUMBER_GENERATE:
		*result = random_bytes(&runner->map, registers[0], registers[1]);
		return true;
	default:
		break;
	}
	if (number >= sizeof(entries) / sizeof(entries[0]) || entries[number].count == 0) {
		*result = TEE_ERROR_NOT_SUPPORTED;
		return true;
	}
	return ask(runner, registers, (uint32_t)number, result);
}
