/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <abi/tee_client.h>

#include "call.h"

/* What is wrong with the header of an answer; NULL if nothing is. */
const char *answer_check_header(const struct tee_client_header *header);

/*
 * Receive the `length` bytes of a call's answer, checking them before anything of the client's is
 * written. Returns what is wrong, or NULL; the stream is of no use then.
 */
const char *answer_receive(int fd, struct call *call, uint64_t length);
