/* model_file.c - directories of *.meter files to a sorted list of models. */
#include "meters/model_file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meters/model_parse.h"

#define PATH_BYTES_MAX 4096

static const char suffix[] = ".meter";

struct models {
	size_t count;
	struct model *model[MODELS_MAX];
};

static int complain(char *error, size_t size, const char *path, int r)
{
	(void)snprintf(error, size, "%s: %s", path, strerror(-r));
	return r;
}

/* One byte more than allowed is read, so that a file that is too long is seen as such. */
static int file_read(const char *path, char *buffer, size_t size, size_t *ret_length)
{
	size_t length = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	while (length < size) {
		ssize_t n = read(fd, buffer + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	(void)close(fd);
	if (r == 0)
		*ret_length = length;
	return r;
}

int model_read(struct model *ret, const char *path, char *error, size_t error_size)
{
	size_t length = 0;
	char *text = malloc(MODEL_FILE_BYTES_MAX + 1);
	int r;

	if (text == NULL)
		return complain(error, error_size, path, -ENOMEM);
	r = file_read(path, text, MODEL_FILE_BYTES_MAX + 1, &length);
	if (r < 0)
		(void)complain(error, error_size, path, r);
	else
		r = model_parse(ret, path, text, length, error, error_size);
	if (r == -ENOMEM)
		(void)complain(error, error_size, path, r);
	free(text);
	return r;
}

/* Where the name is, or where it belongs. */
static size_t models_place(const struct models *models, const char *name)
{
	size_t low = 0;
	size_t high = models->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(models->model[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Takes model. */
static int models_put(struct models *models, struct model *model)
{
	size_t place = models_place(models, model->name);

	if (place < models->count && strcmp(models->model[place]->name, model->name) == 0) {
		free(models->model[place]);
		models->model[place] = model;
		return 0;
	}
	if (models->count == MODELS_MAX) {
		free(model);
		return -E2BIG;
	}
	memmove(&models->model[place + 1], &models->model[place],
		(models->count - place) * sizeof(models->model[0]));
	models->model[place] = model;
	models->count++;
	return 0;
}

static int models_add(struct models *models, const char *path, char *error, size_t error_size)
{
	struct model *model = malloc(sizeof(*model));
	int r;

	if (model == NULL)
		return complain(error, error_size, path, -ENOMEM);
	r = model_read(model, path, error, error_size);
	if (r < 0) {
		free(model);
		return r;
	}
	r = models_put(models, model);
	if (r < 0)
		(void)snprintf(error, error_size, "%s: more than %d models", path, MODELS_MAX);
	return r;
}

static int name_is_model(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length >= sizeof(suffix) &&
	       strcmp(entry->d_name + length - (sizeof(suffix) - 1), suffix) == 0;
}

static int models_read_directory(struct models *models, const char *dir, char *error,
				 size_t error_size)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, name_is_model, alphasort);
	int r = 0;

	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return complain(error, error_size, dir, -errno);
	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES_MAX];

		if (r == 0 && snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name) >=
				      (int)sizeof(path))
			r = complain(error, error_size, dir, -ENAMETOOLONG);
		if (r == 0)
			r = models_add(models, path, error, error_size);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int models_read(struct models **ret, const char *const dirs[], size_t n, char *error,
		size_t error_size)
{
	struct models *models = calloc(1, sizeof(*models));
	int r = 0;

	if (models == NULL)
		return complain(error, error_size, "models", -ENOMEM);
	for (size_t i = 0; i < n && r == 0; i++)
		r = models_read_directory(models, dirs[i], error, error_size);
	if (r == 0 && models->count == 0) {
		r = -ENOENT;
		(void)snprintf(error, error_size, "%s: no *.meter file here%s",
			       n == 0 ? "no directory" : dirs[0],
			       n > 1 ? " or in the directories that follow" : "");
	}
	if (r < 0) {
		models_close(models);
		return r;
	}
	*ret = models;
	return 0;
}

struct models *models_close(struct models *models)
{
	if (models == NULL)
		return NULL;
	for (size_t i = 0; i < models->count; i++)
		free(models->model[i]);
	free(models);
	return NULL;
}

const struct model *models_find(const struct models *models, const char *name)
{
	size_t place = models_place(models, name);

	if (place == models->count || strcmp(models->model[place]->name, name) != 0)
		return NULL;
	return models->model[place];
}

size_t models_count(const struct models *models)
{
	return models->count;
}

const struct model *models_at(const struct models *models, size_t index)
{
	assert(index < models->count);
	return models->model[index];
}
