/*
** How a SentencePiece model normalises single characters: the compiled table in its file. Our tokenizer has the rule "nmt_nfkc"
** built in, whose versions differ in what becomes of joiners; the table tells which version it was.
*/
#ifndef PS_IMPORT_CHARSMAP_H
#define PS_IMPORT_CHARSMAP_H

#include <stddef.h>
#include <stdint.h>

/* 1 if the table (any bytes) has an entry for exactly this UTF-8, -1 if it is no table. */
int ps__charsmap_has(const uint8_t *table, size_t size, const char *text);
/* The same for a table in base64, as tokenizer.json has it; -2 when memory is gone. */
int ps__charsmap_base64_has(const char *table, const char *text);

#endif
