/* configuration.c - reads the configuration and the meter models as the daemon would, without it. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/config.h"
#include "meters/model_file.h"

#define MODEL_ERROR_SIZE 512

/* Every line of text as a row {message}, for the list below a problem. */
static json_t *rows_of(const char *text)
{
	json_t *rows = json_array();

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0)
			(void)json_array_append_new(rows,
						    json_pack("{s:s%}", "message", text, (int)len));
		text += len;
		text += *text == '\n';
	}
	return rows;
}

static int tell_faults(struct session *session, const char *file, const char *faults)
{
	json_t *rows = rows_of(faults);
	size_t count = json_array_size(rows);
	int exit_code = session_problem(session, PROBLEM_USAGE, rows,
					"%s: %zu error%s; prepayd would not start with it", file,
					count, count == 1 ? "" : "s");

	json_decref(rows);
	return exit_code;
}

static int tell_good(struct session *session, const struct config *config, const char *file,
		     size_t models)
{
	json_t *data;
	int exit_code = 0;

	if (session->manners.json) {
		data = json_pack("{s:s,s:i,s:i,s:i,s:s}", "file", file, "lines",
				 (int)config->line_count, "sensors", (int)config->sensor_count,
				 "models", (int)models, "cloud", config->cloud.url);
		exit_code = data == NULL ? session_no_memory(session) : session_json(session, data);
		json_decref(data);
	} else if (!session->manners.quiet) {
		screen_say(&session->out, TONE_PLAIN,
			   "%s is good: %zu line%s, %zu sensor%s, %zu meter model%s, cloud %s",
			   file, config->line_count, config->line_count == 1 ? "" : "s",
			   config->sensor_count, config->sensor_count == 1 ? "" : "s", models,
			   models == 1 ? "" : "s",
			   *config->cloud.url != '\0' ? config->cloud.url : "none");
		screen_end_line(&session->out);
	}
	return exit_code;
}

int run_config_check(struct call *call)
{
	struct session *session = call->session;
	const char *file = session->manners.config != NULL ? session->manners.config : CONFIG_FILE;
	struct config *config = calloc(1, sizeof(*config));
	struct models *models = NULL;
	char model_error[MODEL_ERROR_SIZE] = "";
	char *errors = NULL;
	int exit_code;
	int r;

	if (config == NULL)
		return session_no_memory(session);
	r = config_read(config, file, &errors);
	if (r < 0) {
		exit_code = tell_faults(session, file, errors != NULL ? errors : strerror(-r));
	} else {
		const char *const folders[] = {config->meters.models, config->meters.models_local};

		r = models_read(&models, folders, 2, model_error, sizeof(model_error));
		exit_code = r < 0 ? tell_faults(session, file,
						*model_error != '\0' ? model_error : strerror(-r))
				  : tell_good(session, config, file, models_count(models));
	}
	models_close(models);
	free(errors);
	free(config);
	return exit_code;
}
