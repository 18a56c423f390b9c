#include "tests/system/played_building.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "concentrator/station_state.h"

#define TC_US         1042 /* a character at 9600 8N1 */
#define GAP_US        3646
#define TURNAROUND_US 15000
#define TIMEOUT_US    120000
#define DAY_US        INT64_C(86400000000)
#define STEP_UWH      INT64_C(10000000) /* 0.01 kWh in millionths of a Wh */

/* How much of the time from from_us (of the meter's own clock, since 1970) on lies in its peak hours. */
static int64_t peak_us(const struct played_meter *meter, int64_t from_us, int64_t length_us)
{
	int64_t sum_us = 0;
	for (int64_t day = from_us / DAY_US; day * DAY_US < from_us + length_us; day++) {
		int64_t begin_us = day * DAY_US + meter->peak_from_s * 1000000;
		int64_t end_us = day * DAY_US + meter->peak_to_s * 1000000;
		if (begin_us < from_us)
			begin_us = from_us;
		if (end_us > from_us + length_us)
			end_us = from_us + length_us;
		if (end_us > begin_us)
			sum_us += end_us - begin_us;
	}
	return sum_us;
}

static void count_bands(const struct played_building *building, struct played_meter *meter,
			int64_t uwh, int64_t us)
{
	int64_t clock_us = building->moved_us +
			   (building->base_s + 28800 + meter->clock_ahead_s) * 1000000;
	int64_t peak_uwh = meter->load_w * peak_us(meter, clock_us, us) / 3600;
	if (meter->bands_frozen)
		return;
	meter->band_uwh[0] += peak_uwh;
	meter->band_uwh[1] += uwh - peak_uwh;
}

static void count_energy(struct played_building *building)
{
	int64_t us = building->now_us - building->moved_us;
	for (size_t i = 0; i < building->meters; i++) {
		struct played_meter *meter = &building->meter[i];
		/* W x us / 3600 is millionths of a Wh. */
		if (!meter->closed || meter->frozen || meter->backward)
			continue;
		int64_t uwh = meter->load_w * us / 3600;
		meter->energy_uwh += uwh;
		if (meter->orno)
			count_bands(building, meter, uwh, us);
	}
	building->moved_us = building->now_us;
}

int64_t played_register_wh(const struct played_meter *meter)
{
	return meter->water ? meter->energy_uwh / 1000000 : meter->energy_uwh / STEP_UWH * 10;
}

struct instant played_now(const struct played_building *building)
{
	return (struct instant){.us = building->now_us,
				.s = building->base_s + building->now_us / 1000000,
				.trusted = building->trusted};
}

static int submit(void *userdata, size_t line, const struct line_job *job)
{
	struct played_building *building = userdata;
	assert(line == 0);
	if (building->held == 2)
		return -EBUSY;
	building->job[building->held++] = *job;
	return 0;
}

static int recall(void *userdata, size_t line, struct line_job *ret)
{
	struct played_building *building = userdata;
	assert(line == 0);
	if (building->held < 2)
		return -ENOENT;
	*ret = building->job[--building->held];
	return 0;
}

static void now(void *userdata, struct instant *ret)
{
	*ret = played_now(userdata);
}

static int read_ledger(void *userdata, const struct reader_job *job)
{
	struct played_building *building = userdata;
	if (building->reading)
		return -EBUSY;
	building->reading = true;
	building->read = *job;
	return 0;
}

void played_read_ledger(struct played_building *building)
{
	struct instant at = played_now(building);
	if (!building->reading)
		return;
	building->reading = false;
	reader_run(&building->read, ledger_path(building->station->ledger),
		   ledger_vfs(building->station->ledger), NULL, NULL);
	station_read_ledger(building->station, &building->read, &at);
	reader_job_clear(&building->read);
}

static void committed(void *userdata)
{
	struct played_building *building = userdata;
	building->commits++;
	if (building->on_commit != NULL)
		building->on_commit(building->userdata);
}

struct station_ports played_ports(void)
{
	return (struct station_ports){.submit = submit,
				      .recall = recall,
				      .now = now,
				      .read_ledger = read_ledger,
				      .committed = committed};
}

static int64_t duration_us(const struct played_building *building,
			   const struct line_request *request, bool answers)
{
	int64_t faster = building->faster > 0 ? building->faster : 1;
	int64_t characters = request->function == 16 ? 9 + 2 * request->count + 8
						     : 8 + 5 + 2 * (int64_t)request->count;
	int64_t slower = building->slower > 0 ? building->slower : 1;
	return (answers ? (characters * TC_US + GAP_US) * slower + TURNAROUND_US
			: 8 * TC_US * slower + TIMEOUT_US) /
	       faster;
}

/* Asked at another rate, parity or stop bits, nobody hears it. */
static bool heard(const struct line_job *job)
{
	return job->tune.baud == 0 ||
	       (job->tune.baud == 9600 && job->tune.parity == 'N' && job->tune.stop_bits == 1);
}

static struct played_meter *meter_of(struct played_building *building, const struct line_job *job)
{
	const struct line_request *request = &job->request;
	if (!heard(job))
		return NULL;
	/* Asked as another model would be, it does not answer. */
	if (request->slave < 1 || request->slave > building->meters ||
	    (request->function != 1 && request->function != 3 && request->function != 4 &&
	     request->function != 5 && request->function != 16))
		return NULL;
	struct played_meter *meter = &building->meter[request->slave - 1];
	bool coils = request->function == 1 || request->function == 5;
	if (meter->map12)
		return request->function == 3 || request->function == 4 ? meter : NULL;
	bool known = meter->water   ? request->function != 16
		     : meter->board ? request->function != 4
				    : request->function != 4 && !coils;
	return meter->dead || !known ? NULL : meter;
}

static uint64_t bcd(uint64_t number)
{
	uint64_t digits = 0;
	for (unsigned shift = 0; shift < 48; shift += 4, number /= 10)
		digits |= number % 10 << shift;
	return digits;
}

static uint16_t read_acrel(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	switch (address) {
	case 0x0000:
		return (uint16_t)(energy >> 16);
	case 0x0001:
		return (uint16_t)energy;
	case 0x000B:
		return 2300; /* 0.1 V */
	case 0x000C:
		return (uint16_t)(meter->closed ? meter->load_w * 100 / 230 : 0);
	case 0x000D:
		return (uint16_t)(meter->closed ? meter->load_w : 0);
	case 0x0010:
		return 1000;
	case 0x0022:
		return meter->run_word;
	case 0x0038:
		return meter->ct;
	case 0x0362:
		meter->identity_reads++;
		return (uint16_t)(bcd(meter->serial) >> 32);
	case 0x0363:
		return (uint16_t)(bcd(meter->serial) >> 16);
	case 0x0364:
		return (uint16_t)bcd(meter->serial);
	default:
		return 0;
	}
}

/* The energy of its user lies 0x19 behind 0x0300. */
static uint16_t read_adf(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	switch (address) {
	case 0x0300:
		return meter->volts_gone ? 0 : 2300; /* 0.1 V */
	case 0x0302:
		return (uint16_t)meter->load_w;
	case 0x0319:
		return (uint16_t)(energy >> 16);
	case 0x031A:
		return (uint16_t)energy;
	case 0x0908:
		return meter->adf_mode;
	case 0x0951:
	case 0x0952:
		return 1;
	default:
		return 0;
	}
}

static uint16_t read_orno(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	const uint32_t words[3] = {energy, (uint32_t)(meter->band_uwh[0] / STEP_UWH),
				   (uint32_t)(meter->band_uwh[1] / STEP_UWH)};
	if (address >= 0xA000 && address < 0xA006)
		return (uint16_t)(words[(address - 0xA000) / 2] >> (address % 2 == 0 ? 16 : 0));
	if (address == 0x0131)
		return 23000; /* 0.01 V */
	return address == 0x0141 ? (uint16_t)meter->load_w : 0;
}

static uint16_t read_board(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	(void)energy;
	if (address == 6)
		return meter->power_on;
	if (meter->water && address == 0x042A)
		return meter->weight;
	if (address >= 930 && address < 936)
		return meter->safe[address - 930];
	if (address >= 938 && address < 944)
		return meter->loss[address - 938];
	return 0;
}

/* Inputs 0x042C and on: the litres of two meters, 64 bits, high register first. */
static uint16_t read_water(uint16_t address, uint64_t litres)
{
	if (address < 0x042C || address >= 0x0430)
		return 0;
	return (uint16_t)(litres >> (16 * (0x042F - address)));
}

/* Word n, high first, of what 32 bits hold. */
static uint16_t word_of(uint32_t value, unsigned n)
{
	return (uint16_t)(n == 0 ? value >> 16 : value);
}

/* Inputs of a WB-MAP12E; group g lies 0x1000 x g behind the first. Energies of 64 bits, 0.01 Wh, low register
 * first; currents of 0.244141 uA and powers of 5.12 mW, high register first. */
static uint16_t read_map12(const struct played_meter *meter, uint16_t address)
{
	unsigned group = (address >> 12) - 1U, place = address & 0xFFFU;
	uint64_t energy = (uint64_t)(meter->energy_uwh / 10000 - 300 * (int64_t)group);

	if (address == 0x10F8)
		return 5000; /* 0.01 Hz */
	if (address == 271)
		return 4711;
	if (place >= 0x204 && place < 0x210)
		return (uint16_t)(energy >> (16 * (place % 4)));
	if (place >= 0x416 && place < 0x41C)
		return word_of((group + 1) * 4096000, place % 2);
	if (place >= 0x300 && place < 0x308)
		return word_of((group + 1) * 196, place % 2);
	return 0;
}

/* Turns of each clamp, and the phase shift. */
static uint16_t read_map12_turns(uint16_t address)
{
	unsigned place = address & 0xFFFU;

	return place >= 0x460 && place < 0x463 ? 3000 : 0;
}

static uint16_t read_register(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	switch (address) {
	case 0x000A:
		return (uint16_t)(energy >> 16);
	case 0x000B:
		return (uint16_t)energy;
	case 0x000C:
		return 2300; /* 0.1 V */
	case 0x000D:
		return (uint16_t)(meter->closed ? meter->load_w * 100 / 230 : 0);
	case 0x000E:
		return (uint16_t)(!meter->closed    ? 0
				  : meter->backward ? -meter->load_w
						    : meter->load_w);
	case 0x0010:
		return 1000;
	case 0x0011:
		return 5000; /* 0.01 Hz */
	case 0x001A:
		return meter->closed;
	default:
		return 0;
	}
}

static uint16_t read_holding(struct played_meter *meter, uint16_t address, uint32_t energy)
{
	return (meter->acrel                   ? read_acrel
		: meter->adf                   ? read_adf
		: meter->orno                  ? read_orno
		: meter->board || meter->water ? read_board
					       : read_register)(meter, address, energy);
}

static uint16_t energy_address(const struct played_meter *meter)
{
	return meter->acrel ? 0 : meter->adf ? 0x0319 : meter->orno ? 0xA000 : 0x000A;
}

/* What a device says of itself: its number, its ratios, its modes. */
static bool is_seldom(const struct played_meter *meter, const struct line_request *request)
{
	if (request->function != 3)
		return false;
	if (meter->acrel)
		return request->address >= 0x0022;
	return meter->adf ? request->address >= 0x0900 : meter->board || meter->water;
}

static void note_seldom(struct played_meter *meter, const struct line_request *request)
{
	bool seldom = is_seldom(meter, request);
	meter->seldom_reads += seldom;
	meter->seldom_twice += seldom && meter->seldom_last;
	meter->seldom_last = seldom;
}

static void write_meter(struct played_meter *meter, const struct line_request *request)
{
	if (meter->water) {
		/* Coils 10 and 11 would reset the counters. */
		assert(request->function == 5 && request->address < 2);
		meter->coil[request->address] = request->values[0] == 0xFF00;
		if (request->address == 0 && !meter->stuck)
			meter->closed = meter->coil[0];
	} else if (meter->board) {
		assert(request->function == 5 && request->address < 6);
		meter->coil[request->address] = request->values[0] == 0xFF00;
	} else if (meter->acrel) {
		/* Forced control; the second register trips or closes. */
		assert(request->function == 16 && request->address == 0x0057 &&
		       request->count == 2 && request->values[0] == 1);
		meter->closed = request->values[1] == 0;
	} else {
		assert(request->function == 16 && request->address == 0x001A &&
		       request->count == 1);
		bool close = request->values[0] == 1;
		meter->key_armed = meter->key && close;
		meter->closed = close && !meter->key;
	}
	meter->relay_writes++;
}

static void answer(struct played_building *building, const struct line_job *job,
		   struct line_result *result)
{
	const struct line_request *request = &job->request;
	struct played_meter *meter = meter_of(building, job);
	if (request->function > 4 && !heard(job))
		building->lost_writes++;
	if (building->resting == request->slave) {
		building->resting = 0;
		result->error = -EBUSY;
		result->sent_us = 0;
		return;
	}
	building->resting = 0;
	if (meter == NULL) {
		building->resting = request->slave;
		result->error = -ETIMEDOUT;
		result->reason = EXCHANGE_SILENT;
		return;
	}
	result->turnaround_us = TURNAROUND_US;
	if (meter->garbles) {
		building->resting = request->slave;
		result->error = -EBADMSG;
		result->reason = EXCHANGE_CRC;
		return;
	}
	note_seldom(meter, request);
	if (meter->acrel && request->address == 0x0360 && meter->serial == 0) {
		meter->identity_reads++;
		result->error = -EREMOTEIO;
		result->reason = EXCHANGE_EXCEPTION;
		result->exception = 2;
		return;
	}
	if (meter->whole && request->address == 0x000D) {
		result->error = -EREMOTEIO;
		result->reason = EXCHANGE_EXCEPTION;
		result->exception = 2;
		return;
	}
	if (request->function == 1) {
		result->count = request->count;
		for (uint16_t i = 0; i < request->count; i++)
			result->values[i] = meter->coil[request->address + i];
	} else if (meter->map12) {
		result->count = request->count;
		for (uint16_t i = 0; i < request->count; i++) {
			uint16_t address = (uint16_t)(request->address + i);
			result->values[i] = request->function == 4 ? read_map12(meter, address)
								   : read_map12_turns(address);
		}
	} else if (request->function == 4) {
		uint64_t litres = (uint64_t)meter->energy_uwh / 1000000;
		if (meter->glitch_count > 0) {
			meter->glitch_count--;
			litres = meter->glitch_raw;
		}
		result->count = request->count;
		for (uint16_t i = 0; i < request->count; i++)
			result->values[i] = read_water((uint16_t)(request->address + i), litres);
	} else if (request->function == 3) {
		uint32_t energy = (uint32_t)(meter->energy_uwh / STEP_UWH);
		if (meter->glitch_count > 0 && request->address == energy_address(meter)) {
			meter->glitch_count--;
			energy = meter->glitch_raw;
		}
		result->count = request->count;
		for (uint16_t i = 0; i < request->count; i++)
			result->values[i] = read_holding(meter, (uint16_t)(request->address + i),
							 energy);
	} else {
		write_meter(meter, request);
	}
}

/* Now and then a gateway hands out an answer that it has kept. Where slave, function and length are those asked
 * for nothing tells it from the right one. */
static void shift(struct played_building *building, const struct line_request *request,
		  struct line_result *result)
{
	struct line_result right = *result;
	size_t by = building->shifted_by;
	building->answers++;
	if (building->shifted_every > 0 && building->answers % building->shifted_every == 0 &&
	    by > 0) {
		const struct line_request *old = &building->kept[by - 1].request;
		result->error = -EBADMSG;
		result->reason = EXCHANGE_WRONG_LENGTH;
		result->count = 0;
		if (building->kept[by - 1].result.error == 0 && old->slave == request->slave &&
		    old->function == request->function && old->count == request->count) {
			result->error = 0;
			result->reason = EXCHANGE_ANSWERED;
			result->count = building->kept[by - 1].result.count;
			memcpy(result->values, building->kept[by - 1].result.values,
			       sizeof(result->values));
			building->passed += old->address != request->address;
		}
	}
	building->kept[1] = building->kept[0];
	building->kept[0].request = *request;
	building->kept[0].result = right;
}

static void finish_job(struct played_building *building)
{
	struct line_job job = building->job[0];
	struct line_result result = {.tag = job.tag, .turnaround_us = -1};
	building->job[0] = building->job[1];
	building->held--;
	result.sent_us = building->now_us -
			 duration_us(building, &job.request, meter_of(building, &job));
	result.done_us = building->now_us;
	result.stray = (uint32_t)((result.sent_us - building->noised_us) * building->noise_per_s /
				  1000000);
	building->noised_us = building->now_us;
	answer(building, &job, &result);
	if (result.sent_us != 0)
		shift(building, &job.request, &result);
	building->done_us = 0;
	struct instant at = played_now(building);
	station_result(building->station, 0, &result, &at);
}

void played_run(struct played_building *building, int64_t until_us)
{
	while (building->now_us < until_us) {
		struct instant at = played_now(building);
		int64_t next_us = station_tick(building->station, &at);
		if (building->held > 0 && building->done_us == 0)
			building->done_us =
				building->now_us +
				(building->resting == building->job[0].request.slave
					 ? 1
					 : duration_us(building, &building->job[0].request,
						       meter_of(building, &building->job[0])));
		bool job = building->held > 0 && building->done_us <= next_us;
		if (job)
			next_us = building->done_us;
		if (next_us <= building->now_us)
			next_us = building->now_us + 1;
		building->now_us = next_us < until_us ? next_us : until_us;
		count_energy(building);
		if (job && building->now_us == building->done_us)
			finish_job(building);
	}
}
