#include "concentrator/cli/account.h"

#include <errno.h>
#include <stdlib.h>

int account_option(struct call *call, json_t *args)
{
	const char *text = call_get(call, "--account");
	char *end;
	long long id;

	if (text == NULL)
		return 0;
	errno = 0;
	id = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || id < 1)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "--account %s: not the number of an account", text);
	(void)json_object_set_new(args, "account", json_integer(id));
	return 0;
}
