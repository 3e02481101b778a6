/*
** Token ids that a reference tokenizer gave (train/make_golden.py).
*/
#ifndef PS_TESTS_GOLDEN_IDS_H
#define PS_TESTS_GOLDEN_IDS_H

#include "encoder/tokens/tokenizer.h"

/* Each line of path is a JSON string, a TAB and the ids wanted for it. Fails the test at the first text with others; returns how many
** were compared. Texts that hold one of `skipped` (ends with NULL) are left out. */
int golden_ids_check(const char *path, const ps__tokenizer *tokenizer, const char *const *skipped);

#endif
