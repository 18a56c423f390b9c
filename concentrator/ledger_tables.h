/* ledger_tables.h - inside verify: what the entries do not prove, references and rows of the other tables. */
#pragma once

#include "concentrator/ledger_walk.h"

LEDGER_CHECKED int tables_check(struct walk *walk);
