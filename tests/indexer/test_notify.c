/*
** The watching thread against the real inotify in a temporary folder, and against system calls that fail or lie.
*/
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/indexer.h"
#include "indexer/mounts.h"
#include "indexer/notify.h"
#include "indexer/watchtree.h"
#include "tests/indexer/gallery.h"

#define WAIT_MS 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char heard[1 << 18];       /* "\nNAME path\n" of all that was told, paths below gallery_dir shortened */
static char said[1 << 14];        /* the log */
static ps__notify *notify;
static ps__notify_calls calls;
static const char *roots[3];
static size_t root_count;
static unsigned flags;

static const char *const NAMES[] = {"touched", "writing", "closed", "arrived", "gone", "folder"};

static void hear(const char *what, const char *path) {
    size_t n = strlen(gallery_dir);
    if (strncmp(path, gallery_dir, n) == 0) path += path[n] ? n + 1 : n;
    pthread_mutex_lock(&lock);
    size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "%s%s %s\n", used ? "" : "\n", what, *path ? path : ".");
    pthread_mutex_unlock(&lock);
}

static void on_change(const char *path, ps__news news, void *payload) {
    ck_assert_ptr_eq(payload, &calls);
    hear(NAMES[news], path);
}
static void on_everything(int why, void *payload) {
    (void)payload;
    hear("everything", why == PS__NOTIFY_MOUNT ? "mount" : "overflow");
}

static void keep_log(int level, const char *text, void *payload) {
    (void)level, (void)payload;
    pthread_mutex_lock(&lock);
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", text);
    pthread_mutex_unlock(&lock);
}

static void sleep_ms(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

/* 1 if it was told, as "closed a/b.jpg". */
static int was_told(const char *what) {
    char line[4200];
    snprintf(line, sizeof line, "\n%s\n", what);
    pthread_mutex_lock(&lock);
    int found = strstr(heard, line) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

#define expect(what) expect_at(__LINE__, what)
static void expect_at(int line, const char *what) {
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        if (was_told(what)) return;
        sleep_ms(5);
    }
    pthread_mutex_lock(&lock);
    ck_abort_msg("line %d: never told: %s; but:%s%s", line, what, heard, said);
}

/* Everything before this is known to have been told once it is. */
static void fence(void) {
    static int count;
    char name[64], what[80];
    snprintf(name, sizeof name, "fence-%d.jpg", count++);
    gallery_write(name, "x");
    snprintf(what, sizeof what, "closed %s", name);
    expect(what);
}

static void forget(void) {
    pthread_mutex_lock(&lock);
    heard[0] = said[0] = 0;
    pthread_mutex_unlock(&lock);
}

static ps__notify_state state(void) {
    ps__notify_state s;
    ps__notify_get_state(&s, notify);
    return s;
}

#define expect_watched(n) expect_watched_at(__LINE__, n)
static void expect_watched_at(int line, int count) {
    for (int ms = 0; ms < WAIT_MS && state().watched != count; ms += 5) sleep_ms(5);
    ck_assert_msg(state().watched == count, "line %d: %d folders are watched, not %d; %s", line, (int)state().watched, count, heard);
}

static void start(void) {
    static const ps__log log = {.write = keep_log, .level = PS__LOG_DEBUG};
    ps__error err = {0};
    ps__notify_options o = {.roots = roots,
                            .root_count = root_count,
                            .library = library_dir,
                            .flags = flags,
                            .log = &log,
                            .change = on_change,
                            .everything = on_everything,
                            .payload = &calls,
                            .calls = &calls};
    ck_assert_msg(ps__notify_start(&notify, &o, &err) == PS__OK, "%s", err.text);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    ck_assert_msg(heard[0] == 0, "told before anything changed:%s", heard);
}

static void make_folder(const char *name) {
    char path[LIBRARY_PATH];
    gallery_path(path, name);
    ck_assert_int_eq(ps__make_folders(path, NULL), PS__OK);
}

static void setup(void) {
    gallery_setup();
    calls = ps__notify_system;
    roots[0] = gallery_dir;
    root_count = 1;
    flags = 0;
    forget();
    notify = NULL;
}

static void teardown(void) {
    ps__notify_stop(notify);
    notify = NULL;
    gallery_teardown();
}

/* ---- Files -------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_file_that_is_written_slowly_is_told_as_written_then_closed) {
    char path[LIBRARY_PATH];
    start();
    gallery_path(path, "slow.jpg");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    expect("writing slow.jpg");
    forget();
    ck_assert_int_eq(write(fd, "abc", 3), 3);
    expect("writing slow.jpg");
    ck_assert(!was_told("closed slow.jpg"));
    close(fd);
    expect("closed slow.jpg");
}
END_TEST

START_TEST(names_that_are_no_photos_and_hidden_ones_are_not_told) {
    start();
    gallery_write("notes.txt", "x");
    gallery_write(".hidden.jpg", "x");
    gallery_write(".cache/x.jpg", "x");
    gallery_write("UPPER.JPEG", "x");
    fence();
    expect("closed UPPER.JPEG");
    ck_assert_ptr_null(strstr(heard, "notes"));
    ck_assert_ptr_null(strstr(heard, "hidden"));
    ck_assert_ptr_null(strstr(heard, "cache"));
    ck_assert_int_eq(state().watched, 1);
}
END_TEST

START_TEST(hidden_ones_are_told_when_asked_for) {
    flags = PS__INDEX_HIDDEN;
    make_folder(".cache");
    start();
    ck_assert_int_eq(state().watched, 2);
    gallery_write(".cache/.x.jpg", "x");
    expect("closed .cache/.x.jpg");
}
END_TEST

START_TEST(renames_moves_and_deletions_are_told_at_both_ends) {
    make_folder("a");
    make_folder("b");
    gallery_write("a/1.jpg", "one");
    gallery_write("a/2.jpg", "two");
    gallery_write("a/3.tmp", "three");
    start();
    gallery_move("a/1.jpg", "a/new.jpg");
    expect("gone a/1.jpg");
    expect("arrived a/new.jpg");
    gallery_move("a/new.jpg", "b/new.jpg");
    expect("gone a/new.jpg");
    expect("arrived b/new.jpg");
    /* A case change is a rename. */
    gallery_move("b/new.jpg", "b/NEW.jpg");
    expect("arrived b/NEW.jpg");
    /* Saved by rename over the old one. */
    gallery_move("a/3.tmp", "a/2.jpg");
    expect("arrived a/2.jpg");
    forget();
    gallery_remove("a/2.jpg");
    expect("gone a/2.jpg");
}
END_TEST

START_TEST(links_overwrites_and_old_times_are_told) {
    char from[LIBRARY_PATH], to[LIBRARY_PATH];
    gallery_write("a.jpg", "one");
    start();
    gallery_path(from, "a.jpg");
    gallery_path(to, "b.jpg");
    ck_assert_int_eq(link(from, to), 0);
    expect("touched b.jpg");
    gallery_write("a.jpg", "other");
    expect("closed a.jpg");
    forget();
    gallery_age("a.jpg", 86400 * 365, 0);
    expect("touched a.jpg");
}
END_TEST

START_TEST(a_file_that_leaves_the_tree_and_comes_back_is_told) {
    char inside[LIBRARY_PATH], outside[LIBRARY_PATH];
    gallery_write("a.jpg", "one");
    snprintf(outside, sizeof outside, "%.4000s/outside.jpg", library_temp);
    gallery_path(inside, "a.jpg");
    start();
    ck_assert_int_eq(rename(inside, outside), 0);
    expect("gone a.jpg");
    ck_assert_int_eq(rename(outside, inside), 0);
    expect("arrived a.jpg");
}
END_TEST

/* ---- Folders ------------------------------------------------------------------------------------------------------------------ */

START_TEST(a_new_tree_is_told_as_a_whole_and_watched) {
    start();
    for (int i = 0; i < 30; i++) {
        /* The files are there before anybody can have watched their folders. */
        char name[64], what[80];
        snprintf(name, sizeof name, "%d/b/c/x.jpg", i);
        gallery_write(name, "x");
        snprintf(what, sizeof what, "folder %d", i);
        expect(what);
    }
    expect_watched(1 + 30 * 3);
    gallery_write("7/b/c/late.jpg", "x");
    expect("closed 7/b/c/late.jpg");
}
END_TEST

START_TEST(a_renamed_folder_keeps_its_watches_under_its_new_name) {
    gallery_write("a/deep/er/x.jpg", "x");
    make_folder("b");
    start();
    expect_watched(5);
    gallery_move("a", "b/moved");
    expect("folder a");
    expect("folder b/moved");
    expect_watched(5);
    gallery_write("b/moved/deep/er/y.jpg", "x");
    expect("closed b/moved/deep/er/y.jpg");
    gallery_move("b/moved/deep", "deep");
    expect("folder deep");
    gallery_write("deep/er/z.jpg", "x");
    expect("closed deep/er/z.jpg");
    ck_assert_int_eq(state().watched, 5);
}
END_TEST

START_TEST(swapped_folders_are_told_apart) {
    make_folder("a/in");
    make_folder("b/in");
    start();
    gallery_move("a", "c");
    gallery_move("b", "a");
    gallery_move("c", "b");
    fence();
    gallery_write("a/in/1.jpg", "x");
    gallery_write("b/in/2.jpg", "x");
    expect("closed a/in/1.jpg");
    expect("closed b/in/2.jpg");
    expect_watched(5);
}
END_TEST

START_TEST(a_folder_that_leaves_the_tree_is_not_watched_any_more) {
    char inside[LIBRARY_PATH], outside[LIBRARY_PATH], file[LIBRARY_PATH + 16];
    gallery_write("a/b/x.jpg", "x");
    snprintf(outside, sizeof outside, "%.4000s/outside", library_temp);
    gallery_path(inside, "a");
    start();
    expect_watched(3);
    ck_assert_int_eq(rename(inside, outside), 0);
    expect("folder a");
    expect_watched(1);
    snprintf(file, sizeof file, "%s/b/y.jpg", outside);
    close(open(file, O_WRONLY | O_CREAT, 0600));
    fence();
    ck_assert_ptr_null(strstr(heard, "y.jpg"));
    forget();
    ck_assert_int_eq(rename(outside, inside), 0);
    expect("folder a");
    expect_watched(3);
    gallery_write("a/b/z.jpg", "x");
    expect("closed a/b/z.jpg");
}
END_TEST

START_TEST(a_deleted_folder_is_told_and_forgotten) {
    char path[LIBRARY_PATH];
    gallery_write("a/b/x.jpg", "x");
    start();
    gallery_path(path, "a");
    library_remove_tree(path);
    expect("gone a/b/x.jpg");
    expect("folder a/b");
    expect("folder a");
    expect_watched(1);
    gallery_write("a/b/x.jpg", "x");
    expect_watched(3);
}
END_TEST

START_TEST(a_folder_is_watched_once_though_links_lead_to_it) {
    char link_path[LIBRARY_PATH], target[LIBRARY_PATH];
    flags = PS__INDEX_FOLLOW_LINKS;
    make_folder("a");
    gallery_path(target, "a");
    start();
    gallery_path(link_path, "a/loop");
    ck_assert_int_eq(symlink(gallery_dir, link_path), 0);
    gallery_path(link_path, "other");
    snprintf(target, sizeof target, "%.4000s/elsewhere", library_temp);
    ck_assert_int_eq(ps__make_folders(target, NULL), PS__OK);
    ck_assert_int_eq(symlink(target, link_path), 0);
    expect("folder other");
    expect_watched(3);
    gallery_write("other/x.jpg", "x");
    expect("closed other/x.jpg");
    ck_assert_int_eq(unlink(link_path), 0);
    expect_watched(2);
}
END_TEST

START_TEST(links_to_folders_are_left_alone_unless_asked_for) {
    char link_path[LIBRARY_PATH], target[LIBRARY_PATH];
    snprintf(target, sizeof target, "%.4000s/elsewhere", library_temp);
    ck_assert_int_eq(ps__make_folders(target, NULL), PS__OK);
    gallery_path(link_path, "link");
    ck_assert_int_eq(symlink(target, link_path), 0);
    start();
    ck_assert_int_eq(state().watched, 1);
}
END_TEST

START_TEST(the_library_in_a_root_is_not_watched) {
    roots[0] = library_temp;
    ck_assert_int_eq(ps__make_folders(library_dir, NULL), PS__OK);
    start();
    ck_assert_int_eq(state().watched, 2);
}
END_TEST

/* ---- Roots -------------------------------------------------------------------------------------------------------------------- */

static char missing[LIBRARY_PATH];

START_TEST(a_root_that_does_not_exist_yet_is_noticed_when_it_comes) {
    char file[LIBRARY_PATH + 16];
    snprintf(missing, sizeof missing, "%.4000s/card/DCIM", gallery_dir);
    roots[0] = missing;
    start();
    ck_assert_int_eq(state().missing, 1);
    ck_assert_int_eq(ps__make_folders(missing, NULL), PS__OK);
    expect("folder card/DCIM");
    for (int ms = 0; ms < WAIT_MS && state().missing; ms += 5) sleep_ms(5);
    ck_assert_int_eq(state().missing, 0);
    snprintf(file, sizeof file, "%s/x.jpg", missing);
    close(open(file, O_WRONLY | O_CREAT, 0600));
    expect("closed card/DCIM/x.jpg");
    /* What else happens above it is none of its business. */
    gallery_write("other.jpg", "x");
    gallery_write("card/other.jpg", "x");
    forget();
    gallery_write("card/DCIM/y.jpg", "x");
    expect("closed card/DCIM/y.jpg");
    ck_assert_ptr_null(strstr(heard, "other"));
}
END_TEST

START_TEST(a_root_that_is_deleted_and_comes_back_is_watched_again) {
    char away[LIBRARY_PATH + 8];
    make_folder("in");
    start();
    for (int i = 0; i < 5; i++) {
        library_remove_tree(gallery_dir);
        expect("folder .");
        for (int ms = 0; ms < WAIT_MS && !state().missing; ms += 5) sleep_ms(5);
        ck_assert_int_eq(state().missing, 1);
        forget();
        make_folder("in");
        expect("folder .");
        gallery_write("in/x.jpg", "x");
        fence();
        forget();
        snprintf(away, sizeof away, "%s.away", gallery_dir);
        ck_assert_int_eq(rename(gallery_dir, away), 0);
        expect("folder .");
        forget();
        ck_assert_int_eq(rename(away, gallery_dir), 0);
        expect("folder .");
        expect_watched(3); /* and the folder above, from when it was away */
        gallery_write("in/y.jpg", "x");
        expect("closed in/y.jpg");
        forget();
    }
}
END_TEST

START_TEST(a_root_inside_another_root_changes_nothing) {
    make_folder("in/deep");
    snprintf(missing, sizeof missing, "%.4000s/in", gallery_dir);
    roots[0] = missing;
    roots[1] = gallery_dir;
    root_count = 2;
    start();
    ck_assert_int_eq(state().watched, 3);
    ps__notify_rewalk(notify);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    ck_assert_msg(heard[0] == 0, "%s", heard);
    gallery_write("in/deep/x.jpg", "x");
    expect("closed in/deep/x.jpg");
    gallery_move("in", "out");
    expect("folder in");
    expect("folder out");
    gallery_write("out/deep/y.jpg", "x");
    expect("closed out/deep/y.jpg");
    forget();
    gallery_move("out", "in");
    expect("folder in");
    gallery_write("in/deep/z.jpg", "x");
    expect("closed in/deep/z.jpg");
}
END_TEST

START_TEST(a_root_that_is_a_file_is_watched_by_its_folder) {
    gallery_write("a.dat", "x");
    gallery_write("b.jpg", "x");
    snprintf(missing, sizeof missing, "%.4000s/a.dat", gallery_dir);
    roots[0] = missing;
    start();
    gallery_write("b.jpg", "y");
    gallery_write("a.dat", "y");
    expect("closed a.dat");
    gallery_remove("a.dat");
    expect("gone a.dat");
    for (int ms = 0; ms < WAIT_MS && !state().missing; ms += 5) sleep_ms(5);
    forget();
    gallery_write("tmp", "z");
    gallery_move("tmp", "a.dat");
    expect("touched a.dat");
    ck_assert_ptr_null(strstr(heard, "b.jpg"));
}
END_TEST

/* ---- Calls that fail or lie --------------------------------------------------------------------------------------------------- */

static atomic_int watch_limit, watch_count;
static int limited_add(int fd, const char *path, uint32_t mask) {
    if (atomic_load(&watch_count) >= atomic_load(&watch_limit)) {
        errno = ENOSPC;
        return -1;
    }
    int wd = inotify_add_watch(fd, path, mask);
    if (wd > atomic_load(&watch_count)) atomic_store(&watch_count, wd);
    return wd;
}

START_TEST(at_the_limit_of_watches_it_says_so_once_and_keeps_what_it_has) {
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        make_folder(name);
    }
    calls.add = limited_add;
    atomic_store(&watch_count, 0);
    atomic_store(&watch_limit, 8);
    start();
    ps__notify_state s = state();
    ck_assert_int_eq(s.limited, 1);
    ck_assert(ps__notify_is_partial(&s));
    ck_assert_int_eq(s.watched, 8);
    make_folder("more");
    expect("folder more");
    fence();
    const char *first = strstr(said, "fs.inotify.max_user_watches");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "fs.inotify.max_user_watches"));
    /* Raised: the next walk finds the rest, and says what is new. */
    forget();
    atomic_store(&watch_limit, 1000);
    ps__notify_rewalk(notify);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    ck_assert_int_eq(state().limited, 0);
    ck_assert_int_eq(state().watched, 22);
    expect("folder more");
    gallery_write("more/x.jpg", "x");
    expect("closed more/x.jpg");
}
END_TEST

static atomic_int no_init;
static int failing_init(void) {
    if (atomic_load(&no_init)) {
        errno = EMFILE;
        return -1;
    }
    return ps__notify_system.init();
}

START_TEST(without_inotify_it_says_so_and_tries_again_at_each_walk) {
    calls.init = failing_init;
    atomic_store(&no_init, 1);
    make_folder("a");
    start();
    ps__notify_state s = state();
    ck_assert_int_eq(s.off, 1);
    ck_assert(ps__notify_is_partial(&s));
    ps__notify_rewalk(notify);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    const char *first = strstr(said, "fs.inotify.max_user_instances");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "fs.inotify.max_user_instances"));
    atomic_store(&no_init, 0);
    ps__notify_rewalk(notify);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    ck_assert_int_eq(state().off, 0);
    gallery_write("a/x.jpg", "x");
    expect("closed a/x.jpg");
}
END_TEST

static atomic_int lie; /* mask of an event to make up before the next real ones, for lie_wd */
static atomic_int lie_wd;
static ssize_t lying_read(int fd, void *events, size_t size) {
    int mask = atomic_exchange(&lie, 0);
    if (!mask) return read(fd, events, size);
    struct inotify_event e = {.wd = atomic_load(&lie_wd), .mask = (uint32_t)mask};
    memcpy(events, &e, sizeof e);
    return sizeof e;
}

START_TEST(an_overflow_means_everything_and_the_watches_are_renewed) {
    make_folder("a");
    calls.read = lying_read;
    start();
    atomic_store(&lie_wd, -1);
    atomic_store(&lie, IN_Q_OVERFLOW);
    gallery_write("x.jpg", "x");
    expect("everything overflow");
    expect_watched(2);
    gallery_write("a/y.jpg", "x");
    expect("closed a/y.jpg");
}
END_TEST

START_TEST(a_real_overflow_loses_nothing_but_detail) {
    /* The thread is kept busy by its sink while more happens than the queue holds. */
    start();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 12000; i++) {
        char path[LIBRARY_PATH];
        gallery_path(path, i % 2 ? "a.jpg" : "b.jpg");
        close(open(path, O_WRONLY | O_CREAT, 0600));
        unlink(path);
    }
    make_folder("made/while/deaf");
    pthread_mutex_unlock(&lock);
    expect("everything overflow");
    expect_watched(4);
    gallery_write("made/while/deaf/x.jpg", "x");
    expect("closed made/while/deaf/x.jpg");
}
END_TEST

START_TEST(a_lost_watch_is_found_by_the_next_walk) {
    make_folder("a/b");
    calls.read = lying_read;
    start();
    atomic_store(&lie_wd, 2);
    atomic_store(&lie, IN_IGNORED);
    gallery_write("x.jpg", "x");
    expect_watched(1);
    ps__notify_rewalk(notify);
    ck_assert(ps__notify_ready(notify, WAIT_MS));
    expect("folder a");
    expect_watched(3);
}
END_TEST

static atomic_int is_nfs;
static int nfs_below(const char *path, struct statfs *st) {
    int status = statfs(path, st);
    if (atomic_load(&is_nfs)) st->f_type = 0x6969;
    return status;
}

START_TEST(a_network_file_system_is_not_watched_but_counted) {
    make_folder("a");
    calls.statfs = nfs_below;
    atomic_store(&is_nfs, 1);
    start();
    ps__notify_state s = state();
    ck_assert_int_eq(s.watched, 0);
    ck_assert_int_eq(s.remote, 1);
    ck_assert(ps__notify_is_partial(&s));
}
END_TEST

/* ---- Mounts ------------------------------------------------------------------------------------------------------------------- */

START_TEST(only_mounts_that_concern_the_roots_count) {
    static const char *const mine[] = {"/home/a/Pictures", "/media/My Card"};
    static const char base[] = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                               "30 22 8:2 / /home rw,noatime shared:3 - ext4 /dev/sda2 rw\n";
    static const struct {
        const char *line;
        int counts;
    } lines[] = {{"40 22 8:17 / /media/My\\040Card rw - vfat /dev/sdb1 rw\n", 1},
                 {"40 22 8:17 / /media/My\\040Cards rw - vfat /dev/sdb1 rw\n", 0},
                 {"40 22 8:17 / /media rw - tmpfs none rw\n", 1},
                 {"41 30 0:50 / /home/a/Pictures/phone rw - fuse x rw\n", 1},
                 {"41 30 0:50 / /home/a/Pic rw - fuse x rw\n", 0},
                 {"42 22 0:60 / /var/lib/containers/1 rw - overlay overlay rw\n", 0},
                 {"43 22 0:61 /\n", 0},
                 {"\n", 0}};
    uint64_t before = ps__mounts_hash(base, mine, 2);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", base, lines[i].line);
        ck_assert_msg((ps__mounts_hash(text, mine, 2) != before) == lines[i].counts, "%s", lines[i].line);
    }
    ck_assert_uint_ne(ps__mounts_hash("30 22 8:3 / /home rw - ext4 /dev/sda2 rw\n", mine, 2),
                      ps__mounts_hash("30 22 8:2 / /home rw - ext4 /dev/sda2 rw\n", mine, 2));
    ck_assert_uint_eq(ps__mounts_hash("30 22 8:2 / /home ro - ext4 /dev/sda2 ro\n", mine, 2),
                      ps__mounts_hash("30 22 8:2 / /home rw - ext4 /dev/sda2 rw\n", mine, 2));
    ck_assert_uint_eq(ps__mounts_read("/nowhere/at/all", mine, 2), 0);
}
END_TEST

/* A mount of one's own needs a user namespace; where it is not allowed, the made-up one above must do. */
static int own_mounts(void) {
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 0;
    int fd = open("/proc/self/setgroups", O_WRONLY);
    if (fd >= 0 && write(fd, "deny", 4) == 4) close(fd);
    snprintf(map, sizeof map, "0 %u 1", uid);
    fd = open("/proc/self/uid_map", O_WRONLY);
    int ok = fd >= 0 && write(fd, map, strlen(map)) > 0;
    if (fd >= 0) close(fd);
    snprintf(map, sizeof map, "0 %u 1", gid);
    fd = open("/proc/self/gid_map", O_WRONLY);
    ok = ok && fd >= 0 && write(fd, map, strlen(map)) > 0;
    if (fd >= 0) close(fd);
    return ok && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

START_TEST(a_drive_that_comes_and_goes_is_told_at_once) {
    char card[LIBRARY_PATH];
    if (!own_mounts()) return;
    make_folder("card");
    gallery_path(card, "card");
    start();
    if (mount("none", card, "tmpfs", 0, NULL) != 0) return;
    expect("everything mount");
    expect_watched(2);
    gallery_write("card/DCIM/x.jpg", "x");
    expect("folder card/DCIM");
    expect_watched(3);
    forget();
    ck_assert_int_eq(umount(card), 0);
    expect("everything mount");
    expect_watched(2);
    gallery_write("card/y.jpg", "x");
    expect("closed card/y.jpg");
}
END_TEST

START_TEST(a_made_up_unmount_is_told) {
    make_folder("card");
    calls.read = lying_read;
    start();
    atomic_store(&lie_wd, 2);
    atomic_store(&lie, IN_UNMOUNT);
    gallery_write("x.jpg", "x");
    expect("everything mount");
}
END_TEST

/* ---- Memory and descriptors --------------------------------------------------------------------------------------------------- */

START_TEST(it_starts_cleanly_or_not_at_all_when_memory_is_short) {
    static const ps__log silent = {0};
    ps__notify_options o = {.roots = roots, .root_count = 1, .log = &silent, .change = on_change, .everything = on_everything,
                            .payload = &calls, .calls = &calls};
    int started = 0;
    make_folder("a/b");
    for (long n = 0; n < 200 && started < 3; n++) {
        ps__alloc_fail_after(n, 0);
        int status = ps__notify_start(&notify, &o, NULL);
        ck_assert(status == PS__OK || status == PS__NOMEM);
        if (status == PS__OK) {
            ck_assert(ps__notify_ready(notify, WAIT_MS));
            ps__alloc_fail_after(-1, 0);
            /* Either all is watched, or it is known that something is amiss. */
            ck_assert(state().watched == 3 || was_told("everything overflow") || (sleep_ms(200), was_told("everything overflow")));
            started += state().watched == 3;
        }
        ps__alloc_fail_after(-1, 0);
        ps__notify_stop(notify);
        notify = NULL;
        forget();
    }
    ck_assert_int_eq(started, 3);
}
END_TEST

/* The tree against a plain list, through many changes. */
START_TEST(the_tree_of_watches_is_right_through_many_changes) {
    enum { N = 400 };
    static int parent_of[N], slot_of[N]; /* by wd; parent is a wd, 0 top, -1 not there */
    ps__watchtree tree;
    unsigned seed = (unsigned)_i + 1;
    ps__watchtree_init(&tree);
    for (int i = 0; i < N; i++) parent_of[i] = -1;
    for (int step = 0; step < 6000; step++) {
        seed = seed * 1103515245u + 12345u;
        int wd = 1 + (int)((seed >> 8) % (N - 1)), other = 1 + (int)((seed >> 18) % (N - 1));
        char name[16];
        snprintf(name, sizeof name, "n%d", wd);
        if (parent_of[wd] < 0) {
            int parent = parent_of[other] >= 0 ? other : 0;
            slot_of[wd] = ps__watchtree_add(&tree, wd, parent ? slot_of[parent] : PS__TREE_TOP, parent ? name : "/top");
            parent_of[wd] = parent;
        } else if (parent_of[other] >= 0 && step % 3 && !ps__watchtree_below(&tree, slot_of[other], slot_of[wd])) {
            ck_assert_int_eq(ps__watchtree_move(&tree, slot_of[wd], slot_of[other], name), 0);
            parent_of[wd] = other;
        } else {
            int leaf = ps__watchtree_leaf(&tree, slot_of[wd]), leaf_wd = tree.nodes[leaf].wd;
            ps__watchtree_remove(&tree, leaf);
            parent_of[leaf_wd] = -1;
        }
        if (step % 500) continue;
        int count = 0;
        for (int i = 1; i < N; i++) {
            char expected[8192] = "", part[8200];
            ps__buf path = PS__BUF_INIT;
            ck_assert_int_eq(ps__watchtree_find(&tree, i), parent_of[i] < 0 ? -1 : slot_of[i]);
            if (parent_of[i] < 0) continue;
            count++;
            for (int at = i; at; at = parent_of[at]) {
                snprintf(part, sizeof part, parent_of[at] ? "/n%d%s" : "/top%.0d%s", parent_of[at] ? at : 0, expected);
                snprintf(expected, sizeof expected, "%.8000s", part);
            }
            ck_assert_int_eq(ps__watchtree_path(&path, &tree, slot_of[i]), 0);
            ck_assert_str_eq(path.bytes, expected);
            ps__buf_free(&path);
        }
        ck_assert_int_eq(tree.count, count);
    }
    ps__watchtree_free(&tree);
}
END_TEST

Suite *suite_notify(void);
Suite *suite_notify(void) {
    const TTest *const tests[] = {a_file_that_is_written_slowly_is_told_as_written_then_closed,
                                  names_that_are_no_photos_and_hidden_ones_are_not_told,
                                  hidden_ones_are_told_when_asked_for,
                                  renames_moves_and_deletions_are_told_at_both_ends,
                                  links_overwrites_and_old_times_are_told,
                                  a_file_that_leaves_the_tree_and_comes_back_is_told,
                                  a_new_tree_is_told_as_a_whole_and_watched,
                                  a_renamed_folder_keeps_its_watches_under_its_new_name,
                                  swapped_folders_are_told_apart,
                                  a_folder_that_leaves_the_tree_is_not_watched_any_more,
                                  a_deleted_folder_is_told_and_forgotten,
                                  a_folder_is_watched_once_though_links_lead_to_it,
                                  links_to_folders_are_left_alone_unless_asked_for,
                                  the_library_in_a_root_is_not_watched,
                                  a_root_that_does_not_exist_yet_is_noticed_when_it_comes,
                                  a_root_that_is_deleted_and_comes_back_is_watched_again,
                                  a_root_inside_another_root_changes_nothing,
                                  a_root_that_is_a_file_is_watched_by_its_folder,
                                  at_the_limit_of_watches_it_says_so_once_and_keeps_what_it_has,
                                  without_inotify_it_says_so_and_tries_again_at_each_walk,
                                  an_overflow_means_everything_and_the_watches_are_renewed,
                                  a_real_overflow_loses_nothing_but_detail,
                                  a_lost_watch_is_found_by_the_next_walk,
                                  a_network_file_system_is_not_watched_but_counted,
                                  only_mounts_that_concern_the_roots_count,
                                  a_drive_that_comes_and_goes_is_told_at_once,
                                  a_made_up_unmount_is_told,
                                  it_starts_cleanly_or_not_at_all_when_memory_is_short};
    Suite *suite = suite_create("notify");
    TCase *tc = tcase_create("notify");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tc, tests[i]);
    tcase_add_loop_test(tc, the_tree_of_watches_is_right_through_many_changes, 0, 8);
    suite_add_tcase(suite, tc);
    return suite;
}
