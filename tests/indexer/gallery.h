/*
** Helpers for tests of the indexer: a folder of make-believe photos beside a library, and a fake decoder and encoder that count their
** calls and can be told to misbehave. A make-believe photo is a file of text; what the text begins with decides its fate:
** "BAD" does not decode, "NAN" encodes to a number that is not finite, "LATE" makes the decoder's clock jump by a minute.
*/
#ifndef PS_TESTS_GALLERY_H
#define PS_TESTS_GALLERY_H

#include <sys/types.h>

#include "indexer/indexer.h"
#include "tests/store/library.h"

extern char gallery_dir[LIBRARY_PATH];      /* library_temp/photos; made by the fixture */
extern atomic_int gallery_encodes;          /* calls of the encoder since gallery_setup or the last reset */
extern atomic_int gallery_decodes;          /* calls of the decoder */
extern atomic_int gallery_encode_ms;        /* how long the encoder pretends to work; 0 at first */
extern char gallery_log[1 << 16];           /* all log lines of the last run, each with a newline */
extern ps__indexer_result gallery_result;   /* of the last run */
extern ps__indexer_encoder gallery_encoder; /* model "fake-1", space "fake", dim LIBRARY_DIM */
extern ps__indexer_decoder gallery_decoder; /* calls gallery_decode; has no previews */
extern ps__decode_fn *gallery_decode;       /* the fake one, until a test changes it */

void gallery_setup(void);
void gallery_teardown(void);

/* Writes a file below gallery_dir (missing folders are made), an hour old unless it is told otherwise: no test waits for clocks. */
void gallery_write(const char *name, const char *content);
/* `count` different photos, FOLDER/000.jpg and on. */
void gallery_write_many(const char *folder, int count);
void gallery_age(const char *name, int64_t seconds, long ns); /* sets the modification time to `seconds` ago and this fraction */
void gallery_path(char path[LIBRARY_PATH], const char *name);
void gallery_move(const char *from, const char *to);
void gallery_remove(const char *name);

/* For ps__os.open: refuses paths that contain gallery_denied (NULL: none), as a folder without permission would. */
extern const char *gallery_denied;
int gallery_denying_open(const char *path, int flags, mode_t mode);

/* Options for one run over gallery_dir with 2 workers; roots may be changed. */
ps__indexer_options gallery_options(void);
/* Runs; gallery_result and gallery_log hold what came of it. */
int gallery_run_with(const ps__indexer_options *options, ps__error *err);
/* The same with default options; fails the test unless the run is PS__OK. */
void gallery_run(void);
/* gallery_run, and fails unless the result is this. */
#define gallery_expect(f, i, e, u, r) gallery_expect_at(__FILE__, __LINE__, f, i, e, u, r)
void gallery_expect_at(const char *file, int line, int found, int indexed, int encoded, int unchanged, int removed);

ps__store_counts gallery_counts(void);
/* Number of files that hold the photo at this name; 0: the name is not in the library. */
int gallery_twins(const char *name);
/* Fails unless the library is sound and every photo's vector is the one its content makes. */
void gallery_check_library(void);

#endif
