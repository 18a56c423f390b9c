/* medium.c - see medium.h. */
#include "concentrator/rules/medium.h"

const char *medium_name(enum medium medium)
{
	return medium == MEDIUM_WATER ? "water" : "electricity";
}

const char *medium_unit(enum medium medium)
{
	return medium == MEDIUM_WATER ? "litres" : "Wh";
}
