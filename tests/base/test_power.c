/*
** Power readings off made-up devices: a phone, laptops, a desktop, and files full of nonsense.
*/
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/power.h"
#include "tests/suites.h"

#define NOW 2000000000 /* what the wall clock shows */
#define SECOND INT64_C(1000000000)

static char root[4096];
static ps__power_system *device;
static ps__power power;
static ps__error err;
static int64_t clock_ns, own_us;

static int64_t test_wall(void) { return NOW; }
static int64_t test_clock(void) { return clock_ns; }
static int test_getrusage(int who, struct rusage *use) {
    memset(use, 0, sizeof *use);
    if (who == RUSAGE_SELF) use->ru_utime = (struct timeval){own_us / 1000000, own_us % 1000000};
    return 0;
}

static void setup(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/photosearch-power-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ps__os.wall_seconds = test_wall;
    ps__os.monotonic_ns = test_clock;
    ps__os.getrusage = test_getrusage;
    clock_ns = 100 * SECOND;
    own_us = 0;
    ck_assert_int_eq(ps__power_system_new(&device, root, &err), PS__OK);
    ps__power_system_table(&power, device);
}

static void teardown(void) {
    char command[sizeof root + 16];
    ps__power_system_free(device);
    ps__os_reset();
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

/* A file below the root, its folders made. */
static void put_bytes(const char *path, const void *bytes, size_t size) {
    char whole[sizeof root + 512];
    ps__error why;
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    char *slash = strrchr(whole, '/');
    *slash = 0;
    ck_assert_msg(ps__make_folders(whole, &why) == PS__OK, "%s", why.text);
    *slash = '/';
    FILE *f = fopen(whole, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
}
static void put(const char *path, const char *text) { put_bytes(path, text, strlen(text)); }

/* "name=value" files of one folder, ended by NULL. */
static void put_all(const char *folder, ...) {
    va_list list;
    va_start(list, folder);
    for (const char *pair; (pair = va_arg(list, const char *)) != NULL;) {
        char path[512], text[256];
        const char *is = strchr(pair, '=');
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)(is - pair), pair);
        snprintf(text, sizeof text, "%s\n", is + 1);
        put(path, text);
    }
    va_end(list);
}

#define SUPPLY "sys/class/power_supply/"
#define ZONE "sys/class/thermal/thermal_zone"
#define END (const char *)NULL

static ps__power_reading read_now(void) {
    ps__power_reading r;
    power.read(&r, power.payload);
    return r;
}

static void touched(const char *path, int64_t seconds_ago) {
    char whole[sizeof root + 512];
    put(path, "");
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    struct timespec times[2] = {{NOW - seconds_ago, 0}, {0, UTIME_OMIT}};
    ck_assert_int_eq(utimensat(AT_FDCWD, whole, times, 0), 0);
}

/* ---- Supplies and temperatures ------------------------------------------------------------------------------------------ */

START_TEST(a_device_that_shows_nothing_is_unknown_and_on_mains) {
    ps__power_reading r = read_now();
    ck_assert_int_eq(r.battery_percent, -1);
    ck_assert_int_eq(r.charging, 1);
    ck_assert(isnan(r.temperature_c) && isnan(r.processor_c) && isnan(r.load));
    ck_assert_double_lt(r.idle_seconds, 0);
}
END_TEST

static void make_phone(const char *status, const char *online) {
    char pair[64];
    put_all(SUPPLY "battery", "type=Battery", "capacity=64", "temp=314", "present=1", END);
    snprintf(pair, sizeof pair, "status=%s", status);
    put_all(SUPPLY "battery", pair, END);
    put_all(SUPPLY "bms", "type=BMS", "capacity=12", END);
    snprintf(pair, sizeof pair, "online=%s", online);
    put_all(SUPPLY "usb", "type=USB_PD", pair, END);
    put_all(SUPPLY "wireless", "type=Wireless", "online=0", END);
    put_all(ZONE "0", "type=cpu-0-0-usr", "temp=58300", END);
    put_all(ZONE "1", "type=cpuss-1", "temp=61200", END);
    put_all(ZONE "2", "type=quiet-therm-usr", "temp=36800", END);
    put_all(ZONE "3", "type=modem-lte-sub6-pa1", "temp=88000", END);
    put_all(ZONE "4", "type=skin-therm", "temp=-274000", END);
    put_all("sys/class/thermal/cooling_device0", "type=battery", "temp=99000", END);
}

START_TEST(a_phone) {
    make_phone("Discharging", "0");
    ps__power_reading r = read_now();
    ck_assert_int_eq(r.battery_percent, 64);
    ck_assert_int_eq(r.charging, 0);
    ck_assert_double_eq_tol(r.temperature_c, 36.8, 1e-9);
    ck_assert_double_eq_tol(r.processor_c, 61.2, 1e-9);
    put_all(SUPPLY "battery", "temp=452", END);
    ck_assert_double_eq_tol(read_now().temperature_c, 45.2, 1e-9);
}
END_TEST

static const struct {
    const char *status, *online;
    int charging;
} charging_cases[] = {
    {"Charging", "1", 1},     {"Full", "1", 1},    {"Not charging", "1", 1},
    {"Discharging", "1", 0}, /* the charger is too weak: it drains */
    {"Discharging", "0", 0},  {"Unknown", "1", 1}, {"Unknown", "0", 0},
    {"Unknown", "junk", 0}, /* the other supply still says that it is not plugged in */
};

START_TEST(charging_is_told_from_battery_and_supplies) {
    make_phone(charging_cases[_i].status, charging_cases[_i].online);
    ck_assert_int_eq(read_now().charging, charging_cases[_i].charging);
}
END_TEST

START_TEST(a_laptop_with_two_batteries) {
    put_all(SUPPLY "AC", "type=Mains", "online=0", END);
    put_all(SUPPLY "BAT0", "type=Battery", "status=Unknown", "capacity=90", "energy_now=18000000", "energy_full=20000000", END);
    put_all(SUPPLY "BAT1", "type=Battery", "status=Discharging", "energy_now=6000000", "energy_full=60000000", END);
    put_all(SUPPLY "hidpp_battery_0", "type=Battery", "scope=Device", "status=Charging", "capacity=5", END);
    put_all(SUPPLY "hid-0018:04F3-battery", "type=Battery", "status=Charging", "capacity=1", END);
    put_all(ZONE "0", "type=x86_pkg_temp", "temp=71000", END);
    put_all(ZONE "1", "type=iwlwifi_1", "temp=83000", END);
    put_all(ZONE "2", "type=acpitz", "temp=27800", END);
    ps__power_reading r = read_now();
    ck_assert_int_eq(r.battery_percent, 30); /* 24 of 80 Wh */
    ck_assert_int_eq(r.charging, 0);
    ck_assert_double_eq(r.processor_c, 71);
    ck_assert(isnan(r.temperature_c));
    put_all(SUPPLY "BAT1", "status=Not charging", END);
    put_all(SUPPLY "AC", "online=1", END);
    ck_assert_int_eq(read_now().charging, 1);
    put_all(SUPPLY "BAT0", "energy_full=none", END); /* sizes not comparable: the mean */
    ck_assert_int_eq(read_now().battery_percent, 50);
    put_all(SUPPLY "BAT1", "present=0", END);
    ck_assert_int_eq(read_now().battery_percent, 90);
}
END_TEST

START_TEST(a_battery_without_percent) {
    put_all(SUPPLY "b", "type=Battery", "status=Discharging", "charge_now=1000000", "charge_full=4000000", END);
    ck_assert_int_eq(read_now().battery_percent, 25);
    put_all(SUPPLY "b", "charge_now=5000000", END);
    ck_assert_int_eq(read_now().battery_percent, 100);
    put_all(SUPPLY "b", "charge_full=0", "capacity_level=Critical", END);
    ck_assert_int_eq(read_now().battery_percent, 5);
    put_all(SUPPLY "b", "capacity_level=Unknown", END);
    ck_assert_int_eq(read_now().battery_percent, -1);
    put_all(SUPPLY "b", "status=Unknown", END);
    ck_assert_int_eq(read_now().charging, -1);
}
END_TEST

START_TEST(a_desktop_with_a_mouse_and_monitors) {
    put_all(SUPPLY "hidpp_battery_1", "type=Battery", "scope=Device", "status=Discharging", "capacity=7", END);
    put_all("sys/class/hwmon/hwmon0", "name=nvme", "temp1_input=66850", END);
    put_all("sys/class/hwmon/hwmon1", "name=k10temp", "temp1_input=48125", "temp3_input=51500", "temp4_input=200000", END);
    ps__power_reading r = read_now();
    ck_assert_int_eq(r.battery_percent, -1);
    ck_assert_int_eq(r.charging, 1);
    ck_assert_double_eq(r.processor_c, 51.5);
    ck_assert(isnan(r.temperature_c));
}
END_TEST

static const char *const nonsense[] = {
    "", "\n", "-99999", "101 000", "1e3", "99999999999999999999999999", "0x20", "nan", "\xff\xfe\x00", "12 %", "--5",
    "Battery", "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
};

START_TEST(nonsense_is_unknown) {
    static const char *const names[] = {"capacity", "energy_now", "energy_full", "status",
                                        "temp",     "present",    "online",      "capacity_level"};
    char path[256];
    put(SUPPLY "a/type", "Battery\n");
    put(SUPPLY "b/type", "Mains\n");
    put(ZONE "0/type", "cpu\n");
    put(ZONE "1/type", "skin\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, SUPPLY "a/%s", names[i]);
        put(path, nonsense[_i]);
    }
    put(SUPPLY "b/online", nonsense[_i]);
    put(SUPPLY "c/type", nonsense[_i]);
    put(ZONE "0/temp", _i % 2 ? "-274000" : "131000");
    put(ZONE "1/temp", nonsense[_i]);
    put("proc/stat", nonsense[_i]);
    put("proc/interrupts", nonsense[_i]);
    put("proc/self/task/1/children", nonsense[_i]);
    for (int round = 0; round < 2; round++) {
        ps__power_reading r = read_now();
        ck_assert_int_eq(r.battery_percent, -1);
        ck_assert(isnan(r.processor_c));
        ck_assert(isnan(r.load));
        ck_assert_double_lt(r.idle_seconds, 0);
        ck_assert(isnan(r.temperature_c));
    }
}
END_TEST

START_TEST(random_bytes_break_nothing) {
    static const char *const files[] = {SUPPLY "a/capacity", SUPPLY "a/status", SUPPLY "a/temp", ZONE "0/temp", "proc/stat",
                                        "proc/interrupts", "proc/self/task/1/children", "proc/7/stat"};
    unsigned seed = 4711;
    put(SUPPLY "a/type", "Battery\n");
    put(ZONE "0/type", "skin\n");
    for (int i = 0; i < 300; i++) {
        static const char letters[] = "0123456789 \n:.-cpu()i8042";
        char bytes[700];
        size_t size = (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t k = 0; k < size; k++)
            bytes[k] = rand_r(&seed) % 8 ? letters[(size_t)rand_r(&seed) % (sizeof letters - 1)] : (char)rand_r(&seed);
        put_bytes(files[i % 8], bytes, size);
        if (i % 16 == 6) put("proc/self/task/1/children", "7 ");
        ps__power_reading r = read_now();
        ck_assert(r.battery_percent >= -1 && r.battery_percent <= 100);
        ck_assert(isnan(r.temperature_c) || (r.temperature_c >= -40 && r.temperature_c <= 130));
        ck_assert(isnan(r.load) || (r.load >= 0 && r.load <= 1));
    }
}
END_TEST

/* ---- Load --------------------------------------------------------------------------------------------------------------- */

START_TEST(load_is_what_others_use) {
    put("proc/stat", "cpu  1000 100 200 8000 50 10 20 7 300 0\ncpu0 1 2 3\n");
    ck_assert(isnan(read_now().load));
    /* 2000 ticks on: 1200 busy, of those 4 s = 400 our own at 100 a second, 200 a child's that lives */
    put("proc/self/task/11/children", "71 72 ");
    put("proc/71/stat", "71 (a (strange) name) R 1 2 3 4 5 6 7 8 9 10 150 40 10 0 20 0 1 0\n");
    own_us = 4000000;
    put("proc/stat", "cpu  1900 200 350 8750 100 40 40 9999 300 0\n");
    long hz = sysconf(_SC_CLK_TCK);
    double ours = (double)(4 * hz) + 200;
    ck_assert_double_eq_tol(read_now().load, (1200 - ours) / 2000, 1e-6);
    put("proc/stat", "cpu  1901 200 350 8752 100 40 40 9999\n"); /* at once again: the last one stands */
    ck_assert_double_eq_tol(read_now().load, (1200 - ours) / 2000, 1e-6);
    own_us += 60000000; /* clocks that disagree do not make it negative */
    put("proc/stat", "cpu  2001 200 350 9752 100 40 40 9999\n");
    ck_assert_double_eq(read_now().load, 0);
    put("proc/stat", "cpu  50 0 50 900 0 0 0 0\n"); /* a processor went away */
    ck_assert(isnan(read_now().load));
    put("proc/stat", "cpu  1050 0 50 900 0 0 0 0\n");
    ck_assert_double_eq(read_now().load, 1);
}
END_TEST

/* ---- Somebody's hands --------------------------------------------------------------------------------------------------- */

START_TEST(terminals_tell_when_somebody_typed) {
    touched("dev/tty1", 5000);
    touched("dev/ttyprintk", 1);
    touched("dev/pts/ptmx", 2);
    touched("dev/pts/3", 700);
    touched("dev/pts/4", 90);
    touched("dev/pts/5", -3600); /* of a clock that was wrong */
    ck_assert_double_eq(read_now().idle_seconds, 90);
    touched("dev/tty2", 4);
    ck_assert_double_eq(read_now().idle_seconds, 4);
}
END_TEST

START_TEST(interrupts_of_a_keyboard_tell_it_too) {
    put("proc/interrupts", "           CPU0       CPU1\n   1:        10         20   IO-APIC    1-edge      i8042\n"
                           "  16:      9000       9000   IO-APIC   16-fasteoi   nvme0q0\n");
    ck_assert_double_lt(read_now().idle_seconds, 0);
    clock_ns += 50 * SECOND;
    put("proc/interrupts", "           CPU0       CPU1\n   1:        10         20   IO-APIC    1-edge      i8042\n"
                           "  16:      9900       9000   IO-APIC   16-fasteoi   nvme0q0\n");
    ck_assert_double_lt(read_now().idle_seconds, 0);
    put("proc/interrupts", "           CPU0       CPU1\n   1:        10         21   IO-APIC    1-edge      i8042\n");
    ck_assert_double_eq(read_now().idle_seconds, 0);
    clock_ns += 7 * SECOND;
    ck_assert_double_eq(read_now().idle_seconds, 7);
}
END_TEST

START_TEST(the_program_itself_may_tell) {
    touched("dev/tty1", 5000);
    ps__power_user_active(device);
    clock_ns += 3 * SECOND;
    ck_assert_double_eq(read_now().idle_seconds, 3);
}
END_TEST

/* ---- Failures ----------------------------------------------------------------------------------------------------------- */

static int countdown, calls;
static ssize_t failing_read(int fd, void *buffer, size_t size) {
    calls++;
    return countdown-- == 0 ? -1 : read(fd, buffer, size);
}
static int failing_open(const char *path, int flags, mode_t mode) {
    calls++;
    return countdown-- == 0 ? -1 : open(path, flags | O_CLOEXEC, mode);
}

START_TEST(each_failed_call_costs_only_what_it_would_have_told) {
    make_phone("Discharging", "0");
    touched("dev/tty1", 10);
    put("proc/stat", "cpu  1 2 3 4 5 6 7\n");
    for (int kind = 0; kind < 2; kind++) {
        countdown = 1000000;
        calls = 0;
        if (kind == 0) ps__os.open = failing_open;
        if (kind == 1) ps__os.read = failing_read;
        read_now();
        int all = calls, known = 0;
        ck_assert_int_gt(all, 10);
        for (int i = 0; i < all; i++) {
            countdown = i;
            ps__power_reading r = read_now();
            known += r.battery_percent == 64 && r.charging == 0 && !isnan(r.temperature_c) && r.idle_seconds == 10;
            ck_assert(r.battery_percent == 64 || r.battery_percent == -1);
        }
        ck_assert_int_gt(known, all / 4);
        ck_assert_int_lt(known, all);
        ps__os.open = failing_open; /* countdown is below 0: never fails */
    }
    ps__alloc_fail_after(0, 1);
    ck_assert_int_eq(read_now().battery_percent, 64);
    ps__power_system *none;
    ck_assert_int_eq(ps__power_system_new(&none, "", &err), PS__NOMEM);
    ps__alloc_fail_after(-1, 0);
}
END_TEST

START_TEST(this_very_machine_can_be_read) {
    ps__power_system *here;
    ps__power table;
    ps__power_reading r;
    ps__os_reset();
    ck_assert_int_eq(ps__power_system_new(&here, NULL, &err), PS__OK);
    ps__power_system_table(&table, here);
    for (int i = 0; i < 2; i++) {
        table.read(&r, table.payload);
        ck_assert(r.battery_percent >= -1 && r.battery_percent <= 100);
        ck_assert(r.charging >= -1 && r.charging <= 1);
        ck_assert(isnan(r.load) || (r.load >= 0 && r.load <= 1));
    }
    ps__power_system_free(here);
}
END_TEST

Suite *suite_power(void) {
    Suite *suite = suite_create("power");
    TCase *supplies = tcase_create("supplies"), *use = tcase_create("use"), *failures = tcase_create("failures");
    TCase *all[] = {supplies, use, failures};
    tcase_add_test(supplies, a_device_that_shows_nothing_is_unknown_and_on_mains);
    tcase_add_test(supplies, a_phone);
    tcase_add_loop_test(supplies, charging_is_told_from_battery_and_supplies, 0, sizeof charging_cases / sizeof *charging_cases);
    tcase_add_test(supplies, a_laptop_with_two_batteries);
    tcase_add_test(supplies, a_battery_without_percent);
    tcase_add_test(supplies, a_desktop_with_a_mouse_and_monitors);
    tcase_add_loop_test(failures, nonsense_is_unknown, 0, sizeof nonsense / sizeof *nonsense);
    tcase_add_test(failures, random_bytes_break_nothing);
    tcase_add_test(use, load_is_what_others_use);
    tcase_add_test(use, terminals_tell_when_somebody_typed);
    tcase_add_test(use, interrupts_of_a_keyboard_tell_it_too);
    tcase_add_test(use, the_program_itself_may_tell);
    tcase_add_test(failures, each_failed_call_costs_only_what_it_would_have_told);
    tcase_add_test(failures, this_very_machine_can_be_read);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tcase_add_checked_fixture(all[i], setup, teardown);
        suite_add_tcase(suite, all[i]);
    }
    return suite;
}
