/* verbs.h - the handlers of the control protocol (control.md), one file per group.
 *
 * Each answers its call with control_reply() or control_fail(), now or later, or returns -errno and
 * leaves the answer to the server. userdata is the station.
 */
#pragma once

#include "concentrator/control_server.h"
#include "concentrator/rules/medium.h"

struct station;
struct station_line;
struct station_room;
struct station_supply;
struct tally;

int verb_version(void *userdata, struct control_call *call);
int verb_status(void *userdata, struct control_call *call);

int verb_room_list(void *userdata, struct control_call *call);
int verb_room_show(void *userdata, struct control_call *call);
int verb_room_add(void *userdata, struct control_call *call);
int verb_room_import(void *userdata, struct control_call *call);
int verb_room_remove(void *userdata, struct control_call *call);
int verb_room_persons(void *userdata, struct control_call *call);

int verb_line_list(void *userdata, struct control_call *call);
int verb_line_show(void *userdata, struct control_call *call);
int verb_line_scan(void *userdata, struct control_call *call);
int verb_line_test(void *userdata, struct control_call *call);
int verb_line_survey(void *userdata, struct control_call *call);
int verb_line_cancel(void *userdata, struct control_call *call);
int verb_meter_list(void *userdata, struct control_call *call);
int verb_model_list(void *userdata, struct control_call *call);
int verb_meter_show(void *userdata, struct control_call *call);
int verb_meter_read(void *userdata, struct control_call *call);

int verb_relay_set(void *userdata, struct control_call *call);
int verb_relay_connect(void *userdata, struct control_call *call);
int verb_relay_lockout(void *userdata, struct control_call *call);
int verb_relay_release(void *userdata, struct control_call *call);
int verb_cuts_list(void *userdata, struct control_call *call);
int verb_cuts_confirm(void *userdata, struct control_call *call);

int verb_credit_list(void *userdata, struct control_call *call);
int verb_credit_show(void *userdata, struct control_call *call);
int verb_credit_import(void *userdata, struct control_call *call);
int verb_credit_add(void *userdata, struct control_call *call);
int verb_credit_accept(void *userdata, struct control_call *call);
int verb_credit_reject(void *userdata, struct control_call *call);
int verb_debt_list(void *userdata, struct control_call *call);
int verb_debt_show(void *userdata, struct control_call *call);
int verb_debt_add(void *userdata, struct control_call *call);
int verb_debt_forgive(void *userdata, struct control_call *call);
int verb_credit_emergency(void *userdata, struct control_call *call);
int verb_credit_overdraft(void *userdata, struct control_call *call);

int verb_ledger_tail(void *userdata, struct control_call *call);
int verb_ledger_settle(void *userdata, struct control_call *call);
int verb_ledger_verify(void *userdata, struct control_call *call);
int verb_ledger_backup(void *userdata, struct control_call *call);
int verb_ledger_checkpoint(void *userdata, struct control_call *call);
int verb_ledger_restore(void *userdata, struct control_call *call);

int verb_quarantine_list(void *userdata, struct control_call *call);
int verb_quarantine_show(void *userdata, struct control_call *call);
int verb_quarantine_accept(void *userdata, struct control_call *call);
int verb_quarantine_reject(void *userdata, struct control_call *call);
int verb_meter_exchange(void *userdata, struct control_call *call);

int verb_hold_list(void *userdata, struct control_call *call);
int verb_hold_set(void *userdata, struct control_call *call);
int verb_hold_release(void *userdata, struct control_call *call);

int verb_dated_list(void *userdata, struct control_call *call);
int verb_dated_confirm(void *userdata, struct control_call *call);
int verb_dated_waive(void *userdata, struct control_call *call);

int verb_tenancy_begin(void *userdata, struct control_call *call);
int verb_tenancy_end(void *userdata, struct control_call *call);
int verb_tenancy_transfer(void *userdata, struct control_call *call);
int verb_adjust(void *userdata, struct control_call *call);
int verb_write_off(void *userdata, struct control_call *call);

int verb_explain(void *userdata, struct control_call *call);
int verb_statement(void *userdata, struct control_call *call);
int verb_freeze_list(void *userdata, struct control_call *call);
int verb_profile(void *userdata, struct control_call *call);
int verb_ledger_export(void *userdata, struct control_call *call);

int verb_tariff_show(void *userdata, struct control_call *call);
int verb_tariff_trial(void *userdata, struct control_call *call);
int verb_tariff_check(void *userdata, struct control_call *call);
int verb_tariff_apply(void *userdata, struct control_call *call);

int verb_alarm_list(void *userdata, struct control_call *call);
int verb_audit_list(void *userdata, struct control_call *call);
int verb_alarm_acknowledge(void *userdata, struct control_call *call);

int verb_uplink_status(void *userdata, struct control_call *call);
int verb_order_deliver(void *userdata, struct control_call *call);
int verb_outbox_fetch(void *userdata, struct control_call *call);
int verb_outbox_acknowledge(void *userdata, struct control_call *call);
int verb_link_report(void *userdata, struct control_call *call);
int verb_link_known(void *userdata, struct control_call *call);
int verb_link_hello(void *userdata, struct control_call *call);

/* The station behind userdata, with its clock read for this call. */
struct station *verbs_station(void *userdata);

/* Rows that several verbs show. The caller's. */
/* The hold of a room, or null. */
json_t *verbs_hold(const struct station_room *room);
/* The five credits of a room, in the order in which they are spent. */
json_t *verbs_credits(const struct station *station, const struct station_room *room);
json_t *verbs_room_row(const struct station *station, const struct station_room *room);
json_t *verbs_supply_row(const struct station *station, const struct station_supply *supply);
json_t *verbs_line_row(struct station *station, size_t line);
/* ok, fault, absent, locked */
const char *verbs_line_state(const struct station_line *line);
/* Adds the counters since the start, and `hour`, to a row. */
void verbs_tally(json_t *object, const struct tally *tally, int64_t now_us);
json_t *verbs_uplink(const struct station *station);
json_t *verbs_sensors(const struct station *station);

struct reader_job;
/* Hands a job to the reader's thread; the answer comes through station_read_ledger(). What the job brought
 * is freed where it is not taken. */
int verbs_ask_reader(struct station *station, struct control_call *call, struct reader_job *job);
/* Answers explain, statement and ledger.export. */
void verbs_profile(struct station *station, struct control_call *call,
		   const struct reader_job *job);
void verbs_history(struct station *station, struct control_call *call,
		   const struct reader_job *job);
/* Answers tariff.trial. */
void verbs_trial(struct station *station, struct control_call *call, const struct reader_job *job);

/* "2026-11". */
bool verbs_parse_month(const char *text, int *ret_year, int *ret_month);
/* The first instant of a month, by the building's clock; month 13 is the next year's first. */
int64_t verbs_month_start_s(const struct station *station, int year, int month);

struct tariff;
/* The tariff of the argument text, whatever its activation; false: the call is answered. */
bool verbs_read_tariff(struct station *station, struct control_call *call, struct tariff *ret);

/* Wh, or litres, that are accepted and in no entry yet. */
int64_t verbs_unsettled(const struct station_room *room, enum medium medium);
/* Names what is counted in a row: adds its medium, and of water turns energy_wh into volume_l, every other
 * name in _wh into one in _l, and price_micro_per_kwh into price_micro_per_m3. Returns row_taken. */
json_t *verbs_measured(json_t *row_taken, enum medium medium);

/* The position behind the cursor of a call, 0 at the start; -1 when it is no number. */
int64_t verbs_cursor(const struct control_call *call);

/* Has the array few enough rows that the answer, a row for each, fits a line? False: answered. */
bool verbs_rows_fit(struct control_call *call, const char *name);

/* Does the row fit the page that has bytes of rows? Counts it. A first row always does: it has the line to
 * itself. */
bool verbs_fits(const json_t *row, size_t *bytes, const json_t *rows);

/* Answers with one page: data is {"rows": rows} (takes), next the cursor behind it or -1 at the end. */
void verbs_page(struct control_call *call, json_t *rows, int64_t next);

/* The line that the argument line names; else the call is answered and it is line_count. */
size_t verbs_line(struct station *station, struct control_call *call);

/* The room, or the supply, that the arguments room and circuit name; else the call is answered and NULL.
 * A room of one circuit needs none named. */
struct station_room *verbs_room(struct station *station, struct control_call *call);
struct station_supply *verbs_supply(struct station *station, struct control_call *call);

struct ledger_account;
/* The account that the arguments room and account name: of a room that is closed too, and of several the open
 * or else the newest one. false: the call is answered. */
bool verbs_account(struct station *station, struct control_call *call, struct ledger_account *ret);
/* The room of an account that is open; NULL: it is closed. */
struct station_room *verbs_room_of(struct station *station, int64_t account_id);
