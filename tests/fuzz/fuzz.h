/*
 * What all fuzz targets share. A target is this one function, which libFuzzer calls with bytes of its
 * own making and replay.c with the files of corpus/. It ends the process by assert() when what it
 * checks is not so.
 */
#ifndef IPND_TESTS_FUZZ_H
#define IPND_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
