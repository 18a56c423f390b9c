/* prompt.h - runs lines: one from the command line, or those typed at the prompt. */
#pragma once

#include <stddef.h>

#include "concentrator/cli/session.h"

/* Runs one line that is split already. Returns the exit code. */
int prompt_run(struct session *session, size_t count, char *const word[]);

/* Asks for lines until the user leaves. Returns the exit code of the last. */
int prompt_loop(struct session *session);
