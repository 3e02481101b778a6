/*
** The sun and the moon, well enough to know on which day something happens: the tables of search/moon_years.c are computed anew
** from this by the tests. Moments are days since 1970-01-01T00:00 UTC, with their fraction.
*/
#ifndef PS_TESTS_SKY_H
#define PS_TESTS_SKY_H

#include <stdint.h>

/* The moment of a new moon; number 0 is the one of 6 January 2000. Within a minute, 1900..2100. */
double sky_new_moon(int number);
/* The full moon after it. */
double sky_full_moon(int number);
/* Number of the last new moon at or before a moment. */
int sky_moon_before(double moment);

/* Apparent longitude of the sun, degrees 0..360: 0 at the March equinox. Within 0.001 degrees (a minute and a half of time). */
double sky_sun(double moment);
/* The moment, within 20 days of `near`, when the sun gets to a longitude. */
double sky_sun_at(double longitude, double near);

/* Altitude of the sun's and the moon's middle over the horizon, degrees, as seen from a place but without the air's
** refraction. Within 0.03 degrees. */
double sky_sun_altitude(double moment, double latitude, double longitude);
double sky_moon_altitude(double moment, double latitude, double longitude);

/* Longitudes of India's calendar are counted from the stars: what to add to a sidereal longitude at this moment (Lahiri). */
double sky_ayanamsa(double moment);

#endif
