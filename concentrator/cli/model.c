/* model.c - the models: those that the daemon has, and one file read as it would, with what to mind. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"
#include "meters/model_file.h"
#include "meters/quantity.h"

#define MODEL_ERROR_SIZE 512
#define NAMES_SIZE       512

static const char *const kinds[] = {[MODEL_METER] = "meter",
				    [MODEL_RELAY_BOARD] = "relay board",
				    [MODEL_WATER] = "water meter"};
static const char *const confidences[] = {[MODEL_CONFIDENCE_LOW] = "low",
					  [MODEL_CONFIDENCE_MEDIUM] = "medium",
					  [MODEL_CONFIDENCE_HIGH] = "high"};
static const char *const roles[] = {
	[MODEL_ROLE_ENERGY] = "energy", [MODEL_ROLE_INSTANT] = "instant",
	[MODEL_ROLE_RELAY] = "relay",   [MODEL_ROLE_IDENTITY] = "identity",
	[MODEL_ROLE_RATIO] = "ratio",   [MODEL_ROLE_MODE] = "mode",
	[MODEL_ROLE_SAFE] = "safe"};

/* The quantities of a span, parted by commas. */
static void span_names(const struct model *model, unsigned span, char ret[static NAMES_SIZE])
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < model->rows_count && used < NAMES_SIZE; i++) {
		int n;

		if (model->rows[i].span != span)
			continue;
		n = snprintf(ret + used, NAMES_SIZE - used, "%s%s", used == 0 ? "" : ", ",
			     quantity_name(model->rows[i].quantity));
		used += n < 0 ? 0 : (size_t)n;
	}
}

/* What a person who takes this model into use should know. */
static void warn(struct session *session, const struct model *model)
{
	int energy = model_span_of(model, MODEL_ROLE_ENERGY, 0);

	if (model->confidence == MODEL_CONFIDENCE_LOW)
		session_warn(session,
			     "experimental, of low confidence: hold every value against the "
			     "display; rooms take it only with --experimental");
	if (model->kind == MODEL_METER && energy >= 0 && model->spans[energy].witness < 0)
		session_warn(session, "nothing proves the energy: it has no witness");
	else if (model->kind == MODEL_METER && energy >= 0 &&
		 model->spans[energy].witness != energy)
		session_warn(session,
			     "the energy is proven by another answer alone: the weaker proof");
	if (model_needs_ratios(model))
		session_warn(session,
			     "values hang on ratios that the device holds: set them before");
	if (model->relay.present && model_relay_readback_span(model) < 0)
		session_warn(session, "the relay's position cannot be read back");
}

static json_t *span_row(const struct model *model, unsigned i)
{
	const struct model_span *span = &model->spans[i];
	json_t *rows = json_array();

	for (unsigned k = 0; k < model->rows_count; k++)
		if (model->rows[k].span == i)
			(void)json_array_append_new(
				rows, json_string(quantity_name(model->rows[k].quantity)));
	return json_pack("{s:s,s:s,s:i,s:i,s:i,s:o,s:s?}", "name", span->name, "role",
			 roles[span->role], "function", (int)span->function, "address",
			 (int)span->address, "count", (int)span->count, "quantities", rows,
			 "witness", span->witness < 0 ? NULL : model->spans[span->witness].name);
}

static int tell_json(struct session *session, const char *file, const struct model *model)
{
	json_t *spans = json_array();
	json_t *data;
	bool water = model->kind == MODEL_WATER;
	int exit_code;

	for (unsigned i = 0; i < model->spans_count; i++)
		(void)json_array_append_new(spans, span_row(model, i));
	data = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:b,s:i,s:o}", "file", file,
			 "name", model->name, "vendor", model->vendor, "title", model->title,
			 "kind", kinds[model->kind], "confidence", confidences[model->confidence],
			 "phases", (int)model->phases, "channels", (int)model->channels,
			 water ? "resolution_l" : "resolution_wh", (json_int_t)model->resolution_wh,
			 water ? "modulus_l" : "modulus_wh", (json_int_t)model->modulus_wh, "relay",
			 (int)model->relay.present, "writes", (int)model->writes_count, "spans",
			 spans);
	exit_code = data == NULL ? session_no_memory(session) : session_json(session, data);
	json_decref(data);
	return exit_code;
}

static void tell_spans(const struct screen *out, const struct model *model)
{
	for (unsigned i = 0; i < model->spans_count; i++) {
		const struct model_span *span = &model->spans[i];
		char names[NAMES_SIZE];

		span_names(model, i, names);
		screen_fact(out, i == 0 ? "reads" : "", TONE_PLAIN,
			    "%s: function %u, %u from 0x%04X: %s", span->name,
			    (unsigned)span->function, (unsigned)span->count,
			    (unsigned)span->address, names);
	}
}

/* Each allowed write; the relay's own commands are among them. */
static void tell_writes(const struct screen *out, const struct model *model)
{
	if (model->writes_count == 0)
		screen_fact(out, "writes", TONE_PLAIN, "none");
	for (unsigned i = 0; i < model->writes_count; i++) {
		const struct model_write *write = &model->writes[i];

		screen_fact(out, i == 0 ? "writes" : "", TONE_PLAIN,
			    "%s: function %u, 0x%04X to 0x%04X, %u alternative%s", write->name,
			    (unsigned)write->function, (unsigned)write->first,
			    (unsigned)write->last, (unsigned)write->allowed_count,
			    write->allowed_count == 1 ? "" : "s");
	}
}

static void tell_model(const struct screen *out, const char *file, const struct model *model)
{
	bool water = model->kind == MODEL_WATER;

	screen_say(out, TONE_PLAIN, "%s is good: %s %s", file, model->vendor, model->title);
	screen_end_line(out);
	screen_fact(out, "kind", TONE_PLAIN, "%s, confidence %s, %u channel%s", kinds[model->kind],
		    confidences[model->confidence], (unsigned)model->channels,
		    model->channels == 1 ? "" : "s");
	if (model->baud != 0)
		screen_fact(out, "delivered", TONE_PLAIN, "%" PRIu32 " baud", model->baud);
	if (model->resolution_wh != 0)
		screen_fact(out, water ? "volume" : "energy", TONE_PLAIN, "steps of %" PRId64 " %s",
			    model->resolution_wh, water ? "litres" : "Wh");
	if (model->modulus_wh != 0)
		screen_fact(out, "", TONE_PLAIN, "starts again from zero at %" PRId64 " %s",
			    model->modulus_wh, water ? "litres" : "Wh");
	tell_spans(out, model);
	screen_fact(out, "relay", TONE_PLAIN, "%s%s", model->relay.present ? "yes" : "none",
		    model->relay.key ? ", closed by a key at the meter" : "");
	tell_writes(out, model);
}

int run_meter_check(struct call *call)
{
	struct session *session = call->session;
	const char *file = call_get(call, "FILE");
	char error[MODEL_ERROR_SIZE] = "";
	struct model model;
	int r;

	if (session->login)
		return session_problem(session, PROBLEM_REFUSED, NULL,
				       "%s: a login session reads no files of this box", file);
	r = model_read(&model, file, error, sizeof(error));
	if (r < 0)
		return session_problem(session, PROBLEM_USAGE, NULL, "%s",
				       *error != '\0' ? error : strerror(-r));
	warn(session, &model);
	if (session->manners.json)
		return tell_json(session, file, &model);
	if (!session->manners.quiet)
		tell_model(&session->out, file, &model);
	return 0;
}

static const struct table_column list_columns[] = {
	{.title = "MODEL", .least = 12},
	{.title = "KIND", .drop = 3},
	{.title = "CONFIDENCE"},
	{.title = "PHASES", .right = true, .drop = 2},
	{.title = "CHANNELS", .right = true, .drop = 1},
	{.title = "RELAY"},
	{.title = "TITLE", .least = 10, .drop = 4},
};

static void put_model(struct table *table, const json_t *row)
{
	bool experimental = strcmp(field_text(row, "confidence"), "low") == 0;
	int64_t phases;

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "name"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "kind"));
	table_cell(table, experimental ? TONE_WARN : TONE_PLAIN, "%s%s",
		   field_text(row, "confidence"), experimental ? ", experimental" : "");
	if (field_int(row, "phases", &phases))
		table_cell(table, TONE_PLAIN, "%" PRId64, phases);
	else
		table_cell(table, TONE_DIM, "-");
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "channels"));
	table_cell(table, TONE_PLAIN, "%s", field_true(row, "relay") ? "yes" : "");
	table_cell(table, TONE_DIM, "%s %s", field_text(row, "vendor"), field_text(row, "title"));
}

static void remark_models(const json_t *rows, char *buf, size_t size)
{
	size_t low = listing_matches(rows, "confidence", "low");

	if (low > 0)
		(void)snprintf(buf, size, ", %zu experimental", low);
}

static const struct listing list = {
	.verb = "model.list",
	.columns = list_columns,
	.count = sizeof(list_columns) / sizeof(list_columns[0]),
	.put = put_model,
	.name = "name",
	.one = "model",
	.many = "models",
	.remark = remark_models,
};

int run_model_list(struct call *call)
{
	return listing_run(call->session, &list, NULL);
}
