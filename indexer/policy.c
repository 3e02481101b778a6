/*
** The decision: first what pauses, then what slows down. A limit that was passed is held until the reading is back by a margin,
** so that work does not start and stop with every degree.
*/
#include "indexer/policy.h"

#include <math.h>
#include <stdio.h>

#define BATTERY_MARGIN_PERCENT 2
#define HEAT_MARGIN_C 3.0
#define BUSY_MARGIN 0.8 /* of the limit */
#define LEAST_DUTY 0.05
#define LEAST_CPU 0.01

static double within(double value, double low, double high) { return value > low ? value < high ? value : high : low; }

static int is_active(const ps__policy *policy, const ps__power_reading *r) {
    return r->idle_seconds >= 0 && r->idle_seconds < policy->active_seconds;
}

static int battery_limit(const ps__policy *policy, int held) {
    int limit = policy->min_battery_percent, most = 100 - (held ? BATTERY_MARGIN_PERCENT : 0);
    if (limit <= 0) return 0;
    return limit > most ? 100 : limit + 100 - most;
}

/* What is held after this reading. Comparisons with an unknown (NAN, -1) are false, which lets go. */
static unsigned hold(const ps__policy *policy, const ps__power_reading *r, unsigned before) {
    unsigned held = 0;
    double busy = policy->busy_load * (before & PS__HELD_BUSY ? BUSY_MARGIN : 1);
    int low = battery_limit(policy, (before & PS__HELD_BATTERY) != 0);
    if (r->battery_percent >= 0 && r->charging != 1 && r->battery_percent < low)
        held |= PS__HELD_BATTERY;
    if (policy->max_temperature_c > 0 &&
        r->temperature_c > policy->max_temperature_c - (before & PS__HELD_HEAT ? HEAT_MARGIN_C : 0))
        held |= PS__HELD_HEAT;
    if (policy->max_processor_c > 0 &&
        r->processor_c > policy->max_processor_c - (before & PS__HELD_PROCESSOR ? HEAT_MARGIN_C : 0))
        held |= PS__HELD_PROCESSOR;
    if (policy->busy_load < 1 && r->load > busy) held |= PS__HELD_BUSY;
    return held;
}

/* 1: something pauses, and *out says what. */
static int pause_for(ps__permit *out, const ps__policy *policy, const ps__power_reading *r) {
    if (policy->only_when_charging && r->charging == 0) {
        out->reason = PS__REASON_NOT_CHARGING;
        snprintf(out->why, sizeof out->why, "paused: running on battery, works only when charging");
    } else if (out->held & PS__HELD_BATTERY) {
        int below = r->battery_percent < battery_limit(policy, 0);
        out->reason = PS__REASON_BATTERY_LOW;
        snprintf(out->why, sizeof out->why, "paused: battery at %d %%, %s %d %%", r->battery_percent,
                 below ? "below" : "goes on at", battery_limit(policy, !below));
    } else if (out->held & (PS__HELD_HEAT | PS__HELD_PROCESSOR)) {
        int skin = (out->held & PS__HELD_HEAT) != 0;
        double is = skin ? r->temperature_c : r->processor_c, most = skin ? policy->max_temperature_c : policy->max_processor_c;
        out->reason = PS__REASON_HOT;
        if (is > most)
            snprintf(out->why, sizeof out->why, "paused: %s at %.1f C, above %.4g C", skin ? "device" : "processor", is, most);
        else
            snprintf(out->why, sizeof out->why, "paused: %s at %.1f C, goes on at %.4g C", skin ? "device" : "processor", is,
                     most - HEAT_MARGIN_C);
    } else if (policy->active_threads <= 0 && is_active(policy, r)) {
        out->reason = PS__REASON_USER_ACTIVE;
        snprintf(out->why, sizeof out->why, "paused: the device is in use");
    } else {
        return 0;
    }
    out->pace = PS__PACE_PAUSED;
    out->threads = 0;
    out->duty = 0;
    return 1;
}

static void at_most(ps__permit *out, int threads) {
    if (out->threads > threads) out->threads = threads;
}

/* A reason counts even where it changes nothing, as one worker less of one: what is said is what is seen. */
static void slow_for(ps__permit *out, const ps__policy *policy, const ps__power_reading *r) {
    double share = isnan(policy->battery_share) ? 1 : within(policy->battery_share, LEAST_DUTY, 1);
    int active = is_active(policy, r), battery = r->charging == 0 && share < 1, busy = (out->held & PS__HELD_BUSY) != 0;
    char level[24] = "", load[48] = "";
    if (!active && !battery && !busy) {
        snprintf(out->why, sizeof out->why, "at full speed");
        return;
    }
    if (active) at_most(out, policy->active_threads);
    if (busy) at_most(out, 1);
    if (battery) out->duty = share;
    out->pace = PS__PACE_SLOW;
    out->reason = active ? PS__REASON_USER_ACTIVE : battery ? PS__REASON_ON_BATTERY : PS__REASON_BUSY;
    if (battery && r->battery_percent >= 0) snprintf(level, sizeof level, " at %d %%", r->battery_percent);
    if (busy) snprintf(load, sizeof load, "other programs use %.0f %% of the processors", 100 * within(r->load, 0, 1));
    snprintf(out->why, sizeof out->why, "slow: %s%s%s%s%s%s", active ? "the device is in use" : "",
             active && (battery || busy) ? ", " : "", battery ? "on battery" : "", level, battery && busy ? ", " : "", load);
}

void ps__policy_decide(ps__permit *out, const ps__policy *policy, const ps__power_reading *reading, const ps__permit *before,
                       int processors) {
    unsigned held = hold(policy, reading, before ? before->held : 0);
    int threads = policy->threads > 0 ? policy->threads : processors > 1 ? processors : 1;
    *out = (ps__permit){.threads = threads, .duty = 1, .pace = PS__PACE_FULL, .reason = PS__REASON_NONE, .held = held};
    if (policy->max_cpu > 0) {
        out->max_cpu = within(policy->max_cpu, LEAST_CPU, 1e6);
        at_most(out, (int)ceil(out->max_cpu)); /* more would only wait for each other */
    }
    if (!pause_for(out, policy, reading)) slow_for(out, policy, reading);
}

void ps__policy_request_pause(ps__permit *permit) {
    permit->threads = 0;
    permit->duty = 0;
    permit->pace = PS__PACE_PAUSED;
    permit->reason = PS__REASON_REQUEST;
    snprintf(permit->why, sizeof permit->why, "paused: on request");
}

const char *ps__pace_name(int pace) {
    static const char *const names[] = {"full", "slow", "paused"};
    return pace >= 0 && pace < (int)(sizeof names / sizeof *names) ? names[pace] : "unknown";
}

const char *ps__reason_name(int reason) {
    static const char *const names[] = {"none", "request",     "not-charging", "battery-low",
                                        "hot",  "user-active", "on-battery",   "busy"};
    return reason >= 0 && reason < (int)(sizeof names / sizeof *names) ? names[reason] : "unknown";
}
