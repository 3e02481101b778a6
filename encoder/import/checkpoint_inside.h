/*
** What the readers of checkpoints share. The formats' own files: checkpoint_safetensors.c and checkpoint_torch.c.
*/
#ifndef PS_IMPORT_CHECKPOINT_INSIDE_H
#define PS_IMPORT_CHECKPOINT_INSIDE_H

#include "encoder/import/checkpoint.h"

/* Kinds of numbers; ps__number_of knows their sizes and names. */
enum {
    PS__NUMBER_F32,
    PS__NUMBER_F16,
    PS__NUMBER_BF16,
    PS__NUMBER_F64,
    PS__NUMBER_I64,
    PS__NUMBER_I32,
    PS__NUMBER_I16,
    PS__NUMBER_I8,
    PS__NUMBER_U64,
    PS__NUMBER_U32,
    PS__NUMBER_U16,
    PS__NUMBER_U8,
    PS__NUMBER_BOOL,
    PS__NUMBER_NONE /* has a size, but is never read */
};

typedef struct ps__number {
    const char *name;  /* as safetensors calls it */
    const char *torch; /* as torch calls it, with "Storage" behind it the class of the storage; NULL: it has none */
    const char *dtype; /* torch.dtype without "torch."; NULL: as above */
    int kind;
    size_t bytes; /* of one */
} ps__number;

/* By the name of safetensors, by that of the storage's class ("FloatStorage"), by torch.dtype ("float32"); NULL: unknown. */
const ps__number *ps__number_of(const char *name);
const ps__number *ps__number_of_storage(const char *storage);
const ps__number *ps__number_of_dtype(const char *dtype);

typedef struct ps__mapped { /* one file */
    char *path;
    const uint8_t *bytes;
    size_t size;
} ps__mapped;

typedef struct ps__stored { /* a tensor and where it lies */
    ps__weight weight;      /* first, so that the one is also the other; the name is owned */
    const ps__number *number;
    size_t file;                     /* index of its file */
    const uint8_t *data;             /* its first entry, any alignment */
    int64_t stride[PS__WEIGHT_RANK]; /* in entries, 0 or more; all entries are in the file */
} ps__stored;

struct ps__checkpoint {
    char *path; /* as opened */
    ps__mapped *files;
    size_t file_count;
    ps__stored *stored; /* sorted by name once open */
    size_t count, room;
};

enum { PS__MOST_WEIGHTS = 1 << 16, PS__MOST_NAME = 512 /* bytes of a tensor's name */ };

/* "PATH OF THE FILE: reason" as PS__MODEL. */
int ps__checkpoint_refuse(const ps__mapped *file, ps__error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills rank, shape and count. PS__MODEL where rank or a dimension is out of range, or the tensor has more entries than the file
** has bytes. */
int ps__checkpoint_shape(ps__weight *weight, const ps__mapped *file, const int64_t *shape, size_t rank, ps__error *err);
/* Strides of C order. */
void ps__checkpoint_strides(ps__stored *stored);

/* Adds a copy of the tensor; its name is copied. */
int ps__checkpoint_add(ps__checkpoint *checkpoint, const ps__stored *stored, ps__error *err);

/* Add the tensors of the file, which is file_count - 1. */
int ps__checkpoint_add_safetensors(ps__checkpoint *checkpoint, const ps__mapped *file, ps__error *err);
int ps__checkpoint_add_torch(ps__checkpoint *checkpoint, const ps__mapped *file, ps__error *err);

#endif
