/* handlers.h - what the rows of the verb table run; one file per group. Each returns the exit code. */
#pragma once

#include "concentrator/cli/session.h"
#include "concentrator/cli/verb.h"

/* status.c */
int run_status(struct call *call);
int run_version(struct call *call);
/* One line: what stands on it is what `status --brief` prints. Silent when the daemon is not there. */
void status_greet(struct session *session);

/* uplink.c */
int run_uplink_status(struct call *call);
/* The link in one line; data as of uplink.status. */
void uplink_say(const json_t *uplink, char *buf, size_t size);
enum tone uplink_tone(const json_t *uplink);

/* top.c */
int run_top(struct call *call);

/* room.c, room_import.c */
int run_room_list(struct call *call);
int run_room_show(struct call *call);
int run_room_add(struct call *call);
int run_room_import(struct call *call);
int run_room_remove(struct call *call);
int run_room_persons(struct call *call);

/* meter.c */
int run_meter_list(struct call *call);
int run_model_list(struct call *call);
int run_meter_show(struct call *call);
int run_meter_read(struct call *call);
int run_line_list(struct call *call);
int run_line_show(struct call *call);
int run_line_scan(struct call *call);
int run_line_test(struct call *call);
int run_line_cancel(struct call *call);

/* relay.c */
int run_relay_on(struct call *call);
int run_relay_off(struct call *call);
int run_relay_auto(struct call *call);
int run_relay_connect(struct call *call);
int run_relay_lockout(struct call *call);
int run_relay_release(struct call *call);
/* One line for each circuit of the array (control.md, room row, supplies). */
void relay_show(struct session *session, const char *room, const json_t *supplies);

/* credit.c */
int run_credit_list(struct call *call);
int run_credit_show(struct call *call);
int run_credit_import(struct call *call);
int run_credit_add(struct call *call);
int run_credit_accept(struct call *call);
int run_credit_reject(struct call *call);
int run_debt_list(struct call *call);
int run_debt_show(struct call *call);
int run_debt_add(struct call *call);
int run_debt_forgive(struct call *call);
int run_credit_emergency(struct call *call);
int run_credit_overdraft(struct call *call);

/* ledger.c */
int run_ledger_tail(struct call *call);
int run_ledger_settle(struct call *call);
int run_ledger_verify(struct call *call);
int run_ledger_backup(struct call *call);
int run_ledger_checkpoint(struct call *call);
int run_ledger_restore(struct call *call);
/* The entries as a table; rows as of ledger.tail. */
int ledger_show(struct session *session, const json_t *rows);

/* history.c */
int run_explain(struct call *call);
int run_statement(struct call *call);
int run_freeze_list(struct call *call);
int run_profile(struct call *call);

/* hledger.c */
int run_ledger_export(struct call *call);

/* tariff.c */
int run_tariff_show(struct call *call);
int run_tariff_check(struct call *call);
int run_tariff_apply(struct call *call);

/* tariff_diff.c */
int run_tariff_diff(struct call *call);

/* tariff_trial.c */
int run_tariff_trial(struct call *call);

/* alarm.c */
int run_alarm_list(struct call *call);
int run_audit_list(struct call *call);
int run_alarm_ack(struct call *call);
int run_quarantine_list(struct call *call);
int run_cuts_list(struct call *call);
int run_cuts_confirm(struct call *call);

/* register.c */
int run_quarantine_show(struct call *call);
int run_quarantine_accept(struct call *call);
int run_quarantine_reject(struct call *call);
int run_meter_exchange(struct call *call);

/* model.c */
int run_meter_check(struct call *call);

/* hold.c */
int run_hold_list(struct call *call);
int run_hold(struct call *call);
int run_hold_release(struct call *call);

/* dated.c */
int run_dated_list(struct call *call);
int run_dated_confirm(struct call *call);
int run_dated_waive(struct call *call);

/* tenancy.c */
int run_tenancy_move_in(struct call *call);
int run_tenancy_move_out(struct call *call);
int run_tenancy_transfer(struct call *call);
int run_adjust(struct call *call);
int run_write_off(struct call *call);

/* configuration.c */
int run_config_check(struct call *call);

/* help.c */
int run_help(struct call *call);
int run_completion(struct call *call);
int help_verb(struct session *session, size_t words, char *const word[]);
