/* station_bands.c - see station_bands.h.
 *
 * M7  Band registers count with the total register of the same answer alone: a pair that was read at one instant. Of
 *     what was settled last the ledger keeps that pair, in the transaction of the entries. A pair whose total is not
 *     the mark's says nothing of it: after an exchange, a decision about a quarantine or a restore the registers are
 *     of use again from the next settlement on.
 */
#include "concentrator/station_bands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/config_bands.h"
#include "concentrator/ledger_bands.h"
#include "concentrator/station_event.h"

static enum quantity quantity_of(uint32_t number)
{
	return (enum quantity)(QUANTITY_ENERGY_BAND_1_WH + (int)number);
}

/* Registers that a model has, numbered from 1 without a gap. */
static uint32_t registers_of(const struct model *model)
{
	uint32_t count = 0;
	while (count < BANDS_MAX && model_has(model, quantity_of(count)))
		count++;
	return count;
}

/* Says what is wrong where the model lacks a register that is declared; true: it has them all. */
static bool model_has_all(const struct config_bands *bands, const struct model *model,
			  char ret[static STATION_ERROR_SIZE])
{
	uint32_t count = registers_of(model);
	for (uint32_t i = count; i < BANDS_MAX; i++)
		if (bands->names.name[i][0] != '\0') {
			snprintf(ret, STATION_ERROR_SIZE,
				 "[bands %s]: band_%u: %s has %u registers of bands", bands->name,
				 i + 1, model->name, count);
			return false;
		}
	return true;
}

static int check_model(struct station *station, const struct config_bands *bands, const char *name)
{
	const struct model *model = models_find(station->settings.models, name);
	if (model == NULL) {
		snprintf(station->error, sizeof(station->error), "[bands %s]: no model is named %s",
			 bands->name, name);
		return -EINVAL;
	}
	return model_has_all(bands, model, station->error) ? 0 : -EINVAL;
}

/* Models alone: what meter a circuit has is the ledger's, and no reason to refuse a start. */
static int check_models(struct station *station)
{
	for (size_t i = 0; i < station->config->bands_count; i++) {
		const struct config_bands *bands = &station->config->bands[i];
		char word[CONFIG_TEXT_SIZE];
		const char *at = NULL;
		while (config_bands_meter(bands, &at, word)) {
			int r = strchr(word, '/') != NULL ? 0 : check_model(station, bands, word);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* What a meter's registers are declared to count, where it has them; NULL: nothing. */
static const struct config_bands *declared_of(struct station *station,
					      const struct station_supply *supply)
{
	const struct model *model = supply->meter->model;
	char lacking[STATION_ERROR_SIZE], subject[ALARM_SUBJECT_MAX + 1];
	const struct config_bands *declared = config_bands_of(
		station->config, model->name, supply->room->record.name, supply->record.circuit);
	if (declared == NULL || model_has_all(declared, model, lacking))
		return declared;
	station_subject(supply, subject);
	station_alarm(station, ALARM_BAND_REGISTERS, subject, "%s; not used", lacking);
	return NULL;
}

static int load_supply(struct station *station, struct station_supply *supply)
{
	if (supply->meter == NULL || supply->medium != MEDIUM_ELECTRICITY)
		return 0;
	const struct config_bands *declared = declared_of(station, supply);
	if (declared == NULL)
		return 0;
	supply->bands = calloc(1, sizeof(*supply->bands));
	if (supply->bands == NULL)
		return -ENOMEM;
	supply->bands->names = &declared->names;
	supply->bands->count = registers_of(supply->meter->model);
	if (supply->life.id == 0)
		return 0;
	struct ledger_bands kept;
	int r = ledger_bands_get(station->ledger, supply->life.id, &kept);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	supply->bands->doubted_s = supply->bands->settling_doubted_s = kept.doubted_s;
	supply->bands->settled.known = true;
	supply->bands->settled.total_wh = kept.settled_wh;
	memcpy(supply->bands->settled.wh, kept.wh, sizeof(kept.wh));
	return 0;
}

int station_bands_load(struct station *station)
{
	if (station->config->bands_count == 0)
		return 0;
	int r = check_models(station);
	for (size_t i = 0; r == 0 && i < station->supply_count; i++)
		r = load_supply(station, station->supplies[i]);
	return r;
}

void station_bands_carry(struct station_supply *supply, const struct station_supply *was)
{
	if (supply->bands == NULL || was->bands == NULL)
		return;
	supply->bands->accepted = was->bands->accepted;
	supply->bands->settled = was->bands->settled;
}

void station_bands_read(struct station_supply *supply, const struct reading *reading)
{
	struct station_bands *bands = supply->bands;
	if (bands == NULL)
		return;
	struct station_band_pair pair = {.known = true, .total_wh = supply->guard.accepted.wh};
	for (uint32_t i = 0; i < bands->count; i++) {
		pair.known = pair.known && reading_has(reading, quantity_of(i));
		pair.wh[i] = reading->value[quantity_of(i)];
	}
	bands->accepted = pair;
}

void station_bands_idle(struct station_supply *supply)
{
	struct station_bands *bands = supply->bands;
	if (bands != NULL && supply->settled.wh == supply->guard.accepted.wh)
		bands->settled = bands->accepted;
}

void station_bands_forget(struct station_supply *supply)
{
	if (supply->bands == NULL)
		return;
	supply->bands->accepted.known = false;
	supply->bands->settled.known = false;
	supply->bands->doubted_s = 0;
}

const struct bands_step *station_bands_step(const struct station_supply *supply,
					    struct bands_step *ret)
{
	const struct station_bands *bands = supply->bands;
	if (bands == NULL || !bands->settled.known || !bands->accepted.known ||
	    bands->settled.total_wh != supply->settled.wh ||
	    bands->accepted.total_wh != supply->guard.accepted.wh)
		return NULL;
	*ret = (struct bands_step){.names = bands->names,
				   .count = bands->count,
				   .resolution_wh = supply->limits.resolution_wh,
				   .doubted_s = bands->doubted_s};
	for (uint32_t i = 0; i < bands->count; i++)
		if (__builtin_sub_overflow(bands->accepted.wh[i], bands->settled.wh[i],
					   &ret->wh[i]))
			return NULL;
	return ret;
}

static void tell(struct station *station, const struct station_supply *supply,
		 enum bands_verdict verdict)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	if (verdict == BANDS_BELIEVED)
		station_alarm_clear(station, ALARM_BAND_REGISTERS, subject);
	else if (verdict != BANDS_NOTHING)
		station_alarm(station, ALARM_BAND_REGISTERS, subject,
			      "the meter's own band registers are not believed: %s",
			      bands_doubt(verdict));
}

int station_bands_keep(struct station *station, struct station_supply *supply,
		       enum bands_verdict verdict)
{
	struct station_bands *bands = supply->bands;
	if (bands == NULL)
		return 0;
	tell(station, supply, verdict);
	bands->settling = bands->accepted;
	bands->settling_doubted_s = verdict == BANDS_CLOCK ? supply->guard.accepted.at_s
							   : bands->doubted_s;
	if (!bands->accepted.known || bands->accepted.total_wh != supply->guard.accepted.wh)
		return 0;
	struct ledger_bands record = {.settled_wh = bands->settling.total_wh,
				      .doubted_s = bands->settling_doubted_s};
	memcpy(record.wh, bands->settling.wh, sizeof(record.wh));
	return ledger_bands_set(station->ledger, supply->life.id, &record);
}

void station_bands_kept(struct station_supply *supply)
{
	struct station_bands *bands = supply->bands;
	if (bands == NULL)
		return;
	bands->settled = bands->settling;
	bands->doubted_s = bands->settling_doubted_s;
}
