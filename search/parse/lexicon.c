/*
** Which words of the tables a sentence holds, and the language it is in: the one given, else Chinese where there is Han script,
** else the one most of its words belong to. English is always read along.
*/
#include <string.h>

#include "search/parse/chart.h"

static int32_t find_word(const ps__tables *t, const char *folded) {
    uint32_t low = 0, high = t->word_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(t->words + t->word_at[middle], folded);
        if (order == 0) return (int32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* "pt-BR" is "pt". -1: the tables do not have it. */
static int find_language(const ps__tables *t, const char *lang) {
    if (!lang || !lang[0] || !lang[1] || (lang[2] && lang[2] != '-' && lang[2] != '_')) return -1;
    for (int i = 0; t->languages[i]; i++)
        if ((lang[0] | 32) == t->languages[i][0] && (lang[1] | 32) == t->languages[i][1]) return i;
    return -1;
}

/* Where every word has a capital ("A Spring In The Forest"), capitals tell nothing. */
static void drop_capitals(ps__lexer *lexer) {
    size_t words = 0, capitals = 0;
    for (size_t i = 0; i < lexer->count; i++) {
        if (lexer->tokens[i].type != PS__TOKEN_WORD) continue;
        words++;
        capitals += lexer->tokens[i].capital;
    }
    for (size_t i = 0; words >= 3 && capitals == words && i < lexer->count; i++)
        if (lexer->tokens[i].type == PS__TOKEN_WORD) lexer->tokens[i].capital = 0;
}

void ps__lexicon_apply(ps__parse *p) {
    const ps__tables *t = p->tables;
    size_t hits[16] = {0};
    drop_capitals(&p->lexer);
    int han = 0, given = find_language(t, p->context ? p->context->lang : NULL), best;
    for (size_t i = 0; i < p->lexer.count; i++) {
        ps__token *token = &p->lexer.tokens[i];
        p->steps++;
        if (!token->fold_length || token->type == PS__TOKEN_QUOTED || token->weight != 1) continue;
        token->word = find_word(t, ps__token_fold(p, i));
        if (token->type == PS__TOKEN_HAN) han = 1;
        if (token->word < 0 || (token->type != PS__TOKEN_WORD && token->type != PS__TOKEN_HAN)) continue;
        for (int l = 0; l < 16; l++)
            hits[l] += 4u * (t->word_langs[token->word] >> l & 1) + (t->name_langs[token->word] >> l & 1);
    }
    p->english = find_language(t, "en");
    best = p->english;
    for (int l = 0; t->languages[l]; l++)
        if (hits[l] > (best < 0 ? 0 : hits[best])) best = l;
    if (han && find_language(t, "zh") >= 0) best = find_language(t, "zh");
    if (given >= 0) best = given;
    p->lang = best;
    p->langs = 0;
    if (best >= 0) p->langs = (uint16_t)(p->langs | 1u << best);
    if (p->english >= 0) p->langs = (uint16_t)(p->langs | 1u << p->english);
}
