/* verbs_model.c - model.list: what the daemon can read, and how well each of it is evidenced. */
#include "concentrator/verbs.h"

#include "concentrator/station_state.h"

#define PAGE_ROWS 96

static json_t *model_row(const struct model *model)
{
	static const char *const kinds[] = {
		[MODEL_METER] = "meter", [MODEL_RELAY_BOARD] = "relay", [MODEL_WATER] = "water"};
	static const char *const confidences[] = {[MODEL_CONFIDENCE_LOW] = "low",
						  [MODEL_CONFIDENCE_MEDIUM] = "medium",
						  [MODEL_CONFIDENCE_HIGH] = "high"};
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:i,s:b}", "name", model->name, "vendor",
			 model->vendor, "title", model->title, "kind", kinds[model->kind],
			 "confidence", confidences[model->confidence], "phases",
			 model->phases == 0 ? json_null() : json_integer(model->phases), "channels",
			 (int)model->channels, "relay", model->relay.present);
}

/* The cursor is how many went before; the models are those of the start. */
int verb_model_list(void *userdata, struct control_call *call)
{
	const struct station *station = verbs_station(userdata);
	const struct models *models = station->settings.models;
	int64_t from = verbs_cursor(call);
	size_t count = models_count(models);
	if (from < 0) {
		control_fail(call, PROBLEM_USAGE, "cursor: not one that model.list gave");
		return 0;
	}
	json_t *rows = json_array();
	size_t i = (size_t)from;
	for (; i < count && json_array_size(rows) < PAGE_ROWS; i++)
		json_array_append_new(rows, model_row(models_at(models, i)));
	verbs_page(call, rows, i < count ? (int64_t)i : -1);
	return 0;
}
