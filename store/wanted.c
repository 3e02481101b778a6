/*
** The file `wanted`: numbers of 8 bytes, appended by those who wait, taken by renaming the file away. Appends of some hundred bytes are
** not mixed up with each other.
*/
#include "store/wanted.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"

#define NUMBER sizeof(int64_t)

static int in_folder(ps__buf *path, const char *folder, const char *name) {
    ps__buf_printf(path, "%s/%s", folder, name);
    return !path->failed;
}

void ps__wanted_add(const char *folder, const int64_t *numbers, size_t count) {
    ps__buf path = PS__BUF_INIT;
    struct stat st;
    if (count == 0 || !in_folder(&path, folder, "wanted")) return;
    int fd = ps__os.open(path.bytes, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    ps__buf_free(&path);
    if (fd < 0) return;
    size_t room = ps__os.fstat(fd, &st) == 0 && st.st_size < (off_t)(PS__WANTED_MOST * NUMBER)
                      ? PS__WANTED_MOST - (size_t)st.st_size / NUMBER
                      : 0;
    if (count > room) count = room;
    if (count && ps__os.write(fd, numbers, count * NUMBER) < 0) count = 0;
    ps__os.close(fd);
}

size_t ps__wanted_take(int64_t *numbers, size_t most, const char *folder) {
    ps__buf path = PS__BUF_INIT, taken = PS__BUF_INIT;
    struct stat st;
    size_t count = 0;
    if (in_folder(&path, folder, "wanted") && in_folder(&taken, folder, "wanted.taken") && ps__os.stat(path.bytes, &st) == 0 &&
        ps__os.rename(path.bytes, taken.bytes) == 0) {
        int fd = ps__os.open(taken.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        ssize_t got = fd < 0 ? -1 : ps__read_at(fd, (uint8_t *)numbers, most * NUMBER, 0);
        if (got > 0) count = (size_t)got / NUMBER;
        if (fd >= 0) ps__os.close(fd);
        ps__os.unlink(taken.bytes);
    }
    ps__buf_free(&path);
    ps__buf_free(&taken);
    return count;
}
