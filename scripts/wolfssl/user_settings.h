/* The lean wolfSSL: which parts of it Ringtail builds (built by scripts/wolfssl.sh).
 *
 * Read by the library's own C and assembly files and by every file that includes a wolfSSL header,
 * because the settings change the size of wolfSSL's structs. So: preprocessor lines only, no C.
 * Against the distribution's library this file is not used at all.
 *
 * Threads: wolfSSL picks its assembly on first use, without locks (sha256.c, chacha.c ...).
 * Call wolfSSL_Init and use each primitive once in the main thread before the shards start.
 */
#ifndef RINGTAIL_WOLFSSL_USER_SETTINGS_H
#define RINGTAIL_WOLFSSL_USER_SETTINGS_H

/* -- What the system has (the settings of a configure script, which is not run) -- */
#define HAVE_SYS_TIME_H
#define HAVE_LIMITS_H
#define HAVE_ERRNO_H
#define HAVE_PTHREAD
#define HAVE_GMTIME_R    /* without it, gmtime: not safe with threads */
#define HAVE___UINT128_T 1

/* -- Protocol: TLS 1.3 and 1.2, authenticated ciphers only, client and server -- */
#define WOLFSSL_TLS13
#define NO_OLD_TLS
#define WOLFSSL_AEAD_ONLY /* no CBC: neither its padding attacks nor Encrypt-then-MAC */
#define NO_PSK
#define NO_DH /* ECDHE only */
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_SNI
#define HAVE_ALPN
#define HAVE_SESSION_TICKET
#define HAVE_EXTENDED_MASTER
#define HAVE_SERVER_RENEGOTIATION_INFO
#define HAVE_KEYING_MATERIAL /* tls-exporter; needs wolfSSL_KeepArrays before the handshake */
#define WOLFSSL_TLS13_NO_PEEK_HANDSHAKE_DONE

/* Resumption is by ticket alone: the session cache is global and locked. */
#define NO_SESSION_CACHE
#define NO_SESSION_CACHE_REF
#define SMALL_SESSION_CACHE

/* -- Ciphers, key exchange, signatures -- */
#define HAVE_AESGCM
#define GCM_TABLE_4BIT /* the AES-GCM that runs where the CPU has no AES instructions */
#define NO_AES_CBC
#define HAVE_CHACHA
#define HAVE_POLY1305
#define HAVE_ONE_TIME_AUTH
#define HAVE_CURVE25519
#define HAVE_ECC
#define ECC_USER_CURVES /* P-256, which is on unless NO_ECC256, and: */
#define HAVE_ECC384
#define ECC_TIMING_RESISTANT
#define TFM_TIMING_RESISTANT
#define WC_RSA_BLINDING
#define WC_RSA_PSS
#define NO_DSA
#define NO_DES3
#define NO_RC4
#define NO_MD4
#define NO_MD5

/* -- Hashes and what SCRAM is made of (SHA-1 and SHA-256 are on by themselves) -- */
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define HAVE_HKDF
#define HAVE_PBKDF2
#define HAVE_HASHDRBG
#define WOLFSSL_GETRANDOM /* seeds by system call, not by opening /dev/urandom for each session */

/* -- Certificates -- */
#define WOLFSSL_PEM_TO_DER
#define WOLFSSL_CERT_EXT
#define WOLFSSL_ALT_NAMES

/* -- Big numbers: single-precision code for RSA 2048 to 4096, P-256 and P-384 -- */
#define WOLFSSL_SP_MATH_ALL
#define SP_INT_BITS 4096
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_SP_384
#define WOLFSSL_SP_4096
#define WOLFSSL_USE_ALIGN

/* -- Assembly. x86-64: chosen at run time by cpuid, falls back to C or plain x86-64 code. -- */
#if defined(__x86_64__)
#ifndef WOLFSSL_X86_64_BUILD /* the build gives it to the assembler as well */
#define WOLFSSL_X86_64_BUILD
#endif
#define USE_INTEL_SPEEDUP
#define WOLFSSL_AESNI
#ifndef HAVE_INTEL_AVX1 /* the assembly files ask for both by themselves */
#define HAVE_INTEL_AVX1
#endif
#ifndef HAVE_INTEL_AVX2
#define HAVE_INTEL_AVX2
#endif
#define WOLFSSL_SP_X86_64
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_X86_64_ASM
#endif

/* arm64: there is no run-time choice. The armv8 files need a CPU with AES, PMULL and SHA-2
 * instructions; wolfssl.sh sets RT_ARM_CRYPTO to 0 in the installed copy where they are missing. */
#if defined(__aarch64__)
#ifndef RT_ARM_CRYPTO
#define RT_ARM_CRYPTO 1
#endif
#define WOLFSSL_AARCH64_BUILD
#define WOLFSSL_SP_ARM64
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_ARM64_ASM
#if RT_ARM_CRYPTO
#define WOLFSSL_ARMASM
#endif
#endif

#endif
