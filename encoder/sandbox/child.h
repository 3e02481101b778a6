/*
** What the library and every process that it starts agree on: the numbers of the child's files, its arguments and its first words. Both programs,
** photosearch-decoder and photosearch-reader, are started by process.c and shut in by cage.c.
*/
#ifndef PS_SANDBOX_CHILD_H
#define PS_SANDBOX_CHILD_H

#include <stdint.h>

/* 0 to 2 are /dev/null, and there are no others. */
enum {
    PS__CHILD_REQUESTS = 3, /* pipe, read */
    PS__CHILD_ANSWERS = 4,  /* pipe, write */
    PS__CHILD_INPUT = 5,    /* memory, read only */
    PS__CHILD_OUTPUT = 6,   /* memory */
    PS__CHILD_FIRST_FREE = 7
};

/* Its arguments, behind its name: the parent's process number, the memory in bytes that one request may take, and what the program
** wants to know besides (photosearch-reader: languages). */
enum { PS__CHILD_PARENT = 1, PS__CHILD_MEMORY = 2, PS__CHILD_SETTING = 3 };

/* What it ends with. */
enum { PS__CHILD_USAGE = 2, PS__CHILD_NO_CAGE = 3, PS__CHILD_PIPE = 4 };

#define PS__CHILD_TROUBLE 160

typedef struct ps__child_hello { /* the first thing it says */
    uint32_t magic;                     /* of the program; changes with the meaning of its structs */
    uint32_t request_size, answer_size; /* of those structs */
    int32_t caged;                      /* 1: system calls are filtered; 0: the kernel cannot do that */
    char trouble[PS__CHILD_TROUBLE];    /* why it cannot work, in a few words; "" it can */
} ps__child_hello;

#endif
