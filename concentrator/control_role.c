/* control_role.c - see control_role.h. */
#include "concentrator/control_role.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NSS_BUFFER_SIZE (64 * 1024)
#define GROUPS_FIRST    32

static struct control_id control_find_group(const char *name, char *buffer)
{
	struct group entry;
	struct group *found = NULL;

	if (name == NULL || getgrnam_r(name, &entry, buffer, NSS_BUFFER_SIZE, &found) != 0 ||
	    found == NULL)
		return (struct control_id){.known = false};
	return (struct control_id){.known = true, .id = found->gr_gid};
}

static struct control_id control_find_user(const char *name, char *buffer)
{
	struct passwd entry;
	struct passwd *found = NULL;

	if (name == NULL || getpwnam_r(name, &entry, buffer, NSS_BUFFER_SIZE, &found) != 0 ||
	    found == NULL)
		return (struct control_id){.known = false};
	return (struct control_id){.known = true, .id = found->pw_uid};
}

void control_roles_resolve(struct control_roles *ret, const struct control_server_options *options)
{
	char *buffer = malloc(NSS_BUFFER_SIZE);

	*ret = (struct control_roles){.own = geteuid()};
	/* Without memory nobody but the own user has a role, which errs on the safe side. */
	if (buffer == NULL)
		return;
	ret->viewer = control_find_group(options->viewer_group, buffer);
	ret->operator= control_find_group(options->operator_group, buffer);
	ret->admin = control_find_group(options->admin_group, buffer);
	ret->messenger = control_find_user(options->messenger_user, buffer);
	free(buffer);
}

static bool control_in_group(struct control_id wanted, gid_t gid, const gid_t *groups, size_t count)
{
	if (!wanted.known)
		return false;
	if (gid == wanted.id)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (groups[i] == wanted.id)
			return true;
	}
	return false;
}

enum control_role control_roles_of(const struct control_roles *roles, uid_t uid, gid_t gid,
				   const gid_t *groups, size_t count)
{
	if (uid == 0 || uid == roles->own)
		return CONTROL_ADMIN;
	if (roles->messenger.known && uid == roles->messenger.id)
		return CONTROL_MESSENGER;
	if (control_in_group(roles->admin, gid, groups, count))
		return CONTROL_ADMIN;
	if (control_in_group(roles->operator, gid, groups, count))
		return CONTROL_OPERATOR;
	if (control_in_group(roles->viewer, gid, groups, count))
		return CONTROL_VIEWER;
	return CONTROL_STRANGER;
}

int control_credentials_read(int fd, struct control_credentials *ret)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	gid_t *groups = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	size = GROUPS_FIRST * sizeof(gid_t);
	for (;;) {
		gid_t *grown = realloc(groups, size);

		if (grown == NULL) {
			free(groups);
			return -ENOMEM;
		}
		groups = grown;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
			break;
		/* ERANGE: size has become what is needed. */
		if (errno != ERANGE) {
			int r = -errno;

			free(groups);
			return r;
		}
	}
	*ret = (struct control_credentials){.uid = peer.uid,
					    .gid = peer.gid,
					    .group_count = size / sizeof(gid_t),
					    .groups = groups};
	return 0;
}

void control_credentials_clear(struct control_credentials *credentials)
{
	free(credentials->groups);
	*credentials = (struct control_credentials){0};
}

void control_user_name(uid_t uid, char ret[static CONTROL_USER_SIZE])
{
	char *buffer = malloc(NSS_BUFFER_SIZE);
	struct passwd entry;
	struct passwd *found = NULL;

	if (buffer != NULL)
		(void)getpwuid_r(uid, &entry, buffer, NSS_BUFFER_SIZE, &found);
	if (found != NULL)
		(void)snprintf(ret, CONTROL_USER_SIZE, "%s", found->pw_name);
	else
		(void)snprintf(ret, CONTROL_USER_SIZE, "uid:%u", uid);
	free(buffer);
}

bool control_role_reaches(enum control_role role, enum control_role wanted)
{
	if (role == CONTROL_ADMIN)
		return true;
	if (role == CONTROL_STRANGER || wanted == CONTROL_STRANGER)
		return false;
	if (role == CONTROL_MESSENGER || wanted == CONTROL_MESSENGER)
		return role == wanted;
	return role >= wanted;
}

const char *control_role_name(enum control_role role)
{
	switch (role) {
	case CONTROL_MESSENGER:
		return "messenger";
	case CONTROL_VIEWER:
		return "viewer";
	case CONTROL_OPERATOR:
		return "operator";
	case CONTROL_ADMIN:
		return "admin";
	case CONTROL_STRANGER:
		break;
	}
	return "stranger";
}
