/* completion_bash.c - the verb table as a script for bash.
 *
 * The rows are data below a small matcher: words and argument names, then the options. A test holds the
 * shipped file to what this writes.
 */
#include "concentrator/cli/completion.h"

#include <string.h>

#include "concentrator/cli/verb.h"

static const char head[] =
	"# bash completion for prepay(1), written by: prepay completion bash\n"
	"\n"
	"_prepay()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal words=() reply=() parts row options i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tcase $prev in\n"
	"\t--config | --socket)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\treturn\n"
	"\t\t;;\n"
	"\t--color)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W 'auto yes no' -- \"$cur\")\n"
	"\t\treturn\n"
	"\t\t;;\n"
	"\t--room)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(prepay -q room list 2>/dev/null)\" -- "
	"\"$cur\")\n"
	"\t\treturn\n"
	"\t\t;;\n"
	"\t--line)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(prepay -q line list 2>/dev/null)\" -- "
	"\"$cur\")\n"
	"\t\treturn\n"
	"\t\t;;\n";

static const char middle[] =
	"\t\t*) words+=(\"${COMP_WORDS[i]}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\twhile IFS=';' read -r row options; do\n"
	"\t\tread -r -a parts <<<\"$row\"\n"
	"\t\tfor ((i = 0; i < ${#words[@]}; i++)); do\n"
	"\t\t\tcase ${parts[i]} in\n"
	"\t\t\t\"${words[i]}\") ;;\n"
	"\t\t\t[A-Z]*) ;;\n"
	"\t\t\t*) continue 2 ;;\n"
	"\t\t\tesac\n"
	"\t\tdone\n"
	"\t\tcase ${parts[${#words[@]}]} in\n"
	"\t\tROOM)\n"
	"\t\t\tmapfile -t -O ${#reply[@]} reply < <(prepay -q room list 2>/dev/null)\n"
	"\t\t\t;;\n"
	"\t\tLINE)\n"
	"\t\t\tmapfile -t -O ${#reply[@]} reply < <(prepay -q line list 2>/dev/null)\n"
	"\t\t\t;;\n"
	"\t\tID)\n"
	"\t\t\tmapfile -t -O ${#reply[@]} reply < <(prepay -q alarm list 2>/dev/null)\n"
	"\t\t\t;;\n"
	"\t\tFILE)\n"
	"\t\t\tmapfile -t -O ${#reply[@]} reply < <(compgen -f -- \"$cur\")\n"
	"\t\t\t;;\n"
	"\t\t[a-z]*) reply+=(\"${parts[${#words[@]}]}\") ;;\n"
	"\t\tesac\n"
	"\t\tif ((${#words[@]} > 0)) && [[ $cur == -* ]]; then\n"
	"\t\t\treply+=($options)\n"
	"\t\tfi\n"
	"\tdone <<'EOF'\n";

static const char tail[] =
	"EOF\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"${reply[*]}\" -- \"$cur\" | sort -u)\n"
	"}\n"
	"\n"
	"complete -F _prepay prepay\n";

/* The patterns of a case: every option that takes a value, each once. */
static void write_value_options(FILE *file, const char *indent, const char *body, bool manners)
{
	char seen[1024] = "|";
	struct grammar grammar;
	const struct verb *verb = NULL;
	const char *between = "";

	(void)fputs(indent, file);
	if (manners && grammar_parse(&grammar, MANNERS_USAGE) == 0) {
		for (size_t i = 0; i < grammar.count; i++) {
			if (grammar.part[i].value[0] == '\0')
				continue;
			(void)fprintf(file, "%s%s", between, grammar.part[i].name);
			between = " | ";
		}
	}
	while ((verb = verb_next(verb)) != NULL) {
		if (grammar_parse(&grammar, verb->usage) < 0)
			continue;
		for (size_t i = 0; i < grammar.count; i++) {
			const struct part *part = &grammar.part[i];
			char key[GRAMMAR_NAME_SIZE + 3];

			(void)snprintf(key, sizeof(key), "|%s|", part->name);
			if (part->kind != PART_OPTION || part->value[0] == '\0' ||
			    strstr(seen, key) != NULL)
				continue;
			(void)strncat(seen, key + 1, sizeof(seen) - strlen(seen) - 1);
			(void)fprintf(file, "%s%s", between, part->name);
			between = " | ";
		}
	}
	(void)fputs(body, file);
}

static void write_row(FILE *file, const char *usage)
{
	struct grammar grammar;
	const char *between = "";

	if (grammar_parse(&grammar, usage) < 0)
		return;
	for (size_t i = 0; i < grammar.count; i++) {
		if (grammar.part[i].kind == PART_OPTION)
			continue;
		(void)fprintf(file, "%s%s", between, grammar.part[i].name);
		between = " ";
	}
	(void)fputc(';', file);
	between = "";
	for (size_t i = 0; i < grammar.count; i++) {
		if (grammar.part[i].kind != PART_OPTION)
			continue;
		(void)fprintf(file, "%s%s", between, grammar.part[i].name);
		between = " ";
	}
	(void)fputc('\n', file);
}

static void write_manners(FILE *file)
{
	struct grammar grammar;

	if (grammar_parse(&grammar, MANNERS_USAGE) < 0)
		return;
	(void)fputs("\tif [[ $cur == -* ]]; then\n\t\treply+=(", file);
	for (size_t i = 0; i < grammar.count; i++)
		(void)fprintf(file, "%s%s", i > 0 ? " " : "", grammar.part[i].name);
	(void)fputs(")\n\tfi\n", file);
}

void completion_write_bash(FILE *file)
{
	(void)fputs(head, file);
	/* What is typed freely completes to nothing. */
	write_value_options(file, "\t--timeout | ", ") return ;;\n\tesac\n", false);
	(void)fputs("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n",
		    file);
	write_value_options(file, "\t\t", ") ((i++)) ;;\n\t\t-?*) ;;\n", true);
	/* The rows are read in a loop that adds to what the options everywhere began. */
	(void)fputs(middle, file);
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb))
		write_row(file, verb->usage);
	(void)fwrite(tail, 1, strlen("EOF\n"), file);
	write_manners(file);
	(void)fputs(tail + strlen("EOF\n"), file);
}
