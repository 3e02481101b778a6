/*
** Which names in a pickle give it away. Not what keeps us safe (nothing is ever run, whatever its name); but a file that asks for
** a shell was made by somebody who should not be believed about the weights either, and its owner should hear of it.
*/
#ifndef PS_IMPORT_PICKLE_NAMES_H
#define PS_IMPORT_PICKLE_NAMES_H

/* 1 if "module.name" is of a module that reaches the system or runs code, or one of Python's own functions that do. */
int ps__pickle_is_harmful(const char *name);

#endif
