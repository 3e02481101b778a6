/*
** New and full moons: J. Meeus, Astronomical Algorithms (2nd edition), chapter 49. The sun: VSOP87 as shortened there (chapter
** 25 and appendix III), its largest terms; aberration and nutation from chapters 22 and 25. Delta T: the polynomials of Espenak
** and Meeus (Five Millennium Canon of Solar Eclipses, NASA/TP-2006-214141).
*/
#include "tests/search/sky.h"

#include <math.h>
#include <stddef.h>

#define RADIANS (3.14159265358979323846 / 180)
#define EPOCH_JD 2440587.5 /* 1970-01-01T00:00 */
#define J2000_JD 2451545.0
#define MEAN_MONTH 29.530588861

static double delta_t(double moment) { /* dynamical minus universal time, in days */
    double y = 1970 + moment / 365.2425, t, s;
    if (y < 1920) {
        t = y - 1900;
        s = -2.79 + t * (1.494119 + t * (-0.0598939 + t * (0.0061966 - t * 0.000197)));
    } else if (y < 1941) {
        t = y - 1920;
        s = 21.20 + t * (0.84493 + t * (-0.076100 + t * 0.0020936));
    } else if (y < 1961) {
        t = y - 1950;
        s = 29.07 + t * (0.407 + t * (-1.0 / 233 + t / 2547));
    } else if (y < 1986) {
        t = y - 1975;
        s = 45.45 + t * (1.067 + t * (-1.0 / 260 - t / 718));
    } else if (y < 2005) {
        t = y - 2000;
        s = 63.86 + t * (0.3345 + t * (-0.060374 + t * (0.0017275 + t * (0.000651814 + t * 0.00002373599))));
    } else if (y < 2050) {
        t = y - 2000;
        s = 62.92 + t * (0.32217 + t * 0.005589);
    } else {
        t = (y - 1820) / 100;
        s = -20 + 32 * t * t - 0.5628 * (2150 - y);
    }
    return s / 86400;
}

/* A term of the moon's table: a coefficient for new and full moon, power of the eccentricity, multiples of M, M' and F. */
typedef struct term {
    double new_moon, full_moon;
    int e, m, m1, f;
} term;

static const term moon_terms[] = {
    {-0.40720, -0.40614, 0, 0, 1, 0},   {0.17241, 0.17302, 1, 1, 0, 0},    {0.01608, 0.01614, 0, 0, 2, 0},
    {0.01039, 0.01043, 0, 0, 0, 2},     {0.00739, 0.00734, 1, -1, 1, 0},   {-0.00514, -0.00515, 1, 1, 1, 0},
    {0.00208, 0.00209, 2, 2, 0, 0},     {-0.00111, -0.00111, 0, 0, 1, -2}, {-0.00057, -0.00057, 0, 0, 1, 2},
    {0.00056, 0.00056, 1, 1, 2, 0},     {-0.00042, -0.00042, 0, 0, 3, 0},  {0.00042, 0.00042, 1, 1, 0, 2},
    {0.00038, 0.00038, 1, 1, 0, -2},    {-0.00024, -0.00024, 1, -1, 2, 0}, {-0.00007, -0.00007, 0, 2, 1, 0},
    {0.00004, 0.00004, 0, 0, 2, -2},    {0.00004, 0.00004, 0, 3, 0, 0},    {0.00003, 0.00003, 0, 1, 1, -2},
    {0.00003, 0.00003, 0, 0, 2, 2},     {-0.00003, -0.00003, 0, 1, 1, 2},  {0.00003, 0.00003, 0, -1, 1, 2},
    {-0.00002, -0.00002, 0, -1, 1, -2}, {-0.00002, -0.00002, 0, 1, 3, 0},  {0.00002, 0.00002, 0, 0, 4, 0},
};

/* The planets' pull: days, degrees, degrees a month. */
static const double planet_terms[][3] = {
    {0.000325, 299.77, 0.107408},  {0.000165, 251.88, 0.016321},  {0.000164, 251.83, 26.651886}, {0.000126, 349.42, 36.412478},
    {0.000110, 84.66, 18.206239},  {0.000062, 141.74, 53.303771}, {0.000060, 207.14, 2.453732},  {0.000056, 154.84, 7.306860},
    {0.000047, 34.52, 27.261239},  {0.000042, 207.19, 0.121824},  {0.000040, 291.34, 1.844379},  {0.000037, 161.72, 24.198154},
    {0.000035, 239.56, 25.513099}, {0.000023, 331.55, 3.592518},
};

static double phase(double k, int full) {
    double t = k / 1236.85, t2 = t * t, t3 = t2 * t, t4 = t3 * t;
    double jde = 2451550.09766 + MEAN_MONTH * k + 0.00015437 * t2 - 0.000000150 * t3 + 0.00000000073 * t4;
    double e = 1 - 0.002516 * t - 0.0000074 * t2;
    double m = 2.5534 + 29.10535670 * k - 0.0000014 * t2 - 0.00000011 * t3;
    double m1 = 201.5643 + 385.81693528 * k + 0.0107582 * t2 + 0.00001238 * t3 - 0.000000058 * t4;
    double f = 160.7108 + 390.67050284 * k - 0.0016118 * t2 - 0.00000227 * t3 + 0.000000011 * t4;
    double node = 124.7746 - 1.56375588 * k + 0.0020672 * t2 + 0.00000215 * t3;
    for (size_t i = 0; i < sizeof moon_terms / sizeof *moon_terms; i++) {
        const term *x = moon_terms + i;
        jde += (full ? x->full_moon : x->new_moon) * pow(e, x->e) * sin((x->m * m + x->m1 * m1 + x->f * f) * RADIANS);
    }
    jde -= 0.00017 * sin(node * RADIANS);
    for (size_t i = 0; i < sizeof planet_terms / sizeof *planet_terms; i++)
        jde += planet_terms[i][0] * sin((planet_terms[i][1] + planet_terms[i][2] * k - (i ? 0 : 0.009173 * t2)) * RADIANS);
    return jde - EPOCH_JD - delta_t(jde - EPOCH_JD);
}

double sky_new_moon(int number) { return phase(number, 0); }
double sky_full_moon(int number) { return phase(number + 0.5, 1); }

int sky_moon_before(double moment) {
    int number = (int)floor((moment - sky_new_moon(0)) / MEAN_MONTH) + 1;
    while (sky_new_moon(number) > moment) number--;
    return number;
}

/* Terms of the earth's longitude: 1e-8 radians, radians, radians a millennium. */
static const double earth0[][3] = {
    {175347046, 0, 0},
    {3341656, 4.6692568, 6283.0758500},
    {34894, 4.62610, 12566.15170},
    {3497, 2.7441, 5753.3849},
    {3418, 2.8289, 3.5231},
    {3136, 3.6277, 77713.7715},
    {2676, 4.4181, 7860.4194},
    {2343, 6.1352, 3930.2097},
    {1324, 0.7425, 11506.7698},
    {1273, 2.0371, 529.6910},
    {1199, 1.1096, 1577.3435},
    {990, 5.233, 5884.927},
    {902, 2.045, 26.298},
    {857, 3.508, 398.149},
    {780, 1.179, 5223.694},
    {753, 2.533, 5507.553},
    {505, 4.583, 18849.228},
    {492, 4.205, 775.523},
    {357, 2.920, 0.067},
    {317, 5.849, 11790.629},
    {284, 1.899, 796.298},
    {271, 0.315, 10977.079},
    {243, 0.345, 5486.778},
    {206, 4.806, 2544.314},
    {205, 1.869, 5573.143},
    {202, 2.458, 6069.777},
    {156, 0.833, 213.299},
    {132, 3.411, 2942.463},
    {126, 1.083, 20.775},
    {115, 0.645, 0.980},
    {103, 0.636, 4694.003},
    {102, 0.976, 15720.839},
    {102, 4.267, 7.114},
    {99, 6.21, 2146.17},
    {98, 0.68, 155.42},
    {86, 5.98, 161000.69},
    {85, 1.30, 6275.96},
    {85, 3.67, 71430.70},
    {80, 1.81, 17260.15},
};
static const double earth1[][3] = {
    {628331966747.0, 0, 0},     {206059, 2.678235, 6283.075850},
    {4303, 2.6351, 12566.1517}, {425, 1.590, 3.523},
    {119, 5.796, 26.298},       {109, 2.966, 1577.344},
    {93, 2.59, 18849.23},       {72, 1.14, 529.69},
    {68, 1.87, 398.15},         {67, 4.41, 5507.55},
    {59, 2.89, 5223.69},        {56, 2.17, 155.42},
    {45, 0.40, 796.30},         {36, 0.47, 775.52},
};
static const double earth2[][3] = {{52919, 0, 0}, {8720, 1.0721, 6283.0758}, {309, 0.867, 12566.152}};

static double series(const double terms[][3], size_t count, double t) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += terms[i][0] * cos(terms[i][1] + terms[i][2] * t);
    return sum * 1e-8;
}

double sky_sun(double moment) {
    double t = (moment + delta_t(moment) + EPOCH_JD - J2000_JD) / 365250, c = t * 10; /* millennia, centuries */
    double earth = series(earth0, sizeof earth0 / sizeof *earth0, t) + t * series(earth1, sizeof earth1 / sizeof *earth1, t) +
                   t * t * series(earth2, sizeof earth2 / sizeof *earth2, t);
    double anomaly = (357.52911 + 35999.05029 * c) * RADIANS,
           distance = 1.00014 - 0.01671 * cos(anomaly) - 0.00014 * cos(2 * anomaly);
    double node = (125.04452 - 1934.136261 * c) * RADIANS, sun = (280.4665 + 36000.7698 * c) * RADIANS;
    double moon = (218.3165 + 481267.8813 * c) * RADIANS;
    double nutation = -17.20 * sin(node) - 1.32 * sin(2 * sun) - 0.23 * sin(2 * moon) + 0.21 * sin(2 * node);
    double degrees = earth / RADIANS + 180 + (nutation - 20.4898 / distance - 0.09033) / 3600;
    return degrees - 360 * floor(degrees / 360);
}

double sky_sun_at(double longitude, double near) {
    for (int i = 0; i < 6; i++) {
        double off = longitude - sky_sun(near);
        off -= 360 * floor(off / 360 + 0.5);
        near += off * 365.2422 / 360;
    }
    return near;
}

double sky_ayanamsa(double moment) { return 23.853 + (moment + EPOCH_JD - J2000_JD) / 365.25 * 50.2879 / 3600; }

/* Terms of the moon's place, in degrees: multiples of D, M, M' and F. */
typedef struct wave {
    double degrees;
    int d, m, m1, f;
} wave;

static const wave moon_longitude[] = {
    {6.288774, 0, 0, 1, 0},  {1.274027, 2, 0, -1, 0},  {0.658314, 2, 0, 0, 0},   {0.213618, 0, 0, 2, 0},
    {-0.185116, 0, 1, 0, 0}, {-0.114332, 0, 0, 0, 2},  {0.058793, 2, 0, -2, 0},  {0.057066, 2, -1, -1, 0},
    {0.053322, 2, 0, 1, 0},  {0.045758, 2, -1, 0, 0},  {-0.040923, 0, 1, -1, 0}, {-0.034720, 1, 0, 0, 0},
    {-0.030383, 0, 1, 1, 0}, {0.015327, 2, 0, 0, -2},  {-0.012528, 0, 0, 1, 2},  {0.010980, 0, 0, 1, -2},
    {0.010675, 4, 0, -1, 0}, {0.010034, 0, 0, 3, 0},   {0.008548, 4, 0, -2, 0},  {-0.007888, 2, 1, -1, 0},
    {-0.006766, 2, 1, 0, 0}, {-0.005163, 1, 0, -1, 0},
};
static const wave moon_latitude[] = {
    {5.128122, 0, 0, 0, 1},   {0.280602, 0, 0, 1, 1},   {0.277693, 0, 0, 1, -1}, {0.173237, 2, 0, 0, -1}, {0.055413, 2, 0, -1, 1},
    {0.046271, 2, 0, -1, -1}, {0.032573, 2, 0, 0, 1},   {0.017198, 0, 0, 2, 1},  {0.009266, 2, 0, 1, -1}, {0.008822, 0, 0, 2, -1},
    {0.008216, 2, -1, 0, -1}, {0.004324, 2, 0, -2, -1}, {0.004200, 2, 0, 1, 1},
};
static const wave moon_parallax[] = {
    {0.950724, 0, 0, 0, 0}, {0.051818, 0, 0, 1, 0}, {0.009531, 2, 0, -1, 0}, {0.007843, 2, 0, 0, 0}, {0.002824, 0, 0, 2, 0}};

/* Their sum at c centuries since 2000; as cosines where `turn` is 90, sines where it is 0. */
static double waves(const wave *w, size_t count, double c, double turn) {
    double d = 297.8501921 + 445267.1114034 * c, m = 357.5291092 + 35999.0502909 * c, m1 = 134.9633964 + 477198.8675055 * c;
    double f = 93.2720950 + 483202.0175233 * c, sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += w[i].degrees * sin((w[i].d * d + w[i].m * m + w[i].m1 * m1 + w[i].f * f + turn) * RADIANS);
    return sum;
}

/* Of a place on the sky by the ecliptic, degrees, as seen from the middle of the earth. */
static double altitude(double moment, double lambda, double beta, double latitude, double longitude) {
    double jd = moment + EPOCH_JD - J2000_JD, tilt = (23.4393 - 0.0130 * jd / 36525) * RADIANS, l = lambda * RADIANS,
           b = beta * RADIANS;
    double ascension = atan2(sin(l) * cos(tilt) - tan(b) * sin(tilt), cos(l));
    double declination = asin(sin(b) * cos(tilt) + cos(b) * sin(tilt) * sin(l));
    double hour = (280.46061837 + 360.98564736629 * jd + longitude) * RADIANS - ascension, phi = latitude * RADIANS;
    return asin(sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(hour)) / RADIANS;
}

double sky_sun_altitude(double moment, double latitude, double longitude) {
    return altitude(moment, sky_sun(moment), 0, latitude, longitude);
}

double sky_moon_altitude(double moment, double latitude, double longitude) {
    double c = (moment + delta_t(moment) + EPOCH_JD - J2000_JD) / 36525;
    double lambda =
        218.3164477 + 481267.88123421 * c + waves(moon_longitude, sizeof moon_longitude / sizeof *moon_longitude, c, 0);
    double beta = waves(moon_latitude, sizeof moon_latitude / sizeof *moon_latitude, c, 0);
    double parallax = waves(moon_parallax, sizeof moon_parallax / sizeof *moon_parallax, c, 90);
    double from_middle = altitude(moment, lambda, beta, latitude, longitude);
    return from_middle - parallax * cos(from_middle * RADIANS);
}
