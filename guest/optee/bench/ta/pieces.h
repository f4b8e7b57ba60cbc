// SPDX-License-Identifier: BSD-3-Clause
/* Messages in pieces: params[0] goes in, params[1] comes out. */
#ifndef PIECES_H
#define PIECES_H

#include <prepared.h>
#include <tee_internal_api.h>

TEE_Result pieces_sha256(struct prepared *prepared, TEE_Param params[4]);
TEE_Result pieces_aes_ctr(struct prepared *prepared, TEE_Param params[4]);
TEE_Result pieces_aes_gcm(struct prepared *prepared, TEE_Param params[4]);

#endif
