/* A line in virtual time is scanned: devices of several kinds, at several settings, that answer, refuse,
 * are silent, or clash. What each device holds is written here, from the register facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/scan.h"

#define REQUESTS_MAX 100000

/* Energy and voltage in one read; `extra` is added to the file. */
#define METER(name, confidence, function, start, extra)                                            \
	"[model]\nname = " name "\nvendor = v\ntitle = t\nkind = meter\nconfidence = " confidence  \
	"\nsource = s\n[span energy]\nrole = energy\nfunction = " function "\naddress = " start    \
	"\ncount = 3\n[row energy_import]\nspan = energy\nregister = " start                       \
	"\ntype = u32\norder = msw\nunit = kWh\nscale = 0.01\n" extra
#define WITNESS(at)                                                                                \
	"[row voltage_l1]\nspan = energy\nregister = " at                                          \
	"\ntype = u16\nunit = V\nscale = 0.1\nwitness = 100..300\n"
#define SERIAL                                                                                     \
	"[span identity]\nrole = identity\nfunction = 3\naddress = 0xFC00\ncount = 2\n"            \
	"[row serial_number]\nspan = identity\nregister = 0xFC00\ntype = u32\norder = msw\n"       \
	"absent = 0 0xFFFFFFFF\n"

static const struct {
	const char *file;
	const char *text;
} files[] = {
	{"marked.meter", METER("marked", "high", "3", "0x0010", WITNESS("0x0012")) SERIAL
	 "[identify soco]\nfunction = 3\naddress = 0xC350\n"
	 "values = 0x0053 0x004F\n"},
	{"other.meter",
	 METER("other", "high", "3", "0x0010",
	       WITNESS("0x0012")) "[identify other]\nfunction = 3\naddress = 0xC350\n"
				  "values = 0x0053 0x0050\n"},
	{"serial.meter", METER("serial", "medium", "4", "0x0048", WITNESS("0x004A")) SERIAL},
	{"plain.meter", METER("plain", "high", "3", "0x000A", WITNESS("0x000C"))},
	{"twin.meter", METER("twin", "medium", "3", "0x000A", WITNESS("0x000C"))},
	{"rumour.meter", METER("rumour", "low", "3", "0x0100", WITNESS("0x0102"))},
	{"blind.meter", METER("blind", "high", "3", "0x0200", "")},
};

struct image {
	uint8_t function;
	uint16_t start;
	uint16_t count;
	uint16_t values[8];
};

struct slave {
	uint8_t address;
	uint8_t setting;
	uint8_t functions; /* bit 1 << function: the others are not answered at all */
	bool silent;       /* also at addresses it does not have, instead of refusing */
	int garbled;       /* the next answers are; -1: all */
	struct image image[3];
};

#define ALL_READS (1 << 1 | 1 << 2 | 1 << 3 | 1 << 4)

struct bus {
	const struct slave *slaves;
	size_t count;
	int garbled[16];
	size_t requests;
	bool foreign; /* a request with settings beyond the plan's */
	size_t asked[SCAN_ADDRESSES_MAX + 1];
};

static struct models *models;

static int read_models(void **state)
{
	char folder[] = "/tmp/prepay-scan-XXXXXX", path[128], error[256];
	const char *dirs[] = {folder};
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].file);
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		fputs(files[i].text, file);
		fclose(file);
	}
	if (models_read(&models, dirs, 1, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].file);
		unlink(path);
	}
	return rmdir(folder);
}

static int drop_models(void **state)
{
	(void)state;
	models = models_close(models);
	return 0;
}

static enum scan_end answer(struct bus *bus, const struct scan_read *read, uint16_t *ret)
{
	for (size_t i = 0; i < bus->count; i++) {
		const struct slave *slave = &bus->slaves[i];
		if (slave->address != read->address || slave->setting != read->setting)
			continue;
		if (bus->garbled[i] != 0) {
			bus->garbled[i] -= bus->garbled[i] > 0;
			return SCAN_GARBLED;
		}
		if ((slave->functions >> read->function & 1) == 0)
			return SCAN_SILENT;
		for (size_t n = 0; n < 3; n++) {
			const struct image *image = &slave->image[n];
			if (image->function != read->function || read->start < image->start ||
			    read->start + read->count > image->start + image->count)
				continue;
			memcpy(ret, image->values + (read->start - image->start),
			       read->count * sizeof(*ret));
			return SCAN_GOOD;
		}
		return slave->silent ? SCAN_SILENT : SCAN_REFUSED;
	}
	return SCAN_SILENT;
}

static struct scan *run(struct bus *bus, const struct slave *slaves, size_t count,
			const struct scan_plan *plan)
{
	struct scan *scan = NULL;
	struct scan_read read;
	int64_t done, total;
	*bus = (struct bus){.slaves = slaves, .count = count};
	for (size_t i = 0; i < count; i++)
		bus->garbled[i] = slaves[i].garbled;
	assert_int_equal(scan_open(&scan, plan, models), 0);
	while (scan_next(scan, &read)) {
		uint16_t values[IDENTIFY_VALUES_MAX] = {0};
		struct scan_read again;
		assert_true(bus->requests++ < REQUESTS_MAX);
		/* Reads, and nothing but reads. */
		assert_in_range(read.function, 1, 4);
		assert_in_range(read.count, 1, IDENTIFY_VALUES_MAX);
		assert_in_range(read.address, plan->first, plan->last);
		assert_true(read.setting < plan->settings_count);
		assert_true(scan_next(scan, &again));
		assert_memory_equal(&again, &read, sizeof(read));
		bus->asked[read.address]++;
		scan_progress(scan, &done, &total);
		assert_true(done < total);
		enum scan_end end = answer(bus, &read, values);
		scan_end(scan, end, values);
	}
	scan_progress(scan, &done, &total);
	assert_int_equal(done, bus->requests);
	assert_int_equal(total, done);
	return scan;
}

static const struct scan_device *find(const struct scan *scan, uint8_t address)
{
	for (size_t i = 0; i < scan_count(scan); i++)
		if (scan_at(scan, i)->address == address)
			return scan_at(scan, i);
	fail_msg("address %u was not found", address);
	return NULL;
}

#define VOLTS 2301
#define SOCO                                                                                       \
	{                                                                                          \
		3, 0xC350, 2,                                                                      \
		{                                                                                  \
			0x53, 0x4F                                                                 \
		}                                                                                  \
	}
#define NUMBER                                                                                     \
	{                                                                                          \
		3, 0xFC00, 2,                                                                      \
		{                                                                                  \
			0x0122, 0x3344                                                             \
		}                                                                                  \
	}

static const struct slave kinds[] = {
	{.address = 1,
	 .functions = ALL_READS,
	 .image = {{3, 0x10, 3, {0, 500, VOLTS}}, SOCO, NUMBER}},
	{.address = 2, .functions = ALL_READS, .image = {{4, 0x48, 3, {0, 7, VOLTS}}, NUMBER}},
	{.address = 3, .functions = ALL_READS, .image = {{3, 0x0A, 3, {1, 2, VOLTS}}}},
	/* Answers, and holds nothing known. */
	{.address = 4, .functions = ALL_READS},
	/* The map of a model of low confidence, and of one without a witness. */
	{.address = 5, .functions = ALL_READS, .image = {{3, 0x100, 3, {0, 9, VOLTS}}}},
	{.address = 6, .functions = ALL_READS, .image = {{3, 0x200, 3, {0, 9, 0}}}},
	/* The voltage beside the energy cannot be. */
	{.address = 7, .functions = ALL_READS, .image = {{3, 0x0A, 3, {1, 2, 0}}}},
	/* The map of the one with a serial number, but none there. */
	{.address = 8, .functions = ALL_READS, .image = {{4, 0x48, 3, {0, 7, VOLTS}}}},
};

static void evidence_decides_how_sure_a_model_is_named(void **state)
{
	static const struct {
		uint8_t address;
		enum identify_sure sure;
		const char *model;
		size_t others;
		int64_t serial;
	} expected[] = {
		{1, IDENTIFY_SURE, "marked", 0, 0x01223344},
		{2, IDENTIFY_LIKELY, "serial", 0, 0x01223344},
		{3, IDENTIFY_WEAK, "plain", 1, 0}, /* better evidenced than its twin */
		{4, IDENTIFY_UNKNOWN, NULL, 0, 0},
		{5, IDENTIFY_UNKNOWN, NULL, 0, 0},
		{6, IDENTIFY_UNKNOWN, NULL, 0, 0},
		{7, IDENTIFY_UNKNOWN, NULL, 0, 0},
		{8, IDENTIFY_WEAK, "serial", 0, 0},
	};
	const struct scan_plan plan = {
		.first = 1, .last = 20, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct bus bus;
	struct scan *scan = run(&bus, kinds, sizeof(kinds) / sizeof(kinds[0]), &plan);
	(void)state;
	assert_int_equal(scan_count(scan), 8);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct identify_verdict *verdict = &find(scan, expected[i].address)->verdict;
		assert_int_equal(verdict->sure, expected[i].sure);
		if (expected[i].model == NULL)
			assert_null(verdict->model);
		else
			assert_string_equal(verdict->model->name, expected[i].model);
		assert_int_equal(verdict->others_count, expected[i].others);
		assert_int_equal(verdict->has_serial, expected[i].serial != 0);
		assert_int_equal(verdict->serial, expected[i].serial);
	}
	assert_string_equal(find(scan, 3)->verdict.others[0]->name, "twin");
	scan_close(scan);
}

static void every_setting_is_tried_and_told(void **state)
{
	struct slave slaves[8] = {{0}};
	struct scan_plan plan = {.first = 1, .last = 247, .settings_count = scan_usual_count};
	struct bus bus;
	(void)state;
	memcpy(plan.settings, scan_usual, scan_usual_count * sizeof(plan.settings[0]));
	for (size_t i = 0; i < scan_usual_count; i++)
		slaves[i] = (struct slave){.address = (uint8_t)(247 - 30 * i),
					   .setting = (uint8_t)i,
					   .functions = (uint8_t)(1 << (i % 3 == 0   ? 3
									: i % 3 == 1 ? 4
										     : 1)),
					   .image = {{(uint8_t)(i % 3 == 0   ? 3
								: i % 3 == 1 ? 4
									     : 1),
						      0,
						      2,
						      {0}}}};
	struct scan *scan = run(&bus, slaves, scan_usual_count, &plan);
	assert_int_equal(scan_count(scan), scan_usual_count);
	for (size_t i = 0; i < scan_usual_count; i++)
		assert_int_equal(find(scan, slaves[i].address)->setting, i);
	scan_close(scan);
}

static void what_is_known_already_is_not_asked(void **state)
{
	struct scan_plan plan = {
		.first = 1, .last = 10, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct bus bus;
	(void)state;
	plan.skip[3] = true;
	struct scan *scan = run(&bus, kinds, sizeof(kinds) / sizeof(kinds[0]), &plan);
	assert_int_equal(bus.asked[3], 0);
	assert_int_equal(scan_count(scan), 7);
	scan_close(scan);
}

static void garbled_answers_are_asked_again(void **state)
{
	static const struct slave slaves[] = {
		/* Once, as when a late answer of another one fell into it. */
		{.address = 5, .functions = ALL_READS, .garbled = 1},
		/* It can do input registers alone, which was not asked while it came garbled. */
		{.address = 6, .functions = 1 << 4, .garbled = 1},
		/* Always: two devices with this address. */
		{.address = 9, .functions = ALL_READS, .garbled = -1},
	};
	const struct scan_plan plan = {
		.first = 1, .last = 20, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct bus bus;
	struct scan *scan = run(&bus, slaves, 3, &plan);
	(void)state;
	assert_int_equal(scan_count(scan), 3);
	assert_false(find(scan, 5)->clash);
	assert_false(find(scan, 6)->clash);
	assert_true(find(scan, 9)->clash);
	assert_null(find(scan, 9)->verdict.model);
	scan_close(scan);
	/* An address that answered once with another one's answer and is nobody's is no device. */
	static const struct slave ghost[] = {{.address = 7, .functions = 0, .garbled = 1}};
	scan = run(&bus, ghost, 1, &plan);
	assert_int_equal(scan_count(scan), 0);
	scan_close(scan);
}

static void a_device_that_ignores_what_it_lacks_holds_nobody_up(void **state)
{
	static const struct slave slaves[] = {
		{.address = 2, .functions = 1 << 3, .silent = true, .image = {{3, 0x00, 16, {0}}}},
		{.address = 3, .functions = ALL_READS, .image = {{3, 0x0A, 3, {1, 2, VOLTS}}}},
	};
	const struct scan_plan plan = {
		.first = 1, .last = 5, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct bus bus;
	struct scan *scan = run(&bus, slaves, 2, &plan);
	(void)state;
	assert_int_equal(scan_count(scan), 2);
	assert_true(bus.asked[2] <= 3 + IDENTIFY_SILENT_MAX + 8);
	assert_string_equal(find(scan, 3)->verdict.model->name, "plain");
	scan_close(scan);
}

static void a_plan_without_sense_is_refused(void **state)
{
	static const struct scan_plan plans[] = {
		{.first = 0, .last = 5, .settings_count = 1},
		{.first = 6, .last = 5, .settings_count = 1},
		{.first = 1, .last = 248, .settings_count = 1},
		{.first = 1, .last = 5, .settings_count = 0},
		{.first = 1, .last = 5, .settings_count = SCAN_SETTINGS_MAX + 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct scan *scan = NULL;
		assert_true(scan_open(&scan, &plans[i], models) < 0);
		assert_null(scan);
	}
}

/* Every shipped model: its own reads are asked of a device that answers all, and no write ever is. */
static void shipped_models_ask_nothing_but_reads(void **state)
{
	static const char *const dirs[] = {PREPAY_SOURCE "/meters/models"};
	const struct scan_plan plan = {
		.first = 1, .last = 3, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct models *own = models;
	struct scan *scan = NULL;
	struct scan_read read;
	size_t asked = 0;
	char error[256];
	(void)state;
	assert_int_equal(models_read(&models, dirs, 1, error, sizeof(error)), 0);
	assert_int_equal(scan_open(&scan, &plan, models), 0);
	while (scan_next(scan, &read)) {
		uint16_t values[IDENTIFY_VALUES_MAX];
		assert_in_range(read.function, 1, 4);
		for (size_t i = 0; i < IDENTIFY_VALUES_MAX; i++)
			values[i] = read.function <= 2 ? i % 2 : (uint16_t)(asked * 7919 + i);
		scan_end(scan, SCAN_GOOD, values);
		assert_true(asked++ < REQUESTS_MAX);
	}
	assert_int_equal(scan_count(scan), 3);
	assert_true(asked > 3 + 3 * 5);
	scan_close(scan);
	models_close(models);
	models = own;
}

/* Two characters a register, the rest is blank. */
static void put_text(uint16_t *regs, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		unsigned high = *text != '\0' ? (unsigned char)*text++ : ' ';
		unsigned low = *text != '\0' ? (unsigned char)*text++ : ' ';
		regs[i] = (uint16_t)(high << 8 | low);
	}
}

static void put_float(uint16_t *regs, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	regs[0] = (uint16_t)(bits >> 16);
	regs[1] = (uint16_t)bits;
}

/* What a device of the facts answers to a read; false: it refuses. */
typedef bool device_answers(const struct scan_read *read, uint16_t *ret);

/* SDM120, SDM220 and SDM230: the same registers, a serial number, no evidenced meter code. */
static bool answer_sdm(const struct scan_read *read, uint16_t *ret)
{
	static const struct {
		uint16_t address;
		float value;
	} floats[] = {{0x00, 231.5F}, {0x06, 2.5F}, {0x0C, 578.0F}, {0x46, 50.01F},
		      {0x48, 123.4F}, {0x4A, 0.0F}, {0x34, 0.0F}};
	if (read->function == 3 && read->start == 0xFC00 && read->count == 2) {
		ret[0] = 0x0123;
		ret[1] = 0x4567;
		return true;
	}
	if (read->function != 4 || read->start + read->count > 0x5A)
		return false;
	memset(ret, 0, read->count * sizeof(*ret));
	for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
		if (floats[i].address >= read->start &&
		    floats[i].address + 2 <= read->start + read->count)
			put_float(ret + floats[i].address - read->start, floats[i].value);
	return true;
}

static const char *iem_name;

static bool answer_iem(const struct scan_read *read, uint16_t *ret)
{
	if (read->function != 3)
		return false;
	memset(ret, 0, read->count * sizeof(*ret));
	if (read->start == 0x0031 && read->count == 20) {
		put_text(ret, 20, iem_name);
	} else if (read->start == 0x0C83 && read->count == 8) {
		ret[3] = 54321;
	} else if (read->start == 0x0BD3 && read->count == 6) {
		for (size_t i = 0; i < 3; i++)
			put_float(ret + 2 * i, 230.0F + (float)i);
	} else if (read->start == 0x0BF1 && read->count == 4) {
		put_float(ret + 2, 1.5F);
	} else if (read->start == 0x0081 && read->count == 2) {
		ret[1] = 4711;
	} else {
		return false;
	}
	return true;
}

/* One device of that kind on the line, and the shipped models. */
static struct identify_verdict identify_shipped(device_answers *answers)
{
	static const char *const dirs[] = {PREPAY_SOURCE "/meters/models"};
	static struct models *shipped;
	const struct scan_plan plan = {
		.first = 9, .last = 9, .settings_count = 1, .settings = {{9600, 'N', 1}}};
	struct scan *scan = NULL;
	struct scan_read read;
	size_t asked = 0;
	char error[256];
	if (shipped == NULL)
		assert_int_equal(models_read(&shipped, dirs, 1, error, sizeof(error)), 0);
	assert_int_equal(scan_open(&scan, &plan, shipped), 0);
	while (scan_next(scan, &read)) {
		uint16_t values[IDENTIFY_VALUES_MAX] = {0};
		bool good = answers(&read, values);
		assert_true(asked++ < REQUESTS_MAX);
		scan_end(scan, good ? SCAN_GOOD : SCAN_REFUSED, values);
	}
	assert_int_equal(scan_count(scan), 1);
	struct identify_verdict verdict = scan_at(scan, 0)->verdict;
	scan_close(scan);
	return verdict;
}

static void what_the_facts_cannot_tell_apart_is_named_as_several(void **state)
{
	static const char *const names[] = {"eastron-sdm120", "eastron-sdm220", "eastron-sdm230"};
	struct identify_verdict verdict = identify_shipped(answer_sdm);
	size_t seen = 0;
	(void)state;
	assert_int_equal(verdict.sure, IDENTIFY_WEAK);
	assert_true(verdict.has_serial);
	assert_int_equal(verdict.serial, 0x01234567);
	assert_int_equal(verdict.others_count, 2);
	for (size_t i = 0; i < 3; i++) {
		seen += strcmp(verdict.model->name, names[i]) == 0;
		for (size_t n = 0; n < verdict.others_count; n++)
			seen += strcmp(verdict.others[n]->name, names[i]) == 0;
	}
	assert_int_equal(seen, 3);
}

static void a_text_in_its_registers_names_a_model(void **state)
{
	static const struct {
		const char *name;
		bool sure;
	} cases[] = {{"iEM3155", true}, {"IEM3255", true}, {"METSE A9MEM3155", true},
		     {"PM5110", false}, {"", false},       {"iEM2055", false}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		iem_name = cases[i].name;
		struct identify_verdict verdict = identify_shipped(answer_iem);
		if (!cases[i].sure) {
			assert_int_not_equal(verdict.sure, IDENTIFY_SURE);
			continue;
		}
		assert_int_equal(verdict.sure, IDENTIFY_SURE);
		assert_string_equal(verdict.model->name, "schneider-iem3155-iem3255");
		assert_int_equal(verdict.serial, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_decides_how_sure_a_model_is_named),
		cmocka_unit_test(every_setting_is_tried_and_told),
		cmocka_unit_test(what_is_known_already_is_not_asked),
		cmocka_unit_test(garbled_answers_are_asked_again),
		cmocka_unit_test(a_device_that_ignores_what_it_lacks_holds_nobody_up),
		cmocka_unit_test(a_plan_without_sense_is_refused),
		cmocka_unit_test(shipped_models_ask_nothing_but_reads),
		cmocka_unit_test(what_the_facts_cannot_tell_apart_is_named_as_several),
		cmocka_unit_test(a_text_in_its_registers_names_a_model),
	};
	return cmocka_run_group_tests(tests, read_models, drop_models);
}
