/*
** photosearch eval FILE.tsv: how well captions find their photos.
**
** Each line is a path, a tab and a caption; a photo may have several lines, or none of its own: with nothing behind
** the tab it is only there to be found by mistake. Every photo and every caption is encoded once; for
** each caption all photos are ranked by cosine, and its own photo's rank counts. Photos that are equally near count as nearer: a
** model that gives everything the same vector gets nothing for it.
*/
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"

typedef struct caption {
    char *text;   /* points into the file's bytes */
    size_t photo; /* index of its photo */
    size_t rank;  /* of its photo, from 1; 0: could not be ranked */
} caption;

typedef struct photo {
    char *path; /* owned */
    int failed; /* 1: it could not be encoded */
} photo;

typedef struct eval {
    ps_model *model;
    const char *lang; /* of all captions; NULL: of each by its words */
    size_t dim;
    char *bytes;       /* the file */
    photo *photos;     /* [photo_count] */
    caption *captions; /* [caption_count] */
    size_t photo_count, caption_count;
    size_t *slots, slot_count; /* hash table of photos by path: index + 1; slot_count is a power of two */
    float *vectors;            /* [photo_count][dim] */
    atomic_size_t next;        /* work that no thread has taken yet */
    atomic_size_t failed_photos, failed_captions;
    int threads;
} eval;

/* ---- Reading the file ---- */

static char *read_all(const char *path) {
    size_t size = 0, room = 1 << 16;
    char *bytes = allocate(room, 1);
    FILE *file = fopen(path, "re");
    for (size_t n = 1; file && n > 0; size += n) {
        if (room - size < 2) {
            char *more = realloc(bytes, room *= 2);
            if (!more) {
                complain("out of memory");
                exit(EXIT_FAILED);
            }
            bytes = more;
        }
        n = fread(bytes + size, 1, room - size - 1, file);
    }
    if (!file || ferror(file)) {
        complain("%s: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else {
        bytes[size] = 0;
    }
    if (file) fclose(file);
    return bytes;
}

static size_t hash(const char *s) {
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)h;
}

/* Paths are relative to the folder of the file, unless absolute. */
static char *resolve(const char *file, const char *path) {
    const char *slash = strrchr(file, '/');
    size_t folder = path[0] == '/' || !slash ? 0 : (size_t)(slash - file) + 1;
    char *full = allocate(folder + strlen(path) + 1, 1);
    memcpy(full, file, folder);
    strcpy(full + folder, path);
    return full;
}

static size_t find_photo(eval *e, const char *file, const char *path) {
    char *full = resolve(file, path);
    size_t slot = hash(full) & (e->slot_count - 1);
    for (; e->slots[slot]; slot = (slot + 1) & (e->slot_count - 1))
        if (strcmp(e->photos[e->slots[slot] - 1].path, full) == 0) {
            free(full);
            return e->slots[slot] - 1;
        }
    e->photos[e->photo_count].path = full;
    e->slots[slot] = ++e->photo_count;
    return e->photo_count - 1;
}

static int read_lines(eval *e, const char *file) {
    size_t lines = 1, number = 0;
    if (!(e->bytes = read_all(file))) return EXIT_FAILED;
    for (const char *p = e->bytes; (p = strchr(p, '\n')) != NULL; p++) lines++;
    for (e->slot_count = 64; e->slot_count < 2 * lines;) e->slot_count *= 2;
    e->slots = allocate(e->slot_count, sizeof *e->slots);
    e->photos = allocate(lines, sizeof *e->photos);
    e->captions = allocate(lines, sizeof *e->captions);
    for (char *rest = e->bytes, *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        line[strcspn(line, "\r")] = 0;
        if (!line[0]) continue;
        char *text = strchr(line, '\t');
        if (!text || text == line) {
            complain("%s, line %zu: is not a path, a tab and a caption", file, number);
            return EXIT_FAILED;
        }
        *text++ = 0;
        size_t owner = find_photo(e, file, line);
        if (*text) e->captions[e->caption_count++] = (caption){text, owner, 0};
    }
    if (e->caption_count) return EXIT_FOUND;
    complain("%s: has no captions", file);
    return EXIT_FAILED;
}

/* ---- Working on all threads ---- */

typedef void work_fn(eval *e, size_t i, float *scratch /* [dim] */);

typedef struct crew {
    eval *e;
    work_fn *fn;
    size_t count; /* pieces of work */
} crew;

static void *work(void *payload) {
    const crew *c = payload;
    float *scratch = allocate(c->e->dim, sizeof *scratch);
    for (size_t i; (i = atomic_fetch_add(&c->e->next, 1)) < c->count;) c->fn(c->e, i, scratch);
    free(scratch);
    return NULL;
}

static void run_all(eval *e, size_t count, work_fn *fn) {
    pthread_t threads[256];
    crew c = {e, fn, count};
    int started = 0;
    atomic_store(&e->next, 0);
    while (started < e->threads - 1 && pthread_create(&threads[started], NULL, work, &c) == 0) started++;
    work(&c);
    while (started > 0) pthread_join(threads[--started], NULL);
}

static void encode_photo(eval *e, size_t i, float *scratch) {
    (void)scratch;
    if (ps_model_embed_image(e->vectors + i * e->dim, e->model, e->photos[i].path) == PS_OK) return;
    e->photos[i].failed = 1;
    atomic_fetch_add(&e->failed_photos, 1);
    complain_status(NULL);
}

static float dot(const float *a, const float *b, size_t n) {
    float lanes[8] = {0}; /* side by side, so that the compiler may use vectors without changing the sum */
    for (size_t i = 0; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) lanes[k] += a[i + k] * b[i + k];
    for (size_t i = n / 8 * 8; i < n; i++) lanes[0] += a[i] * b[i];
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

static void rank_caption(eval *e, size_t i, float *query) {
    caption *c = &e->captions[i];
    if (e->photos[c->photo].failed) return;
    if (ps_model_embed_text_in(query, e->model, e->lang, c->text, strlen(c->text)) != PS_OK) {
        atomic_fetch_add(&e->failed_captions, 1);
        complain_status(NULL);
        return;
    }
    float own = dot(query, e->vectors + c->photo * e->dim, e->dim);
    size_t before = 0;
    for (size_t p = 0; p < e->photo_count; p++)
        if (p != c->photo && !e->photos[p].failed && dot(query, e->vectors + p * e->dim, e->dim) >= own) before++;
    c->rank = before + 1;
}

/* ---- The figures ---- */

typedef struct figures {
    size_t ranked;                        /* captions */
    double recall_1, recall_5, recall_10; /* percent */
    double median_rank, mrr;
} figures;

static int by_rank(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static figures count_up(const eval *e) {
    figures f = {0};
    size_t *ranks = allocate(e->caption_count, sizeof *ranks);
    for (size_t i = 0; i < e->caption_count; i++)
        if (e->captions[i].rank) ranks[f.ranked++] = e->captions[i].rank;
    for (size_t i = 0; i < f.ranked; i++) {
        f.recall_1 += ranks[i] <= 1;
        f.recall_5 += ranks[i] <= 5;
        f.recall_10 += ranks[i] <= 10;
        f.mrr += 1.0 / (double)ranks[i];
    }
    if (f.ranked) {
        double n = (double)f.ranked;
        qsort(ranks, f.ranked, sizeof *ranks, by_rank);
        f.median_rank = ((double)ranks[(f.ranked - 1) / 2] + (double)ranks[f.ranked / 2]) / 2.0;
        f.recall_1 *= 100.0 / n;
        f.recall_5 *= 100.0 / n;
        f.recall_10 *= 100.0 / n;
        f.mrr /= n;
    }
    free(ranks);
    return f;
}

static void print_figures(const options *o, const eval *e, double seconds) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    figures f = count_up(e);
    size_t failed = atomic_load(&e->failed_photos);
    ps_model_about(&about, e->model);
    if (!o->json) {
        printf("%zu caption%s of %zu photo%s, %zu photo%s failed; %s; %.1f s\n", f.ranked, plural(f.ranked), e->photo_count,
               plural(e->photo_count), failed, plural(failed), about.id, seconds);
        printf("R@1 %.2f  R@5 %.2f  R@10 %.2f  median rank %.1f  MRR %.4f\n", f.recall_1, f.recall_5, f.recall_10, f.median_rank,
               f.mrr);
        return;
    }
    fputs("{\"model\":", stdout);
    json_text(about.id);
    printf(",\"photos\":%zu,\"captions\":%zu,\"failed\":%zu,", e->photo_count, f.ranked, failed);
    json_number("R@1", f.recall_1, 3);
    putchar(',');
    json_number("R@5", f.recall_5, 3);
    putchar(',');
    json_number("R@10", f.recall_10, 3);
    putchar(',');
    json_number("median_rank", f.median_rank, 1);
    putchar(',');
    json_number("MRR", f.mrr, 5);
    putchar(',');
    json_number("seconds", seconds, 2);
    puts("}");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A language that no text tower reads is told once, not for each caption. */
static int check_language(const eval *e) {
    float *embedding = allocate(e->dim, sizeof *embedding);
    int status = e->lang ? ps_model_embed_text_in(embedding, e->model, e->lang, "a", 1) : PS_OK;
    free(embedding);
    return status == PS_OK ? EXIT_FOUND : complain_status(NULL);
}

static int evaluate(const options *o, eval *e) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    double start = now();
    int status = read_lines(e, o->words[0]);
    if (status != EXIT_FOUND) return status;
    if (!(e->model = open_model(o))) return EXIT_FAILED;
    ps_model_about(&about, e->model);
    e->dim = (size_t)about.dim;
    e->lang = o->lang;
    if ((status = check_language(e)) != EXIT_FOUND) return status;
    e->vectors = allocate(e->photo_count * e->dim, sizeof *e->vectors);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    e->threads = o->threads ? o->threads : processors < 1 ? 1 : processors > 256 ? 256 : (int)processors;
    run_all(e, e->photo_count, encode_photo);
    run_all(e, e->caption_count, rank_caption);
    print_figures(o, e, now() - start);
    return atomic_load(&e->failed_photos) || atomic_load(&e->failed_captions) ? EXIT_SOME_FAILED : EXIT_FOUND;
}

static int run(options *o) {
    eval e = {0};
    int status = evaluate(o, &e);
    for (size_t i = 0; i < e.photo_count; i++) free(e.photos[i].path);
    free(e.photos);
    free(e.captions);
    free(e.slots);
    free(e.vectors);
    free(e.bytes);
    ps_model_free(e.model);
    return status;
}

const command command_eval = {
    "eval",
    "FILE.tsv",
    "Measure how well captions find their photos",
    "Each line of the file: a path (relative to the file's folder), a tab, a caption; several lines a photo are fine.\n"
    "With nothing behind the tab the photo is in the gallery, and no caption is asked for it.\n"
    "Prints recall at 1, 5 and 10 in percent, the median rank and the mean reciprocal rank. No library is used.\n",
    TAKES_THREADS | TAKES_KERNELS | TAKES_LANG,
    1,
    1,
    run,
};
