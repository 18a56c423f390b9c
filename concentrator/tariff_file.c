#include "concentrator/tariff_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/platform/settings.h"
#include "concentrator/tariff_days.h"
#include "concentrator/tariff_word.h"

/* The instant whose local date and time is written, or false when there is none (skipped by a change of
 * the clocks) or it is no date. Of two (the repeated hour) the earlier. */
static bool local_instant(const char *text, const struct offset_table *zone, int64_t *ret_s)
{
	int year, month, day, hour, minute, end = 0;
	if (sscanf(text, "%4d-%2d-%2d %2d:%2d%n", &year, &month, &day, &hour, &minute, &end) != 5 ||
	    text[end] != '\0' || strlen(text) != strlen("2026-09-01 00:00"))
		return false;
	if (year < 2000 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59)
		return false;

	int64_t as_utc = calendar_day_number(year, month, day) * CALENDAR_DAY_S + hour * 3600 +
			 minute * 60;
	int32_t before = calendar_offset_s(zone, as_utc - CALENDAR_DAY_S);
	int32_t after = calendar_offset_s(zone, as_utc + CALENDAR_DAY_S);
	int64_t first = as_utc - (before > after ? before : after);
	int64_t second = as_utc - (before > after ? after : before);
	const int64_t candidates[] = {first, second};
	for (size_t i = 0; i < 2; i++) {
		struct civil local = calendar_local(zone, candidates[i]);
		if (local.year == year && local.month == month && local.day == day &&
		    local.hour == hour && local.minute == minute) {
			*ret_s = candidates[i];
			return true;
		}
	}
	return false;
}

/* What is missing as a whole is missing at the end. */
static int last_line(const char *text, size_t size)
{
	int line = 1;
	for (size_t i = 0; i + 1 < size; i++)
		line += text[i] == '\n';
	return line;
}

/* In the order of the lines. */
static json_t *error_rows(const struct settings *settings, int end)
{
	json_t *rows = json_array();
	for (size_t i = 0; rows != NULL && i < settings_error_count(settings); i++) {
		struct settings_error error = settings_error(settings, i);
		int line = error.line > 0 ? error.line : end;
		size_t at = json_array_size(rows);
		while (at > 0 && json_integer_value(json_object_get(json_array_get(rows, at - 1),
								    "line")) > line)
			at--;
		json_array_insert_new(
			rows, at, json_pack("{s:i,s:s}", "line", line, "message", error.message));
	}
	return rows;
}

static void price_fault(struct settings_section *section, const struct tariff_word *word)
{
	settings_fault(
		section, word->key,
		"price: %s is no price; write it as 0.538: not negative, at most 6 decimals, "
		"at most %d",
		word->text, (int)(TARIFF_PRICE_MAX / 1000000));
}

/* A price for each block. */
static void read_prices(struct settings_section *section, const struct tariff *tariff,
			int64_t ret[static TARIFF_BLOCKS_MAX])
{
	struct tariff_words words;
	uint32_t blocks = tariff_block_count(tariff);
	settings_require(section, "price");
	tariff_words(section, "price", &words);
	for (size_t i = 0; i < words.count && i < TARIFF_BLOCKS_MAX; i++)
		if (!tariff_word_fixed(words.word[i].text, 6, TARIFF_PRICE_MAX, &ret[i]))
			price_fault(section, &words.word[i]);
	if (words.count != blocks && settings_has(section, "price"))
		settings_fault(section, "price", "price: one for each of the %u blocks, not %zu",
			       (unsigned)blocks, words.count);
}

/* "year 01-01", "term 02-20 09-01", "month 1", "day". */
static void read_cycle(struct settings_section *section, const char *key, struct tariff_cycle *ret)
{
	struct tariff_words words;
	settings_require(section, key);
	tariff_words(section, key, &words);
	if (words.count == 0)
		return;
	const char *kind = words.word[0].text;
	int64_t day;
	if (strcmp(kind, "day") == 0 && words.count == 1) {
		ret->reset = TARIFF_RESET_DAY;
		return;
	}
	if (strcmp(kind, "month") == 0 && words.count == 2 &&
	    tariff_word_fixed(words.word[1].text, 0, 28, &day) && day >= 1) {
		ret->reset = TARIFF_RESET_MONTH;
		ret->count = 1;
		ret->mmdd[0] = (int32_t)day;
		return;
	}
	bool year = strcmp(kind, "year") == 0 && words.count == 2;
	if (!year &&
	    (strcmp(kind, "term") != 0 || words.count < 2 || words.count > 1 + TARIFF_RESETS_MAX)) {
		settings_fault(section, key,
			       "write day, month 1, year 01-01 or term 02-20 09-01; days 1 to 28");
		return;
	}
	ret->reset = TARIFF_RESET_DATES;
	for (size_t i = 1; i < words.count; i++) {
		const struct tariff_word *word = &words.word[i];
		int32_t mmdd = 0;
		if (!tariff_word_mmdd(word->text, &mmdd) || mmdd % 100 > 28)
			settings_fault(section, word->key,
				       "%s is no day from 1 to 28 of a month; write 09-01",
				       word->text);
		else if (ret->count > 0 && mmdd <= ret->mmdd[ret->count - 1])
			settings_fault(section, word->key, "%s does not follow the date before it",
				       word->text);
		else
			ret->mmdd[ret->count++] = mmdd;
	}
}

/* Edges in kWh, with at most 3 decimals. */
static void read_blocks(struct settings_section *energy, struct tariff *ret)
{
	static const char *const move_in[] = {"whole", "prorated", NULL};
	struct tariff_words words;
	if (energy == NULL || !settings_has(energy, "blocks"))
		return;
	tariff_words(energy, "blocks", &words);
	if (words.count == 0 || words.count >= TARIFF_BLOCKS_MAX) {
		settings_fault(energy, "blocks", "write the 1 to %d kWh that end a block",
			       TARIFF_BLOCKS_MAX - 1);
		return;
	}
	for (size_t i = 0; i < words.count; i++) {
		const struct tariff_word *word = &words.word[i];
		int64_t *edge = &ret->blocks.edge_wh[i];
		if (!tariff_word_fixed(word->text, 3, TARIFF_EDGE_MAX, edge))
			settings_fault(energy, word->key,
				       "%s is no energy; write kWh with at most 3 decimals",
				       word->text);
		else if (*edge <= (i > 0 ? edge[-1] : 0))
			settings_fault(energy, word->key, "%s does not rise", word->text);
	}
	ret->block_count = (uint32_t)words.count + 1;
	read_cycle(energy, "reset", &ret->blocks.cycle);
	ret->blocks.prorated = settings_choice(energy, "move-in", move_in, 0) == 1;
}

static void read_bands(struct settings *settings, struct settings_section *energy,
		       struct tariff *ret)
{
	struct settings_section *band = NULL;
	while ((band = settings_next(settings, "band", band)) != NULL) {
		const char *name = settings_name(band);
		if (ret->band_count == TARIFF_BANDS_MAX) {
			settings_fault(band, NULL, "one band too many; %d at most",
				       TARIFF_BANDS_MAX);
			return;
		}
		if (strlen(name) == 0 || strlen(name) > TARIFF_BAND_NAME_MAX)
			settings_fault(band, NULL, "name the band with 1 to %d bytes",
				       TARIFF_BAND_NAME_MAX);
		snprintf(ret->band_name[ret->band_count], sizeof(ret->band_name[0]), "%s", name);
		read_prices(band, ret, ret->price_micro_per_kwh[ret->band_count++]);
	}
	if (ret->band_count == 0) {
		if (energy == NULL)
			settings_fault_file(settings, "tariff",
					    "no section [energy]; price and blocks belong there");
		else
			read_prices(energy, ret, ret->price_micro_per_kwh[0]);
		return;
	}
	if (energy != NULL && settings_has(energy, "price")) {
		struct tariff_words words;
		/* It is no key that nobody knows. */
		tariff_words(energy, "price", &words);
		settings_fault(energy, "price",
			       "price: the bands have their own; take this one out");
	}
	tariff_days_read(settings, ret);
}

/* An amount of the currency, at most 9 decimals, in nano. */
static int64_t read_amount(struct settings_section *section, const char *key)
{
	int64_t nano = 0;
	const char *text = settings_string(section, key, 1, TARIFF_WORD_MAX, NULL);
	if (text != NULL && !tariff_word_fixed(text, 9, TARIFF_AMOUNT_MAX, &nano))
		settings_fault(section, key,
			       "%s is no amount; write 0.5137, at most 9 decimals and %d", text,
			       (int)(TARIFF_AMOUNT_MAX / 1000000000));
	return nano;
}

static void read_standing(struct settings *settings, struct tariff_standing *ret)
{
	static const char *const ways[] = {"charged", "halted", NULL};
	struct settings_section *section = settings_find(settings, "standing", NULL);
	if (section == NULL)
		return;
	if (!settings_has(section, "per-day") && !settings_has(section, "per-month"))
		settings_fault(section, NULL, "write per-day, per-month, or both");
	ret->day_nano = read_amount(section, "per-day");
	ret->month_nano = read_amount(section, "per-month");
	ret->not_cut = settings_choice(section, "while-cut", ways, 0) == 1;
	ret->not_unread = settings_choice(section, "while-unread", ways, 0) == 1;
}

/* What is left is lost with its period, carried to the dates of carried-to, or with "end" until the tenancy
 * ends. */
static void read_allowance(struct settings *settings, struct tariff_allowance *ret)
{
	static const char *const per[] = {"room", "person", NULL};
	static const char *const move_in[] = {"whole", "prorated", NULL};
	static const char *const counts[] = {"yes", "no", NULL};
	struct settings_section *section = settings_find(settings, "allowance", NULL);
	struct tariff_words words;
	if (section == NULL)
		return;
	if (settings_has(section, "energy") == settings_has(section, "money"))
		settings_fault(section, NULL, "write energy or money: what each period gives");
	ret->nano = read_amount(section, "money");
	const char *text = settings_string(section, "energy", 1, TARIFF_WORD_MAX, NULL);
	if (text != NULL &&
	    (!tariff_word_fixed(text, 3, TARIFF_ALLOWANCE_MAX, &ret->wh) || ret->wh == 0))
		settings_fault(section, "energy",
			       "%s is no energy; write kWh with at most 3 decimals and %d", text,
			       (int)(TARIFF_ALLOWANCE_MAX / 1000));
	read_cycle(section, "every", &ret->given);
	ret->kept = ret->given;
	if (settings_has(section, "carried-to")) {
		ret->kept = (struct tariff_cycle){0};
		tariff_words(section, "carried-to", &words);
		if (words.count != 1 || strcmp(words.word[0].text, "end") != 0)
			read_cycle(section, "carried-to", &ret->kept);
	}
	ret->per_person = settings_choice(section, "per", per, 0) == 1;
	ret->prorated = settings_choice(section, "move-in", move_in, 0) == 1;
	ret->uncounted = settings_choice(section, "in-blocks", counts, 0) == 1;
}

static void read_minimum(struct settings *settings, struct tariff_minimum *ret)
{
	static const char *const move_in[] = {"whole", "prorated", NULL};
	struct settings_section *section = settings_find(settings, "minimum", NULL);
	if (section == NULL)
		return;
	settings_require(section, "amount");
	ret->nano = read_amount(section, "amount");
	read_cycle(section, "every", &ret->cycle);
	ret->prorated = settings_choice(section, "move-in", move_in, 0) == 1;
}

/* Per m3. */
static void read_water(struct settings *settings, struct tariff_water *ret)
{
	struct settings_section *section = settings_find(settings, "water", NULL);
	struct tariff_words words;
	if (section == NULL)
		return;
	settings_require(section, "price");
	tariff_words(section, "price", &words);
	if (words.count == 1 &&
	    !tariff_word_fixed(words.word[0].text, 6, TARIFF_PRICE_MAX, &ret->price_micro_per_m3))
		price_fault(section, &words.word[0]);
	if (words.count != 1 && settings_has(section, "price"))
		settings_fault(section, "price", "price: water has one, not %zu", words.count);
	ret->priced = true;
}

/* "13" per cent is 130000. */
static void read_tax(struct settings *settings, struct tariff_tax *ret)
{
	static const char *const ways[] = {"included", "added", NULL};
	struct settings_section *section = settings_find(settings, "tax", NULL);
	if (section == NULL)
		return;
	settings_require(section, "rate");
	settings_require(section, "is");
	ret->rate_ppm = (int32_t)settings_fixed(section, "rate", 4, 0, TAX_RATE_MAX, 0);
	ret->added = settings_choice(section, "is", ways, 0) == 1;
}

int tariff_file_parse(const char *text, size_t size, const struct offset_table *zone,
		      struct tariff *ret, bool *ret_from_receipt, json_t **ret_errors)
{
	if (size > TARIFF_FILE_MAX)
		return -EMSGSIZE;

	struct settings *settings;
	int r = settings_new(&settings);
	if (r < 0)
		return r;
	r = settings_read_text(settings, "tariff", text, size);
	if (r < 0)
		goto finish;

	struct settings_section *head = settings_find(settings, "tariff", NULL);
	struct settings_section *energy = settings_find(settings, "energy", NULL);
	struct tariff tariff = {0};
	bool from_receipt = false;
	if (head == NULL)
		settings_fault_file(settings, "tariff",
				    "no section [tariff]; name and activation belong there");
	if (head != NULL) {
		settings_require(head, "name");
		settings_require(head, "activation");
		const char *name = settings_string(head, "name", 1, LEDGER_TARIFF_NAME_MAX, NULL);
		if (name != NULL)
			snprintf(tariff.name, sizeof(tariff.name), "%s", name);
		const char *activation = settings_string(head, "activation", 1, 32, NULL);
		if (activation != NULL && strcmp(activation, "receipt") == 0)
			from_receipt = true;
		else if (activation != NULL &&
			 !local_instant(activation, zone, &tariff.activation_s))
			settings_fault(
				head, "activation",
				"%s is no local date and time; write 2026-09-01 00:00, or receipt",
				activation);
	}
	read_blocks(energy, &tariff);
	read_bands(settings, energy, &tariff);
	read_allowance(settings, &tariff.allowance);
	read_minimum(settings, &tariff.minimum);
	read_standing(settings, &tariff.standing);
	read_tax(settings, &tariff.tax);
	read_water(settings, &tariff.water);
	settings_unknown(settings);

	if (settings_error_count(settings) > 0) {
		*ret_errors = error_rows(settings, last_line(text, size));
		r = *ret_errors == NULL ? -ENOMEM : -EINVAL;
		goto finish;
	}
	*ret = tariff;
	*ret_from_receipt = from_receipt;
finish:
	settings_free(settings);
	return r;
}
