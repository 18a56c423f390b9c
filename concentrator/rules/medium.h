/* medium.h - what a supply brings: electricity, counted in Wh and priced per kWh, or water, counted in
 * litres and priced per m3.
 *
 * Both are counted in thousandths of what is priced, so one arithmetic serves both: a price in millionths
 * of the currency times Wh, or litres, is nano exactly. Where a name of the rules says wh or kwh it is
 * litres and m3 of a supply of water; the medium beside it tells which.
 */
#pragma once

/* The ledger keeps the numbers. */
enum medium { MEDIUM_ELECTRICITY = 0, MEDIUM_WATER = 1, MEDIUM_COUNT };

/* Stable words for people and programs: "electricity", "water". */
const char *medium_name(enum medium medium);

/* What is counted, for messages: "Wh", "litres". */
const char *medium_unit(enum medium medium);
