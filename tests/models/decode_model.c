/* decode_model.c - what the product makes of a register image, for test_models.py.
 *
 *     decode_model FILE.meter
 *
 * Prints the model, then reads images from standard input: lines "FUNCTION ADDRESS VALUE", ended by
 * "decode". Each is answered with "CHANNEL QUANTITY VALUE", "CHANNEL refused SPAN ROW" and "end". The
 * ratio spans of a channel are read before its other spans, as the hub does at start.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/decode.h"
#include "meters/model_file.h"
#include "meters/quantity.h"

#define FUNCTIONS 5 /* 1 to 4 */

static uint16_t image[FUNCTIONS][UINT16_MAX + 1];

static void print_values(const struct meter_request *request)
{
	printf(" %u %u", (unsigned)request->function, (unsigned)request->address);
	for (unsigned i = 0; i < request->count; i++)
		printf(" %u", (unsigned)request->value[i]);
	printf("\n");
}

static void print_model(const struct model *model)
{
	static const char *const kinds[] = {"meter", "relay", "water"};
	static const char *const confidences[] = {"low", "medium", "high"};

	printf("fact kind %s\nfact confidence %s\n", kinds[model->kind],
	       confidences[model->confidence]);
	printf("fact phases %u\nfact channels %u\nfact max %u\n", (unsigned)model->phases,
	       (unsigned)model->channels, (unsigned)model->max_registers);
	printf("fact baud %" PRIu32 "\nfact parity %s\nfact stop %u\nfact address %u\n",
	       model->baud,
	       model->parity == 'N'   ? "none"
	       : model->parity == 'E' ? "even"
	       : model->parity == 'O' ? "odd"
				      : "0",
	       (unsigned)model->stop_bits, (unsigned)model->slave_address);
	printf("fact modulus %" PRId64 "\n", model->modulus_wh);
	for (unsigned i = 0; i < model->rows_count; i++)
		printf("row %s %u\n", quantity_name(model->rows[i].quantity),
		       (unsigned)model->spans[model->rows[i].span].function);
	for (unsigned channel = 1; channel <= model->channels; channel++)
		for (int close = 0; close <= 1; close++) {
			struct meter_request request;

			if (model_relay_request(model, channel, close != 0, &request) < 0)
				continue;
			printf("relay %u %s", channel, close != 0 ? "close" : "open");
			print_values(&request);
		}
	for (unsigned i = 0; i < model->marks_count; i++)
		for (unsigned k = 0; k < model->marks[i].values_count; k++) {
			struct meter_request request = model_mark_request(&model->marks[i]);

			memcpy(request.value, model->marks[i].values[k],
			       request.count * sizeof(request.value[0]));
			printf("mark");
			print_values(&request);
		}
	for (unsigned i = 0; i < model->marks_count; i++)
		for (unsigned k = 0; k < model->marks[i].texts_count; k++)
			printf("text %u %u %u %s\n", (unsigned)model->marks[i].function,
			       (unsigned)model->marks[i].address, (unsigned)model->marks[i].count,
			       model->marks[i].texts[k]);
	printf("end\n");
}

static void decode_span(const struct model *model, unsigned span, unsigned channel,
			struct meter_ratios *ratios)
{
	struct meter_request request;
	struct reading reading = {0};
	const char *culprit = "";
	int r = model_span_request(model, span, channel, &request);

	if (r == 0)
		r = meter_decode_scaled(model, span, channel,
					&image[request.function][request.address], request.count,
					ratios, &reading, &culprit);
	if (r < 0) {
		printf("%u refused %s %s\n", channel, model->spans[span].name, culprit);
		return;
	}
	if (model->spans[span].role == MODEL_ROLE_RATIO)
		meter_ratios_learn(ratios, &reading);
	for (unsigned i = 0; i < QUANTITY_COUNT; i++)
		if (reading_has(&reading, (enum quantity)i))
			printf("%u %s %" PRId64 "\n", channel, quantity_name((enum quantity)i),
			       reading.value[i]);
}

static void decode_image(const struct model *model)
{
	for (unsigned channel = 1; channel <= model->channels; channel++) {
		struct meter_ratios ratios = {0};

		for (int turn = 0; turn < 2; turn++)
			for (unsigned span = 0; span < model->spans_count; span++)
				if ((model->spans[span].role == MODEL_ROLE_RATIO) == (turn == 0))
					decode_span(model, span, channel, &ratios);
	}
	printf("end\n");
	(void)fflush(stdout);
}

int main(int argc, char *argv[])
{
	static struct model model;
	char error[512];
	char line[64];

	if (argc != 2) {
		(void)fprintf(stderr, "usage: decode_model FILE.meter\n");
		return 2;
	}
	if (model_read(&model, argv[1], error, sizeof(error)) < 0) {
		(void)fprintf(stderr, "%s\n", error);
		return 1;
	}
	print_model(&model);
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		unsigned function;
		unsigned address;
		unsigned value;

		if (strcmp(line, "decode\n") == 0) {
			decode_image(&model);
			memset(image, 0, sizeof(image));
		} else if (sscanf(line, "%u %u %u", &function, &address, &value) == 3 &&
			   function < FUNCTIONS && address <= UINT16_MAX && value <= UINT16_MAX) {
			image[function][address] = (uint16_t)value;
		} else {
			(void)fprintf(stderr, "not understood: %s", line);
			return 1;
		}
	}
	return 0;
}
