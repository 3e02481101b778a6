/*
** The folder of make-believe photos as the torture changes it, and what the torture knows about it: which content lies where. Built on
** tests/indexer/gallery.h; the same seed makes the same changes.
*/
#ifndef PS_TESTS_TORTURE_WORLD_H
#define PS_TESTS_TORTURE_WORLD_H

#include <stdint.h>

#define WORLD_FILES 600 /* most files at once */

void world_seed(unsigned seed);
/* A number 0..below-1. */
int world_random(int below);

/* Each changes about `count` files, chosen at random. Some new files are copies of others, some do not decode. */
void world_add(int count);
void world_remove(int count);
void world_rename(int count);  /* also into other folders, and over other files */
void world_rewrite(int count); /* in place and by renaming a new file over the old one */

/* Forgets which files were touched: call before a child starts. */
void world_settle(void);
/* 1 when a file with this content has been there untouched since world_settle. */
int world_keeps(const uint8_t hash[16]);
int world_count(void);

#endif
