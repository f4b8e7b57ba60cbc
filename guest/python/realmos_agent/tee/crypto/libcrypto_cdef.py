# SPDX-License-Identifier: BSD-3-Clause
"""What is declared of OpenSSL's libcrypto, and the program that turns it into `_libcrypto_abi.py`.

After a change here, run `python -m realmos_agent.tee.crypto.libcrypto_cdef`.
"""

import os.path

from realmos_agent.tee import bindings

TARGET = "_libcrypto_abi.py"

DECLARATIONS = """
/* Common: opaque types, errors. */
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_param_st {
    const char *key;
    unsigned int data_type;
    void *data;
    size_t data_size;
    size_t return_size;
} OSSL_PARAM;
unsigned long OpenSSL_version_num(void);
unsigned long ERR_get_error(void);
void ERR_error_string_n(unsigned long error, char *buffer, size_t size);
void ERR_clear_error(void);

/* Symmetric ciphers: evp.py. */
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
EVP_CIPHER *EVP_CIPHER_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties);
EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context);
int EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *out, const EVP_CIPHER_CTX *in);
int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *context, int command, int number, void *pointer);
int EVP_CIPHER_CTX_set_padding(EVP_CIPHER_CTX *context, int padding);
int EVP_CipherInit_ex2(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher,
                       const unsigned char *key, const unsigned char *iv, int encrypt,
                       const OSSL_PARAM *parameters);
int EVP_CipherUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_size,
                     const unsigned char *in, int in_size);
int EVP_CipherFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_size);

/* Asymmetric keys: pkey.py. */
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct bignum_st BIGNUM;
typedef struct bignum_ctx BN_CTX;
typedef struct bn_mont_ctx_st BN_MONT_CTX;
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(OSSL_LIB_CTX *library, const char *name,
                                         const char *properties);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_pkey(OSSL_LIB_CTX *library, EVP_PKEY *key,
                                         const char *properties);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context);
void EVP_PKEY_free(EVP_PKEY *key);
int EVP_PKEY_fromdata_init(EVP_PKEY_CTX *context);
int EVP_PKEY_fromdata(EVP_PKEY_CTX *context, EVP_PKEY **key, int selection,
                      OSSL_PARAM *parameters);
int EVP_PKEY_keygen_init(EVP_PKEY_CTX *context);
int EVP_PKEY_CTX_set_params(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_generate(EVP_PKEY_CTX *context, EVP_PKEY **key);
int EVP_PKEY_get_bn_param(const EVP_PKEY *key, const char *name, BIGNUM **number);
int EVP_PKEY_sign_init_ex(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_size,
                  const unsigned char *in, size_t in_size);
int EVP_PKEY_verify_init_ex(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_verify(EVP_PKEY_CTX *context, const unsigned char *signature, size_t signature_size,
                    const unsigned char *in, size_t in_size);
int EVP_PKEY_encrypt_init_ex(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_encrypt(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_size,
                     const unsigned char *in, size_t in_size);
int EVP_PKEY_decrypt_init_ex(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_size,
                     const unsigned char *in, size_t in_size);
int EVP_PKEY_derive_init_ex(EVP_PKEY_CTX *context, const OSSL_PARAM *parameters);
int EVP_PKEY_derive_set_peer(EVP_PKEY_CTX *context, EVP_PKEY *peer);
int EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_size);

/* Ed25519 with a context or a prehash: ed25519.py. */
typedef struct evp_md_ctx_st EVP_MD_CTX;
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestSignInit_ex(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const char *digest,
                          OSSL_LIB_CTX *library, const char *properties, EVP_PKEY *key,
                          const OSSL_PARAM *parameters);
int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *out, size_t *out_size,
                   const unsigned char *in, size_t in_size);
int EVP_DigestVerifyInit_ex(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const char *digest,
                            OSSL_LIB_CTX *library, const char *properties, EVP_PKEY *key,
                            const OSSL_PARAM *parameters);
int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t signature_size,
                     const unsigned char *in, size_t in_size);

/* The C library's memory: allocator.py of the core. */
int mallopt(int parameter, int value);

/* Processes: client_process.py of the core. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/* Numbers and points: bignum.py, sm2.py. */
BIGNUM *BN_new(void);
void BN_clear_free(BIGNUM *number);
BIGNUM *BN_bin2bn(const unsigned char *bytes, int size, BIGNUM *number);
int BN_bn2binpad(const BIGNUM *number, unsigned char *bytes, int size);
int BN_num_bits(const BIGNUM *number);
BN_CTX *BN_CTX_secure_new(void);
void BN_CTX_free(BN_CTX *context);
int BN_mod_exp_mont_consttime(BIGNUM *result, const BIGNUM *base, const BIGNUM *exponent,
                              const BIGNUM *modulus, BN_CTX *context, BN_MONT_CTX *montgomery);
int BN_mod_mul(BIGNUM *result, const BIGNUM *a, const BIGNUM *b, const BIGNUM *modulus,
               BN_CTX *context);
int BN_mod_add(BIGNUM *result, const BIGNUM *a, const BIGNUM *b, const BIGNUM *modulus,
               BN_CTX *context);
int BN_generate_prime_ex(BIGNUM *number, int bits, int safe, const BIGNUM *add,
                         const BIGNUM *remainder, void *callback);
typedef struct ec_group_st EC_GROUP;
typedef struct ec_point_st EC_POINT;
EC_GROUP *EC_GROUP_new_by_curve_name(int number);
void EC_GROUP_free(EC_GROUP *group);
EC_POINT *EC_POINT_new(const EC_GROUP *group);
void EC_POINT_clear_free(EC_POINT *point);
int EC_POINT_set_affine_coordinates(const EC_GROUP *group, EC_POINT *point, const BIGNUM *x,
                                    const BIGNUM *y, BN_CTX *context);
int EC_POINT_get_affine_coordinates(const EC_GROUP *group, const EC_POINT *point, BIGNUM *x,
                                    BIGNUM *y, BN_CTX *context);
int EC_POINT_add(const EC_GROUP *group, EC_POINT *result, const EC_POINT *a, const EC_POINT *b,
                 BN_CTX *context);
int EC_POINT_mul(const EC_GROUP *group, EC_POINT *result, const BIGNUM *of_generator,
                 const EC_POINT *point, const BIGNUM *of_point, BN_CTX *context);
"""


def generate(path: str) -> None:
    """Write the module that cffi makes of the declarations to a path.

    Raises:
        ImportError: cffi is not installed; it comes with realmos' test tools.
    """
    bindings.generate(path, "_libcrypto_abi", DECLARATIONS, "libcrypto_cdef.py")


if __name__ == "__main__":
    generate(os.path.join(os.path.dirname(__file__), TARGET))
