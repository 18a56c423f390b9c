/* test_config.c - prepay.conf: the shipped file and the code name the same keys with the same defaults. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/config.h"
#include "concentrator/config_bands.h"

#define SHIPPED PREPAY_SOURCE "/rootfs-overlay/etc/prepay/prepay.conf"

struct folder {
	char path[64];
	char file[96];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL)
		return -1;
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/prepay-config-XXXXXX");
	*state = folder;
	if (mkdtemp(folder->path) == NULL)
		return -1;
	(void)snprintf(folder->file, sizeof(folder->file), "%s/prepay.conf", folder->path);
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder->path);
	free(folder);
	return system(command) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Is the line a key or a title that is commented out? Prose in comments begins with capital letters or runs
 * on without an equals sign. */
static bool is_dormant(const char *line)
{
	const char *c = line + 2;

	if (strncmp(line, "# ", 2) != 0)
		return false;
	if (*c == '[')
		return true;
	while (islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_')
		c++;
	return c > line + 2 && strncmp(c, " =", 2) == 0;
}

/* Copies the shipped file with every key awake; ret_keys counts them. */
static void wake(const char *path, size_t *ret_keys)
{
	FILE *in = fopen(SHIPPED, "r");
	FILE *out = fopen(path, "w");
	char line[512];

	*ret_keys = 0;
	assert_non_null(in);
	assert_non_null(out);
	while (fgets(line, sizeof(line), in) != NULL) {
		bool dormant = is_dormant(line);

		if (dormant && line[2] != '[')
			++*ret_keys;
		assert_true(fputs(dormant ? line + 2 : line, out) >= 0);
	}
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static bool file_has(const char *path, const char *section, const char *key)
{
	FILE *file = fopen(path, "r");
	char line[512];
	bool inside = false;
	bool found = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL && !found) {
		if (line[0] == '[')
			inside = strncmp(line + 1, section, strlen(section)) == 0 &&
				 strchr("] ", line[1 + strlen(section)]) != NULL;
		else if (inside && strncmp(line, key, strlen(key)) == 0 &&
			 strncmp(line + strlen(key), " =", 2) == 0)
			found = true;
	}
	assert_int_equal(fclose(file), 0);
	return found;
}

static void read_good(struct config *ret, const char *file)
{
	char *errors = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = config_read(ret, file, &errors);
	if (r < 0)
		print_error("%s", errors);
	assert_int_equal(r, 0);
	assert_null(errors);
}

static void test_shipped_file(void **state)
{
	struct folder *folder = *state;
	struct config *unset = calloc(1, sizeof(*unset));
	struct config *awake = calloc(1, sizeof(*awake));
	const char *section = NULL;
	const char *key;
	size_t keys;
	size_t known = 0;

	assert_non_null(unset);
	assert_non_null(awake);
	read_good(unset, SHIPPED);
	wake(folder->file, &keys);
	read_good(awake, folder->file);

	/* Both ways: no key in the file that the code does not know (an error above), none in the code that the file
	 * does not show. */
	for (size_t i = 0; (key = config_known_key(i, &section)) != NULL; i++) {
		print_message("[%s] %s\n", section, key);
		assert_true(file_has(folder->file, section, key));
		known++;
	}
	assert_int_equal(known, keys);

	assert_int_equal(awake->line_count, 1);
	assert_string_equal(awake->lines[0].name, "A");
	assert_string_equal(awake->lines[0].port, "/dev/rs485-0");
	assert_int_equal(awake->lines[0].baud, 9600);
	assert_int_equal(awake->lines[0].stop_bits, 1);
	assert_int_equal(awake->sensor_count, 1);
	assert_string_equal(awake->sensors[0].device, "ads1015");
	assert_int_equal(awake->sensors[0].ratio_ppm, 1000000);

	/* The values it shows are the defaults: without its examples it is the same as an empty file. */
	awake->line_count = 0;
	awake->sensor_count = 0;
	memset(awake->lines, 0, sizeof(awake->lines));
	memset(awake->sensors, 0, sizeof(awake->sensors));
	assert_memory_equal(&awake->site, &unset->site, sizeof(unset->site));
	assert_memory_equal(&awake->store, &unset->store, sizeof(unset->store));
	assert_memory_equal(&awake->control, &unset->control, sizeof(unset->control));
	assert_memory_equal(&awake->meters, &unset->meters, sizeof(unset->meters));
	assert_memory_equal(&awake->cloud, &unset->cloud, sizeof(unset->cloud));
	assert_memory_equal(awake->trust_roots, unset->trust_roots, sizeof(unset->trust_roots));
	assert_int_equal(awake->clock_trust, unset->clock_trust);
	assert_memory_equal(&awake->policy, &unset->policy, sizeof(unset->policy));
	free(unset);
	free(awake);
}

static void test_examples_have_the_defaults(void **state)
{
	struct folder *folder = *state;
	struct config *config = calloc(1, sizeof(*config));
	struct config *awake = calloc(1, sizeof(*awake));
	size_t keys;

	assert_non_null(config);
	assert_non_null(awake);
	wake(folder->file, &keys);
	read_good(awake, folder->file);
	put(folder->file, "[line A]\nport = /dev/rs485-0\n"
			  "[sensor incomer]\ndevice = ads1015\nchannel = voltage0\n");
	read_good(config, folder->file);
	assert_memory_equal(&config->lines[0], &awake->lines[0], sizeof(config->lines[0]));
	assert_memory_equal(&config->sensors[0], &awake->sensors[0], sizeof(config->sensors[0]));
	free(config);
	free(awake);
}

static void test_drop_in(void **state)
{
	struct folder *folder = *state;
	struct config *config = calloc(1, sizeof(*config));
	char path[128];

	assert_non_null(config);
	put(folder->file, "[site]\nid = S-0042\nzone = Europe/Berlin\n[line A]\nport = /dev/a\n");
	(void)snprintf(path, sizeof(path), "%s.d", folder->file);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s.d/50-demo.conf", folder->file);
	put(path, "[line A]\nbaud = 19200\n[line B]\nport = /dev/b\n[policy]\nnotice_s = 5\ncash = "
		  "yes\nhold_then = cut\ncutoff_minor = -500\nwarn_minor = 2000  500 -5\n"
		  "[protected nights]\ndays = fri-mon 12-24\nhours = 20:00-08:00 12:00-24:00\n"
		  "except = 2026-05-01\nfrom = 2026-01-01\n"
		  "[bands all]\nmeters = orno-we514-we515\nband_1 = peak\nband_2 = valley\n"
		  "[bands one]\nmeters = 305/air 306/air\nband_1 = valley\nband_4 = peak\n");
	read_good(config, folder->file);
	assert_string_equal(config->site.id, "S-0042");
	assert_string_equal(config->site.zone, "Europe/Berlin");
	assert_int_equal(config->line_count, 2);
	assert_string_equal(config->lines[0].port, "/dev/a");
	assert_int_equal(config->lines[0].baud, 19200);
	assert_string_equal(config->lines[1].name, "B");
	assert_int_equal(config->policy.notice_s, 5);
	assert_true(config->policy.cash);
	assert_int_equal(config->policy.hold_then, CONFIG_THEN_CUT);
	assert_int_equal(config->policy.cutoff_minor, -500);
	assert_int_equal(config->policy.warn_minor.count, 3);
	/* A circuit goes before its model. */
	assert_null(config_bands_of(config, "other", "305", "sockets"));
	assert_string_equal(
		config_bands_of(config, "orno-we514-we515", "305", "sockets")->names.name[1],
		"valley");
	assert_string_equal(
		config_bands_of(config, "orno-we514-we515", "306", "air")->names.name[3], "peak");
	assert_int_equal(config->policy.warn_minor.at[1], 500);
	assert_int_equal(config->policy.warn_minor.at[2], -5);
	assert_int_equal(config->policy.warn_days.count, 0);
	assert_int_equal(config->protect.count, 1);
	assert_int_equal(config->protect.rule[0].weekdays, 0x71);
	assert_int_equal(config->protect.rule[0].hours_count, 2);
	assert_int_equal(config->protect.rule[0].hours[0].from, 1200);
	assert_int_equal(config->protect.rule[0].hours[0].to, 480);
	assert_int_equal(config->protect.rule[0].hours[1].to, 1440);
	assert_int_equal(config->protect.rule[0].date_count, 2);
	assert_true(config->protect.rule[0].date[0].except);
	assert_int_equal(config->protect.rule[0].date[1].year, 0);
	assert_int_equal(config->protect.rule[0].first_day, 20454);
	free(config);
}

struct wrong_case {
	const char *sentence;
	const char *text;
	const char *error; /* after the file's name */
};

static const struct wrong_case wrong_cases[] = {
	{"an unknown key", "[site]\nide = x\n", ":2: unknown key `ide` in [site];"},
	{"an unknown section", "[sites]\nid = x\n", ":1: unknown section [sites];"},
	{"a name where there is only one", "[site x]\nid = x\n", ":1: unknown section [site x];"},
	{"a zone that is none", "[site]\nzone = Asia/Atlantis\n",
	 ":2: `zone = Asia/Atlantis` is no time zone"},
	{"a rate that no meter has", "[line A]\nport = /dev/a\nbaud = 9601\n",
	 ":3: `baud = 9601` is no usual rate;"},
	{"a line without a port", "[line A]\nbaud = 9600\n", ":1: `port` is missing;"},
	{"a line without a name", "[line]\nport = /dev/a\n", ":1: a line needs a name;"},
	{"a name too long for its field",
	 "[line abcdefghijabcdefghijabcdefghij12]\nport = /dev/a\n", ":1: the name is too long;"},
	{"two lines on one port", "[line A]\nport = /dev/a\n[line B]\nport = /dev/a\n",
	 ":4: line A has the port /dev/a already;"},
	{"a port that is no path", "[line A]\nport = ttyUSB0\n",
	 ":2: `port = ttyUSB0` is no absolute path;"},
	{"a parity that is none", "[line A]\nport = /dev/a\nparity = mark\n",
	 ":3: `parity = mark` is not known; write `none`, `even` or `odd`"},
	{"a cloud without TLS", "[cloud]\nurl = http://example.org/v1\n",
	 ":2: `url = http://example.org/v1` cannot be used;"},
	{"a cap below its base", "[cloud]\nbackoff_base_s = 60\nbackoff_cap_s = 30\n",
	 ":3: `backoff_cap_s` is below `backoff_base_s` (60);"},
	{"hours that are none", "[protected n]\ndays = sun\nhours = 20:00-25:00\n",
	 ":3: 20:00-25:00 are no hours;"},
	{"a day that no year has", "[protected n]\ndays = 02-30\nhours = 20:00-21:00\n",
	 ":2: 02-30 is no day;"},
	{"an exception by weekday",
	 "[protected n]\ndays = sun\nhours = 20:00-21:00\nexcept = mon\n", ":4: mon is no day;"},
	{"hours without days", "[protected n]\nhours = 20:00-21:00\n", ":1: `days` is missing;"},
	{"a calendar that ends before it begins",
	 "[protected n]\ndays = sun\nhours = 20:00-21:00\nfrom = 2026-02-02\nuntil = 2026-02-01\n",
	 ":5: it ends before it begins;"},
	{"bands without a name", "[bands]\nmeters = m\nband_1 = peak\n",
	 ":1: a bands needs a name;"},
	{"bands of no meter", "[bands b]\nband_1 = peak\n", ":1: `meters` is missing;"},
	{"a meter without bands", "[bands b]\nmeters = m\n", ":1: no register has a band;"},
	{"a band that two registers count", "[bands b]\nmeters = m\nband_1 = peak\nband_3 = peak\n",
	 ":4: band_1 is peak already;"},
	{"a meter in two sections",
	 "[bands a]\nmeters = m 305/air\nband_1 = x\n[bands b]\nmeters = 305/air\nband_1 = x\n",
	 ":5: 305/air is in [bands a] already"},
	{"a meter twice", "[bands a]\nmeters = m n m\nband_1 = x\n", ":2: m is there twice"},
	{"a band's name too long for any tariff",
	 "[bands a]\nmeters = m\nband_1 = abcdefghijklmnopqrstuvwx\nband_2 = x\n", ":3: `band_1"},
	{"levels that rise", "[policy]\nwarn_minor = 500 1000\n",
	 ":2: `warn_minor = 500 1000` is no list"},
	{"levels that are no numbers", "[policy]\nwarn_days = 7, 3\n",
	 ":2: `warn_days = 7, 3` is no list"},
	{"five levels", "[policy]\nwarn_days = 9 7 5 3 1\n",
	 ":2: `warn_days = 9 7 5 3 1` is no list; write at most 4 numbers of 0 to 365"},
	{"a warning that comes too late", "[policy]\ncutoff_minor = -50\nlow_minor = -100\n",
	 ":3: `low_minor` is below `cutoff_minor` (-50),"},
	{"stale before the next value", "[sensor s]\ndevice = d\nchannel = c\nstale_s = 5\n",
	 ":4: `stale_s` must be longer than `period_s` (10);"},
	{"a number with a unit", "[policy]\nnotice_s = 10min\n",
	 ":2: `notice_s = 10min` is no whole number; write one from 0 to 604800"},
	{"nothing restores at zero", "[policy]\nrestore_min_minor = 0\n",
	 ":2: `restore_min_minor = 0` is out of range;"},
};

static void test_wrong(void **state)
{
	struct folder *folder = *state;
	struct config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	for (size_t i = 0; i < sizeof(wrong_cases) / sizeof(wrong_cases[0]); i++) {
		char *errors = NULL;

		print_message("%s\n", wrong_cases[i].sentence);
		put(folder->file, wrong_cases[i].text);
		assert_int_equal(config_read(config, folder->file, &errors), -EINVAL);
		assert_non_null(errors);
		assert_memory_equal(errors, folder->file, strlen(folder->file));
		assert_memory_equal(errors + strlen(folder->file), wrong_cases[i].error,
				    strlen(wrong_cases[i].error));
		/* One cause, one line. */
		assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
		free(errors);
	}
	free(config);
}

static void test_too_many(void **state)
{
	struct folder *folder = *state;
	struct config *config = calloc(1, sizeof(*config));
	FILE *file = fopen(folder->file, "w");
	char *errors = NULL;

	assert_non_null(config);
	assert_non_null(file);
	for (int i = 0; i <= CONFIG_LINES_MAX; i++)
		(void)fprintf(file, "[line L%d]\nport = /dev/l%d\n", i, i);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(config_read(config, folder->file, &errors), -EINVAL);
	assert_non_null(strstr(errors, ":33: more than 16 lines;"));
	free(errors);
	free(config);
}

static void test_no_file(void **state)
{
	struct config *config = calloc(1, sizeof(*config));
	char *errors = NULL;

	(void)state;
	assert_non_null(config);
	assert_int_equal(config_read(config, "/nonexistent/prepay.conf", &errors), -ENOENT);
	assert_string_equal(errors, "/nonexistent/prepay.conf: cannot be read (No such file or "
				    "directory); check path and permissions\n");
	free(errors);
	free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shipped_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_examples_have_the_defaults, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_drop_in, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_wrong, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_too_many, make_folder, remove_folder),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
