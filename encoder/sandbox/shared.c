/*
** Shared memory; see shared.h.
*/
#include "encoder/sandbox/shared.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/os.h"

#define STEP ((size_t)1 << 20) /* it grows by whole steps */

int ps__shared_open(ps__shared *m, const char *name) {
    *m = (ps__shared){.fd = ps__os.memfd(name)};
    return m->fd >= 0 && ps__os.seal(m->fd, F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ? 0 : -1;
}

void ps__shared_close(ps__shared *m) {
    if (m->bytes) ps__os.munmap(m->bytes, m->size);
    if (m->fd >= 0) ps__os.close(m->fd);
    *m = (ps__shared)PS__SHARED_NONE;
}

int ps__shared_grow(ps__shared *m, size_t size) {
    size = (size + STEP - 1) / STEP * STEP;
    if (!size) size = STEP;
    if (size > m->filled) {
        if (ps__os.allocate(m->fd, size) != 0) return -1;
        m->filled = size;
    }
    if (size <= m->size) return 0;
    void *bytes = m->bytes ? ps__os.reshare(m->bytes, m->size, size) : ps__os.share(size, m->fd, PROT_READ | PROT_WRITE);
    if (bytes == MAP_FAILED) return -1;
    m->bytes = bytes;
    m->size = size;
    return 0;
}

void ps__shared_release(ps__shared *m) {
    if (m->filled <= PS__SHARED_KEPT || m->size < m->filled) return;
    if (ps__os.madvise(m->bytes + PS__SHARED_KEPT, m->filled - PS__SHARED_KEPT, MADV_REMOVE) == 0) m->filled = PS__SHARED_KEPT;
}
