/*
** An answer of the decoder process, checked field by field. A decoder that has read a file may be under that file's command:
** whatever it says must be impossible to tell from what an honest decoder could say about some photo.
*/
#ifndef PS_SANDBOX_ANSWER_H
#define PS_SANDBOX_ANSWER_H

#include "encoder/sandbox/protocol.h"

/* NULL when the answer could be honest; otherwise what about it could not, in a few words ("its size"). The answer must be a copy
** that the decoder cannot reach. Blank fields are cleared, so that nothing is left in those that nobody reads. */
const char *ps__answer_wrong(ps__decoder_answer *answer, const ps__decoder_request *request);

/* The format's own static name; NULL: none of those that are read. */
const char *ps__answer_format(const ps__decoder_answer *answer);

/* Fills *err with the sentence of a failure, about the file `name`, and returns its status. What is not printable UTF-8 becomes
** '?'. */
int ps__answer_fail(const ps__decoder_answer *answer, const char *name, ps__error *err);

#endif
