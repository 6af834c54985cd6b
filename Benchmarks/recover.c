// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
//
// libsecp256k1 alone: recovers public keys from signatures for some seconds, and prints the processor time of one in microseconds.
//
//     cc -O2 -o recover recover.c -lsecp256k1 && ./recover 3

#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIGNATURES = 64 };

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 3;
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    secp256k1_ecdsa_recoverable_signature signatures[SIGNATURES];
    unsigned char messages[SIGNATURES][32], key[32];
    for (int i = 0; i < SIGNATURES; i++) {
        memset(key, i + 1, sizeof key);
        memset(messages[i], 255 - i, sizeof messages[i]);
        if (!secp256k1_ecdsa_sign_recoverable(context, &signatures[i], messages[i], key, NULL, NULL)) return 1;
    }
    long count = 0;
    double began = processor_seconds(), used = 0;
    while (used < seconds) {
        for (int i = 0; i < SIGNATURES; i++, count++) {
            secp256k1_pubkey recovered;
            if (!secp256k1_ecdsa_recover(context, &recovered, &signatures[i], messages[i])) return 1;
        }
        used = processor_seconds() - began;
    }
    printf("%.3f\n", used / (double)count * 1e6);
    secp256k1_context_destroy(context);
    return 0;
}
