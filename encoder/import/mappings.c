/*
** The list of naming schemes.
*/
#include <stddef.h>

#include "encoder/import/import.h"

const ps__mapping *const ps__mappings[] = {NULL};
