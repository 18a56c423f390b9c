/* accepted.c - see accepted.h */
#include "uplink/accepted.h"

#include <errno.h>

#include <jansson.h>

static bool is_result(const json_t *row)
{
	const json_t *status = json_object_get(row, "status");

	return json_is_integer(json_object_get(row, "seq")) && json_is_integer(status) &&
	       json_integer_value(status) >= 100 && json_integer_value(status) <= 599;
}

static bool is_accepted(const json_t *root)
{
	const json_t *results = json_object_get(root, "results");

	if (!json_is_integer(json_object_get(root, "acceptedThrough")) || !json_is_array(results))
		return false;
	for (size_t i = 0; i < json_array_size(results); i++)
		if (!is_result(json_array_get(results, i)))
			return false;
	return true;
}

int accepted_parse(const char *bytes, size_t len, struct batch *batch)
{
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	int r = is_accepted(root) ? 0 : -EBADMSG;

	const json_t *results = r == 0 ? json_object_get(root, "results") : NULL;
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *row = json_array_get(results, i);
		const char *why = json_string_value(json_object_get(row, "detail"));

		if (why == NULL)
			why = json_string_value(json_object_get(row, "type"));
		batch_answer(batch, json_integer_value(json_object_get(row, "seq")),
			     (long)json_integer_value(json_object_get(row, "status")), why);
	}
	json_decref(root);
	return r;
}
