/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "enter.h"
#include "memory.h"
#include "ta.h"

/* ROUNDUP(sizeof(struct tee_params), 16), at the top of the stack. */
#define PARAMS_ROOM UINT64_C(80)

static bool answer(struct runner *runner, int error)
{
	struct tee_run_done done = { .status = (uint32_t)error };

	frame_begin(&runner->out, TEE_RUN_DONE);
	frame_put_copy(&runner->out, &done, sizeof(done));
	return frame_send(&runner->out, runner->fd);
}

/* A call begins without the regions of the one before. */
static void renew(struct runner *runner)
{
	if (runner->returned) {
		memory_drop_regions(&runner->map);
		runner->region_error = 0;
		runner->returned = false;
	}
}

static bool map_or_region(struct runner *runner, struct frame_in *in)
{
	struct tee_run_map order;
	int error = 0;

	if (!frame_take(in, &order, sizeof(order))) {
		return false;
	}
	if (in->type == TEE_RUN_MAP) {
		return memory_map(&runner->map, in, &order, &error) && answer(runner, error);
	}
	renew(runner);
	if (!memory_region(&runner->map, in, &order, &error)) {
		return false;
	}
	if (error != 0) {
		runner->region_error = error;
	}
	return true;
}

static bool write_memory(struct runner *runner, struct frame_in *in)
{
	struct tee_run_range order;

	if (!frame_take(in, &order, sizeof(order)) || in->left != order.size) {
		return false;
	}
	if (!map_allows(&runner->map, order.address, order.size, TEE_RUN_PROT_WRITE, false)) {
		return frame_skip(in, in->left) && answer(runner, EACCES);
	}
	return frame_take(in, ta_pointer(order.address), order.size) && answer(runner, 0);
}

static bool fetch(struct runner *runner, struct frame_in *in)
{
	struct tee_run_range order;

	if (!frame_take(in, &order, sizeof(order)) || in->left != 0) {
		return false;
	}
	if (!map_allows(&runner->map, order.address, order.size, TEE_RUN_PROT_READ, false)) {
		return answer(runner, EFAULT);
	}
	frame_begin(&runner->out, TEE_RUN_FETCHED);
	frame_put_bytes(&runner->out, ta_pointer(order.address), order.size);
	if (!frame_fits(&runner->out)) {
		return answer(runner, EMSGSIZE);
	}
	return frame_send(&runner->out, runner->fd);
}

static bool unmap(struct runner *runner, struct frame_in *in)
{
	struct tee_run_range order;

	return frame_take(in, &order, sizeof(order)) && in->left == 0 &&
	       answer(runner, memory_unmap(&runner->map, order.address, order.size));
}

/* What the core may say at any time. */
static bool serve_memory(struct runner *runner, struct frame_in *in)
{
	switch (in->type) {
	case TEE_RUN_MAP:
	case TEE_RUN_REGION:
		return map_or_region(runner, in);
	case TEE_RUN_UNMAP:
		return unmap(runner, in);
	case TEE_RUN_WRITE:
		return write_memory(runner, in);
	case TEE_RUN_FETCH:
		return fetch(runner, in);
	default:
		return false;
	}
}

/* A TA that has lost its stack cannot be said to have returned: nobody knows its answers. */
static bool report_loss(struct runner *runner, uint64_t params_addr)
{
	struct tee_run_fault fault = { .signal = SIGSEGV, .code = SEGV_MAPERR };

	fault.address = params_addr;
	frame_begin(&runner->out, TEE_RUN_FAULT);
	frame_put_copy(&runner->out, &fault, sizeof(fault));
	(void)frame_send(&runner->out, runner->fd);
	return false;
}

/* How much of output memory the TA has written, as far as it was given that much. */
static uint64_t written(const struct tee_params *given, const struct tee_params *params,
			unsigned int n)
{
	unsigned int type = ta_param_type(given, n);
	uint64_t size = params->vals[2 * n + 1];

	if (!ta_param_is_memref(type) || !ta_param_is_output(type)) {
		return 0;
	}
	return size <= given->vals[2 * n + 1] ? size : 0;
}

/* Output memory comes along, unless it is much: the core fetches that. */
static void put_outputs(struct runner *runner, const struct tee_params *given,
			const struct tee_params *params)
{
	uint64_t total = 0;

	for (unsigned int n = 0; n < TEE_PARAM_COUNT; n++) {
		uint64_t size = written(given, params, n);

		if (size > TEE_RUN_RETURNED_MAX - total ||
		    !map_allows(&runner->map, given->vals[2 * n], size, TEE_RUN_PROT_READ, false)) {
			return;
		}
		total += size;
	}
	for (unsigned int n = 0; n < TEE_PARAM_COUNT; n++) {
		frame_put_bytes(&runner->out, ta_pointer(given->vals[2 * n]),
				written(given, params, n));
	}
}

static bool report_return(struct runner *runner, const struct tee_params *given,
			  uint64_t params_addr, uint32_t result)
{
	struct tee_run_returned returned = { .result = result };
	struct tee_params params;

	if (!map_allows(&runner->map, params_addr, sizeof(params), TEE_RUN_PROT_READ, true)) {
		return report_loss(runner, params_addr);
	}
	memcpy(&params, ta_pointer(params_addr), sizeof(params));
	memcpy(returned.vals, params.vals, sizeof(returned.vals));
	runner->returned = true;
	frame_begin(&runner->out, TEE_RUN_RETURNED);
	frame_put_copy(&runner->out, &returned, sizeof(returned));
	put_outputs(runner, given, &params);
	return frame_send(&runner->out, runner->fd);
}

/* The TA is not entered: what follows is another call, with regions of its own. */
static bool refuse_call(struct runner *runner, int error)
{
	runner->returned = true;
	return answer(runner, error);
}

static bool enter(struct runner *runner, struct frame_in *in)
{
	struct tee_run_enter order;
	struct tee_params params;
	struct enter_registers registers;

	if (!frame_take(in, &order, sizeof(order)) || in->left != 0) {
		return false;
	}
	renew(runner);
	if (runner->region_error != 0) {
		return refuse_call(runner, runner->region_error);
	}
	if (order.stack_top % 16 != 0 || order.stack_top < PARAMS_ROOM ||
	    !map_allows(&runner->map, order.stack_top - PARAMS_ROOM, PARAMS_ROOM,
			TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE, true) ||
	    !map_allows(&runner->map, order.entry, sizeof(uint32_t), TEE_RUN_PROT_EXEC, true)) {
		return refuse_call(runner, EFAULT);
	}
	params.types = order.types;
	memcpy(params.vals, order.vals, sizeof(params.vals));
	registers = (struct enter_registers){
		.x = { order.function, order.session, order.stack_top - PARAMS_ROOM,
		       order.command },
		.sp = order.stack_top - PARAMS_ROOM,
		.pc = order.entry,
	};
	memcpy(ta_pointer(registers.sp), &params, sizeof(params));
	return report_return(runner, &params, registers.sp, enter_ta(&registers));
}

/* What the core may say while it serves a call. */
static bool serve_within_call(struct runner *runner, struct frame_in *in)
{
	switch (in->type) {
	case TEE_RUN_STATE:
		return states_take(&runner->states, in);
	case TEE_RUN_UNKEY:
		return states_unkey(&runner->states, in);
	default:
		return serve_memory(runner, in);
	}
}

bool runner_await_result(struct runner *runner, struct frame_in *in)
{
	in->fd = runner->fd;
	while (frame_next(in)) {
		if (in->type == TEE_RUN_RESULT) {
			return true;
		}
		if (!serve_within_call(runner, in)) {
			return false;
		}
	}
	return false;
}

void runner_serve(struct runner *runner)
{
	struct frame_in in = { .fd = runner->fd };
	bool sane = true;

	while (sane && frame_next(&in)) {
		sane = in.type == TEE_RUN_ENTER ? enter(runner, &in) : serve_memory(runner, &in);
	}
}
