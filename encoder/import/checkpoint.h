/*
** Checkpoints as their authors publish them: named tensors of floats in a safetensors file, in several that an index names
** (*.safetensors.index.json), or in a PyTorch zip file (torch.save's, and TorchScript's). Everything in the file is taken for
** hostile. Of a pickle no code is ever run: a small machine rebuilds tensors, numbers, strings and containers. Classes and
** functions stay names; one that could only do harm, or that stands where weights should be, is refused by its name.
**
** Files are mapped and never copied whole. A checkpoint is immutable once open; any thread may read.
*/
#ifndef PS_IMPORT_CHECKPOINT_H
#define PS_IMPORT_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PS__WEIGHT_RANK 6

typedef struct ps__weight { /* one tensor, not yet read */
    const char *name; /* "visual.conv1.weight": wrappers around it ("state_dict", "model", "module.") are already taken off */
    const char *type; /* "F32", "F16", "BF16", "F64", "I64"...: what the file says */
    int rank;
    int64_t shape[PS__WEIGHT_RANK]; /* outermost first; 1 beyond rank */
    int64_t count;                  /* product of shape */
} ps__weight;

typedef struct ps__checkpoint ps__checkpoint;

/* Opens the file at path. PS__MODEL with a sentence that names the fault (overlapping tensors of safetensors, offsets outside of
** the file, a cyclic pickle, a compressed or bombing zip, a type that is no number...), or what opening gives. Free with
** ps__checkpoint_free (NULL is fine). */
int ps__checkpoint_open(ps__checkpoint **out, const char *path, ps__error *err);
void ps__checkpoint_free(ps__checkpoint *checkpoint);

const char *ps__checkpoint_path(const ps__checkpoint *checkpoint);

/* i-th tensor in the order of names, or NULL past the end. Belongs to the checkpoint. */
const ps__weight *ps__checkpoint_at(const ps__checkpoint *checkpoint, size_t i);
/* The tensor of that name, or NULL. */
const ps__weight *ps__checkpoint_find(const ps__checkpoint *checkpoint, const char *name);
/* 1 if there is a tensor whose name begins so. */
int ps__checkpoint_has(const ps__checkpoint *checkpoint, const char *prefix);

/* Entries [first, first + count) of the tensor, in C order whatever its strides in the file, as float32. PS__MODEL where one is
** not finite or does not fit a float32. The memory of the file's pages is given back. */
int ps__checkpoint_read(float *out, const ps__checkpoint *checkpoint, const ps__weight *weight, int64_t first, int64_t count,
                        ps__error *err);

#endif
