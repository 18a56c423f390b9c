#include "concentrator/station_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_supply.h"
#include "concentrator/station_bands.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_freeze.h"
#include "concentrator/station_identity.h"
#include "concentrator/station_load_read.h"
#include "concentrator/station_money.h"
#include "concentrator/station_poll.h"
#include "concentrator/station_tariff.h"
#include "concentrator/station_unread.h"

struct station_room *station_room_find(const struct station *station, const char *name)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (strcmp(station->rooms[i]->record.name, name) == 0)
			return station->rooms[i];
	return NULL;
}

struct station_supply *station_supply_find(const struct station_room *room, const char *circuit)
{
	for (size_t i = 0; i < room->supply_count; i++)
		if (strcmp(room->supplies[i]->record.circuit, circuit) == 0)
			return room->supplies[i];
	return NULL;
}

size_t station_line_find(const struct station *station, const char *name)
{
	size_t i = 0;
	while (i < station->line_count && strcmp(station->lines[i].config->name, name) != 0)
		i++;
	return i;
}

bool station_device_used(const struct station *station, const struct station_device *device)
{
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->meter == device || station->supplies[i]->relay == device)
			return true;
	return false;
}

static struct station_supply *supply_of(const struct station *station, int64_t id)
{
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->record.id == id)
			return station->supplies[i];
	return NULL;
}

static struct station_room *room_of_account(const struct station *station, int64_t account_id)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == account_id)
			return station->rooms[i];
	return NULL;
}

/* Makes room for one more pointer. */
static int grow(void *array, size_t count, size_t max)
{
	void **pointers;
	memcpy(&pointers, array, sizeof(pointers));
	if (count >= max)
		return -E2BIG;
	if ((count & (count - 1)) == 0) {
		void **more = realloc(pointers, (count == 0 ? 1 : count * 2) * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		memcpy(array, &more, sizeof(more));
	}
	return 0;
}

static int load_room(const struct ledger_room *record, void *userdata)
{
	struct station *station = userdata;
	int r = grow(&station->rooms, station->room_count, STATION_ROOMS_MAX);
	if (r < 0)
		return r;
	struct station_room *room = calloc(1, sizeof(*room));
	if (room == NULL)
		return -ENOMEM;
	room->record = *record;
	station->rooms[station->room_count++] = room;
	return 0;
}

/* The device at an address, made when it is the first supply there. */
static int device_at(struct station *station, const struct ledger_device *where,
		     struct station_device **ret)
{
	size_t line = station_line_find(station, where->line);
	const struct model *model = models_find(station->settings.models, where->model);
	if (line == station->line_count || model == NULL) {
		snprintf(station->error, sizeof(station->error),
			 "the ledger has %s at address %d of line %s, but the configuration has no "
			 "such %s",
			 where->model, (int)where->address, where->line,
			 model == NULL ? "model" : "line");
		return -EINVAL;
	}
	for (size_t i = 0; i < station->device_count; i++) {
		struct station_device *device = station->devices[i];
		if (device->line == line && device->address == where->address) {
			/* The last one there was removed: another model may take its place. */
			if (device->model != model && !station_device_used(station, device)) {
				device->model = model;
				memset(&device->tally, 0, sizeof(device->tally));
				device->once.count = 0;
				station_load_read_begin(device);
			}
			if (device->model != model) {
				snprintf(station->error, sizeof(station->error),
					 "address %d of line %s is %s and %s at once",
					 (int)where->address, where->line, device->model->name,
					 model->name);
				return -EINVAL;
			}
			*ret = device;
			return 0;
		}
	}
	int r = grow(&station->devices, station->device_count,
		     SCHEDULE_DEVICES_MAX * station->line_count);
	if (r < 0)
		return r;
	struct station_device *device = calloc(1, sizeof(*device));
	if (device == NULL)
		return -ENOMEM;
	device->line = line;
	device->address = (uint8_t)where->address;
	device->model = model;
	station_load_read_begin(device);
	station->devices[station->device_count++] = device;
	*ret = device;
	return 0;
}

static int load_supply(const struct ledger_supply *record, void *userdata)
{
	struct station *station = userdata;
	struct station_room *room = room_of_account(station, record->account_id);
	if (room == NULL)
		return -EUCLEAN;
	if (room->supply_count == LAYERS_SUPPLIES_MAX)
		return -E2BIG;
	int r = grow(&station->supplies, station->supply_count, STATION_SUPPLIES_MAX);
	if (r < 0)
		return r;
	struct station_supply *supply = calloc(1, sizeof(*supply));
	if (supply == NULL)
		return -ENOMEM;
	supply->record = *record;
	supply->room = room;
	supply->verdict.layer = LAYER_NOBODY;
	station->supplies[station->supply_count++] = supply;
	room->supplies[room->supply_count++] = supply;

	const struct config_policy *policy = &station->config->policy;
	if (record->has_point) {
		r = device_at(station, &record->point, &supply->meter);
		if (r < 0)
			return r;
		const struct model *model = supply->meter->model;
		supply->medium = model->kind == MODEL_WATER ? MEDIUM_WATER : MEDIUM_ELECTRICITY;
		supply->limits = (struct guard_limits){
			.medium = supply->medium,
			.flow_l_per_h = policy->water_flow_l_h,
			.modulus_wh = model->modulus_wh,
			.resolution_wh = model->resolution_wh > 0 ? model->resolution_wh : 1,
			.breaker_a = record->breaker_a,
			.phases = model->phases > 0 ? model->phases : 1,
			.nominal_voltage_v = policy->nominal_voltage,
			.plausibility_factor = policy->plausibility_factor,
		};
		supply->traits.resolution_wh = supply->limits.resolution_wh;
	}
	if (record->has_relay) {
		r = device_at(station, &record->relay, &supply->relay);
		if (r < 0)
			return r;
		supply->traits.has_relay = true;
		supply->traits.reads_back = model_relay_readback_span(supply->relay->model) >= 0;
		supply->traits.key = supply->relay->model->relay.key;
	}
	return 0;
}

static int load_life(const struct ledger_life *life, void *userdata)
{
	struct station *station = userdata;
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		if (!supply->record.has_point || supply->record.point_id != life->point_id)
			continue;
		if (life->medium != supply->medium) {
			snprintf(station->error, sizeof(station->error),
				 "room %s: the meter of %s counted %s, but model %s counts %s",
				 supply->room->record.name, supply->record.circuit,
				 medium_name(life->medium), supply->meter->model->name,
				 medium_name(supply->medium));
			return -EINVAL;
		}
		supply->life = *life;
		supply->settled = (struct mark){.wh = life->settled_wh,
						.at_s = life->settled_s,
						.dated = life->settled_s > 0,
						.since_s = life->floor_s};
		guard_rebase(&supply->guard, &supply->settled);
	}
	return 0;
}

static int load_quarantine(const struct ledger_quarantine *record, void *userdata)
{
	struct station *station = userdata;
	struct station_supply *supply = supply_of(station, record->supply_id);
	if (supply == NULL)
		return 0;
	enum guard_reason reason = GUARD_LEAP;
	for (int i = 0; i < GUARD_REASON_COUNT; i++)
		if (strcmp(guard_reason_name((enum guard_reason)i), record->reason) == 0)
			reason = (enum guard_reason)i;
	supply->quarantine_id = record->id;
	supply->quarantine_opened_s = record->opened_s;
	/* The last register believed before it may be newer than the last settlement. */
	if (record->life_id == supply->life.id && record->baseline_wh > supply->settled.wh) {
		const struct mark baseline = {.wh = record->baseline_wh,
					      .at_s = record->opened_s,
					      .dated = record->opened_trusted};
		guard_rebase(&supply->guard, &baseline);
	}
	guard_requarantine(&supply->guard, reason, record->reading_wh);
	return 0;
}

static int load_wish(const struct ledger_wish *record, void *userdata)
{
	struct station *station = userdata;
	struct station_supply *supply = supply_of(station, record->supply_id);
	if (supply == NULL || (record->layer != LAYER_LOCKOUT && record->layer != LAYER_OPERATOR) ||
	    record->position < SUPPLY_NO_WISH || record->position > SUPPLY_HOLD)
		return 0;
	struct station_wish *wish = &supply->wishes[record->layer == LAYER_OPERATOR];
	supply->layers.wish[record->layer] = (enum supply_wish)record->position;
	wish->uid = record->uid;
	memcpy(wish->owner, record->owner, sizeof(wish->owner));
	memcpy(wish->reason, record->reason, sizeof(wish->reason));
	return 0;
}

static int load_relay(const struct ledger_relay *record, void *userdata)
{
	struct station *station = userdata;
	struct station_supply *supply = supply_of(station, record->supply_id);
	if (supply == NULL)
		return 0;
	supply->relay_state.commanded = (enum relay_position)record->commanded;
	supply->relay_state.armed = record->armed;
	supply->relay_state.proven = record->proven;
	return 0;
}

static int load_money(const struct ledger_money *record, void *userdata)
{
	struct station *station = userdata;
	struct station_room *room = room_of_account(station, record->account_id);
	if (room == NULL)
		return 0;
	room->money = (struct supply_money){
		.low = record->low,
		.noticed = record->noticed,
		.notice_run_us = record->notice_run_us,
		.notice_wait_us = record->notice_wait_us,
		.notice_nano = record->notice_nano,
		.hold = (enum supply_hold)record->hold,
		.hold_run_us = record->hold_run_us,
		.hold_from_nano = record->hold_from_nano,
		.hold_begun = record->hold_begun,
		.hold_spent = record->hold_spent,
		.cut = record->cut,
		.cut_run_us = record->cut_run_us,
	};
	return 0;
}

static int load_hold(const struct ledger_hold *record, void *userdata)
{
	struct station *station = userdata;
	struct station_room *room = room_of_account(station, record->account_id);
	if (room != NULL)
		room->hold = *record;
	return 0;
}

static int load_key(int64_t version, const struct ledger_key *key, void *userdata)
{
	struct station *station = userdata;
	station->keys.version = version;
	if (station->keys.count < LEDGER_KEYS_MAX)
		station->keys.keys[station->keys.count++] = *key;
	return 0;
}

int station_load_keys(struct station *station)
{
	station->keys.count = 0;
	station->keys.version = 0;
	int r = ledger_keyset_version(station->ledger, &station->keys.version);
	return r < 0 ? r : ledger_keys_each(station->ledger, load_key, station);
}

/* The distinct requests by which a device serves its supplies, for each kind of read. */
static void add_to(const struct station_device *device, struct station_reads *reads, unsigned span,
		   unsigned channel)
{
	struct meter_request request;
	if (model_span_request(device->model, span, channel, &request) < 0)
		return;
	for (size_t i = 0; i < reads->count; i++) {
		struct meter_request other;
		if (model_span_request(device->model, reads->at[i].span, reads->at[i].channel,
				       &other) == 0 &&
		    other.address == request.address && other.function == request.function)
			return;
	}
	if (reads->count < STATION_READS_MAX) {
		reads->at[reads->count].span = (uint8_t)span;
		reads->at[reads->count].channel = (uint8_t)channel;
		reads->count++;
	}
}

static void add_read(struct station_device *device, enum schedule_span kind, unsigned span,
		     unsigned channel)
{
	add_to(device, &device->reads[kind], span, channel);
}

/* What a device is asked seldom on behalf of a supply. */
static void add_seldom(struct station_device *device, unsigned channel, bool metered)
{
	const struct model *model = device->model;
	device->users++;
	for (unsigned span = 0; span < model->spans_count; span++) {
		enum model_role role = model->spans[span].role;
		bool of_meter = role == MODEL_ROLE_IDENTITY || role == MODEL_ROLE_RATIO;
		if (model_role_is_seldom(role) && (metered || !of_meter))
			add_to(device, &device->once, span, channel);
	}
}

static void add_reads(struct station_supply *supply)
{
	if (supply->relay != NULL)
		add_seldom(supply->relay, (unsigned)supply->record.relay.channel, false);
	if (supply->meter != NULL) {
		const struct model *model = supply->meter->model;
		unsigned channel = (unsigned)supply->record.point.channel;
		for (int span = model_span_of(model, MODEL_ROLE_ENERGY, 0); span >= 0;
		     span = model_span_of(model, MODEL_ROLE_ENERGY, (unsigned)span + 1))
			add_read(supply->meter, SCHEDULE_ENERGY, (unsigned)span, channel);
		add_seldom(supply->meter, channel, true);
		for (int span = model_span_of(model, MODEL_ROLE_INSTANT, 0); span >= 0;
		     span = model_span_of(model, MODEL_ROLE_INSTANT, (unsigned)span + 1))
			add_read(supply->meter, SCHEDULE_INSTANT, (unsigned)span, channel);
		if (supply->meter->load.count > 0)
			add_read(supply->meter, SCHEDULE_LOAD, supply->meter->load.span, channel);
	}
	if (supply->relay != NULL && supply->traits.reads_back)
		add_read(supply->relay, SCHEDULE_POSITION,
			 (unsigned)model_relay_readback_span(supply->relay->model),
			 (unsigned)supply->record.relay.channel);
}

static int64_t cost_us(const struct station *station, const struct station_device *device, int kind,
		       size_t n)
{
	unsigned span = device->reads[kind].at[n].span, channel = device->reads[kind].at[n].channel;
	return kind == SCHEDULE_LOAD ? station_load_cost_us(station, device, channel)
				     : station_cost_us(station, device, span, channel);
}

/* What goes between two blocks of one length (read_apart.h), at the most. */
static int64_t between_us(const struct station_device *device, const struct schedule_traits *traits)
{
	int64_t most_us = 0;
	bool blocks = false;
	for (int kind = 0; kind < SCHEDULE_READS; kind++) {
		const struct station_reads *reads = &device->reads[kind];
		for (size_t n = 1; n < reads->count; n++)
			blocks = blocks || reads->at[n].span == reads->at[0].span;
		if (kind != SCHEDULE_ENERGY && traits->cost_us[kind] > most_us)
			most_us = traits->cost_us[kind];
	}
	return blocks ? READ_APART * most_us : 0;
}

int station_device_traits(struct station *station, struct station_device *device)
{
	struct schedule *schedule = &station->lines[device->line].schedule;
	struct schedule_traits traits = {0};
	bool any = false;
	for (int kind = 0; kind < SCHEDULE_READS; kind++) {
		traits.round[kind] = (uint8_t)device->reads[kind].count;
		if (kind == SCHEDULE_LOAD && !station_load_read_used(device))
			continue;
		for (size_t n = 0; n < device->reads[kind].count; n++) {
			int64_t cost = cost_us(station, device, kind, n);
			if (cost > traits.cost_us[kind])
				traits.cost_us[kind] = cost;
			any = true;
		}
	}
	traits.between_us = between_us(device, &traits);
	traits.gap_us = device->model->min_gap_us;
	if (device->load.count > 0 &&
	    device->model->spans[device->load.span].role == MODEL_ROLE_INSTANT)
		traits.load_in = SCHEDULE_INSTANT;
	if (device->scheduled)
		schedule_traits(schedule, device->index, &traits, station->now.us);
	if (device->scheduled || !any)
		return 0;
	int r = schedule_add(schedule, &traits, station->now.us, &device->index);
	device->scheduled = r == 0;
	return r;
}

/* Tells the lines' schedules which devices there are and what they can be asked. A schedule forgets no
 * device; one without supplies is left with nothing to ask. */
static int schedule_devices(struct station *station)
{
	for (size_t i = 0; i < station->device_count; i++) {
		memset(station->devices[i]->reads, 0, sizeof(station->devices[i]->reads));
		station->devices[i]->once_before = station->devices[i]->once.count;
		station->devices[i]->once.count = 0;
		station->devices[i]->users_before = station->devices[i]->users;
		station->devices[i]->users = 0;
	}
	for (size_t i = 0; i < station->supply_count; i++)
		add_reads(station->supplies[i]);
	/* Also for a supply that is new to a device which has told the others already. */
	for (size_t i = 0; i < station->device_count; i++)
		if (station->devices[i]->once.count != station->devices[i]->once_before ||
		    station->devices[i]->users > station->devices[i]->users_before)
			station_identity_due(station, station->devices[i]);

	for (size_t i = 0; i < station->device_count; i++) {
		int r = station_device_traits(station, station->devices[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void free_supply(struct station_supply *supply)
{
	free(supply->bands);
	free(supply);
}

static void unload_rooms(struct station *station)
{
	for (size_t i = 0; i < station->supply_count; i++)
		free_supply(station->supplies[i]);
	for (size_t i = 0; i < station->room_count; i++)
		free(station->rooms[i]);
	free(station->supplies);
	free(station->rooms);
	station->supplies = NULL;
	station->rooms = NULL;
	station->supply_count = 0;
	station->room_count = 0;
}

/* What rooms had in memory only moves over to the rooms loaded anew: the latest readings, relay
 * positions and what was announced. */
static void carry_over(struct station *station, struct station_room **rooms, size_t room_count)
{
	for (size_t i = 0; i < room_count; i++) {
		const struct station_room *old = rooms[i];
		struct station_room *room = station_room_find(station, old->record.name);
		if (room == NULL || room->record.id != old->record.id)
			continue;
		room->told = old->told;
		room->told_credit = old->told_credit;
		room->told_service = old->told_service;
		room->was_due = old->was_due;
		for (size_t n = 0; n < old->supply_count; n++) {
			const struct station_supply *was = old->supplies[n];
			struct station_supply *supply = station_supply_find(room,
									    was->record.circuit);
			if (supply == NULL || supply->record.id != was->record.id)
				continue;
			supply->latest = was->latest;
			memcpy(supply->value_us, was->value_us, sizeof(supply->value_us));
			supply->ratios = was->ratios;
			if (was->meter == supply->meter)
				supply->limits = was->limits;
			supply->seen = was->seen;
			if (was->meter == supply->meter && was->relay == supply->relay)
				supply->mode = was->mode;
			supply->rate = was->rate;
			supply->progress = was->progress;
			supply->load = was->load;
			if (was->meter == supply->meter) {
				supply->witness_us = was->witness_us;
				supply->witness_bad = was->witness_bad;
			}
			memcpy(supply->cause, was->cause, sizeof(supply->cause));
			/* The register accepted since the settlement, and the relay's progress, are newer
			 * here than in the ledger, unless the ledger lost the settlement they stand on. */
			if (was->life.id == supply->life.id &&
			    was->settled.wh == supply->settled.wh) {
				supply->guard = was->guard;
				supply->judged = was->judged;
				supply->settled = was->settled;
				station_bands_carry(supply, was);
			}
			if (was->relay_state.commanded == supply->relay_state.commanded)
				supply->relay_state = was->relay_state;
		}
	}
}

int station_load(struct station *station)
{
	struct station_room **old_rooms = station->rooms;
	struct station_supply **old_supplies = station->supplies;
	size_t old_room_count = station->room_count, old_supply_count = station->supply_count;
	station->rooms = NULL;
	station->supplies = NULL;
	station->room_count = station->supply_count = 0;

	struct ledger *ledger = station->ledger;
	int r = ledger_rooms_each(ledger, false, load_room, station);
	if (r == 0)
		r = ledger_supplies_each(ledger, false, load_supply, station);
	if (r == 0)
		r = ledger_lives_each(ledger, false, load_life, station);
	if (r == 0)
		r = station_bands_load(station);
	if (r == 0)
		r = station_unread_load(station);
	if (r == 0)
		r = ledger_quarantines_tail(ledger, true, 0, INT32_MAX, load_quarantine, station);
	if (r == 0)
		r = ledger_wishes_each(ledger, load_wish, station);
	if (r == 0)
		r = ledger_relays_each(ledger, load_relay, station);
	if (r == 0)
		r = ledger_money_each(ledger, load_money, station);
	if (r == 0)
		r = ledger_holds_each(ledger, load_hold, station);
	if (r == 0)
		r = station_load_credits(station);
	if (r == 0)
		r = station_freeze_load(station);
	if (r == 0)
		r = station_load_tariffs(station);
	if (r == 0)
		r = station_load_keys(station);
	for (size_t i = 0; r == 0 && i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		r = ledger_balance_nano(ledger, room->record.account_id, &room->settled_nano);
		supply_resume(&room->money, station->now.us);
	}
	if (r == 0)
		r = schedule_devices(station);
	if (r == 0)
		carry_over(station, old_rooms, old_room_count);

	if (r < 0) {
		/* The old picture stays; what failed is tried again or ends the start. */
		unload_rooms(station);
		station->rooms = old_rooms;
		station->supplies = old_supplies;
		station->room_count = old_room_count;
		station->supply_count = old_supply_count;
		return r;
	}
	for (size_t i = 0; i < old_supply_count; i++)
		free_supply(old_supplies[i]);
	for (size_t i = 0; i < old_room_count; i++)
		free(old_rooms[i]);
	free(old_supplies);
	free(old_rooms);
	for (size_t i = 0; i < station->room_count; i++) {
		station_week(station, station->rooms[i]);
		station_balance(station, station->rooms[i]);
	}
	station_commands_review(station);
	return 0;
}

void station_unload(struct station *station)
{
	unload_rooms(station);
	for (size_t i = 0; i < station->device_count; i++)
		free(station->devices[i]);
	free(station->devices);
	station->devices = NULL;
	station->device_count = 0;
}
