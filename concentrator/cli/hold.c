/* hold.c - disputes that keep a room's supply on. */
#include "concentrator/cli/handlers.h"

#include "concentrator/cli/day.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column columns[] = {
	{.title = "ROOM"},
	{.title = "UNTIL"},
	{.title = "SINCE", .drop = 2},
	{.title = "OWNER", .drop = 1, .least = 6},
	{.title = "REASON", .least = 12},
};

static void put_hold(struct table *table, const json_t *row)
{
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "until_s", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "from_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "owner"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "reason"));
}

static const struct listing holds = {
	.verb = "hold.list",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put_hold,
	.name = "room",
	.one = "hold",
	.many = "holds",
};

int run_hold_list(struct call *call)
{
	return listing_run(call->session, &holds, NULL);
}

int run_hold(struct call *call)
{
	const char *room = call_get(call, "ROOM");
	json_t *args = json_pack("{s:s,s:s}", "room", room, "reason", call_get(call, "--reason"));
	int exit_code = day_option(call, "--until", args, "until_s");

	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	return session_do(call->session, "hold.set", args, "room %s is not cut for money until %s",
			  room, call_get(call, "--until"));
}

int run_hold_release(struct call *call)
{
	const char *room = call_get(call, "ROOM");

	return session_do(
		call->session, "hold.release",
		json_pack("{s:s,s:s}", "room", room, "reason", call_get(call, "--reason")),
		"the hold of room %s has ended", room);
}
