/* payment.c - orders that were quarantined, decided by a person. */
#include "concentrator/cli/handlers.h"

#include "concentrator/cli/change.h"
#include "concentrator/cli/figure.h"

static void say_decision(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const char *room = field_text(data, "room");
	char buf[FIGURE_SIZE];

	screen_fact(out, "order", TONE_BOLD, "%s", field_text(data, "mRID"));
	screen_fact(out, "amount", TONE_PLAIN, "%s", figure_money(data, "amount", buf));
	screen_fact(out, "result", TONE_PLAIN, "%s", field_text(data, "result"));
	if (*room != '\0')
		screen_fact(out, "credited to", TONE_PLAIN, "room %s, balance %s", room,
			    figure_money(data, "balance", buf));
}

static int decide(struct call *call, const char *verb, const char *question)
{
	const struct change change = {.verb = verb, .question = question, .say = say_decision};
	json_t *args = json_pack("{s:s,s:s*,s:s}", "mRID", call_get(call, "MRID"), "room",
				 call_get(call, "--room"), "reason", call_get(call, "--reason"));

	if (args == NULL)
		return session_no_memory(call->session);
	return change_run(call, &change, args);
}

int run_credit_accept(struct call *call)
{
	return decide(call, "credit.accept", "Credit it?");
}

int run_credit_reject(struct call *call)
{
	return decide(call, "credit.reject", "Give it back, for ever?");
}
