/* config.c - see config.h.
 *
 * A table of every key: where it is kept, what it may be, what it is when unset. The few rules that tie two
 * keys together follow it as code.
 */
#include "concentrator/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/config_bands.h"
#include "concentrator/config_protected.h"
#include "concentrator/platform/settings.h"
#include "concentrator/platform/zone.h"

#define MINOR_MAX  INT64_C(1000000000) /* in billionths it fits 63 bits with any minor unit */
#define DAY_S      INT64_C(86400)
#define BAUD_COUNT 9

enum config_type {
	CONFIG_INT64,
	CONFIG_INT,
	CONFIG_BOOL,
	CONFIG_CHOICE, /* kept as the index; every enum of config.h is in the order of its names */
	CONFIG_TEXT,
	CONFIG_PATH,
};

struct config_row {
	const char *section;
	const char *key;
	enum config_type type;
	size_t offset; /* in struct config, config_line or config_sensor */
	int64_t min;   /* of a number, or the length of a text */
	int64_t max;
	int64_t fallback;          /* of a number, a boolean or a choice */
	const char *fallback_text; /* of a text or path; NULL: required */
	const char *const *names;  /* of a choice */
};

static const char *const account_names[] = {"money", "energy", NULL};
static const char *const parity_names[] = {"none", "even", "odd", NULL};
static const char *const rs485_names[] = {"auto", "on", "off", NULL};
static const char *const unit_names[] = {"mV", "mA", "mC", NULL};
static const char *const trust_names[] = {"synchronised", "always", NULL};
static const char *const then_names[] = {"keep", "cut", NULL};
static const char *const emergency_names[] = {"no", "request", "automatic", NULL};

#define AT(member)        offsetof(struct config, member)
#define LINE_AT(member)   offsetof(struct config_line, member)
#define SENSOR_AT(member) offsetof(struct config_sensor, member)
#define HOURS_AT(member)  offsetof(struct config_protected, member)
#define BANDS_AT(member)  offsetof(struct config_bands, member)

#define NUMBER(section, key, at, low, high, value)                                                 \
	{                                                                                          \
		section, key, CONFIG_INT64, at, low, high, value, NULL, NULL                       \
	}
#define SMALL(section, key, at, low, high, value)                                                  \
	{                                                                                          \
		section, key, CONFIG_INT, at, low, high, value, NULL, NULL                         \
	}
#define CHOICE(section, key, at, names, value)                                                     \
	{                                                                                          \
		section, key, CONFIG_CHOICE, at, 0, 0, value, NULL, names                          \
	}
#define YES_NO(section, key, at, value)                                                            \
	{                                                                                          \
		section, key, CONFIG_BOOL, at, 0, 0, value, NULL, NULL                             \
	}
#define NAME(section, key, at, low, value)                                                         \
	{                                                                                          \
		section, key, CONFIG_TEXT, at, low, CONFIG_NAME_SIZE - 1, 0, value, NULL           \
	}
#define LONG_TEXT(section, key, at, low, value)                                                    \
	{                                                                                          \
		section, key, CONFIG_TEXT, at, low, CONFIG_TEXT_SIZE - 1, 0, value, NULL           \
	}
#define PATH(section, key, at, value)                                                              \
	{                                                                                          \
		section, key, CONFIG_PATH, at, 0, CONFIG_TEXT_SIZE - 1, 0, value, NULL             \
	}
#define BAND(key, number)                                                                          \
	{                                                                                          \
		"bands", key, CONFIG_TEXT, BANDS_AT(names.name[number]), 0, TARIFF_BAND_NAME_MAX,  \
			0, "", NULL                                                                \
	}
#define POLICY(key, low, high, value) NUMBER("policy", #key, AT(policy.key), low, high, value)

static const struct config_row config_rows[] = {
	NAME("site", "id", AT(site.id), 1, "S-0001"),
	LONG_TEXT("site", "zone", AT(site.zone), 1, "Asia/Shanghai"),
	SMALL("site", "currency", AT(site.currency), 1, 999, 156),
	SMALL("site", "minor_digits", AT(site.minor_digits), 0, 4, 2),
	CHOICE("site", "account", AT(site.account), account_names, CONFIG_ACCOUNT_MONEY),

	PATH("store", "ledger", AT(store.ledger), "/var/lib/prepay/ledger.db"),
	PATH("store", "backup", AT(store.backup), "/var/lib/prepay/backup"),
	PATH("store", "profile", AT(store.profile), ""),
	NUMBER("store", "profile_days", AT(store.profile_days), 0, 3660, 62),

	PATH("control", "socket", AT(control.socket), "/run/prepay/control.sock"),
	NAME("control", "viewer", AT(control.viewer), 1, "prepay-viewer"),
	NAME("control", "operator", AT(control.operator), 1, "prepay-operator"),
	NAME("control", "admin", AT(control.admin), 1, "prepay-admin"),
	NAME("control", "messenger", AT(control.messenger), 1, "prepay-uplink"),

	PATH("meters", "models", AT(meters.models), "/usr/share/prepay/meters"),
	PATH("meters", "models_local", AT(meters.models_local), "/etc/prepay/meters"),

	LONG_TEXT("cloud", "url", AT(cloud.url), 0, ""),
	PATH("cloud", "ca", AT(cloud.ca), "/etc/prepay/trust/cloud-ca.pem"),
	PATH("cloud", "certificate", AT(cloud.certificate), "/var/lib/prepay-uplink/client.crt"),
	PATH("cloud", "key", AT(cloud.key), "/var/lib/prepay-uplink/client.key"),
	NUMBER("cloud", "hold_s", AT(cloud.hold_s), 1, 300, 50),
	NUMBER("cloud", "backoff_base_s", AT(cloud.backoff_base_s), 1, 3600, 30),
	NUMBER("cloud", "backoff_cap_s", AT(cloud.backoff_cap_s), 1, DAY_S, 300),

	PATH("trust", "roots", AT(trust_roots), "/etc/prepay/trust/roots"),

	CHOICE("clock", "trust", AT(clock_trust), trust_names, CONFIG_TRUST_SYNCHRONISED),

	POLICY(cutoff_minor, -MINOR_MAX, 0, 0),
	POLICY(restore_min_minor, 1, MINOR_MAX, 1),
	POLICY(low_minor, -MINOR_MAX, MINOR_MAX, 1000),
	NAME("policy", "warn_minor", AT(policy.warn_minor.text), 0, ""),
	NAME("policy", "warn_days", AT(policy.warn_days.text), 0, ""),
	POLICY(notice_s, 0, 7 * DAY_S, 600),
	POLICY(stage_s, 0, DAY_S, 60),
	POLICY(settle_s, 1, DAY_S, 21600),
	POLICY(stale_s, 1, DAY_S, 120),
	POLICY(hold_max_s, 0, 30 * DAY_S, DAY_S),
	POLICY(hold_max_minor, 0, MINOR_MAX, 1500),
	CHOICE("policy", "hold_then", AT(policy.hold_then), then_names, CONFIG_THEN_KEEP),
	POLICY(cloud_away_s, 0, 365 * DAY_S, 0),
	POLICY(mass_cut_percent, 0, 100, 10),
	POLICY(mass_cut_min, 0, 10000, 3),
	POLICY(mass_cut_window_s, 1, DAY_S, 600),
	POLICY(change_hold_s, 0, 7 * DAY_S, 3600),
	POLICY(close_stagger_ms, 0, 60000, 200),
	POLICY(plausibility_factor, 1, 1000000, 1),
	POLICY(nominal_voltage, 50, 1000, 230),
	POLICY(water_flow_l_h, 1, 1000000, 5000),
	YES_NO("policy", "cash", AT(policy.cash), false),
	POLICY(cash_day_max_minor, 0, MINOR_MAX, 100000),
	POLICY(order_max_minor, 1, MINOR_MAX, 1000000),
	POLICY(order_room_day_max_minor, 1, MINOR_MAX, 2000000),
	POLICY(order_day_max_minor, 1, MINOR_MAX, 20000000),
	POLICY(balance_max_minor, 0, MINOR_MAX, 0),
	POLICY(debt_max_minor, 0, MINOR_MAX, 0),
	YES_NO("policy", "standing_halted", AT(policy.standing_halted), false),
	YES_NO("policy", "standing_in_emergency", AT(policy.standing_in_emergency), true),
	YES_NO("policy", "debt_halted", AT(policy.debt_halted), true),
	YES_NO("policy", "debt_in_emergency", AT(policy.debt_in_emergency), false),
	POLICY(overdraft_minor, 0, MINOR_MAX, 0),
	CHOICE("policy", "emergency", AT(policy.emergency), emergency_names, CONFIG_EMERGENCY_NO),
	POLICY(emergency_minor, 0, MINOR_MAX, 500),
	POLICY(emergency_at_minor, -MINOR_MAX, MINOR_MAX, 0),
	POLICY(suspect_age_s, 1, 365 * DAY_S, 3 * DAY_S),

	POLICY(protected_warn_s, 0, DAY_S, 1800),
	POLICY(protected_extra_s, 0, DAY_S, 0),

	LONG_TEXT("protected", "days", HOURS_AT(days), 1, NULL),
	LONG_TEXT("protected", "hours", HOURS_AT(hours), 1, NULL),
	LONG_TEXT("protected", "except", HOURS_AT(except), 0, ""),
	NAME("protected", "from", HOURS_AT(from), 0, ""),
	NAME("protected", "until", HOURS_AT(until), 0, ""),

	LONG_TEXT("bands", "meters", BANDS_AT(meters), 1, NULL),
	BAND("band_1", 0),
	BAND("band_2", 1),
	BAND("band_3", 2),
	BAND("band_4", 3),

	PATH("line", "port", LINE_AT(port), NULL),
	SMALL("line", "baud", LINE_AT(baud), 1200, 115200, 9600),
	CHOICE("line", "parity", LINE_AT(parity), parity_names, CONFIG_PARITY_NONE),
	SMALL("line", "stop_bits", LINE_AT(stop_bits), 1, 2, 1),
	CHOICE("line", "rs485", LINE_AT(rs485), rs485_names, CONFIG_RS485_AUTO),

	NAME("sensor", "device", SENSOR_AT(device), 1, NULL),
	NAME("sensor", "channel", SENSOR_AT(channel), 1, NULL),
	CHOICE("sensor", "unit", SENSOR_AT(unit), unit_names, CONFIG_UNIT_MV),
	NUMBER("sensor", "ratio_ppm", SENSOR_AT(ratio_ppm), -1000000000000, 1000000000000, 1000000),
	NUMBER("sensor", "period_s", SENSOR_AT(period_s), 1, 3600, 10),
	NUMBER("sensor", "stale_s", SENSOR_AT(stale_s), 1, DAY_S, 60),
};

#define ROW_COUNT (sizeof(config_rows) / sizeof(config_rows[0]))

const char *config_known_key(size_t index, const char **ret_section)
{
	if (index >= ROW_COUNT)
		return NULL;
	*ret_section = config_rows[index].section;
	return config_rows[index].key;
}

/* Every text fits: settings_string() was given the size. */
static void config_copy_text(char *to, const char *text)
{
	memcpy(to, text, strlen(text) + 1);
}

static void config_read_row(const struct config_row *row, struct settings_section *section,
			    void *base)
{
	void *to = (char *)base + row->offset;
	const char *text = NULL;
	int small;

	switch (row->type) {
	case CONFIG_INT64:
		*(int64_t *)to = settings_int64(section, row->key, row->min, row->max,
						row->fallback);
		break;
	case CONFIG_INT:
		*(int *)to = (int)settings_int64(section, row->key, row->min, row->max,
						 row->fallback);
		break;
	case CONFIG_BOOL:
		*(bool *)to = settings_bool(section, row->key, row->fallback != 0);
		break;
	case CONFIG_CHOICE:
		small = settings_choice(section, row->key, row->names, (int)row->fallback);
		/* All enums of config.h are as wide as int; which one it is, only the row knows. */
		memcpy(to, &small, sizeof(small));
		break;
	case CONFIG_TEXT:
		text = settings_string(section, row->key, (size_t)row->min, (size_t)row->max,
				       row->fallback_text);
		break;
	case CONFIG_PATH:
		text = settings_path(section, row->key, row->fallback_text);
		break;
	}
	if (row->type == CONFIG_TEXT || row->type == CONFIG_PATH) {
		if (row->fallback_text == NULL)
			settings_require(section, row->key);
		config_copy_text(to, text == NULL ? "" : text);
	}
}

/* Finds the section of each row; base is what the offsets count from. */
static void config_read_rows(struct settings *settings, const char *kind,
			     struct settings_section *section, void *base)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct config_row *row = &config_rows[i];

		if (kind != NULL && strcmp(row->section, kind) == 0)
			config_read_row(row, section, base);
		if (kind == NULL && strcmp(row->section, "line") != 0 &&
		    strcmp(row->section, "sensor") != 0 && strcmp(row->section, "protected") != 0 &&
		    strcmp(row->section, "bands") != 0)
			config_read_row(row, settings_find(settings, row->section, NULL), base);
	}
}

/* The name of one of many sections; false, and the fault recorded, when it has none that can be kept. */
static bool config_take_name(struct settings_section *section, const char *kind,
			     char ret[static CONFIG_NAME_SIZE])
{
	const char *name = settings_name(section);

	if (name[0] == '\0') {
		settings_fault(section, NULL, "a %s needs a name; write `[%s NAME]`", kind, kind);
		return false;
	}
	if (strlen(name) >= CONFIG_NAME_SIZE) {
		settings_fault(section, NULL, "the name is too long; use at most %d characters",
			       CONFIG_NAME_SIZE - 1);
		return false;
	}
	config_copy_text(ret, name);
	return true;
}

static bool config_is_baud(int baud)
{
	static const int known[BAUD_COUNT] = {1200,  2400,  4800,  9600,  14400,
					      19200, 38400, 57600, 115200};

	for (size_t i = 0; i < BAUD_COUNT; i++) {
		if (known[i] == baud)
			return true;
	}
	return false;
}

static void config_read_line(struct settings *settings, struct settings_section *section,
			     struct config *config)
{
	struct config_line line = {.name = ""};

	config_read_rows(settings, "line", section, &line);
	if (!config_take_name(section, "line", line.name))
		return;
	if (!config_is_baud(line.baud))
		settings_fault(section, "baud",
			       "`baud = %d` is no usual rate; write 1200, 2400, 4800, 9600, 14400, "
			       "19200, 38400, 57600 or 115200",
			       line.baud);
	for (size_t i = 0; i < config->line_count; i++) {
		if (line.port[0] != '\0' && strcmp(config->lines[i].port, line.port) == 0)
			settings_fault(section, "port",
				       "line %s has the port %s already; give each line its own",
				       config->lines[i].name, line.port);
	}
	if (config->line_count == CONFIG_LINES_MAX) {
		settings_fault(section, NULL, "more than %d lines; remove some", CONFIG_LINES_MAX);
		return;
	}
	config->lines[config->line_count++] = line;
}

static void config_read_sensor(struct settings *settings, struct settings_section *section,
			       struct config *config)
{
	struct config_sensor sensor = {.name = ""};

	config_read_rows(settings, "sensor", section, &sensor);
	if (!config_take_name(section, "sensor", sensor.name))
		return;
	if (sensor.stale_s <= sensor.period_s)
		settings_fault(section, "stale_s",
			       "`stale_s` must be longer than `period_s` (%lld); raise it",
			       (long long)sensor.period_s);
	if (config->sensor_count == CONFIG_SENSORS_MAX) {
		settings_fault(section, NULL, "more than %d sensors; remove some",
			       CONFIG_SENSORS_MAX);
		return;
	}
	config->sensors[config->sensor_count++] = sensor;
}

static void config_read_hours(struct settings *settings, struct settings_section *section,
			      struct config *config)
{
	struct config_protected texts = {.name = ""};

	config_read_rows(settings, "protected", section, &texts);
	if (!config_take_name(section, "protected", texts.name))
		return;
	if (config->protect.count == PROTECT_RULES_MAX) {
		settings_fault(section, NULL, "more than %d protected sections; remove some",
			       PROTECT_RULES_MAX);
		return;
	}
	if (config_protected_rule(section, &texts, &config->protect.rule[config->protect.count]))
		config->protect.count++;
}

static void config_read_bands(struct settings *settings, struct settings_section *section,
			      struct config *config)
{
	struct config_bands bands = {.name = ""};

	config_read_rows(settings, "bands", section, &bands);
	if (!config_take_name(section, "bands", bands.name))
		return;
	if (config->bands_count == CONFIG_BANDS_MAX) {
		settings_fault(section, NULL, "more than %d bands sections; remove some",
			       CONFIG_BANDS_MAX);
		return;
	}
	if (config_bands_check(section, config, &bands))
		config->bands[config->bands_count++] = bands;
}

static void config_check_site(struct settings *settings, const char *file,
			      const struct config *config)
{
	struct settings_section *site = settings_find(settings, "site", NULL);
	const char *zone = config->site.zone;

	if (zone_check(zone) == 0)
		return;
	if (settings_has(site, "zone"))
		settings_fault(
			site, "zone",
			"`zone = %s` is no time zone of this system; write an IANA name such "
			"as Asia/Shanghai, and install tzdata",
			zone);
	else
		settings_fault_file(settings, file,
				    "the time zone %s is not known to this system; install tzdata",
				    zone);
}

/* A socket's path is shorter than a file's: sun_path of unix(7), 108 bytes with its end. */
static void config_check_socket(struct settings *settings, const struct config *config)
{
	struct settings_section *control = settings_find(settings, "control", NULL);

	if (strlen(config->control.socket) > CONFIG_SOCKET_MAX)
		settings_fault(control, "socket",
			       "`socket` has %zu characters; a socket's path has at most %d, "
			       "shorten it",
			       strlen(config->control.socket), CONFIG_SOCKET_MAX);
}

static void config_check_cloud(struct settings *settings, const struct config *config)
{
	struct settings_section *cloud = settings_find(settings, "cloud", NULL);
	const char *url = config->cloud.url;

	if (cloud == NULL)
		return;
	if (url[0] != '\0' && (strncmp(url, "https://", 8) != 0 || url[8] == '\0' ||
			       strpbrk(url, " \t\"'<>\\") != NULL))
		settings_fault(cloud, "url",
			       "`url = %s` cannot be used; write https://HOST:PORT/v1", url);
	if (config->cloud.backoff_cap_s < config->cloud.backoff_base_s)
		settings_fault(cloud, "backoff_cap_s",
			       "`backoff_cap_s` is below `backoff_base_s` (%lld); raise it",
			       (long long)config->cloud.backoff_base_s);
}

/* "2000 1000 500": each lower than the one before. */
static void config_read_levels(struct settings_section *policy, const char *key, int64_t least,
			       int64_t most, struct config_levels *levels)
{
	const char *at = levels->text;
	int64_t before = most + 1;

	levels->count = 0;
	while (*at != '\0') {
		char *end;
		long long value;

		errno = 0;
		value = strtoll(at, &end, 10);
		if (end == at || (*end != '\0' && *end != ' ') || errno != 0 || value < least ||
		    value >= before || levels->count == 4) {
			settings_fault(policy, key,
				       "`%s = %s` is no list; write at most 4 numbers of %lld to "
				       "%lld, each lower than the one before",
				       key, levels->text, (long long)least, (long long)most);
			levels->count = 0;
			return;
		}
		levels->at[levels->count++] = value;
		before = value;
		at = end + strspn(end, " ");
	}
}

static void config_check_policy(struct settings *settings, struct config *config)
{
	struct settings_section *policy = settings_find(settings, "policy", NULL);

	if (policy == NULL)
		return;
	config_read_levels(policy, "warn_minor", -MINOR_MAX, MINOR_MAX, &config->policy.warn_minor);
	config_read_levels(policy, "warn_days", 0, 365, &config->policy.warn_days);
	if (config->policy.low_minor < config->policy.cutoff_minor)
		settings_fault(
			policy, "low_minor",
			"`low_minor` is below `cutoff_minor` (%lld), so that nobody would be "
			"warned; raise it",
			(long long)config->policy.cutoff_minor);
}

static int config_read_settings(struct settings *settings, struct config *config, const char *file)
{
	struct settings_section *section = NULL;
	char *folder = NULL;
	int r = settings_read_file(settings, file);

	if (r < 0)
		return r;
	if (asprintf(&folder, "%s.d", file) < 0)
		return -ENOMEM;
	r = settings_read_folder(settings, folder);
	free(folder);
	if (r < 0)
		return r;

	config_read_rows(settings, NULL, NULL, config);
	while ((section = settings_next(settings, "line", section)) != NULL)
		config_read_line(settings, section, config);
	while ((section = settings_next(settings, "sensor", section)) != NULL)
		config_read_sensor(settings, section, config);
	while ((section = settings_next(settings, "protected", section)) != NULL)
		config_read_hours(settings, section, config);
	while ((section = settings_next(settings, "bands", section)) != NULL)
		config_read_bands(settings, section, config);
	config->protect.extra_s = config->policy.protected_extra_s;
	config_check_site(settings, file, config);
	config_check_socket(settings, config);
	config_check_cloud(settings, config);
	config_check_policy(settings, config);
	settings_unknown(settings);
	return settings_error_count(settings) > 0 ? -EINVAL : 0;
}

int config_read(struct config *ret, const char *file, char **ret_errors)
{
	struct settings *settings;
	struct config *config = calloc(1, sizeof(*config));
	int r;

	*ret_errors = NULL;
	if (config == NULL)
		return -ENOMEM;
	r = settings_new(&settings);
	if (r < 0) {
		free(config);
		return r;
	}
	r = config_read_settings(settings, config, file);
	if (r < 0)
		*ret_errors = settings_errors(settings);
	else
		*ret = *config;
	settings_free(settings);
	free(config);
	return r;
}
