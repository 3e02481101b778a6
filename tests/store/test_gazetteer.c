/*
** The gazetteer: what the real file (built with the project) answers to names and positions, and what a damaged one does.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/os.h"
#include "store/gazetteer_inside.h"
#include "tests/base/failing_calls.h"
#include "tests/store/library.h"
#include "tests/store/small_gazetteer.h"

#define REAL "build/places.gazetteer"

Suite *suite_gazetteer(void);

static ps__gazetteer *real;

static void setup(void) {
    ps__error err = {0};
    ck_assert_msg(ps__gazetteer_open(&real, REAL, &err) == PS__OK, "%s", err.text);
}

static void teardown(void) { ps__gazetteer_free(real); }

/* ---- Names ---- */

static char *fold(const char *text) {
    ps__error err;
    char *folded;
    ck_assert_int_eq(ps__gazetteer_fold(&folded, text, strlen(text), &err), PS__OK);
    return folded;
}

static size_t find(ps__place *places, size_t room, int *prefix, const char *text) {
    char *folded = fold(text);
    size_t count = ps__gazetteer_find(places, room, prefix, real, folded, strlen(folded));
    ps__free(folded);
    return count;
}

static const struct {
    const char *text, *folded;
} FOLDED[] = {
    {"Lisbon", "lisbon"},
    {"  New   York ", "new york"},
    {"MÜNCHEN", "munchen"},
    {"Mu\xCC\x88nchen", "munchen"},
    {"Côte d’Azur", "cote d azur"},
    {"St. Gallen", "st gallen"},
    {"Garmisch-Partenkirchen", "garmisch partenkirchen"},
    {"Łódź", "lodz"},
    {"Tromsø", "tromso"},
    {"Æbeltoft", "aebeltoft"},
    {"Straße", "strasse"},
    {"Hawaiʻi", "hawai i"},
    {"İstanbul", "istanbul"},
    {"Đà Nẵng", "da nang"},
    {"里斯本", "里斯本"},
    {"ﾄｳｷｮｳ", "トウキョウ"},
    {"ガーナ", "ガーナ"},
    {"Ｐａｒｉｓ", "paris"},
    {"Йошкар-Ола", "йошкар ола"},
    {"서울", "서울"},
    {"a\xFF"
     "b",
     "a b"},
    {"…", ""},
    {"", ""},
};

START_TEST(names_fold_to_one_form) {
    char *folded = fold(FOLDED[_i].text), *again = fold(folded);
    ck_assert_str_eq(folded, FOLDED[_i].folded);
    ck_assert_str_eq(again, folded);
    ps__free(folded);
    ps__free(again);
}
END_TEST

/* The first place of a name: what kind, and its English name and country. */
static const struct {
    const char *text;
    int kind;
    const char *name, *country;
} NAMES[] = {
    {"Lisbon", PS__PLACE_CITY, "Lisbon", "PT"},
    {"Lissabon", PS__PLACE_CITY, "Lisbon", "PT"},
    {"Lisbonne", PS__PLACE_CITY, "Lisbon", "PT"},
    {"Lisboa", PS__PLACE_CITY, "Lisbon", "PT"},
    {"里斯本", PS__PLACE_CITY, "Lisbon", "PT"},
    {"巴黎", PS__PLACE_CITY, "Paris", "FR"},
    {"París", PS__PLACE_CITY, "Paris", "FR"},
    {"北京", PS__PLACE_CITY, "Beijing", "CN"},
    {"Pequim", PS__PLACE_CITY, "Beijing", "CN"},
    {"Pékin", PS__PLACE_CITY, "Beijing", "CN"},
    {"München", PS__PLACE_CITY, "Munich", "DE"},
    {"munich", PS__PLACE_CITY, "Munich", "DE"},
    {"慕尼黑", PS__PLACE_CITY, "Munich", "DE"},
    {"Wien", PS__PLACE_CITY, "Vienna", "AT"},
    {"维也纳", PS__PLACE_CITY, "Vienna", "AT"},
    {"Genf", PS__PLACE_CITY, "Geneva", "CH"},
    {"Genève", PS__PLACE_CITY, "Geneva", "CH"},
    {"Mailand", PS__PLACE_CITY, "Milan", "IT"},
    {"Londres", PS__PLACE_CITY, "London", "GB"},
    {"伦敦", PS__PLACE_CITY, "London", "GB"},
    {"Nueva York", PS__PLACE_CITY, "New York", "US"},
    {"NYC", PS__PLACE_CITY, "New York", "US"},
    {"纽约", PS__PLACE_CITY, "New York", "US"},
    {"紐約", PS__PLACE_CITY, "New York", "US"},
    {"Moskau", PS__PLACE_CITY, "Moscow", "RU"},
    {"大阪", PS__PLACE_CITY, "Osaka", "JP"},
    {"东京", PS__PLACE_CITY, "Tokyo", "JP"},
    {"Tóquio", PS__PLACE_CITY, "Tokyo", "JP"},
    {"St. Gallen", PS__PLACE_CITY, "St. Gallen", "CH"},
    {"Jakarta", PS__PLACE_CITY, "Jakarta", "ID"},
    {"Germany", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"Deutschland", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"Allemagne", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"Alemania", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"Alemanha", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"Jerman", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"德国", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"德國", PS__PLACE_COUNTRY, "Germany", "DE"},
    {"USA", PS__PLACE_COUNTRY, "United States", "US"},
    {"Estados Unidos", PS__PLACE_COUNTRY, "United States", "US"},
    {"Amerika Serikat", PS__PLACE_COUNTRY, "United States", "US"},
    {"Holland", PS__PLACE_COUNTRY, "Netherlands", "NL"},
    {"Great Britain", PS__PLACE_AREA, "Great Britain", ""},
    {"UK", PS__PLACE_COUNTRY, "United Kingdom", "GB"},
    {"South Korea", PS__PLACE_COUNTRY, "South Korea", "KR"},
    {"Vietnam", PS__PLACE_COUNTRY, "Vietnam", "VN"},
    {"Trinidad and Tobago", PS__PLACE_COUNTRY, "Trinidad and Tobago", "TT"},
    {"Burma", PS__PLACE_COUNTRY, "Myanmar", "MM"},
    {"Hong Kong", PS__PLACE_COUNTRY, "Hong Kong", "HK"},
    {"Bavaria", PS__PLACE_REGION, "Bavaria", "DE"},
    {"Bayern", PS__PLACE_REGION, "Bavaria", "DE"},
    {"Bavière", PS__PLACE_REGION, "Bavaria", "DE"},
    {"巴伐利亚", PS__PLACE_REGION, "Bavaria", "DE"},
    {"Tuscany", PS__PLACE_REGION, "Tuscany", "IT"},
    {"Toscana", PS__PLACE_REGION, "Tuscany", "IT"},
    {"Toskana", PS__PLACE_REGION, "Tuscany", "IT"},
    {"California", PS__PLACE_REGION, "California", "US"},
    {"加利福尼亚", PS__PLACE_REGION, "California", "US"},
    {"Kalifornien", PS__PLACE_REGION, "California", "US"},
    {"Normandie", PS__PLACE_REGION, "Normandy", "FR"},
    {"Andalusia", PS__PLACE_REGION, "Andalusia", "ES"},
    {"Andalusien", PS__PLACE_REGION, "Andalusia", "ES"},
    {"Jawa Barat", PS__PLACE_REGION, "West Java", "ID"},
    {"Sizilien", PS__PLACE_REGION, "Sicily", "IT"},
    {"Hawaii", PS__PLACE_REGION, "Hawaii", "US"},
    {"Bali", PS__PLACE_REGION, "Bali", "ID"},
    {"四川", PS__PLACE_REGION, "Sichuan", "CN"},
    {"Scotland", PS__PLACE_REGION, "Scotland", "GB"},
    {"Europe", PS__PLACE_CONTINENT, "Europe", ""},
    {"欧洲", PS__PLACE_CONTINENT, "Europe", ""},
    {"Afrika", PS__PLACE_CONTINENT, "Africa", ""},
    {"América do Sul", PS__PLACE_CONTINENT, "South America", ""},
    {"Alps", PS__PLACE_AREA, "Alps", ""},
    {"Alpen", PS__PLACE_AREA, "Alps", ""},
    {"阿尔卑斯山", PS__PLACE_AREA, "Alps", ""},
    {"Pegunungan Alpen", PS__PLACE_AREA, "Alps", ""},
    {"Côte d'Azur", PS__PLACE_AREA, "French Riviera", ""},
    {"Schwarzwald", PS__PLACE_AREA, "Black Forest", ""},
    {"Skandinavien", PS__PLACE_AREA, "Scandinavia", ""},
    {"Asia Tenggara", PS__PLACE_AREA, "Southeast Asia", ""},
    {"Gardasee", PS__PLACE_AREA, "Lake Garda", ""},
    {"Mallorca", PS__PLACE_AREA, "Mallorca", ""},
};

START_TEST(names_of_all_languages_find_their_place) {
    ps__place place;
    ck_assert_msg(find(&place, 1, NULL, NAMES[_i].text) >= 1, "%s: unknown", NAMES[_i].text);
    ck_assert_msg(place.kind == NAMES[_i].kind && strcmp(place.name, NAMES[_i].name) == 0 &&
                      strcmp(place.country, NAMES[_i].country) == 0,
                  "%s: is %s, %s (kind %d)", NAMES[_i].text, place.name, place.country, place.kind);
}
END_TEST

/* Nothing, and nothing that crashes. */
START_TEST(what_is_no_name_finds_nothing) {
    static const char *const texts[] = {"",       "qqqqqq", "swldw", "snow", "beach",
                                        "winter", "xqz",    "德",    "\x01", "zzzzzzzzzzzzzzzzzzzzz"};
    char longest[400];
    ps__place place;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(find(&place, 1, NULL, texts[i]) == 0, "%s: found %s", texts[i], place.name);
    memset(longest, 'a', sizeof longest);
    for (size_t length = 200; length < sizeof longest; length += 5)
        ck_assert_uint_eq(ps__gazetteer_find(&place, 1, NULL, real, longest, length), 0);
}
END_TEST

static int has_id(const ps__place *places, size_t count, int64_t id) {
    for (size_t i = 0; i < count; i++)
        if (places[i].id == id) return 1;
    return 0;
}

START_TEST(a_name_of_several_places_lists_them_all_the_largest_first) {
    ps__place places[200];
    size_t count = find(places, 200, NULL, "Paris");
    ck_assert_uint_ge(count, 10);
    ck_assert_int_eq(places[0].id, 2988507);
    ck_assert_int_eq(has_id(places, count, 4717560), 1); /* in Texas */
    for (size_t i = 2; i < count; i++) ck_assert_int_ge(places[i - 1].population, places[i].population);
    ck_assert_uint_eq(find(places, 2, NULL, "Paris"), count); /* with less room: as many, but not written */

    count = find(places, 200, NULL, "Georgia");
    ck_assert_str_eq(places[0].country, "GE");
    ck_assert_int_eq(places[1].kind, PS__PLACE_REGION);
    ck_assert_str_eq(places[1].country, "US");
}
END_TEST

/* Lisbon is the city, then the district around it; Québec is the province, as its city is small beside it. */
START_TEST(a_region_comes_after_its_own_city_of_that_name_when_that_is_large) {
    ps__place places[4];
    ck_assert_uint_ge(find(places, 4, NULL, "New York"), 2);
    ck_assert_int_eq(places[0].kind, PS__PLACE_CITY);
    ck_assert_int_eq(places[1].kind, PS__PLACE_REGION);
    ck_assert_uint_ge(find(places, 4, NULL, "Québec"), 2);
    ck_assert_int_eq(places[0].kind, PS__PLACE_REGION);
    ck_assert_int_eq(places[1].kind, PS__PLACE_CITY);
}
END_TEST

static const struct {
    const char *text;
    int prefix, found;
} PREFIXES[] = {
    {"new", 1, 0},        {"san", 1, 1},  {"new york", 1, 1}, {"rio de", 1, 0}, {"rio de janeiro", 0, 1},
    {"newyor", 0, 0},     {"里", 1, 0},   {"里斯", 1, 0},     {"lisbo", 0, 0},  {"巴伐利亚", 1, 1},
    {"los angele", 0, 0}, {"zzzz", 0, 0}, {"", 0, 0},
};

START_TEST(beginnings_of_longer_names_are_told) {
    ps__place place;
    int prefix = 7;
    size_t found = find(&place, 1, &prefix, PREFIXES[_i].text);
    ck_assert_msg(prefix == PREFIXES[_i].prefix, "%s: %d", PREFIXES[_i].text, prefix);
    ck_assert_msg((found > 0) == PREFIXES[_i].found, "%s: %zu", PREFIXES[_i].text, found);
}
END_TEST

/* ---- Labels ---- */

static const struct {
    const char *text, *lang, *label;
} LABELS[] = {
    {"Lisbon", NULL, "Lisbon, Portugal"},
    {"Lisbon", "de", "Lissabon, Portugal"},
    {"Lisbon", "fr", "Lisbonne, Portugal"},
    {"Lisbon", "zh", "里斯本, 葡萄牙"},
    {"Lisbon", "zh-CN", "里斯本, 葡萄牙"},
    {"Lisbon", "pt_BR", "Lisboa, Portugal"},
    {"Lisbon", "sv", "Lisbon, Portugal"},
    {"Bavaria", "en", "Bavaria, Germany"},
    {"Bavaria", "de", "Bayern, Deutschland"},
    {"Bavaria", "es", "Baviera, Alemania"},
    {"Austria", "de", "Österreich"},
    {"Austria", "id", "Austria"},
    {"Japan", "id", "Jepang"},
    {"Alps", "fr", "Alpes"},
    {"Alps", "zh", "阿尔卑斯山"},
    {"Europe", "id", "Eropa"},
    {"New York", "zh", "纽约, 美国"},
    {"Osaka", "zh", "大阪, 日本"},
    {"Cologne", "", "Cologne, Germany"},
    {"Cologne", "de", "Köln, Deutschland"},
    {"Hong Kong", "zh", "香港"},
};

START_TEST(labels_are_in_the_language_asked_for) {
    ps__place place;
    ps__error err;
    char *label;
    ck_assert_uint_ge(find(&place, 1, NULL, LABELS[_i].text), 1);
    ck_assert_int_eq(ps__gazetteer_label(&label, real, &place, LABELS[_i].lang, &err), PS__OK);
    ck_assert_str_eq(label, LABELS[_i].label);
    ps__free(label);
}
END_TEST

/* ---- Positions ---- */

/* City "": nothing is near. */
static const struct {
    double latitude, longitude;
    const char *city, *country;
} POSITIONS[] = {
    {38.7223, -9.1393, "Lisbon", "PT"},
    {38.6979, -9.4207, "Cascais", "PT"},
    {48.8566, 2.3522, "Paris", "FR"},
    {48.8049, 2.1204, "Versailles", "FR"},
    {40.4168, -3.7038, "Madrid", "ES"},
    {52.5, 13.42, "Berlin", "DE"}, /* Kreuzberg, a part of it */
    {52.40, 13.06, "Potsdam", "DE"},
    {48.162, 11.586, "Munich", "DE"},
    {51.5, -0.12, "London", "GB"},
    {40.758, -73.985, "New York", "US"},
    {37.77, -122.42, "San Francisco", "US"},
    {19.43, -99.13, "Mexico City", "MX"},
    {-22.95, -43.21, "Rio de Janeiro", "BR"},
    {-34.6, -58.38, "Buenos Aires", "AR"},
    {-33.8568, 151.2153, "Sydney", "AU"},
    {35.66, 139.7, "Tokyo", "JP"},
    {31.23, 121.47, "Shanghai", "CN"},
    {39.99, 116.3, "Beijing", "CN"},
    {-8.65, 115.2, "Denpasar", "ID"},
    {13.75, 100.5, "Bangkok", "TH"},
    {27.17, 78.04, "Agra", "IN"},
    {30.03, 31.23, "Cairo", "EG"},
    {-33.92, 18.42, "Cape Town", "ZA"},
    {64.15, -21.94, "Reykjavik", "IS"},
    {78.22, 15.64, "Longyearbyen", "SJ"},
    {-54.8, -68.3, "Ushuaia", "AR"},
    {21.3, -157.86, "Honolulu", "US"},
    /* Borders. */
    {48.58, 7.75, "Strasbourg", "FR"},
    {48.57, 7.81, "Kehl", "DE"},
    {47.56, 7.59, "Basel", "CH"},
    {45.95, 13.64, "Nova Gorica", "SI"},
    {43.7384, 7.4246, "Monaco", "MC"},
    {36.14, -5.35, "Gibraltar", "GI"},
    {41.9022, 12.4539, "Vatican City", "VA"},
    {47.5, 9.75, "Bregenz", "AT"},
    {31.75, -106.49, "El Paso", "US"},
    {31.72, -106.48, "Ciudad Juárez", "MX"},
    /* Nowhere. */
    {0, 0, "", ""},
    {90, 0, "", ""},
    {-90, 0, "", ""},
    {30, -40, "", ""},
    {23.5, 5, "", ""},
    {0, 180, "", ""},
    {0, -180, "", ""},
    {-75, 30, "", ""},
};

START_TEST(a_position_is_the_city_that_it_lies_in) {
    ps__place place;
    int status = ps__gazetteer_nearest(&place, real, POSITIONS[_i].latitude, POSITIONS[_i].longitude);
    if (!*POSITIONS[_i].city) {
        ck_assert_int_eq(status, PS__NOTFOUND);
        return;
    }
    ck_assert_int_eq(status, PS__OK);
    ck_assert_str_eq(place.name, POSITIONS[_i].city);
    ck_assert_str_eq(place.country, POSITIONS[_i].country);
    ck_assert_int_ne(place.region == 0 && place.population > 1000000, 1);
}
END_TEST

/* Whose codes are the same in the lists of cities and of regions, and whose are not. */
static const struct {
    double latitude, longitude;
    const char *region;
} REGIONS[] = {
    {48.14, 11.58, "Bavaria"},
    {34.05, -118.24, "California"},
    {43.77, 11.25, "Tuscany"},
    {30.66, 104.06, "Sichuan"},
    {-8.65, 115.2, "Bali"},
    {59.91, 10.75, "Oslo"},
    {69.65, 18.96, "Troms"},
    {69.97, 23.27, "Finnmark"},
    {59.13, 10.23, "Vestfold"},
    {59.74, 10.2, "Buskerud"},
    {21.03, 105.85, "Hanoi"},
    {16.05, 108.22, "Da Nang City"},
    {10.78, 106.7, "Ho Chi Minh City"},
    {12.24, 109.19, "Khánh Hòa"},
    {35.34, 25.13, "Crete"},
};

START_TEST(a_position_has_a_region) {
    ps__place place;
    ck_assert_int_eq(ps__gazetteer_nearest(&place, real, REGIONS[_i].latitude, REGIONS[_i].longitude), PS__OK);
    ck_assert_int_eq(ps__gazetteer_place(&place, real, place.region), PS__OK);
    ck_assert_str_eq(place.name, REGIONS[_i].region);
}
END_TEST

START_TEST(positions_that_are_none_are_near_nothing) {
    static const double odd[][2] = {{91, 0},  {-91, 0},      {0, 181},       {0, -181},     {NAN, 0},
                                    {0, NAN}, {INFINITY, 0}, {0, -INFINITY}, {1e300, 1e300}};
    ps__place place;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        ck_assert_int_eq(ps__gazetteer_nearest(&place, real, odd[i][0], odd[i][1]), PS__NOTFOUND);
}
END_TEST

static double rank_of(const ps__gz_city *c, double latitude, double longitude) {
    double km = ps__place_distance(latitude, longitude, c->latitude / PS__GZ_SCALE, c->longitude / PS__GZ_SCALE);
    double edge = ps__gz_edge_km(c->population);
    return km < edge ? km / edge - 1 : km - edge;
}

/* Looks at every city. */
static double best_rank(double latitude, double longitude) {
    double best = 50;
    for (uint32_t i = 0; i < real->city_count; i++) {
        if (real->cities[i].flags & PS__GZ_SECTION || fabs(real->cities[i].latitude / PS__GZ_SCALE - latitude) > 1) continue;
        double rank = rank_of(&real->cities[i], latitude, longitude);
        if (rank < best) best = rank;
    }
    return best;
}

static void compare_with_all(double latitude, double longitude) {
    ps__place place;
    double best = best_rank(latitude, longitude);
    if (ps__gazetteer_nearest(&place, real, latitude, longitude) != PS__OK) {
        ck_assert_msg(best > 49.8, "%f %f: nothing, but one is %f km away", latitude, longitude, best);
        return;
    }
    double rank = rank_of(&real->cities[place.number - real->place_count], latitude, longitude);
    ck_assert_msg(rank <= best + 0.2, "%f %f: %s has %f, but %f is there", latitude, longitude, place.name, rank, best);
}

START_TEST(the_nearest_is_the_nearest_of_all) {
    uint32_t state = 12345;
    double draw[3];
    for (int i = 0; i < 400; i++) {
        for (int k = 0; k < 3; k++) {
            state = state * 1664525u + 1013904223u;
            draw[k] = (state >> 8) / (double)(1 << 24);
        }
        const ps__gz_city *c = &real->cities[(uint32_t)(draw[0] * real->city_count)];
        double latitude = c->latitude / PS__GZ_SCALE + draw[1] - 0.5, longitude = c->longitude / PS__GZ_SCALE + 2 * draw[2] - 1;
        if (longitude > 180) longitude -= 360;
        if (longitude < -180) longitude += 360;
        compare_with_all(latitude, longitude);
    }
}
END_TEST

/* Fiji, Chukotka and the Aleutians lie there. */
START_TEST(the_180th_meridian_is_no_border) {
    int found = 0;
    ps__place place;
    for (double latitude = -50; latitude < 72; latitude += 0.25)
        for (int k = 0; k < 6; k++) {
            double longitude = k % 2 ? 179.99 - k / 2 * 0.3 : -179.99 + k / 2 * 0.3;
            compare_with_all(latitude, longitude);
            found += ps__gazetteer_nearest(&place, real, latitude, longitude) == PS__OK;
        }
    ck_assert_int_ge(found, 1);
}
END_TEST

START_TEST(distances_are_those_of_the_globe) {
    ck_assert_double_eq_tol(ps__place_distance(52.5, 13.4, 52.5, 13.4), 0, 1e-9);
    ck_assert_double_eq_tol(ps__place_distance(0, 0, 0, 180), 20015.1, 0.2);
    ck_assert_double_eq_tol(ps__place_distance(0, 179.5, 0, -179.5), 111.195, 0.01);
    ck_assert_double_eq_tol(ps__place_distance(90, 0, -90, 77), 20015.1, 0.2);
    ck_assert_double_eq_tol(ps__place_distance(51.5074, -0.1278, 48.8566, 2.3522), 343.6, 0.5); /* London, Paris */
}
END_TEST

/* ---- In a place ---- */

static const struct {
    const char *place;
    double latitude, longitude;
    int inside;
} INSIDE[] = {
    {"Portugal", 38.72, -9.14, 1},
    {"Spain", 38.72, -9.14, 0},
    {"Lisbon", 38.72, -9.14, 1},
    {"Lisbon", 38.77, -9.10, 1}, /* the airport */
    {"Lisbon", 41.15, -8.61, 0},
    {"New York", 40.65, -73.95, 1}, /* Brooklyn is near enough */
    {"Bavaria", 48.14, 11.58, 1},
    {"Bavaria", 48.78, 9.18, 0},
    {"Europe", 48.14, 11.58, 1},
    {"Europe", 55.75, 37.62, 1}, /* Moscow */
    {"Europe", 55.03, 82.92, 0}, /* Novosibirsk */
    {"Asia", 55.03, 82.92, 1},
    {"Asia", 35.66, 139.7, 1},
    {"Africa", 30.03, 31.23, 1},
    {"North America", 40.758, -73.985, 1},
    {"South America", 40.758, -73.985, 0},
    {"South America", -34.6, -58.38, 1},
    {"Oceania", -33.86, 151.21, 1},
    {"Antarctica", -77.85, 166.67, 1},
    {"Antarctica", -54.8, -68.3, 0},
    {"Alps", 47.27, 11.39, 1},              /* Innsbruck */
    {"Alps", 45.92, 6.87, 1},               /* Chamonix */
    {"Alps", 46.02, 7.75, 1},               /* Zermatt */
    {"Alps", 47.42, 10.98, 1},              /* Zugspitze */
    {"Alps", 48.14, 11.58, 0},              /* Munich */
    {"Alps", 45.46, 9.19, 0},               /* Milan */
    {"Dolomites", 46.54, 12.14, 1},         /* Cortina */
    {"Pyrenees", 42.51, 1.52, 1},           /* Andorra */
    {"Himalayas", 27.8, 86.71, 1},          /* Namche */
    {"Andes", -13.52, -71.97, 1},           /* Cusco */
    {"Rocky Mountains", 51.18, -115.57, 1}, /* Banff */
    {"Rockies", 40.38, -105.52, 1},         /* Estes Park */
    {"Sahara", 23.5, 5, 1},
    {"Scandinavia", 59.91, 10.75, 1},
    {"Scandinavia", 60.17, 24.94, 0},
    {"Nordic countries", 60.17, 24.94, 1},
    {"Balkans", 42.7, 23.32, 1},
    {"Benelux", 50.85, 4.35, 1},
    {"Caribbean", 18.47, -69.9, 1},
    {"Mediterranean", 43.3, 5.37, 1}, /* Marseille */
    {"Mediterranean", 39.57, 2.65, 1},
    {"Mediterranean", 48.85, 2.35, 0},
    {"Black Forest", 47.87, 8.1, 1},
    {"Black Forest", 48.58, 7.75, 0},
    {"Provence", 43.95, 4.81, 1},
    {"French Riviera", 43.7, 7.27, 1},
    {"Mallorca", 39.57, 2.65, 1},
    {"Mallorca", 38.91, 1.43, 0}, /* Ibiza */
    {"Canary Islands", 28.47, -16.25, 1},
    {"Tenerife", 28.47, -16.25, 1},
    {"Bali", -8.65, 115.2, 1},
    {"Lombok", -8.58, 116.1, 1},
    {"Java", -6.2, 106.85, 1},
    {"Hawaii", 21.3, -157.86, 1},
    {"Sicily", 38.12, 13.36, 1},
    {"Crete", 35.34, 25.13, 1},
    {"Patagonia", -50.34, -72.27, 1},
    {"Amazon", -3.1, -60.02, 1},
    {"Lake Garda", 45.64, 10.67, 1},
    {"Lake Constance", 47.66, 9.18, 1},
    {"Algarve", 37.02, -7.93, 1},
    {"Lapland", 66.5, 25.73, 1},
    {"Middle East", 25.2, 55.27, 1},
    {"Southeast Asia", 1.35, 103.82, 1},
    {"Latin America", 19.43, -99.13, 1},
    {"Siberia", 64.73, 177.51, 1}, /* Anadyr */
    {"Siberia", 66.36, -179.12, 1},
    {"Siberia", 72, 140, 0}, /* nobody lives near: no country is known */
    {"Santorini", 36.42, 25.43, 1},
    {"Cappadocia", 38.64, 34.83, 1},
    {"Yellowstone", 44.46, -110.83, 1},
    {"Great Britain", 53.48, -2.24, 1},
    {"Great Britain", 54.6, -5.93, 0},
};

START_TEST(places_have_what_lies_in_them) {
    ps__position position = {.latitude = INSIDE[_i].latitude, .longitude = INSIDE[_i].longitude};
    ps__place place, city;
    ck_assert_uint_ge(find(&place, 1, NULL, INSIDE[_i].place), 1);
    if (ps__gazetteer_nearest(&city, real, position.latitude, position.longitude) == PS__OK) {
        position.city = city.id;
        position.region = city.region;
        memcpy(position.country, city.country, sizeof position.country);
    }
    ck_assert_msg(ps__place_has(real, &place, &position) == INSIDE[_i].inside, "%s and %f %f (%s, region %lld)", INSIDE[_i].place,
                  position.latitude, position.longitude, position.country, (long long)position.region);
}
END_TEST

/* Photos whose nearest place is unknown are in no country, but may be in an outline. */
START_TEST(a_position_without_a_place_is_only_in_outlines) {
    const ps__position desert = {.latitude = 23.5, .longitude = 5};
    for (uint32_t i = 0; i < real->place_count; i++) {
        ps__place place;
        ck_assert_int_eq(ps__gz_fill(&place, real, i), 1);
        if (place.kind == PS__PLACE_COUNTRY || place.kind == PS__PLACE_REGION)
            ck_assert_int_eq(ps__place_has(real, &place, &desert), 0);
    }
}
END_TEST

/* ---- The file ---- */

START_TEST(every_place_is_found_by_its_number_and_id) {
    ps__place place, same;
    uint32_t count = real->place_count + real->city_count;
    ck_assert_uint_ge(real->city_count, 150000);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(ps__gz_fill(&place, real, i), 1);
        ck_assert_uint_eq(place.number, i);
        ck_assert_int_ne(place.name[0], 0);
        ck_assert_int_ne(place.id, 0);
        ck_assert_int_eq(place.kind == PS__PLACE_CITY, place.id > 0);
        ck_assert(place.kind == PS__PLACE_CONTINENT || place.kind == PS__PLACE_AREA || strlen(place.country) == 2);
        ck_assert(fabs(place.latitude) <= 90 && fabs(place.longitude) <= 180);
        if (place.kind == PS__PLACE_CITY) ck_assert(place.radius_km >= 3 && place.radius_km <= 25);
        ck_assert_int_eq(ps__gazetteer_place(&same, real, place.id), PS__OK);
        ck_assert_uint_eq(same.number, i);
    }
    ck_assert_int_eq(ps__gz_fill(&place, real, count), 0);
    ck_assert_int_eq(ps__gazetteer_place(&same, real, 1), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_place(&same, real, 0), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_place(&same, real, -(1LL << 60)), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_place(&same, real, 1LL << 40), PS__NOTFOUND);
}
END_TEST

START_TEST(countries_have_capitals) {
    static const char *const capitals[][2] = {
        {"FR", "Paris"}, {"PT", "Lisbon"}, {"AU", "Canberra"}, {"CN", "Beijing"}, {"US", "Washington D.C."}};
    ps__place place;
    int count = 0;
    for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++) {
        ck_assert_int_eq(ps__gazetteer_capital(&place, real, capitals[i][0]), PS__OK);
        ck_assert_str_eq(place.name, capitals[i][1]);
        ck_assert_str_eq(place.country, capitals[i][0]);
    }
    for (uint32_t i = 0; i < real->header->countries; i++)
        count += ps__gazetteer_capital(&place, real,
                                       (const char[]){real->places[real->header->continents + i].country[0],
                                                      real->places[real->header->continents + i].country[1], 0}) == PS__OK;
    ck_assert_int_ge(count, 190);
    ck_assert_int_eq(ps__gazetteer_capital(&place, real, "AQ"), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_capital(&place, real, "ZZ"), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_capital(&place, real, ""), PS__NOTFOUND);
}
END_TEST

START_TEST(every_country_with_a_city_is_on_a_continent) {
    for (uint32_t i = 0; i < real->city_count; i += 50) {
        ps__place city, continent;
        int count = 0;
        ck_assert_int_eq(ps__gz_fill(&city, real, real->place_count + i), 1);
        ps__position position = {.latitude = city.latitude, .longitude = city.longitude, .city = city.id, .region = city.region};
        memcpy(position.country, city.country, sizeof position.country);
        for (uint32_t k = 0; k < real->header->continents; k++)
            if (ps__gz_fill(&continent, real, k)) count += ps__place_has(real, &continent, &position);
        ck_assert_msg(count >= 1, "%s, %s (%f %f) is on no continent", city.name, city.country, city.latitude, city.longitude);
    }
}
END_TEST

START_TEST(the_file_is_whole_and_not_large) {
    ps__error err;
    ck_assert_int_eq(ps__gazetteer_verify(real, &err), PS__OK);
    ck_assert_uint_le(real->size, 20 * 1000 * 1000);
}
END_TEST

/* ---- Damage ---- */

static char small_path[LIBRARY_PATH + 32];
static _Alignas(8) unsigned char small[SMALL_GAZETTEER_ROOM];
static size_t small_size;

static void small_setup(void) {
    library_setup();
    snprintf(small_path, sizeof small_path, "%s/small.gazetteer", library_temp);
    small_size = small_gazetteer(small);
}

static void write_small(const unsigned char *bytes, size_t size) {
    FILE *file = fopen(small_path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static int open_small(ps__gazetteer **gazetteer, const unsigned char *bytes, size_t size, ps__error *err) {
    write_small(bytes, size);
    return ps__gazetteer_open(gazetteer, small_path, err);
}

/* Everything that can be asked, of any gazetteer. */
static void ask(const ps__gazetteer *g) {
    static const char *const names[] = {"bonn", "munchen", "munich", "schwabing", "suva", "zzz", "a"};
    static const double positions[][2] = {{48.13, 11.57}, {50.7, 7.1}, {-16.8, -179.99}, {-16.8, 179.99}, {89, 0}, {-89, 0}};
    ps__place places[8];
    ps__error err;
    int prefix;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t count = ps__gazetteer_find(places, 8, &prefix, g, names[i], strlen(names[i]));
        for (size_t k = 0; k < count && k < 8; k++) {
            char *label;
            if (ps__gazetteer_label(&label, g, &places[k], "de", &err) == PS__OK) ps__free(label);
        }
    }
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        ps__position position = {.latitude = positions[i][0], .longitude = positions[i][1], .region = -700000, .country = "DE"};
        ps__gazetteer_nearest(places, g, positions[i][0], positions[i][1]);
        for (uint32_t k = 0; k < 12; k++)
            if (ps__gz_fill(places, g, k)) ps__place_has(g, places, &position);
    }
    for (int64_t id = 99; id < 106; id++) ps__gazetteer_place(places, g, id);
    ps__gazetteer_place(places, g, -200);
    ps__gazetteer_capital(places, g, "DE");
}

START_TEST(the_small_gazetteer_answers) {
    ps__gazetteer *g;
    ps__error err = {0};
    ps__place place;
    char *label;
    ck_assert_msg(open_small(&g, small, small_size, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__gazetteer_verify(g, &err), PS__OK);
    ck_assert_uint_eq(ps__gazetteer_find(&place, 1, NULL, g, "munchen", 7), 1);
    ck_assert_int_eq(place.id, 102);
    ck_assert_int_eq(ps__gazetteer_label(&label, g, &place, "de", &err), PS__OK);
    ck_assert_str_eq(label, "München, Deutschland");
    ps__free(label);
    ck_assert_int_eq(ps__gazetteer_nearest(&place, g, 48.17, 11.58), PS__OK); /* in the middle of a section */
    ck_assert_int_eq(place.id, 102);
    ck_assert_int_eq(ps__gazetteer_nearest(&place, g, -16.8, -179.9), PS__OK); /* across the 180th meridian */
    ck_assert_int_eq(place.id, 101);
    ck_assert_int_eq(ps__gazetteer_nearest(&place, g, -16.8, -179.3), PS__NOTFOUND);
    ck_assert_int_eq(ps__gazetteer_capital(&place, g, "DE"), PS__OK);
    ck_assert_int_eq(place.id, 104);
    ck_assert_int_eq(ps__gazetteer_capital(&place, g, "FJ"), PS__NOTFOUND);
    const ps__position near_bonn = {.latitude = 50.75, .longitude = 7.1},
                       fiji = {.latitude = 50.75, .longitude = 7.1, .country = "FJ"};
    ck_assert_int_eq(ps__gazetteer_place(&place, g, -200), PS__OK);
    ck_assert_int_eq(ps__place_has(g, &place, &near_bonn), 1);
    ck_assert_int_eq(ps__gazetteer_place(&place, g, -1), PS__OK);
    ck_assert_int_eq(ps__place_has(g, &place, &fiji), 0);
    ps__gazetteer_free(g);
}
END_TEST

START_TEST(a_file_that_is_cut_short_is_refused) {
    ps__gazetteer *g;
    for (size_t size = 0; size < small_size; size += size < 400 ? 1 : 101) {
        ps__error err = {0};
        ck_assert_int_eq(open_small(&g, small, size, &err), PS__CORRUPT);
        ck_assert_ptr_null(g);
        ck_assert_int_eq(library_says(err.text, "small.gazetteer: "), 1);
    }
}
END_TEST

START_TEST(any_other_byte_in_the_header_is_refused) {
    ps__gazetteer *g;
    for (size_t i = 0; i < sizeof(ps__gz_header); i++) {
        ps__error err = {0};
        small[i] ^= 0x41;
        int status = open_small(&g, small, small_size, &err), version = i >= 8 && i < 12;
        ck_assert_msg(status == (version ? PS__NEWER : PS__CORRUPT), "byte %zu: %d", i, status);
        small[i] ^= 0x41;
    }
}
END_TEST

START_TEST(a_header_with_impossible_sections_is_refused) {
    static const uint64_t values[] = {1, 8, 1 << 20, UINT32_MAX, 1ULL << 40, UINT64_MAX, UINT64_MAX - 7};
    ps__gazetteer *g;
    int refused = 0;
    for (size_t at = offsetof(ps__gz_header, countries); at < offsetof(ps__gz_header, hash); at += 4)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            static _Alignas(8) unsigned char bytes[SMALL_GAZETTEER_ROOM];
            ps__error err = {0};
            memcpy(bytes, small, small_size);
            memcpy(bytes + at, &values[i], 4);
            if (at % 8 == 0) memcpy(bytes + at, &values[i], 8);
            small_gazetteer_seal(bytes, small_size);
            int status = open_small(&g, bytes, small_size, &err);
            ck_assert(status == PS__OK || status == PS__CORRUPT);
            refused += status != PS__OK;
            if (status == PS__OK) ask(g);
            ps__gazetteer_free(g);
        }
    ck_assert_int_ge(refused, 100);
}
END_TEST

/* Wrong answers are allowed; what is read outside the file the sanitizers tell. */
START_TEST(any_other_byte_behind_the_header_does_no_harm) {
    static const unsigned char others[] = {0xFF, 0x80, 0x01, 0x7F};
    ps__gazetteer *g;
    int opened = 0;
    for (size_t i = sizeof(ps__gz_header); i<small_size; i += i> 600 && i < 7600 ? 97 : 1) { /* the rows are all alike */
        ps__error err = {0};
        unsigned char old = small[i];
        small[i] ^= others[i % 4];
        int status = open_small(&g, small, small_size, &err);
        if (status == PS__OK) {
            ck_assert_int_eq(ps__gazetteer_verify(g, &err), PS__CORRUPT);
            ask(g);
        } else {
            ck_assert_int_eq(status, PS__CORRUPT); /* the end of the texts */
        }
        opened += status == PS__OK;
        ps__gazetteer_free(g);
        small[i] = old;
    }
    ck_assert_int_ge(opened, 500);
}
END_TEST

START_TEST(what_is_no_gazetteer_is_refused_by_name) {
    ps__gazetteer *g;
    ps__error err = {0};
    ck_assert_int_eq(ps__gazetteer_open(&g, "build/no-such.gazetteer", &err), PS__NOTFOUND);
    ck_assert_int_eq(library_says(err.text, "no-such.gazetteer"), 1);
    ck_assert_int_eq(ps__gazetteer_open(&g, "Makefile", &err), PS__CORRUPT);
    ck_assert_int_eq(ps__gazetteer_open(&g, "tests", &err), PS__FORMAT);
    ck_assert_ptr_null(g);
    ps__gazetteer_free(NULL);
}
END_TEST

START_TEST(a_failing_system_call_is_an_error) {
    ps__error err;
    write_small(small, small_size);
    failing_calls_install();
    for (long nth = 0;; nth++) {
        ps__gazetteer *g;
        failing_calls_arm(nth, 0);
        int status = ps__gazetteer_open(&g, small_path, &err);
        if (!failing_calls_failed()) {
            ck_assert_int_eq(status, PS__OK);
            ck_assert_int_ge((int)nth, 3);
            ps__gazetteer_free(g);
            break;
        }
        ck_assert(status != PS__OK || strncmp(failing_calls_failed(), "close", 5) == 0);
        ck_assert_int_eq(status == PS__OK, g != NULL);
        ps__gazetteer_free(g);
    }
    failing_calls_remove();
}
END_TEST

START_TEST(memory_that_runs_out_is_an_error) {
    ps__error err;
    ps__place place;
    write_small(small, small_size);
    for (long nth = 0; nth < 40; nth++) {
        ps__gazetteer *g = NULL;
        char *folded = NULL, *label = NULL;
        ps__alloc_fail_after(nth, 0);
        int status = ps__gazetteer_open(&g, small_path, &err);
        if (!status) status = ps__gazetteer_fold(&folded, "Mün\xE7\x94\xB2", 7, &err);
        if (!status) status = ps__gazetteer_place(&place, g, 102);
        if (!status) status = ps__gazetteer_label(&label, g, &place, "de", &err);
        int left = ps__alloc_fail_left() >= 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert(status == PS__OK || status == PS__NOMEM);
        ck_assert_int_eq(left, status == PS__OK);
        ps__free(folded);
        ps__free(label);
        ps__gazetteer_free(g);
    }
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(answers, test, 0, sizeof table / sizeof *table)

Suite *suite_gazetteer(void) {
    Suite *suite = suite_create("gazetteer");
    TCase *answers = tcase_create("answers"), *damage = tcase_create("damage");
    tcase_add_checked_fixture(answers, setup, teardown);
    tcase_set_timeout(answers, 120);
    LOOP(names_fold_to_one_form, FOLDED);
    LOOP(names_of_all_languages_find_their_place, NAMES);
    tcase_add_test(answers, what_is_no_name_finds_nothing);
    tcase_add_test(answers, a_name_of_several_places_lists_them_all_the_largest_first);
    tcase_add_test(answers, a_region_comes_after_its_own_city_of_that_name_when_that_is_large);
    LOOP(beginnings_of_longer_names_are_told, PREFIXES);
    LOOP(labels_are_in_the_language_asked_for, LABELS);
    LOOP(a_position_is_the_city_that_it_lies_in, POSITIONS);
    LOOP(a_position_has_a_region, REGIONS);
    tcase_add_test(answers, positions_that_are_none_are_near_nothing);
    tcase_add_test(answers, the_nearest_is_the_nearest_of_all);
    tcase_add_test(answers, the_180th_meridian_is_no_border);
    tcase_add_test(answers, distances_are_those_of_the_globe);
    LOOP(places_have_what_lies_in_them, INSIDE);
    tcase_add_test(answers, a_position_without_a_place_is_only_in_outlines);
    tcase_add_test(answers, every_place_is_found_by_its_number_and_id);
    tcase_add_test(answers, countries_have_capitals);
    tcase_add_test(answers, every_country_with_a_city_is_on_a_continent);
    tcase_add_test(answers, the_file_is_whole_and_not_large);
    suite_add_tcase(suite, answers);

    tcase_add_checked_fixture(damage, small_setup, library_teardown);
    tcase_set_timeout(damage, 120);
    tcase_add_test(damage, the_small_gazetteer_answers);
    tcase_add_test(damage, a_file_that_is_cut_short_is_refused);
    tcase_add_test(damage, any_other_byte_in_the_header_is_refused);
    tcase_add_test(damage, a_header_with_impossible_sections_is_refused);
    tcase_add_test(damage, any_other_byte_behind_the_header_does_no_harm);
    tcase_add_test(damage, what_is_no_gazetteer_is_refused_by_name);
    tcase_add_test(damage, a_failing_system_call_is_an_error);
    tcase_add_test(damage, memory_that_runs_out_is_an_error);
    suite_add_tcase(suite, damage);
    return suite;
}
