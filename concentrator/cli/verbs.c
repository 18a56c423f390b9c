/* verbs.c - the verb table; see verb.h. */
#include "concentrator/cli/verb.h"

#include <string.h>

#include "concentrator/cli/handlers.h"

static const struct verb look[] = {
	{"status [--brief|--check]", "the whole box on one screen", ROLE_VIEWER, run_status,
	 "--check is for a monitor: OK, WARNING or CRITICAL and why; exit code 0, 9 or 10."},
	{"top [--once]", "live table of all rooms", ROLE_VIEWER, run_top,
	 "Keys: s sorts by room, balance, power or age; / filters; q leaves.\n"
	 "--once and --json print the table once and need no terminal."},
	{"version", "versions of prepay, and of prepayd where it runs", ROLE_LOCAL, run_version,
	 NULL},
	{"help [VERB...]", "this list, or how to use one verb", ROLE_LOCAL, run_help, NULL},
};

static const struct verb rooms[] = {
	{"room list", "all rooms: balance, supply, power, age of the reading", ROLE_VIEWER,
	 run_room_list, "--quiet prints the names alone."},
	{"room show ROOM", "one room in full, with its last entries", ROLE_VIEWER, run_room_show,
	 NULL},
	{"room add ROOM CIRCUIT [--line LINE] [--address N] [--model MODEL] [--channel N] "
	 "[--relay RELAY] [--contact KIND] [--cut-order N] [--may-cut ANSWER] [--breaker A] "
	 "[--tenancy ID] [--persons N] [--opening-minor N] [--experimental] [--reason TEXT]",
	 "add one circuit of a room; the first makes the room", ROLE_ADMIN, run_room_add,
	 "The options are the columns of room import."},
	{"room import FILE|- [--dry-run] [--experimental] [--reason TEXT]",
	 "add rooms from a CSV file, all or none", ROLE_ADMIN, run_room_import,
	 "The header line names the columns; room and circuit must be there:\n"
	 "  room, circuit, line, address, model, channel, relay (meter, or "
	 "MODEL@ADDRESS/CHANNEL),\n"
	 "  contact (no, nc), cut_order (1..9), may_cut (yes, no), breaker_a, tenancy, persons, "
	 "opening_minor,\n"
	 "  experimental (yes, no: may a model of low confidence count? so says --experimental)\n"
	 "Every error is listed with its line and column; --dry-run changes nothing.\n"
	 "Example:\n"
	 "  room,circuit,line,address,model,relay,cut_order,may_cut,breaker_a\n"
	 "  305,sockets,A,17,hiking-dds238-sr,meter,2,yes,20"},
	{"room persons ROOM N --reason TEXT", "how many live there, for an allowance per person",
	 ROLE_ADMIN, run_room_persons, "It counts from the allowance's next period on."},
	{"room remove ROOM --reason TEXT [--write-off] [--dry-run]",
	 "settle a room and close its account", ROLE_ADMIN, run_room_remove,
	 "Refused while the balance is not zero, unless --write-off: what is left is a refund "
	 "then, what\n"
	 "is owed is given up."},
};

static const struct verb tenancies[] = {
	{"tenancy move-in ROOM ID --reason TEXT [--last-reading] [--dry-run]", "a tenancy begins",
	 ROLE_ADMIN, run_tenancy_move_in,
	 "Where a cloud is configured, tenancies are changed there.\n"
	 "Refused while a meter was not read lately; with --last-reading the house pays what is "
	 "used "
	 "up to its next reading."},
	{"tenancy move-out ROOM --reason TEXT [--last-reading] [--dry-run]",
	 "a tenancy ends: final reading, refund or debt, balance zero", ROLE_ADMIN,
	 run_tenancy_move_out,
	 "Refused while a meter was not read lately, unless --last-reading takes its last good "
	 "one.\n"
	 "Payments that are still under way are quarantined when they come. What a vacant room "
	 "uses "
	 "nobody pays."},
	{"tenancy transfer ROOM TO --reason TEXT [--last-reading] [--dry-run]",
	 "the tenant moves to another room, with the balance", ROLE_ADMIN, run_tenancy_transfer,
	 NULL},
};

static const struct verb lines[] = {
	{"meter list [--line LINE]", "all meters and relay boards: state, quality, errors",
	 ROLE_VIEWER, run_meter_list, "--quiet prints LINE/ADDRESS alone."},
	{"meter show ROOM|LINE/ADDRESS [CIRCUIT]", "one meter in full: how well it answers",
	 ROLE_VIEWER, run_meter_show,
	 "Quality is the share of polls that were answered. Counts are of the last hour and since "
	 "the start.\n"
	 "Examples: meter show 305; meter show 305/ac; meter show A/17"},
	{"meter read ROOM|LINE/ADDRESS [CIRCUIT]", "read a meter now", ROLE_OPERATOR,
	 run_meter_read, "Examples: meter read 305; meter read 305 ac; meter read A/17"},
	{"meter exchange ROOM[/CIRCUIT] --final KWH --initial KWH --reason TEXT [--serial S] "
	 "[--dry-run]",
	 "another meter of the same model took its place", ROLE_ADMIN, run_meter_exchange,
	 "--final is what the old meter showed at the end, --initial what the new one showed at "
	 "its "
	 "start:\n"
	 "1234.56 is kWh or m3, 1234560Wh Wh, 1234560L litres. --final last: the old one cannot be "
	 "read, its last good "
	 "reading counts."},
	{"meter check FILE", "check a meter model file, and say what it means", ROLE_LOCAL,
	 run_meter_check, "Reads the file itself; prepayd need not run. See prepay-meter(5)."},
	{"model list", "the models of meters and boards: how well each is evidenced", ROLE_VIEWER,
	 run_model_list,
	 "CONFIDENCE: of the registers as a whole. What is low is experimental: a room takes it\n"
	 "only with --experimental. --quiet prints the names alone."},
	{"line list", "the RS-485 lines: state, meters, polls, errors", ROLE_VIEWER, run_line_list,
	 NULL},
	{"line show LINE", "one line and every device on it", ROLE_VIEWER, run_line_show, NULL},
	{"line test LINE [--addresses RANGE] [--rounds N]",
	 "ask every address in turn; say what an electrician should do", ROLE_OPERATOR,
	 run_line_test,
	 "Asks the commissioned devices, and those of --addresses (17, or 1-32); reads alone.\n"
	 "Exit code 9 when the line is not fit for use. Metering goes on beside it."},
	{"line scan LINE [--addresses RANGE] [--settings WHICH] [--disturb] [--csv] "
	 "[--breaker A]",
	 "find devices that are not commissioned, and name their models", ROLE_OPERATOR,
	 run_line_scan,
	 "--settings all tries 9600 8N1 8E1 8N2, 2400 8N1, 19200 8E1 8N1 and 1200 8N1; refused\n"
	 "where devices are commissioned, unless --disturb. --csv prints rows for room import:\n"
	 "never cut for money until a person says so; --breaker is the rating of all of them.\n"
	 "It writes nothing. Metering keeps half of the line's time. Ctrl-C ends it.\n"
	 "SURE: sure, likely, weak (others may fit as well), unknown, clash (two devices?).\n"
	 "Example: line scan A --settings all --csv --breaker 20 > rooms.csv"},
	{"line cancel LINE", "end the scan or test of a line", ROLE_OPERATOR, run_line_cancel,
	 NULL},
};

static const struct verb relays[] = {
	{"relay ROOM[/CIRCUIT] on --reason TEXT", "keep the supply on, whatever the balance",
	 ROLE_OPERATOR, run_relay_on, NULL},
	{"relay ROOM[/CIRCUIT] off --reason TEXT", "switch the supply off", ROLE_OPERATOR,
	 run_relay_off, NULL},
	{"relay ROOM[/CIRCUIT] auto --reason TEXT",
	 "take on and off back: balance and rules decide", ROLE_OPERATOR, run_relay_auto, NULL},
	{"relay ROOM[/CIRCUIT] connect --reason TEXT",
	 "confirm that an armed relay may close (somebody has looked)", ROLE_OPERATOR,
	 run_relay_connect, NULL},
	{"relay ROOM[/CIRCUIT] lockout --reason TEXT",
	 "open and keep open, for work on the circuit", ROLE_OPERATOR, run_relay_lockout,
	 "A relay is no isolator: switch off and lock the breaker before work."},
	{"relay ROOM[/CIRCUIT] release --reason TEXT", "end your lock-out", ROLE_OPERATOR,
	 run_relay_release, "Only by whoever set it, or an admin."},
};

static const struct verb money[] = {
	{"credit list [--room ROOM]", "recharges and other orders received", ROLE_VIEWER,
	 run_credit_list, NULL},
	{"credit show MRID", "one order, its signature's key and its receipt", ROLE_VIEWER,
	 run_credit_show, NULL},
	{"credit import FILE|-", "deliver signed orders by hand", ROLE_OPERATOR, run_credit_import,
	 "JSON: an order, a list of orders, a page of the cloud's feed, or several behind each "
	 "other.\n"
	 "An order that is known already changes nothing. Exit code 7 when one was not taken."},
	{"credit add ROOM AMOUNT --receipt N --reason TEXT [--type TYPE] [--dry-run]",
	 "take local cash, or grant a subsidy", ROLE_ADMIN, run_credit_add,
	 "Only where the configuration allows it ([policy] cash = yes), capped a day.\n"
	 "A receipt number is good once, for ever. TYPE is paid (default) or subsidy: credit that "
	 "is spent\n"
	 "before the tenant's own, is no cash, and is not refunded."},
	{"credit emergency ROOM --reason TEXT [--dry-run]", "activate a room's emergency credit",
	 ROLE_OPERATOR, run_credit_emergency,
	 "Once, until it is repaid; [policy] emergency says how much, and when it is offered."},
	{"credit overdraft ROOM AMOUNT|default --reason TEXT [--dry-run]",
	 "how far a room may go below the cut-off", ROLE_ADMIN, run_credit_overdraft,
	 "default: as far as the building's rooms all may ([policy] overdraft_minor)."},
	{"debt list [--room ROOM] [--all]", "what rooms owe beside their balance", ROLE_VIEWER,
	 run_debt_list, "--all: what is paid or forgiven too."},
	{"debt show ID", "one debt: what is left, and how it is recovered", ROLE_VIEWER,
	 run_debt_show, NULL},
	{"debt add ROOM AMOUNT --for TEXT --reason TEXT [--share PERCENT] [--week-max AMOUNT] "
	 "[--daily AMOUNT] [--weekly AMOUNT] [--monthly AMOUNT] [--instalments N] [--dry-run]",
	 "a debt, to be taken from recharges or by date", ROLE_ADMIN, run_debt_add,
	 "--share 10 --week-max 5: 10 % of each recharge, at most 5.00 in a week from Monday;\n"
	 "--daily, --weekly, --monthly: so much from the balance with each period of the "
	 "calendar;\n"
	 "--instalments 12: in twelve equal months, the last with the rest; nothing: from the "
	 "next recharge.\n"
	 "A recharge pays shares first, then what is due, then what is owed below zero."},
	{"debt forgive ID --reason TEXT [--dry-run]", "give what is left of a debt up", ROLE_ADMIN,
	 run_debt_forgive, NULL},
	{"credit accept MRID --reason TEXT [--room ROOM] [--dry-run]",
	 "credit an order that was quarantined", ROLE_ADMIN, run_credit_accept,
	 "To its own room while the tenancy that paid is there, else to the --room you name."},
	{"credit reject MRID --reason TEXT [--dry-run]", "give an order that was quarantined back",
	 ROLE_ADMIN, run_credit_reject, "It is never credited; the cloud is told, and refunds."},
	{"ledger tail [--room ROOM] [--account N] [-n N]", "the last entries (20)", ROLE_VIEWER,
	 run_ledger_tail, "Of a removed room too: the last account of its name, or the one named."},
	{"ledger settle [ROOM] --reason TEXT", "charge up to the last accepted reading",
	 ROLE_OPERATOR, run_ledger_settle, NULL},
	{"ledger verify", "check the chain over all entries", ROLE_VIEWER, run_ledger_verify, NULL},
	{"ledger backup [FILE]", "write a copy of the ledger", ROLE_ADMIN, run_ledger_backup,
	 "FILE is a name for the daemon, which writes it. An earlier backup there is brought up "
	 "to\n"
	 "date at the cost of what was added since. Without FILE it is one in [store] backup."},
	{"ledger checkpoint --reason TEXT", "tell the cloud all that another card would need",
	 ROLE_ADMIN, run_ledger_checkpoint, "It is told once a day without being asked."},
	{"ledger restore FILE --reason TEXT [--backup] [--replace] [--epoch N] [--dry-run]",
	 "make a ledger for another card", ROLE_ADMIN, run_ledger_restore,
	 "FILE is the cloud's last checkpoint, signed with a payment root (prepay-sign "
	 "checkpoint),\n"
	 "or with --backup a copy of the ledger. For root; the daemon must be able to read it.\n"
	 "A ledger with rooms is set aside only with --replace. prepayd uses the new one from its "
	 "next start on."},
	{"ledger export --hledger [--since DATE]", "all entries as a journal, to standard output",
	 ROLE_VIEWER, run_ledger_export,
	 "For hledger and ledger, which check every balance in it. DATE is YYYY-MM-DD: from then "
	 "on,\n"
	 "after what each room had before."},
	{"explain ROOM [--last N] [--since DATE] [--account N]",
	 "why each charge: registers, interval, price, rule", ROLE_VIEWER, run_explain,
	 "The last 20, unless said otherwise. DATE is YYYY-MM-DD. Of a room that was removed the "
	 "last\n"
	 "account of its name; --account: an earlier one."},
	{"statement ROOM --month MONTH [--account N] [--csv]",
	 "a month: opening, recharges, charges, closing", ROLE_VIEWER, run_statement,
	 "MONTH is YYYY-MM. The amounts are exact, and add up. --csv is for a spreadsheet. Of a "
	 "room\n"
	 "that was removed the last account of its name; --account: an earlier one."},
	{"freeze list ROOM [--months] [--csv]", "register, energy and balance at each midnight",
	 ROLE_VIEWER, run_freeze_list,
	 "--months: at the end of each month. --csv is for a spreadsheet."},
	{"profile ROOM [--day DAY] [--reason TEXT] [--csv]", "a day in quarters of an hour (today)",
	 ROLE_OPERATOR, run_profile,
	 "It tells who is home when: each look is in the audit. DAY is YYYY-MM-DD."},
	{"adjust ROOM AMOUNT --reason TEXT [--entry N] [--dry-run]",
	 "correct a balance by a new entry", ROLE_ADMIN, run_adjust,
	 "AMOUNT is 5.00 to give, -5.00 to take. --entry names the entry that is corrected.\n"
	 "Not above the cap of one order ([policy] order_max_minor)."},
	{"write-off ROOM --reason TEXT [--dry-run]", "give a room's debt up", ROLE_ADMIN,
	 run_write_off, NULL},
	{"tariff show [ID]", "tariffs: past, current and staged; or one in full", ROLE_VIEWER,
	 run_tariff_show,
	 "ID is the number in the list. In full it ends with its text, as it was applied."},
	{"tariff check FILE|-", "check a tariff file", ROLE_ADMIN, run_tariff_check,
	 "Whether its start is past is for `tariff apply`."},
	{"tariff diff FILE|-", "what it says otherwise than the tariff in force", ROLE_ADMIN,
	 run_tariff_diff, NULL},
	{"tariff trial FILE|- [--month MONTH] [--csv]",
	 "what a past month would have cost under it", ROLE_ADMIN, run_tariff_trial,
	 "MONTH is YYYY-MM; the last one, unless said otherwise. Nothing is changed."},
	{"tariff apply FILE|- --reason TEXT [--from-receipt]", "put a tariff in force", ROLE_ADMIN,
	 run_tariff_apply,
	 "A start in the past is refused, unless --from-receipt makes it start now."},
};

static const struct verb cares[] = {
	{"alarm list [--all]", "what wants a person; --all: cleared ones too", ROLE_VIEWER,
	 run_alarm_list, NULL},
	{"alarm ack ID --reason TEXT", "say that you have seen it", ROLE_OPERATOR, run_alarm_ack,
	 NULL},
	{"audit list [-n N] [--who USER] [--verb VERB]", "who did what, when and why (the last 20)",
	 ROLE_ADMIN, run_audit_list,
	 "VERB is one of the control protocol: credit.add, relay.set. An act is there before it "
	 "is\n"
	 "done; one that was refused stays."},
	{"quarantine list [--all]", "readings that were not believed", ROLE_VIEWER,
	 run_quarantine_list, NULL},
	{"quarantine show ID", "one of them, and what the meter shows now", ROLE_VIEWER,
	 run_quarantine_show, NULL},
	{"quarantine accept ID --as WAY --reason TEXT [--rolled-over] [--dry-run]",
	 "the reading is true: go on from it", ROLE_ADMIN, run_quarantine_accept,
	 "--as charge: the room pays for the energy in between; --as aside: nobody does.\n"
	 "A register below the last good one is taken with --rolled-over alone, from a model that "
	 "rolls over."},
	{"quarantine reject ID --reason TEXT [--dry-run]",
	 "the reading was wrong: go on from what the meter shows now", ROLE_ADMIN,
	 run_quarantine_reject, "The energy in between is written off: nobody pays for it."},
	{"hold list", "disputes that keep a room on", ROLE_VIEWER, run_hold_list, NULL},
	{"hold release ROOM --reason TEXT", "end a hold", ROLE_OPERATOR, run_hold_release,
	 "Only by whoever set it, or an admin."},
	{"hold ROOM --until DATE --reason TEXT", "a dispute: do not cut the room for money",
	 ROLE_OPERATOR, run_hold,
	 "DATE is 2026-11-01 or \"2026-11-01 08:30\". It outlives restarts; what is cut already "
	 "stays "
	 "cut."},
	{"dated list", "charges by date that are due, and whether they wait for you", ROLE_VIEWER,
	 run_dated_list, NULL},
	{"dated confirm --reason TEXT", "charge the days that were missed", ROLE_ADMIN,
	 run_dated_confirm,
	 "More than 3 missed days, after a long outage or a step of the clock, are not charged by "
	 "themselves."},
	{"dated waive --reason TEXT", "charge nobody for them", ROLE_ADMIN, run_dated_waive, NULL},
	{"cuts list", "rooms due for a cut, and whether all are held", ROLE_VIEWER, run_cuts_list,
	 NULL},
	{"cuts confirm --reason TEXT", "let held cuts go ahead", ROLE_OPERATOR, run_cuts_confirm,
	 NULL},
	{"uplink status", "the link to the cloud", ROLE_VIEWER, run_uplink_status, NULL},
};

static const struct verb box[] = {
	{"config check", "check the configuration and the meter models", ROLE_LOCAL,
	 run_config_check, "Reads the files itself; prepayd need not run."},
	{"completion bash", "completion for bash, to be sourced", ROLE_LOCAL, run_completion, NULL},
};

#define GROUP(title, rows)                                                                         \
	{                                                                                          \
		title, rows, sizeof(rows) / sizeof((rows)[0])                                      \
	}

const struct verb_group verb_groups[] = {
	GROUP("See", look),
	GROUP("Rooms", rooms),
	GROUP("Tenancies", tenancies),
	GROUP("Meters and lines", lines),
	GROUP("Relays", relays),
	GROUP("Money", money),
	GROUP("What wants a person", cares),
	GROUP("The box", box),
};

const size_t verb_groups_count = sizeof(verb_groups) / sizeof(verb_groups[0]);

const struct verb *verb_next(const struct verb *previous)
{
	if (previous == NULL)
		return verb_groups[0].verb;
	for (size_t i = 0; i < verb_groups_count; i++) {
		const struct verb_group *group = &verb_groups[i];

		if (previous < group->verb || previous >= group->verb + group->count)
			continue;
		if (previous + 1 < group->verb + group->count)
			return previous + 1;
		return i + 1 < verb_groups_count ? verb_groups[i + 1].verb : NULL;
	}
	return NULL;
}

static const struct verb_option options[] = {
	{"--brief", "one line"},
	{"--check", "for a monitor: one line and an exit code"},
	{"--once", "print once and end"},
	{"--room", "of this room alone"},
	{"--reason", "why; kept with who and when"},
	{"--hledger", "as hledger and ledger read it"},
	{"--since", "from that day on, YYYY-MM-DD"},
	{"--last", "how many"},
	{"--month", "YYYY-MM"},
	{"--csv", "comma-separated values"},
	{"--months", "of the ends of months"},
	{"--day", "YYYY-MM-DD"},
	{"--last-reading", "a meter that is silent: its last good reading counts"},
	{"--entry", "number of the entry that is corrected"},
	{"--until", "the end, YYYY-MM-DD or \"YYYY-MM-DD HH:MM\""},
	{"--dry-run", "check all, change nothing"},
	{"--backup", "FILE is a copy of a ledger"},
	{"--replace", "set the ledger in use aside"},
	{"--epoch", "go on in this epoch at least"},
	{"--as", "charge: the room pays; aside: nobody does"},
	{"--rolled-over", "the register passed its end and began at zero"},
	{"--final", "what the old meter showed at the end, or last"},
	{"--initial", "what the new meter showed at its start"},
	{"--serial", "serial number of the new meter"},
	{"--write-off", "give up a balance that is left"},
	{"--all", "also what is over"},
	{"--who", "by that user alone"},
	{"--verb", "of that verb alone"},
	{"--account", "number of the account, where a room's name had several"},
	{"--receipt", "number of the paper receipt"},
	{"--type", "paid, or subsidy"},
	{"--for", "what the debt is for"},
	{"--share", "percent of each recharge"},
	{"--week-max", "at most so much in a week"},
	{"--daily", "so much each day"},
	{"--weekly", "so much each week"},
	{"--monthly", "so much each month"},
	{"--instalments", "in how many months"},
	{"-n", "how many"},
	{"--from-receipt", "start now instead of in the past"},
	{"--line", "RS-485 line"},
	{"--address", "Modbus address, 1 to 247"},
	{"--addresses", "one Modbus address or a range: 17, 1-32"},
	{"--settings", "own (the line's), or all"},
	{"--disturb", "although commissioned devices hear it"},
	{"--csv", "rows for room import alone"},
	{"--rounds", "how often each is asked (20)"},
	{"--model", "meter model"},
	{"--channel", "channel of the meter (1)"},
	{"--relay", "meter, or MODEL@ADDRESS/CHANNEL"},
	{"--contact", "no: open without coil current (default); nc: closed"},
	{"--cut-order", "1 is cut first"},
	{"--may-cut", "may it be cut for money: yes or no"},
	{"--breaker", "rated current of the breaker, A"},
	{"--tenancy", "tenancy of the account"},
	{"--persons", "how many live there"},
	{"--opening-minor", "balance brought in, minor units"},
	{"--experimental", "although the model is badly evidenced"},
	{"--json", "one JSON object; problems as JSON too"},
	{"--config", "configuration (/etc/prepay/prepay.conf)"},
	{"--socket", "control socket (from the configuration)"},
	{"--timeout", "seconds to wait for an answer (10)"},
	{"--color", "auto, yes or no"},
	{"-q", "less: names alone in lists"},
	{"--quiet", "less: names alone in lists"},
	{"-y", "do not ask"},
	{"--yes", "do not ask"},
	{"-h", "how to use a verb"},
	{"--help", "how to use a verb"},
	{"--version", "the version"},
};

const char *verb_option_help(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, name) == 0)
			return options[i].help;
	}
	return NULL;
}

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_LOCAL] = "anybody",
		[ROLE_VIEWER] = "viewer",
		[ROLE_OPERATOR] = "operator",
		[ROLE_ADMIN] = "admin",
	};

	return names[role];
}
