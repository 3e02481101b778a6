/*
** One watcher a library. The lock is not the writer's, which comes and goes with each run: it is held as long as somebody watches, and
** the kernel drops it when the process dies. The file holds the process's number, for the sentence that a second one reads.
*/
#include "indexer/watch.h"

#include "base/os.h"
#include "store/store.h"

int ps__watch_lock(int *fd, const char *library, ps__error *err) {
    *fd = -1;
    int status = ps__make_folders(library, err);
    return status == PS__OK ? ps__folder_lock(fd, library, "watch.lock", "watched", err) : status;
}
