/* described.c - see described.h. The registers and the writes. */
#include "tests/building/described.h"

#include <string.h>

#include "tests/building/model_maps.h"

static const struct described *of(const struct device *device)
{
	return (const struct described *)device->model;
}

unsigned described_place(const struct described_row *row, unsigned channel)
{
	unsigned address = row->address;

	if (row->group > 0) {
		address += channel / row->group * row->group_each;
		channel %= row->group;
	}
	return address + channel * row->each;
}

static bool has_channels(const struct described_row *row)
{
	return row->each > 0 || row->group > 0;
}

static uint16_t word_of(uint64_t raw, const struct described_row *row, unsigned at)
{
	unsigned from = row->lsw_first ? at : row->words - 1 - at;

	return (uint16_t)(raw >> 16 * from);
}

static uint64_t state_raw(const struct described_row *row, const struct device *device,
			  unsigned channel)
{
	bool yes = row->show == SHOW_RELAY && (device->coils >> channel & 1);

	return yes ? row->yes : row->no;
}

/* True: the address is within the row for that channel, and its word is returned. */
static bool shows(const struct described_row *row, const struct device *device,
		  const struct sample *sample, unsigned channel, uint16_t address,
		  uint16_t *ret_word)
{
	unsigned first = described_place(row, channel);

	if (address < first || address >= first + row->words)
		return false;
	if (row->show == SHOW_FIXED)
		*ret_word = row->fixed[address - first];
	else if (row->show == SHOW_RELAY || row->show == SHOW_NO)
		*ret_word = word_of(state_raw(row, device, channel), row, address - first);
	else
		*ret_word = word_of(described_raw(row, device + channel, sample + channel), row,
				    address - first);
	return true;
}

uint16_t described_word(const struct device *device, const struct sample *sample, uint8_t function,
			uint16_t address)
{
	const struct described *described = of(device);

	for (unsigned i = 0; i < described->n_rows; i++) {
		const struct described_row *row = &described->rows[i];
		unsigned channels = 1;
		uint16_t word;

		if (!(row->functions >> function & 1))
			continue;
		if (has_channels(row))
			channels = described->model.meters > 0 ? described->model.meters
							       : described->model.channels;
		for (unsigned channel = 0; channel < channels; channel++)
			if (shows(row, device, sample, channel, address, &word))
				return word;
	}
	return 0;
}

enum modbus_exception described_write(struct plant *plant, struct device *device, uint8_t function,
				      uint16_t address, uint16_t count, const uint16_t *words,
				      int64_t now_us)
{
	const struct described *described = of(device);
	const struct described_relay *relay = &described->relay;
	size_t size = count * sizeof(words[0]);

	for (unsigned i = 0; relay->function == function && i < described->model.channels; i++) {
		if (address != relay->address + i * relay->each || count != relay->words)
			continue;
		bool close = memcmp(words, relay->close, size) == 0;

		if (!close && memcmp(words, relay->open, size) != 0)
			break;
		plant_set_coil(plant, device, i + 1, close, "wire", now_us);
		return EXCEPTION_NONE;
	}
	model_hazard(plant, device, address, words[0], now_us);
	return relay->function == function ? EXCEPTION_ADDRESS : EXCEPTION_FUNCTION;
}
