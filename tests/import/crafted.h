/*
** Checkpoints made byte by byte, to be as wrong as a test wants: zip files, pickles, and the two together as torch writes them.
*/
#ifndef PS_TESTS_CRAFTED_H
#define PS_TESTS_CRAFTED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "encoder/import/checkpoint.h"

/* ---- Zip files ---- */

typedef struct crafted_entry {
    const char *name;
    const void *data; /* bytes as they are put into the file */
    size_t size;
    int method;            /* 8: said to be deflated */
    int flags;             /* 1: said to be encrypted; 8: the local header has no sizes */
    int wrong_crc;         /* 1: the directory has another CRC */
    int zip64;             /* 1: the directory has sizes and offset in a zip64 field */
    uint64_t packed;       /* bytes in the file that directory and header claim; 0: the truth */
    uint64_t unpacked;     /* bytes that the directory and the header claim; 0: as packed */
    uint64_t local_packed; /* bytes that the header claims; 0: as the directory */
    const char *local_name; /* that the header has; NULL: name */
    int is_moved;          /* 1: the directory puts the header at `local` */
    uint64_t local;
} crafted_entry;

/* Appends a zip file. zip64_end: with the records of large files at its end, as torch writes them. */
void crafted_zip(ps__buf *out, const crafted_entry *entries, size_t count, int zip64_end);

/* ---- Pickles ---- */

void crafted_bytes(ps__buf *out, const void *bytes, size_t size);
#define CRAFTED(out, literal) crafted_bytes(out, literal, sizeof(literal) - 1)
void crafted_little(ps__buf *out, uint64_t value, int bytes);
void crafted_text(ps__buf *out, const char *text);
void crafted_int(ps__buf *out, int64_t value); /* LONG1 of 8 bytes */
void crafted_global(ps__buf *out, const char *module, const char *name);

typedef struct crafted_tensor {
    const char *storage; /* class below torch; NULL: FloatStorage */
    const char *key;     /* NULL: "0" */
    int64_t entries;     /* of the storage */
    int64_t offset;
    int rank;
    int64_t shape[8], stride[8];
} crafted_tensor;

/* Pushes a call of torch._utils._rebuild_tensor_v2. */
void crafted_push_tensor(ps__buf *out, const crafted_tensor *tensor);

/* Appends an archive "x" with this pickle and the storage "0". */
void crafted_torch(ps__buf *out, const ps__buf *pickle, const void *data, size_t size);

/* ---- Files ---- */

extern char crafted_path[4096]; /* a file of this test's own */
void crafted_make_path(void);   /* set-up and tear-down of each test */
void crafted_remove_path(void);

/* Puts the bytes into crafted_path and empties the buffer. */
void crafted_write(ps__buf *bytes);

/* Fails the test unless opening crafted_path is refused (PS__MODEL) with a sentence that begins with the path and has `complaint`. */
void crafted_expect_refusal(const char *complaint);
/* The checkpoint in crafted_path. */
ps__checkpoint *crafted_open(void);

#endif
