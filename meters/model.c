/* model.c - requests of a model, and the list of writes that may be sent. */
#include "meters/model.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool channel_exists(const struct model *model, unsigned channel)
{
	return channel >= 1 && channel <= model->channels;
}

unsigned model_type_elements(enum model_type type)
{
	switch (type) {
	case MODEL_BIT:
	case MODEL_U16:
	case MODEL_S16:
	case MODEL_BCD16:
		return 1;
	case MODEL_U32:
	case MODEL_S32:
	case MODEL_FLOAT32:
	case MODEL_BCD32:
		return 2;
	case MODEL_BCD48:
		return 3;
	case MODEL_U64:
	case MODEL_S64:
	case MODEL_FLOAT64:
	case MODEL_BCD64:
		return 4;
	}
	return 0;
}

int model_span_of(const struct model *model, enum model_role role, unsigned from)
{
	for (unsigned i = from; i < model->spans_count; i++)
		if (model->spans[i].role == role)
			return (int)i;
	return -1;
}

bool model_role_is_seldom(enum model_role role)
{
	return role == MODEL_ROLE_IDENTITY || role == MODEL_ROLE_RATIO || role == MODEL_ROLE_MODE ||
	       role == MODEL_ROLE_SAFE;
}

bool model_has(const struct model *model, enum quantity quantity)
{
	for (unsigned i = 0; i < model->rows_count; i++)
		if (model->rows[i].quantity == quantity)
			return true;
	return false;
}

int model_span_request(const struct model *model, unsigned span, unsigned channel,
		       struct meter_request *ret)
{
	const struct model_span *s;
	unsigned block;

	if (span >= model->spans_count || !channel_exists(model, channel))
		return -EINVAL;
	s = &model->spans[span];
	block = (channel - 1) / s->channels;
	*ret = (struct meter_request){
		.function = s->function,
		.address = (uint16_t)(s->address + block * s->stride),
		.count = s->count,
	};
	return 0;
}

bool model_needs_ratios(const struct model *model)
{
	for (unsigned i = 0; i < model->rows_count; i++)
		if (model->rows[i].times != 0 || model->rows[i].alone != 0)
			return true;
	return false;
}

struct meter_request model_mark_request(const struct model_mark *mark)
{
	return (struct meter_request){
		.function = mark->function, .address = mark->address, .count = mark->count};
}

/* Letters of either case are the same; so are padding by blanks and by zeros, which are not looked at. */
static bool mark_has_text(const struct model_mark *mark, const uint16_t *regs)
{
	char text[2 * MODEL_TEXT_WORDS + 1];
	size_t length = 0;

	for (unsigned i = 0; i < mark->count; i++) {
		char bytes[2] = {(char)(regs[i] >> 8), (char)(regs[i] & 0xFF)};

		for (unsigned k = 0; k < 2; k++)
			if (bytes[k] != '\0')
				text[length++] = bytes[k];
	}
	text[length] = '\0';
	for (unsigned i = 0; i < mark->texts_count; i++)
		if (strcasestr(text, mark->texts[i]) != NULL)
			return true;
	return false;
}

bool model_mark_matches(const struct model_mark *mark, const uint16_t *regs)
{
	if (mark->texts_count > 0)
		return mark_has_text(mark, regs);
	for (unsigned i = 0; i < mark->values_count; i++)
		if (memcmp(regs, mark->values[i], mark->count * sizeof(*regs)) == 0)
			return true;
	return false;
}

int model_relay_request(const struct model *model, unsigned channel, bool close,
			struct meter_request *ret)
{
	const struct model_relay *relay = &model->relay;
	struct meter_request request;

	if (!relay->present)
		return -ENOTSUP;
	if (!channel_exists(model, channel))
		return -EINVAL;
	request = (struct meter_request){
		.function = relay->function,
		.address = (uint16_t)(relay->address + (channel - 1) * relay->stride),
		.count = relay->count,
	};
	memcpy(request.value, close ? relay->close : relay->open,
	       relay->count * sizeof(request.value[0]));
	assert(model_may_write(model, &request));
	*ret = request;
	return 0;
}

int model_relay_readback_span(const struct model *model)
{
	for (unsigned i = 0; i < model->rows_count; i++)
		if (model->rows[i].quantity == QUANTITY_RELAY_CLOSED)
			return model->rows[i].span;
	return -1;
}

static bool write_allows(const struct model_write *write, const struct meter_request *request)
{
	if (request->function != write->function || request->count != write->count ||
	    request->address < write->first || request->address > write->last)
		return false;
	for (unsigned i = 0; i < write->allowed_count; i++)
		if (memcmp(request->value, write->allowed[i],
			   write->count * sizeof(request->value[0])) == 0)
			return true;
	return false;
}

bool model_may_write(const struct model *model, const struct meter_request *request)
{
	for (unsigned i = 0; i < model->writes_count; i++)
		if (write_allows(&model->writes[i], request))
			return true;
	return false;
}
