/*
** The directory of a zip file that is mapped into memory, for reading entries that are stored as they are. Nothing is ever
** unpacked: what is compressed can be listed, not read. So no file is larger inside than outside, and none of its entries lies
** over another.
**
** Zip files over 4 GiB (zip64) are read too; those in several parts and encrypted ones are not.
*/
#ifndef PS_IMPORT_ZIP_H
#define PS_IMPORT_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__zip_entry {
    const char *name; /* in the mapping, without a 0 at its end; UTF-8 without control characters */
    size_t name_length;
    const uint8_t *data; /* in the mapping, any alignment; NULL: compressed */
    uint64_t size;       /* bytes of data; of a compressed entry what it claims */
    uint64_t from, to;   /* where header and data lie in the file */
    uint32_t crc;        /* CRC-32 of data that the file states; not checked on opening */
} ps__zip_entry;

typedef struct ps__zip {
    const char *path; /* for messages; the caller's */
    const uint8_t *bytes;
    size_t size;
    ps__zip_entry *entries; /* sorted by name; each name once */
    size_t count;
} ps__zip;

/* Reads the directory. bytes and path must outlive the zip. PS__MODEL with a sentence that names the fault. Free with
** ps__zip_close, also after a failure. */
int ps__zip_open(ps__zip *zip, const char *path, const uint8_t *bytes, size_t size, ps__error *err);
void ps__zip_close(ps__zip *zip);

/* The entry of that name, or NULL. */
const ps__zip_entry *ps__zip_find(const ps__zip *zip, const char *name);

/* PS__MODEL unless the data are stored plainly and, if check_crc, have the CRC-32 that the file states. */
int ps__zip_check(const ps__zip *zip, const ps__zip_entry *entry, int check_crc, ps__error *err);

#endif
