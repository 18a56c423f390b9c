#include "concentrator/identify.h"

#include <assert.h>
#include <string.h>

#include "meters/decode.h"

#define VOLTAGE_LEAST_MV 50000 /* of a phase that is connected */

void identify_begin(struct identify *identify, const struct models *models)
{
	memset(identify, 0, sizeof(*identify));
	identify->models = models;
}

static bool same(const struct meter_request *a, const struct meter_request *b)
{
	return a->function == b->function && a->address == b->address && a->count == b->count;
}

static const struct identify_answer *answer_to(const struct identify *identify,
					       const struct meter_request *request)
{
	for (size_t i = 0; i < identify->count; i++)
		if (same(&identify->answer[i].request, request))
			return &identify->answer[i];
	return NULL;
}

/* Is this read worth asking? It is one, it fits, and it was not asked. */
static bool wanted(const struct identify *identify, const struct meter_request *request)
{
	return request->function <= FUNCTION_READ_INPUT && request->count <= IDENTIFY_VALUES_MAX &&
	       answer_to(identify, request) == NULL;
}

/* All its marks: 1 found, -1 something else is there, 0 not known or it has none. */
static int marked(const struct identify *identify, const struct model *model)
{
	bool all = model->marks_count > 0;
	for (unsigned i = 0; i < model->marks_count; i++) {
		struct meter_request request = model_mark_request(&model->marks[i]);
		const struct identify_answer *answer = answer_to(identify, &request);
		if (answer == NULL) {
			all = false;
			continue;
		}
		if (!answer->good || !model_mark_matches(&model->marks[i], answer->values))
			return -1;
	}
	return all ? 1 : 0;
}

static bool role_tells(enum model_role role)
{
	return role == MODEL_ROLE_IDENTITY || role == MODEL_ROLE_ENERGY ||
	       role == MODEL_ROLE_INSTANT || role == MODEL_ROLE_RELAY;
}

static bool next_mark(const struct identify *identify, struct meter_request *ret)
{
	for (size_t i = 0; i < models_count(identify->models); i++) {
		const struct model *model = models_at(identify->models, i);
		for (unsigned m = 0; marked(identify, model) >= 0 && m < model->marks_count; m++) {
			*ret = model_mark_request(&model->marks[m]);
			if (wanted(identify, ret))
				return true;
		}
	}
	return false;
}

/* A model of low confidence is named by its marks or not at all. */
static bool eligible(const struct identify *identify, const struct model *model)
{
	if (identify->sure != NULL)
		return model == identify->sure;
	return model->confidence != MODEL_CONFIDENCE_LOW && marked(identify, model) >= 0;
}

/* The money register first: a model whose own makes no sense there is asked nothing more. */
static bool refuted(const struct identify *identify, const struct model *model)
{
	int span = model_span_of(model, MODEL_ROLE_ENERGY, 0);
	struct meter_request request;
	if (identify->sure != NULL || span < 0 ||
	    model_span_request(model, (unsigned)span, 1, &request) < 0)
		return false;
	const struct identify_answer *answer = answer_to(identify, &request);
	struct reading reading = {0};
	return answer != NULL &&
	       (!answer->good || meter_decode(model, (unsigned)span, 1, answer->values,
					      request.count, &reading) < 0);
}

static bool next_span(const struct identify *identify, struct meter_request *ret)
{
	for (size_t i = 0; i < models_count(identify->models); i++) {
		const struct model *model = models_at(identify->models, i);
		int energy = model_span_of(model, MODEL_ROLE_ENERGY, 0);
		if (!eligible(identify, model) || refuted(identify, model))
			continue;
		if (energy >= 0 && model_span_request(model, (unsigned)energy, 1, ret) == 0 &&
		    wanted(identify, ret))
			return true;
		for (unsigned span = 0; span < model->spans_count; span++)
			if (role_tells(model->spans[span].role) &&
			    model_span_request(model, span, 1, ret) == 0 && wanted(identify, ret))
				return true;
	}
	return false;
}

bool identify_next(const struct identify *identify, struct meter_request *ret)
{
	if (identify->count == IDENTIFY_ANSWERS_MAX || identify->silent >= IDENTIFY_SILENT_MAX)
		return false;
	if (identify->sure == NULL && next_mark(identify, ret))
		return true;
	return next_span(identify, ret);
}

void identify_take(struct identify *identify, const struct meter_request *request, bool good,
		   bool silent, const uint16_t *values)
{
	assert(identify->count < IDENTIFY_ANSWERS_MAX && request->count <= IDENTIFY_VALUES_MAX);
	struct identify_answer *answer = &identify->answer[identify->count++];
	answer->request = *request;
	answer->good = good;
	if (good)
		memcpy(answer->values, values, request->count * sizeof(*values));
	identify->silent += silent;
	for (size_t i = 0; identify->sure == NULL && i < models_count(identify->models); i++)
		if (marked(identify, models_at(identify->models, i)) > 0)
			identify->sure = models_at(identify->models, i);
}

/* Every relay whose position comes with this answer is open or closed: a register that happens to be
 * there holds anything. */
static bool positions_known(const struct model *model, unsigned span,
			    const struct identify_answer *answer)
{
	for (unsigned channel = 1; channel <= model->channels; channel++) {
		struct meter_request request;
		struct reading reading = {0};
		if (model_span_request(model, span, channel, &request) < 0 ||
		    !same(&request, &answer->request))
			continue;
		if (meter_decode(model, span, channel, answer->values, request.count, &reading) <
			    0 ||
		    !reading_has(&reading, QUANTITY_RELAY_CLOSED))
			return false;
	}
	return true;
}

/* What all answered spans of a model say together. false: something there cannot be that model's. */
static bool read_as(const struct identify *identify, const struct model *model, struct reading *ret,
		    bool *ret_relay)
{
	*ret = (struct reading){0};
	*ret_relay = false;
	for (unsigned span = 0; span < model->spans_count; span++) {
		struct meter_request request;
		if (!role_tells(model->spans[span].role) ||
		    model_span_request(model, span, 1, &request) < 0)
			continue;
		const struct identify_answer *answer = answer_to(identify, &request);
		bool must = model->spans[span].role == MODEL_ROLE_ENERGY ||
			    model->spans[span].role == MODEL_ROLE_RELAY;
		if (answer == NULL || !answer->good) {
			if (must)
				return false;
			continue;
		}
		if (meter_decode(model, span, 1, answer->values, request.count, ret) < 0)
			return false;
		if (model->spans[span].role != MODEL_ROLE_RELAY)
			continue;
		if (!positions_known(model, span, answer))
			return false;
		*ret_relay = true;
	}
	return true;
}

/* 0: does not fit. Else the more the better; a serial number outweighs all phases. */
static int score(const struct identify *identify, const struct model *model,
		 struct reading *ret_reading)
{
	bool relay;
	int phases = 0;
	if (!eligible(identify, model) || !read_as(identify, model, ret_reading, &relay))
		return 0;
	for (int q = QUANTITY_VOLTAGE_L1_MV; q <= QUANTITY_VOLTAGE_L3_MV; q++)
		if (reading_has(ret_reading, (enum quantity)q)) {
			/* A phase that the model has and the device has not. */
			if (ret_reading->value[q] < VOLTAGE_LEAST_MV)
				return 0;
			phases++;
		}
	/* Without a witness any number passes for an energy. */
	if (phases == 0 && !reading_has(ret_reading, QUANTITY_FREQUENCY_MHZ) && !relay)
		return 0;
	return 1 + phases + (reading_has(ret_reading, QUANTITY_SERIAL_NUMBER) ? 10 : 0);
}

/* Better evidenced first, then the one whose relay answers, then by name: the order of the models. */
static bool before(const struct model *a, const struct model *b)
{
	return a->confidence > b->confidence ||
	       (a->confidence == b->confidence && a->relay.present && !b->relay.present);
}

/* Two models may describe one device: by its phases, or as a whole. */
static void name_marked(const struct identify *identify, struct identify_verdict *ret)
{
	for (size_t i = 0; i < models_count(identify->models); i++) {
		const struct model *model = models_at(identify->models, i);
		if (model != ret->model && marked(identify, model) > 0 &&
		    ret->others_count < IDENTIFY_OTHERS_MAX)
			ret->others[ret->others_count++] = model;
	}
	ret->sure = ret->others_count == 0 ? IDENTIFY_SURE : IDENTIFY_WEAK;
}

void identify_judge(const struct identify *identify, struct identify_verdict *ret)
{
	struct reading reading;
	int best = 0;
	memset(ret, 0, sizeof(*ret));
	if (identify->sure != NULL) {
		bool relay;
		ret->model = identify->sure;
		name_marked(identify, ret);
		(void)read_as(identify, identify->sure, &reading, &relay);
		ret->has_serial = reading_has(&reading, QUANTITY_SERIAL_NUMBER);
		ret->serial = ret->has_serial ? reading.value[QUANTITY_SERIAL_NUMBER] : 0;
		return;
	}
	for (size_t i = 0; i < models_count(identify->models); i++) {
		const struct model *model = models_at(identify->models, i), *other = model;
		int points = score(identify, model, &reading);
		if (points == 0 || points < best)
			continue;
		if (points > best)
			ret->others_count = 0;
		if (points > best || before(model, ret->model)) {
			other = points > best ? NULL : ret->model;
			ret->model = model;
			ret->has_serial = reading_has(&reading, QUANTITY_SERIAL_NUMBER);
			ret->serial = ret->has_serial ? reading.value[QUANTITY_SERIAL_NUMBER] : 0;
		}
		if (other != NULL && ret->others_count < IDENTIFY_OTHERS_MAX)
			ret->others[ret->others_count++] = other;
		best = points;
	}
	if (best > 0)
		ret->sure = ret->has_serial && ret->others_count == 0 ? IDENTIFY_LIKELY
								      : IDENTIFY_WEAK;
}

const char *identify_sure_name(enum identify_sure sure)
{
	switch (sure) {
	case IDENTIFY_SURE:
		return "sure";
	case IDENTIFY_LIKELY:
		return "likely";
	case IDENTIFY_WEAK:
		return "weak";
	case IDENTIFY_UNKNOWN:
		break;
	}
	return "unknown";
}
