/*
** The OpenMP functions that FAISS calls, for one thread. FAISS opens a team of threads even for a single query over a scalar
** quantizer; a gallery's query is over before such a team has started, and the threads would stay. photosearch runs its own threads.
*/
#ifndef PS_ONE_THREAD_OMP_H
#define PS_ONE_THREAD_OMP_H

typedef struct omp_lock_t {
    char unused; /* nobody else to lock out */
} omp_lock_t;

static inline int omp_get_max_threads(void) { return 1; }
static inline int omp_get_num_threads(void) { return 1; }
static inline int omp_get_thread_num(void) { return 0; }
static inline int omp_get_nested(void) { return 0; }
static inline int omp_in_parallel(void) { return 0; }
static inline void omp_set_nested(int nested) { (void)nested; }
static inline void omp_set_num_threads(int n) { (void)n; }
static inline void omp_init_lock(omp_lock_t *lock) { (void)lock; }
static inline void omp_destroy_lock(omp_lock_t *lock) { (void)lock; }
static inline void omp_set_lock(omp_lock_t *lock) { (void)lock; }
static inline void omp_unset_lock(omp_lock_t *lock) { (void)lock; }

#endif
