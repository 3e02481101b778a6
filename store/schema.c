/*
** The tables of library.db, as the steps that lead from one version to the next; docs/library-format.md explains them. A step, once
** released, is never edited: libraries made by it exist. New things go into a new step at the end.
**
** Bookkeeping that must never be forgotten is done by triggers: vectors go with their photo, counters and the change log follow
** every change, whoever makes it.
*/
#include "store/inside.h"

static const char version_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('identity', lower(hex(randomblob(16)))), ('changes_floor', 0);"

    "CREATE TABLE spaces(number INTEGER PRIMARY KEY CHECK(number BETWEEN 1 AND 1000000), name TEXT NOT NULL UNIQUE,"
    " dim INTEGER NOT NULL CHECK(dim BETWEEN 1 AND 8192), vectors INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE models(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, space INTEGER NOT NULL REFERENCES spaces(number));"

    "CREATE TABLE photos(id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 16),"
    " bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL, taken INTEGER,"
    " taken_offset TEXT, latitude REAL, longitude REAL, make TEXT, model TEXT, lens TEXT, added INTEGER NOT NULL);"
    "CREATE INDEX photos_taken ON photos(taken) WHERE taken IS NOT NULL;"
    "CREATE INDEX photos_place ON photos(latitude, longitude) WHERE latitude IS NOT NULL;"

    "CREATE TABLE files(id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, photo INTEGER REFERENCES photos(id),"
    " state INTEGER NOT NULL, racy INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " inode INTEGER NOT NULL, device INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, code INTEGER, reason TEXT, tried "
    "INTEGER);"
    "CREATE INDEX files_photo ON files(photo) WHERE photo IS NOT NULL;"
    "CREATE INDEX files_inode ON files(inode);"
    "CREATE INDEX files_state ON files(state, id) WHERE state > 0;"

    "CREATE TABLE vectors(key INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models(number), halves BLOB NOT NULL);"

    "CREATE TABLE changes(number INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, photo INTEGER NOT NULL,"
    " space INTEGER NOT NULL);"
    "CREATE TABLE loose(photo INTEGER PRIMARY KEY);"

    "CREATE TRIGGER file_removed AFTER DELETE ON files WHEN OLD.photo IS NOT NULL BEGIN"
    " INSERT OR IGNORE INTO loose VALUES(OLD.photo); END;"
    "CREATE TRIGGER file_changed AFTER UPDATE OF photo ON files WHEN OLD.photo IS NOT NULL AND OLD.photo IS NOT NEW.photo BEGIN"
    " INSERT OR IGNORE INTO loose VALUES(OLD.photo); END;"
    "CREATE TRIGGER photo_gone AFTER DELETE ON photos BEGIN"
    " DELETE FROM vectors WHERE key IN (SELECT number << 40 | OLD.id FROM spaces);"
    " INSERT INTO changes(kind, photo, space) VALUES(2, OLD.id, 0); END;"
    "CREATE TRIGGER vector_put AFTER INSERT ON vectors BEGIN"
    " UPDATE spaces SET vectors = vectors + 1 WHERE number = NEW.key >> 40;"
    " INSERT INTO changes(kind, photo, space) VALUES(1, NEW.key & 1099511627775, NEW.key >> 40); END;"
    "CREATE TRIGGER vector_replaced AFTER UPDATE ON vectors BEGIN"
    " INSERT INTO changes(kind, photo, space) VALUES(1, NEW.key & 1099511627775, NEW.key >> 40); END;"
    "CREATE TRIGGER vector_gone AFTER DELETE ON vectors BEGIN"
    " UPDATE spaces SET vectors = vectors - 1 WHERE number = OLD.key >> 40; END;";

/* Previews, files that are away, and work in the order of its age: the newest first. */
static const char version_2[] =
    "ALTER TABLE photos ADD COLUMN preview INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX files_state;"
    "CREATE INDEX files_work ON files(state, mtime_ns, id) WHERE state > 0;";

/* What can be asked for beside the look of a photo. `notes` is the version of the reading of a photo's metadata (PS__NOTES_VERSION of
** files.h); photos of an older reading are read again. Words are kept as they are (`texts`) and as they are looked up (`words`, by photo;
** `path_words`, by file); the latter two are kept by path_words.c and changes.c, as triggers may not write to virtual tables. */
static const char version_3[] =
    "ALTER TABLE photos ADD COLUMN notes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE photos ADD COLUMN taken_source INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE photos ADD COLUMN flash INTEGER;"
    "ALTER TABLE photos ADD COLUMN rating INTEGER;"
    "ALTER TABLE photos ADD COLUMN kinds INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE photos ADD COLUMN city INTEGER;"
    "ALTER TABLE photos ADD COLUMN region INTEGER;"
    "ALTER TABLE photos ADD COLUMN country TEXT;"
    "ALTER TABLE photos ADD COLUMN look INTEGER;"
    "CREATE INDEX photos_unplaced ON photos(id) WHERE latitude IS NOT NULL AND city IS NULL;"
    "UPDATE photos SET taken_source = 1 WHERE taken IS NOT NULL;"
    "UPDATE files SET state = 1 WHERE state = 0;"
    "CREATE TABLE texts(photo INTEGER PRIMARY KEY, title TEXT, caption TEXT, keywords TEXT, seen TEXT, seen_by INTEGER);"
    "CREATE VIRTUAL TABLE words USING fts5(title, caption, keywords, seen, tags, tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE VIRTUAL TABLE path_words USING fts5(path, content = '', tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE TABLE tags(photo INTEGER NOT NULL, tag TEXT NOT NULL, score REAL NOT NULL, PRIMARY KEY(photo, tag)) WITHOUT ROWID;"
    "CREATE INDEX tags_tag ON tags(tag, score);"
    "CREATE TABLE tagged(photo INTEGER PRIMARY KEY, vocabulary INTEGER NOT NULL);"
    "CREATE TABLE saved(name TEXT PRIMARY KEY, query TEXT NOT NULL, lang TEXT, flags INTEGER NOT NULL DEFAULT 0,"
    " made INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO path_words(rowid, path) SELECT id, words_fold(CAST(path AS TEXT)) FROM files;"
    "CREATE TRIGGER photo_left AFTER DELETE ON photos BEGIN"
    " DELETE FROM texts WHERE photo = OLD.id;"
    " DELETE FROM tags WHERE photo = OLD.id; DELETE FROM tagged WHERE photo = OLD.id; END;"
    "CREATE TRIGGER vector_retagged AFTER UPDATE ON vectors BEGIN"
    " DELETE FROM tagged WHERE photo = NEW.key & 1099511627775; END;"
    /* Kind 3, of no space: what is known of the photo changed, not its vectors. */
    "CREATE TRIGGER photo_noted AFTER UPDATE OF taken, taken_offset, latitude, longitude, make, model, lens, notes, taken_source, flash,"
    " rating, kinds, city, region, country, look, width, height, format, bytes ON photos BEGIN"
    " INSERT INTO changes(kind, photo, space) VALUES(3, NEW.id, -1); END;"
    /* A photo is shown while a file holds it that is not away (state 4). */
    "CREATE TRIGGER file_came AFTER INSERT ON files WHEN NEW.photo IS NOT NULL BEGIN"
    " INSERT INTO changes(kind, photo, space) VALUES(3, NEW.photo, -1); END;"
    "CREATE TRIGGER file_turned AFTER UPDATE OF photo, state ON files"
    " WHEN OLD.photo IS NOT NEW.photo OR (OLD.state = 4) <> (NEW.state = 4) BEGIN"
    " INSERT INTO changes(kind, photo, space) SELECT 3, NEW.photo, -1 WHERE NEW.photo IS NOT NULL;"
    " INSERT INTO changes(kind, photo, space) SELECT 3, OLD.photo, -1"
    " WHERE OLD.photo IS NOT NULL AND OLD.photo IS NOT NEW.photo; END;"
    "CREATE TRIGGER file_left AFTER DELETE ON files WHEN OLD.photo IS NOT NULL BEGIN"
    " INSERT INTO changes(kind, photo, space) VALUES(3, OLD.photo, -1); END;";

/* Models that follow each other. `path` is that of the package, where somebody chose it; a space is retired when its vectors are to go. */
static const char version_4[] =
    "ALTER TABLE models ADD COLUMN path BLOB;"
    "ALTER TABLE spaces ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;";

const ps__migration ps__store_migrations[] = {{version_1}, {version_2}, {version_3}, {version_4}};
const int ps__store_version = sizeof ps__store_migrations / sizeof *ps__store_migrations;
