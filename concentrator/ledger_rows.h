/* ledger_rows.h - inside verify: are the rows of the other tables all there, and do they agree with each other? */
#pragma once

#include "concentrator/ledger_walk.h"

LEDGER_CHECKED int rows_check(struct walk *walk);
