#include "concentrator/commission.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/text.h"

static const char *const columns[] = {"room",      "circuit",       "line",        "address",
				      "model",     "channel",       "relay",       "contact",
				      "cut_order", "may_cut",       "breaker_a",   "tenancy",
				      "persons",   "opening_minor", "experimental"};

struct check {
	const json_t *row;
	commission_finding finding;
	void *userdata;
	int findings;
};

static void fault(struct check *check, const char *column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct check *check, const char *column, const char *format, ...)
{
	char detail[COMMISSION_DETAIL_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	text_repair(detail); /* quotes are cut at a byte */
	check->findings++;
	check->finding(column, detail, check->userdata);
}

/* The text of a column; "" where it is absent or empty. */
static const char *value(const struct check *check, const char *column)
{
	const char *text = json_string_value(json_object_get(check->row, column));
	return text == NULL ? "" : text;
}

static int64_t number(struct check *check, const char *column, int64_t least, int64_t most,
		      int64_t fallback)
{
	const char *text = value(check, column);
	if (text[0] == '\0')
		return fallback;
	char *end;
	errno = 0;
	long long parsed = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || parsed < least || parsed > most) {
		fault(check, column, "%.40s is not a whole number from %lld to %lld", text,
		      (long long)least, (long long)most);
		return fallback;
	}
	return parsed;
}

/* A name for people and programs: letters of any language, digits, '-', '_', '.' and inner blanks. */
static void name(struct check *check, const char *column, char *ret, size_t size)
{
	const char *text = value(check, column);
	size_t length = strlen(text);
	ret[0] = '\0';
	if (length == 0) {
		fault(check, column, "is missing");
		return;
	}
	if (length >= size) {
		fault(check, column, "%.40s... is longer than %zu bytes", text, size - 1);
		return;
	}
	if (text[0] == ' ' || text[length - 1] == ' ') {
		fault(check, column, "begins or ends with a blank");
		return;
	}
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f || strchr("\",;/\\", *at) != NULL) {
			fault(check, column, "%.40s has a character that names cannot have", text);
			return;
		}
	memcpy(ret, text, length + 1);
}

static const char *line_name(struct check *check, const struct config *config)
{
	const char *text = value(check, "line");
	for (size_t i = 0; i < config->line_count; i++)
		if (strcmp(config->lines[i].name, text) == 0)
			return config->lines[i].name;
	if (text[0] == '\0')
		fault(check, "line",
		      "is missing; the configuration has [line ...] sections to name");
	else
		fault(check, "line", "the configuration has no [line %.32s]", text);
	return NULL;
}

static void point(struct check *check, const struct config *config, const struct models *models,
		  struct ledger_supply *supply)
{
	const char *model_name = value(check, "model");
	if (model_name[0] == '\0') {
		if (value(check, "address")[0] != '\0')
			fault(check, "model", "is missing for the meter at that address");
		return;
	}
	const char *line = line_name(check, config);
	const struct model *model = models_find(models, model_name);
	if (model == NULL) {
		fault(check, "model", "there is no model %.48s", model_name);
		return;
	}
	if (model_span_of(model, MODEL_ROLE_ENERGY, 0) < 0) {
		fault(check, "model",
		      "%s has no energy register; as a relay it belongs into column relay",
		      model->name);
		return;
	}
	supply->has_point = true;
	supply->point.address = (int32_t)number(check, "address", 1, 247, 0);
	if (supply->point.address == 0 && value(check, "address")[0] == '\0')
		fault(check, "address", "is missing");
	supply->point.channel = (int32_t)number(check, "channel", 1, model->channels, 1);
	snprintf(supply->point.model, sizeof(supply->point.model), "%.*s", LEDGER_NAME_MAX,
		 model->name);
	if (line != NULL)
		snprintf(supply->point.line, sizeof(supply->point.line), "%s", line);
}

/* "", "meter", or MODEL@ADDRESS/CHANNEL on the same line. */
static void relay(struct check *check, const struct config *config, const struct models *models,
		  struct ledger_supply *supply)
{
	const char *text = value(check, "relay");
	if (text[0] == '\0')
		return;
	if (strcmp(text, "meter") == 0) {
		const struct model *model = supply->has_point
						    ? models_find(models, supply->point.model)
						    : NULL;
		if (model == NULL)
			fault(check, "relay", "is in the meter, but the row names no meter");
		else if (!model->relay.present)
			fault(check, "relay", "%s has no relay", model->name);
		supply->has_relay = true;
		supply->relay = supply->point;
		return;
	}

	char model_name[LEDGER_NAME_MAX + 1];
	int address = 0, channel = 0, end = 0;
	const char *at = strchr(text, '@');
	if (at == NULL || at == text || (size_t)(at - text) > LEDGER_NAME_MAX ||
	    sscanf(at, "@%3d/%3d%n", &address, &channel, &end) != 2 || at[end] != '\0') {
		fault(check, "relay", "%.48s is neither meter nor MODEL@ADDRESS/CHANNEL", text);
		return;
	}
	memcpy(model_name, text, (size_t)(at - text));
	model_name[at - text] = '\0';
	const char *line = line_name(check, config);
	const struct model *model = models_find(models, model_name);
	if (model == NULL || !model->relay.present) {
		fault(check, "relay", model == NULL ? "there is no model %s" : "%s has no relay",
		      model_name);
		return;
	}
	if (address < 1 || address > 247 || channel < 1 || channel > model->channels) {
		fault(check, "relay", "the address is 1 to 247, the channel of %s 1 to %d",
		      model->name, model->channels);
		return;
	}
	supply->has_relay = true;
	supply->relay.address = address;
	supply->relay.channel = channel;
	memcpy(supply->relay.model, model_name, sizeof(supply->relay.model));
	if (line != NULL)
		snprintf(supply->relay.line, sizeof(supply->relay.line), "%s", line);
}

static bool is_water(const struct models *models, const struct ledger_supply *supply)
{
	const struct ledger_device *device = supply->has_point ? &supply->point : &supply->relay;
	const struct model *model = models_find(models, device->model);
	return model != NULL && model->kind == MODEL_WATER;
}

/* One of two words; the first is the fallback. */
static bool second(struct check *check, const char *column, const char *first_word,
		   const char *second_word)
{
	const char *text = value(check, column);
	if (text[0] == '\0' || strcmp(text, first_word) == 0)
		return false;
	if (strcmp(text, second_word) != 0)
		fault(check, column, "%.40s is neither %s nor %s", text, first_word, second_word);
	return true;
}

static void evidence(struct check *check, const char *column, const struct models *models,
		     const char *name)
{
	const struct model *model = models_find(models, name);
	if (model != NULL && model->confidence == MODEL_CONFIDENCE_LOW)
		fault(check, column,
		      "%s is experimental, its registers are badly evidenced: hold them against "
		      "the display, then say experimental",
		      model->name);
}

/* What is badly evidenced is for money only when somebody says so. */
static void experimental(struct check *check, const struct models *models,
			 const struct ledger_supply *supply)
{
	if (second(check, "experimental", "no", "yes"))
		return;
	if (supply->has_point)
		evidence(check, "model", models, supply->point.model);
	if (supply->has_relay && strcmp(value(check, "relay"), "meter") != 0)
		evidence(check, "relay", models, supply->relay.model);
}

int commission_parse(const json_t *row, const struct config *config, const struct models *models,
		     commission_finding finding, void *userdata, struct commission_row *ret)
{
	struct check check = {.row = row, .finding = finding, .userdata = userdata};
	struct commission_row result = {0};
	if (!json_is_object(row)) {
		fault(&check, "room", "the row is no object");
		return -EINVAL;
	}
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)(uintptr_t)row, key, item)
	{
		bool known = false;
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			known = known || strcmp(columns[i], key) == 0;
		if (!known)
			fault(&check, key, "is no column of a commissioning row");
		else if (!json_is_string(item))
			fault(&check, key, "is not a string");
	}

	name(&check, "room", result.room, sizeof(result.room));
	name(&check, "circuit", result.supply.circuit, sizeof(result.supply.circuit));
	point(&check, config, models, &result.supply);
	relay(&check, config, models, &result.supply);
	experimental(&check, models, &result.supply);
	/* With no meter and no relay nobody has looked at it yet. */
	if (!result.supply.has_point && !result.supply.has_relay &&
	    value(&check, "line")[0] != '\0')
		(void)line_name(&check, config);
	result.supply.normally_closed = second(&check, "contact", "no", "nc");
	/* Water is never cut for money unless somebody says so. */
	bool water = is_water(models, &result.supply);
	result.supply.may_cut = water ? second(&check, "may_cut", "no", "yes")
				      : !second(&check, "may_cut", "yes", "no");
	result.supply.cut_order = (int32_t)number(&check, "cut_order", 1, 9, 1);
	result.supply.breaker_a = (int32_t)number(&check, "breaker_a", 1, 6300, 16);
	if (result.supply.has_point && !water && value(&check, "breaker_a")[0] == '\0')
		fault(&check, "breaker_a",
		      "is missing; the largest plausible step of the register follows from it");
	const char *tenancy = value(&check, "tenancy");
	for (const char *at = tenancy; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			fault(&check, "tenancy", "has a control character");
			break;
		}
	if (strlen(tenancy) > LEDGER_ID_MAX)
		fault(&check, "tenancy", "is longer than %d bytes", LEDGER_ID_MAX);
	else
		snprintf(result.tenancy, sizeof(result.tenancy), "%s", tenancy);
	result.persons = (int32_t)number(&check, "persons", 0, TARIFF_PERSONS_MAX, -1);
	result.opening_minor = number(&check, "opening_minor", -INT64_C(1000000000000),
				      INT64_C(1000000000000), 0);
	if (check.findings > 0)
		return -EINVAL;
	*ret = result;
	return 0;
}
