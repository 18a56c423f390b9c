/* uplink_settings.c - see uplink_settings.h */
#include "uplink/uplink_settings.h"

#include <string.h>

#define SITE_MAX 64
#define URL_MAX  190

static bool is_https(const char *url)
{
	static const char scheme[] = "https://";

	return strncmp(url, scheme, strlen(scheme)) == 0 && url[strlen(scheme)] != '\0' &&
	       strpbrk(url, " ?#@") == NULL && url[strlen(url) - 1] != '/';
}

void uplink_settings_read(struct settings *settings, struct uplink_settings *ret)
{
	struct settings_section *site = settings_find(settings, "site", NULL);
	struct settings_section *control = settings_find(settings, "control", NULL);
	struct settings_section *cloud = settings_find(settings, "cloud", NULL);

	*ret = (struct uplink_settings){
		.site = settings_string(site, "id", 1, SITE_MAX, ""),
		.socket = settings_path(control, "socket", "/run/prepay/control.sock"),
		.url = settings_string(cloud, "url", 0, URL_MAX, ""),
		.ca = settings_path(cloud, "ca", "/etc/prepay/trust/cloud-ca.pem"),
		.certificate = settings_path(cloud, "certificate",
					     "/var/lib/prepay-uplink/client.crt"),
		.key = settings_path(cloud, "key", "/var/lib/prepay-uplink/client.key"),
		.hold_s = settings_int64(cloud, "hold_s", 1, 600, 50),
		.backoff_base_s = settings_int64(cloud, "backoff_base_s", 1, 3600, 30),
		.backoff_cap_s = settings_int64(cloud, "backoff_cap_s", 1, 86400, 300),
	};
	if (ret->backoff_cap_s < ret->backoff_base_s)
		settings_fault(cloud, "backoff_cap_s",
			       "less than backoff_base_s; it is the longest wait, set it higher");
	if (*ret->url == '\0')
		return;
	if (!is_https(ret->url))
		settings_fault(cloud, "url",
			       "not a plain https:// address; write it as https://host:port/v1");
	if (*ret->site == '\0')
		settings_fault(cloud, "url",
			       "there is a cloud, but the site has no name; set id in [site]");
}
