/* control_role.h - who is at the other end of the control socket, and what may they do?
 *
 * The kernel says who (SO_PEERCRED, SO_PEERGROUPS, as of the connect); the names of groups and users are looked
 * up once, at start. Root and the daemon's own user are admin.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "concentrator/control_server.h"

struct control_id {
	bool known; /* the box has such a name */
	id_t id;
};

struct control_roles {
	uid_t own;
	struct control_id viewer; /* groups */
	struct control_id operator;
	struct control_id admin;
	struct control_id messenger; /* user */
};

struct control_credentials {
	uid_t uid;
	gid_t gid;
	size_t group_count;
	gid_t *groups;
};

/* Names that are NULL or that the box does not know leave their role to nobody. May block on NSS. */
void control_roles_resolve(struct control_roles *ret, const struct control_server_options *options);

/* The highest role of the peer; the messenger's user has that one role whatever its groups are. */
enum control_role control_roles_of(const struct control_roles *roles, uid_t uid, gid_t gid,
				   const gid_t *groups, size_t count);

/* -errno of getsockopt(2), -ENOMEM. */
int control_credentials_read(int fd, struct control_credentials *ret);
void control_credentials_clear(struct control_credentials *credentials);

/* The user's name, or "uid:N". May block on NSS. */
void control_user_name(uid_t uid, char ret[static CONTROL_USER_SIZE]);
