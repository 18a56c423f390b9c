/* station_profile.h - every register at each quarter of an hour, buffered and handed to the reader's thread. */
#pragma once

#include "concentrator/station_state.h"

/* Once a second: is a quarter of an hour over? */
void station_profile_check(struct station *station);
/* A batch has been written, or not. */
void station_profile_written(struct station *station, const struct reader_job *job);
/* Its file. false: none is kept. */
bool station_profile_path(const struct station *station, char ret[static PATH_MAX]);
