/* probe.c - a program that needs libjansson, for the self-test of links.py. */
#include <jansson.h>

int main(void)
{
	json_decref(json_null());
	return json_true() == NULL;
}
