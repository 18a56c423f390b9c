/* config.h - prepay.conf as one plain value, read and checked once at start.
 *
 * The keys, defaults and units are those of rootfs-overlay/etc/prepay/prepay.conf and prepay.conf(5);
 * a test holds the two together. Strings are copies inside the struct: a config is a value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/bands.h"
#include "concentrator/rules/protect.h"

#define CONFIG_TEXT_SIZE   200
#define CONFIG_NAME_SIZE   32
#define CONFIG_SOCKET_MAX  107
#define CONFIG_LINES_MAX   16
#define CONFIG_SENSORS_MAX 16
#define CONFIG_BANDS_MAX   8

enum config_account { CONFIG_ACCOUNT_MONEY, CONFIG_ACCOUNT_ENERGY };
enum config_parity { CONFIG_PARITY_NONE, CONFIG_PARITY_EVEN, CONFIG_PARITY_ODD };
enum config_rs485 { CONFIG_RS485_AUTO, CONFIG_RS485_ON, CONFIG_RS485_OFF };
enum config_unit { CONFIG_UNIT_MV, CONFIG_UNIT_MA, CONFIG_UNIT_MC };
enum config_trust { CONFIG_TRUST_SYNCHRONISED, CONFIG_TRUST_ALWAYS };
enum config_emergency { CONFIG_EMERGENCY_NO, CONFIG_EMERGENCY_REQUEST, CONFIG_EMERGENCY_AUTOMATIC };
enum config_then { CONFIG_THEN_KEEP, CONFIG_THEN_CUT };

struct config_line {
	char name[CONFIG_NAME_SIZE];
	char port[CONFIG_TEXT_SIZE]; /* required; no two lines share one */
	int baud;
	enum config_parity parity;
	int stop_bits;
	enum config_rs485 rs485;
};

struct config_sensor {
	char name[CONFIG_NAME_SIZE];
	char device[CONFIG_NAME_SIZE];  /* libiio device name; required */
	char channel[CONFIG_NAME_SIZE]; /* libiio channel id; required */
	enum config_unit unit;
	int64_t ratio_ppm; /* value shown = raw x scale x ratio / 1,000,000 */
	int64_t period_s;
	int64_t stale_s;
};

struct config_site {
	char id[CONFIG_NAME_SIZE]; /* the cloud's name of this box */
	char zone[CONFIG_TEXT_SIZE];
	int currency;     /* ISO 4217 numeric */
	int minor_digits; /* 10^-minor_digits of the currency is one minor unit */
	enum config_account account;
};

struct config_store {
	char ledger[CONFIG_TEXT_SIZE];
	char backup[CONFIG_TEXT_SIZE];  /* folder */
	char profile[CONFIG_TEXT_SIZE]; /* "": profile.db beside the ledger */
	int64_t profile_days;           /* 0: no profile is kept */
};

struct config_control {
	char socket[CONFIG_TEXT_SIZE];
	char viewer[CONFIG_NAME_SIZE]; /* groups */
	char operator[CONFIG_NAME_SIZE];
	char admin[CONFIG_NAME_SIZE];
	char messenger[CONFIG_NAME_SIZE]; /* user */
};

struct config_meters {
	char models[CONFIG_TEXT_SIZE];
	char models_local[CONFIG_TEXT_SIZE];
};

struct config_cloud {
	char url[CONFIG_TEXT_SIZE]; /* "": no cloud */
	char ca[CONFIG_TEXT_SIZE];
	char certificate[CONFIG_TEXT_SIZE];
	char key[CONFIG_TEXT_SIZE];
	int64_t hold_s;
	int64_t backoff_base_s;
	int64_t backoff_cap_s;
};

/* A list of at most four numbers, from the highest to the lowest. */
struct config_levels {
	char text[CONFIG_NAME_SIZE];
	size_t count;
	int64_t at[4];
};

struct config_policy {
	int64_t cutoff_minor;
	int64_t restore_min_minor;
	int64_t low_minor;
	struct config_levels warn_minor;
	struct config_levels warn_days;
	int64_t notice_s;
	int64_t stage_s;
	int64_t settle_s;
	int64_t stale_s;
	int64_t hold_max_s;
	int64_t hold_max_minor;
	enum config_then hold_then;
	int64_t cloud_away_s; /* 0: never */
	int64_t mass_cut_percent;
	int64_t mass_cut_min;
	int64_t mass_cut_window_s;
	int64_t change_hold_s;
	int64_t close_stagger_ms;
	int64_t plausibility_factor;
	int64_t nominal_voltage; /* V */
	int64_t water_flow_l_h;  /* the most that passes a room's water meter in an hour */
	bool cash;
	int64_t cash_day_max_minor;
	int64_t order_max_minor;
	int64_t order_room_day_max_minor;
	int64_t order_day_max_minor;
	int64_t balance_max_minor; /* 0: none */
	int64_t debt_max_minor;    /* 0: none */
	bool standing_halted;
	bool standing_in_emergency;
	bool debt_halted;
	bool debt_in_emergency;
	int64_t overdraft_minor;
	enum config_emergency emergency;
	int64_t emergency_minor;
	int64_t emergency_at_minor;
	int64_t suspect_age_s;
	int64_t protected_warn_s;
	int64_t protected_extra_s;
};

/* A section [protected NAME]: its words. */
struct config_protected {
	char name[CONFIG_NAME_SIZE];
	char from[CONFIG_NAME_SIZE];
	char until[CONFIG_NAME_SIZE];
	char days[CONFIG_TEXT_SIZE];
	char hours[CONFIG_TEXT_SIZE];
	char except[CONFIG_TEXT_SIZE];
};

/* A section [bands NAME]. */
struct config_bands {
	char name[CONFIG_NAME_SIZE];
	char meters[CONFIG_TEXT_SIZE]; /* models, and circuits as ROOM/CIRCUIT, by blanks */
	struct bands_names names;
};

struct config {
	struct config_site site;
	struct config_store store;
	struct config_control control;
	struct config_meters meters;
	size_t line_count;
	struct config_line lines[CONFIG_LINES_MAX]; /* in the order of the file */
	size_t sensor_count;
	struct config_sensor sensors[CONFIG_SENSORS_MAX];
	struct config_cloud cloud;
	char trust_roots[CONFIG_TEXT_SIZE]; /* folder */
	enum config_trust clock_trust;
	struct config_policy policy;
	struct protect_rules protect;
	size_t bands_count;
	struct config_bands bands[CONFIG_BANDS_MAX];
};

#define CONFIG_FILE "/etc/prepay/prepay.conf"

/* Reads file, then the *.conf of the folder file.d beside it. -EINVAL: something in them is wrong, -ENOENT,
 * -EACCES...: file cannot be read, -ENOMEM. On error ret_errors holds every finding, one a line,
 * "file:line: what; what to do\n", for the caller to free (NULL without memory). Blocks on the disk. */
int config_read(struct config *ret, const char *file, char **ret_errors);

/* The keys that are known, one by one, for documents and tests: "site" and "zone" for index 0 and so on, NULL
 * after the last. Kinds with many sections ("line", "sensor") are there once. */
const char *config_known_key(size_t index, const char **ret_section);
