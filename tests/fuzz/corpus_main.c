/* corpus_main.c - runs a fuzz target over the files of a folder, once each.
 *
 * So every target is an ordinary test as well; with clang's -fsanitize=fuzzer the same target is linked without
 * this file and searches for new inputs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int select_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The input is a block of just its size, so that a sanitizer sees a read past its end. */
static int run_file(const char *folder, const char *name)
{
	char *path = NULL;
	uint8_t *bytes = NULL;
	long len;
	FILE *file;
	int r = 0;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	file = fopen(path, "rb");
	free(path);
	if (file == NULL)
		return -errno;
	if (fseek(file, 0, SEEK_END) < 0 || (len = ftell(file)) < 0 ||
	    fseek(file, 0, SEEK_SET) < 0) {
		r = -errno;
		goto end;
	}
	bytes = malloc(len > 0 ? (size_t)len : 1);
	if (bytes == NULL) {
		r = -ENOMEM;
		goto end;
	}
	if (fread(bytes, 1, (size_t)len, file) != (size_t)len) {
		r = -EIO;
		goto end;
	}
	(void)LLVMFuzzerTestOneInput(bytes, (size_t)len);
end:
	free(bytes);
	(void)fclose(file);
	return r;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count;
	int failed = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &entries, select_plain, alphasort);
	if (count <= 0) {
		(void)fprintf(stderr, "%s: no inputs\n", argv[1]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		int r = run_file(argv[1], entries[i]->d_name);

		if (r < 0) {
			(void)fprintf(stderr, "%s/%s: %s\n", argv[1], entries[i]->d_name,
				      strerror(-r));
			failed++;
		}
		free(entries[i]);
	}
	free(entries);
	(void)printf("%d inputs\n", count);
	return failed == 0 ? 0 : 1;
}
