/* warning.c - see warning.h. */
#include "concentrator/rules/warning.h"

size_t warning_step(uint32_t *told, const struct warning_levels *levels, int64_t value)
{
	uint32_t crossed = 0;
	size_t count = 0;

	while (count < levels->count && value <= levels->at[count])
		crossed |= UINT32_C(1) << count++;
	if ((crossed & ~*told) == 0)
		return 0;
	*told |= crossed;
	return count;
}

bool warning_rearm(uint32_t *told, const struct warning_levels *levels, int64_t value)
{
	uint32_t before = *told;

	for (size_t i = 0; i < levels->count; i++)
		if (value > levels->at[i])
			*told &= ~(UINT32_C(1) << i);
	return *told != before;
}
