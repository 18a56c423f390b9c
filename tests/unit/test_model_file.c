/* test_model_file.c - what a model file says, and every complaint about a wrong one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "meters/model_file.h"
#include "meters/model_parse.h"

#define TEXT_MAX 8192

/* Line numbers in the table below count from here. */
static const char good[] = "[model]\n"              /* 1 */
			   "name = x\n"             /* 2 */
			   "vendor = Acme\n"        /* 3 */
			   "title = One\n"          /* 4 */
			   "kind = meter\n"         /* 5 */
			   "confidence = high\n"    /* 6 */
			   "source = manual p. 1\n" /* 7 */
			   "channels = 1\n"         /* 8 */
			   "\n"                     /* 9 */
			   "[span energy]\n"        /* 10 */
			   "role = energy\n"        /* 11 */
			   "function = 3\n"         /* 12 */
			   "address = 0x000A\n"     /* 13 */
			   "count = 3\n"            /* 14 */
			   "\n"                     /* 15 */
			   "[span relay]\n"         /* 16 */
			   "role = relay\n"         /* 17 */
			   "function = 3\n"         /* 18 */
			   "address = 0x001A\n"     /* 19 */
			   "count = 1\n"            /* 20 */
			   "\n"                     /* 21 */
			   "[row energy_import]\n"  /* 22 */
			   "span = energy\n"        /* 23 */
			   "register = 0x000A\n"    /* 24 */
			   "type = u32\n"           /* 25 */
			   "order = msw\n"          /* 26 */
			   "unit = kWh\n"           /* 27 */
			   "scale = 0.01\n"         /* 28 */
			   "\n"                     /* 29 */
			   "[row voltage_l1]\n"     /* 30 */
			   "span = energy\n"        /* 31 */
			   "register = 0x000C\n"    /* 32 */
			   "type = u16\n"           /* 33 */
			   "unit = V\n"             /* 34 */
			   "scale = 0.1\n"          /* 35 */
			   "witness = 100..300\n"   /* 36 */
			   "\n"                     /* 37 */
			   "[row relay_closed]\n"   /* 38 */
			   "span = relay\n"         /* 39 */
			   "register = 0x001A\n"    /* 40 */
			   "type = u16\n"           /* 41 */
			   "closed = 1\n"           /* 42 */
			   "open = 0\n"             /* 43 */
			   "\n"                     /* 44 */
			   "[relay]\n"              /* 45 */
			   "function = 16\n"        /* 46 */
			   "address = 0x001A\n"     /* 47 */
			   "close = 1\n"            /* 48 */
			   "open = 0\n"             /* 49 */
			   "\n"                     /* 50 */
			   "[write relay]\n"        /* 51 */
			   "function = 16\n"        /* 52 */
			   "address = 0x001A\n"     /* 53 */
			   "allow = 0, 1\n";        /* 54 */

struct bad {
	const char *name;
	const char *from; /* replaced once; NULL: to is appended as line 55 */
	const char *to;
	const char *error;
};

#define HEAD                                                                                       \
	"[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\nsource = s\n"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct bad bads[] = {
	/* the text */
	{"a line past inih's buffer", "title = One", "note = " X50 X50 X50 X50,
	 "x.meter:4: 207 bytes: expected at most 199 a line"},
	{"a control character", "title = One", "title = \x01",
	 "x.meter:4: byte 0x01 in column 9: expected text"},
	{"a continued line", "kind = meter", "  kind = meter",
	 "x.meter:5: begins with white space: a value ends with its line"},
	{"neither key nor section", "kind = meter", "kind",
	 "x.meter:5: expected [section], key = value or # comment"},
	{"a colon for an equals sign", "kind = meter", "kind: meter",
	 "x.meter:5: expected [section], key = value or # comment"},
	{"a key before any section", "[model]\n", "name = x\n",
	 "x.meter:1: a key before the first section: expected [model]"},
	{"a section without its end", "[relay]", "[relay",
	 "x.meter:45: expected [section] alone on its line"},
	{"text behind a section", "[relay]", "[relay] x",
	 "x.meter:45: expected [section] alone on its line"},
	{"a section without name", "[relay]", "[]",
	 "x.meter:45: a section's name has 1 to 63 bytes, this one 0"},
	{"a section twice", NULL, "[row voltage_l1]\n",
	 "x.meter:55: section [row voltage_l1] is here twice: the first is in line 30"},
	{"a section twice in a row", "[span relay]\n", "[span energy]\n",
	 "x.meter:16: section [span energy] is here twice: the first is in line 10"},
	{"a key twice", "scale = 0.1\n", "unit = V\n",
	 "x.meter:35: unit is here twice in [row voltage_l1]: the first is in line 34"},
	{"a key without value", "title = One",
	 "title =", "x.meter:4: title has no value: leave the key out where it is not known"},
	{"a key without name", "title = One", "= One", "x.meter:4: a key's name has 1 to 63 bytes"},
	{"an empty text", good, "", "x.meter: no section [model]"},

	/* sections and keys */
	{"an unknown section", NULL, "[rows]\n",
	 "x.meter:55: unknown section [rows]: expected model, span NAME, row NAME, relay, "
	 "write NAME or identify NAME"},
	{"a row without name", NULL, "[row ]\n",
	 "x.meter:55: [row ]: expected a name of a to z, 0 to 9, _ and - after row"},
	{"two blanks before a name", "[span relay]", "[span  relay]",
	 "x.meter:16: [span  relay]: expected a name of a to z, 0 to 9, _ and - after span"},
	{"an unknown key in a row", "unit = V", "units = V",
	 "x.meter:30: [row voltage_l1] has no unit: expected one of mV, V, kV"},
	{"one key too many", "open = 0\n\n[relay]", "open = 0\nshut = 1\n[relay]",
	 "x.meter:44: unknown key shut in [row relay_closed]: see prepay-meter(5)"},
	{"an unknown key of the model", "channels = 1", "channel = 1",
	 "x.meter:8: unknown key channel in [model]: see prepay-meter(5)"},
	{"a source that is not numbered", "channels = 1", "source_1 = book",
	 "x.meter:8: unknown key source_1 in [model]: see prepay-meter(5)"},

	/* the model */
	{"no name", "name = x\n", "\n",
	 "x.meter:1: [model] has no name: expected the file's name before .meter"},
	{"a name that is not the file's", "name = x", "name = y",
	 "x.meter:2: name = y: expected the file to be y.meter"},
	{"a name with a slash", "name = x", "name = ../x",
	 "x.meter:2: name = ../x: expected a to z, 0 to 9 and -"},
	{"no source", "source = manual p. 1\n", "\n",
	 "x.meter:1: [model] has no source: expected the document or repository the registers come "
	 "from"},
	{"an unknown kind", "kind = meter", "kind = gas",
	 "x.meter:5: kind = gas: expected one of meter, relay, water"},
	{"an unknown confidence", "confidence = high", "confidence = sure",
	 "x.meter:6: confidence = sure: expected one of high, medium, low"},
	{"no channel", "channels = 1", "channels = 0",
	 "x.meter:8: channels = 0: expected a number from 1 to 64"},
	{"a number that is none", "channels = 1", "channels = 1x",
	 "x.meter:8: channels = 1x: expected a number from 1 to 64"},
	{"a negative number", "channels = 1", "channels = -1",
	 "x.meter:8: channels = -1: expected a number from 1 to 64"},
	{"a number past 64 bits", "channels = 1", "modulus_wh = 99999999999999999999",
	 "x.meter:8: modulus_wh = 99999999999999999999: expected a number from 1 to "
	 "9223372036854775807"},
	{"a modulus the register cannot hold", "channels = 1", "modulus_wh = 42949672961",
	 "x.meter:22: [row energy_import] holds less than modulus_wh: expected at most "
	 "42949672960"},
	{"a resolution that is not the register's", "channels = 1", "resolution_wh = 1",
	 "x.meter:22: [row energy_import] counts steps of 10 Wh: expected resolution_wh to say so, "
	 "or not to be there"},
	{"a float without resolution", "type = u32", "type = float32",
	 "x.meter:22: [row energy_import] is a float: expected resolution_wh in [model], the step "
	 "of the meter's display"},
	{"a meter without energy", "[row energy_import]", "[row energy_export]",
	 "x.meter: a meter without energy_import: expected [row energy_import]"},
	{"a water meter without volume", "kind = meter", "kind = water",
	 "x.meter: a water meter without volume: expected [row volume]"},

	/* spans */
	{"an unknown role", "role = relay", "role = switch",
	 "x.meter:17: role = switch: expected one of energy, instant, relay, identity, ratio, "
	 "mode, "
	 "safe"},
	{"a function that does not read", "function = 3\naddress = 0x001A",
	 "function = 5\naddress = 0x001A",
	 "x.meter:18: function = 5: expected a number from 1 to 4"},
	{"a span too long for the protocol", "count = 3", "count = 126",
	 "x.meter:14: count = 126: expected a number from 1 to 125"},
	{"a span too long for the device", "channels = 1", "max_registers = 2",
	 "x.meter:10: [span energy] reads 3 registers: expected at most max_registers = 2"},
	{"two spans of one length (T1c)", "count = 1", "count = 3",
	 "x.meter:16: [span relay] has the answer length of [span energy]: a late answer to one "
	 "would pass for the other; expected another count"},
	{"a span that ends behind the last address", "address = 0x001A\ncount = 1",
	 "address = 0xFFFF\ncount = 2",
	 "x.meter:40: register = 0x001A: expected all of it inside "
	 "[span relay], 0xFFFF to 0x10000"},
	{"a span without row", NULL,
	 "[span more]\nrole = instant\nfunction = 4\naddress = 0\ncount = 9",
	 "x.meter:55: [span more] has no row: expected at least one"},
	{"a span that reaches past the last address", NULL,
	 "[span more]\nrole = instant\nfunction = 4\naddress = 0xFFFF\ncount = 2\n"
	 "[row power]\nspan = more\nregister = 0xFFFF\ntype = u16\nunit = W\n",
	 "x.meter:55: [span more] reaches past address 0xFFFF"},
	{"blocks of channels without a stride", good,
	 HEAD
	 "channels = 2\n[span a]\nrole = energy\nfunction = 4\naddress = 0\ncount = 2\nchannels = "
	 "1\n"
	 "[row energy_import]\nspan = a\nregister = 0\ntype = u32\norder = msw\nunit = Wh\n",
	 "x.meter:9: [span a] has no stride: expected elements from one block of 1 channels to the "
	 "next"},
	{"blocks of one length with nothing to be read between them (T1c)", good,
	 HEAD
	 "channels = 2\n[span a]\nrole = energy\nfunction = 4\naddress = 0\ncount = 2\nchannels = "
	 "1\nstride = 0x100\n"
	 "[row energy_import]\nspan = a\nregister = 0\ntype = u32\norder = msw\nunit = Wh\n"
	 "[span identity]\nrole = identity\nfunction = 3\naddress = 0\ncount = 1\n"
	 "[row serial_number]\nspan = identity\nregister = 0\ntype = u16\n",
	 "x.meter:9: [span a] has blocks of one length, and nothing to be read between them: an "
	 "answer "
	 "to one would pass for another's; expected another span of role energy, instant or relay "
	 "without a stride"},
	{"a write that clears the counters", NULL,
	 "[write reset]\nfunction = 16\naddress = 0x0000\nallow = 0\n",
	 "x.meter:55: [write reset] allows what no command of [relay] sends: expected its "
	 "function, "
	 "the addresses of its channels and its values, and no others"},
	{"a write of anything anywhere", NULL,
	 "[write any]\nfunction = 6\naddress = 0..0xFFFF\nallow = 0, 1\n",
	 "x.meter:55: [write any] allows what no command of [relay] sends: expected its function, "
	 "the addresses of its channels and its values, and no others"},
	{"a range wider than the channels", "address = 0x001A\nallow",
	 "address = 0x001A..0x001B\nallow",
	 "x.meter:51: [write relay] allows what no command of [relay] sends: expected its "
	 "function, "
	 "the addresses of its channels and its values, and no others"},
	{"a value that is no position", "allow = 0, 1", "allow = 0, 1, 2",
	 "x.meter:51: [write relay] allows what no command of [relay] sends: expected its "
	 "function, "
	 "the addresses of its channels and its values, and no others"},
	{"two channels charged by one register", good,
	 HEAD "channels = 2\n[span a]\nrole = energy\nfunction = 4\naddress = 0\ncount = 2\n"
	      "[row energy_import]\nspan = a\nregister = 0\ntype = u32\norder = msw\nunit = Wh\n",
	 "x.meter:14: [row energy_import] has no stride: 2 channels would be charged by one "
	 "register"},
	{"a relay board without relay", good,
	 "[model]\nname = x\nvendor = v\ntitle = t\nkind = relay\nconfidence = high\nsource = s\n",
	 "x.meter: a relay board without commands: expected [relay]"},
	{"bits decoded as a register", "function = 3\naddress = 0x001A",
	 "function = 1\naddress = 0x001A",
	 "x.meter:38: [row relay_closed]: expected type bit with function 1 or 2 only"},

	/* rows */
	{"a span that is not there", "span = relay", "span = relays",
	 "x.meter:39: span = relays: there is no [span relays]"},
	{"a register in front of its span", "register = 0x000C", "register = 0x0009",
	 "x.meter:32: register = 0x0009: expected all of it inside [span energy], 0x000A to "
	 "0x000C"},
	{"a value that ends behind its span", "register = 0x000A", "register = 0x000C",
	 "x.meter:24: register = 0x000C: expected all of it inside [span energy], 0x000A to "
	 "0x000C"},
	{"an unknown type", "type = u32", "type = int",
	 "x.meter:25: type = int: expected one of bit, u16, s16, u32, s32, u64, s64, float32, "
	 "float64, "
	 "bcd16, bcd32, bcd48, bcd64"},
	{"no order where it matters", "order = msw\n", "\n",
	 "x.meter:22: [row energy_import] has no order: expected msw or lsw: which register comes "
	 "first"},
	{"an unknown order", "order = msw", "order = big",
	 "x.meter:26: order = big: expected one of msw, lsw"},
	{"a quantity that is none", "[row voltage_l1]", "[row voltage]",
	 "x.meter:30: no quantity voltage: expected one of prepay-meter(5), by the row's name or "
	 "by "
	 "quantity ="},
	{"a quantity key that is none", "unit = V", "quantity = volts",
	 "x.meter:34: no quantity volts: expected one of prepay-meter(5), by the row's name or by "
	 "quantity ="},
	{"a unit of another quantity", "unit = V", "unit = A",
	 "x.meter:34: unit = A: expected one of mV, V, kV"},
	{"a scale of zero", "scale = 0.1\n", "scale = 0.0\n",
	 "x.meter:35: scale = 0.0: expected a decimal such as 0.01 or a fraction such as 1/256, "
	 "not "
	 "0, of at most 12 digits"},
	{"a scale with an exponent", "scale = 0.1\n", "scale = 1e-1\n",
	 "x.meter:35: scale = 1e-1: expected a decimal such as 0.01 or a fraction such as 1/256, "
	 "not "
	 "0, of at most 12 digits"},
	{"a fraction over zero", "scale = 0.1\n", "scale = 1/0\n",
	 "x.meter:35: scale = 1/0: expected a decimal such as 0.01 or a fraction such as 1/256, "
	 "not "
	 "0, of at most 12 digits"},
	{"a scale of too many digits", "scale = 0.1\n", "scale = 1234567890123\n",
	 "x.meter:35: scale = 1234567890123: expected a decimal such as 0.01 or a fraction such as "
	 "1/256, not 0, of at most 12 digits"},
	{"a scale too large in the unit", "scale = 0.1\n", "scale = 999999999999\n",
	 "x.meter:35: scale = 999999999999: too large"},
	{"energy that counts backward", "scale = 0.01\n", "scale = -0.01\n",
	 "x.meter:22: [row energy_import]: expected a positive scale"},
	{"bounds the wrong way round", "witness = 100..300", "witness = 300..100",
	 "x.meter:36: witness = 300..100: expected bounds such as 45..65 in the row's unit"},
	{"one bound only", "witness = 100..300", "witness = 100",
	 "x.meter:36: witness = 100: expected bounds such as 45..65 in the row's unit"},
	{"bounds finer than the quantity", "witness = 100..300", "witness = 100..300.0001",
	 "x.meter:36: witness = 100..300.0001: expected bounds such as 45..65 in the row's unit"},
	{"too many error values", "scale = 0.1\n", "absent = 1 2 3 4 5\n",
	 "x.meter:35: absent = 1 2 3 4 5: expected 1 to 4 numbers up to 18446744073709551615, "
	 "parted "
	 "by blanks"},
	{"a mask on a signed value", "type = u16\nunit = V\nscale = 0.1\n",
	 "type = s16\nunit = V\nmask = 0xFF\n",
	 "x.meter:35: mask: expected only with u16, u32 or u64"},
	{"a relay position without values", "closed = 1\n", "\n",
	 "x.meter:38: [row relay_closed] has no closed: expected the raw value of a closed relay"},
	{"open and closed alike", "closed = 1\nopen = 0", "closed = 0\nopen = 0",
	 "x.meter:43: open = 0: expected another value than closed"},
	{"the money register outside an energy span", "role = energy", "role = instant",
	 "x.meter:22: [row energy_import]: expected it in a span of role energy"},
	{"a relay position outside a relay span", "role = relay", "role = instant",
	 "x.meter:38: [row relay_closed]: expected it in a span of role relay"},
	{"the money register twice",
	 "[row voltage_l1]\nspan = energy\nregister = 0x000C\ntype = "
	 "u16\nunit = V\nscale = 0.1\nwitness = 100..300",
	 "[row again]\nspan = energy\nregister = 0x000C\ntype = u16\nunit = kWh\nquantity = "
	 "energy_import",
	 "x.meter:30: [row again] is the same quantity as [row energy_import]: expected it once"},
	{"a band apart from the total",
	 "[row voltage_l1]\nspan = energy\nregister = 0x000C\ntype = "
	 "u16\nunit = V\nscale = 0.1\nwitness = 100..300",
	 "[row energy_band_1]\nspan = relay\nregister = 0x001A\ntype = u16\nunit = kWh",
	 "x.meter:30: [row energy_band_1]: expected it in the span of energy_import"},
	{"a second band without a first",
	 "[row voltage_l1]\nspan = energy\nregister = 0x000C\ntype = "
	 "u16\nunit = V\nscale = 0.1\nwitness = 100..300",
	 "[row energy_band_2]\nspan = energy\nregister = 0x000C\ntype = u16\nunit = kWh",
	 "x.meter:30: [row energy_band_2]: expected the band before it as well"},
	{"two channels and one relay address", "channels = 1", "channels = 2",
	 "x.meter:45: [relay] has no stride: expected elements from one channel to the next"},

	/* witnesses, ratios, states, marks */
	{"a witness in no other span", "count = 3\n", "count = 3\nwitness = energy\n",
	 "x.meter:15: witness = energy: expected the name of another [span ...]"},
	{"a witness in a span that is not there", "count = 3\n", "count = 3\nwitness = here\n",
	 "x.meter:15: witness = here: expected the name of another [span ...]"},
	{"a witness here and there", "count = 3\n", "count = 3\nwitness = relay\n",
	 "x.meter:10: [span energy] has a witness of its own: expected no witness key"},
	{"a span named as witness that has none", "address = 0x001A\ncount = 1\n",
	 "address = 0x001A\ncount = 1\n[span other]\nrole = instant\nfunction = 3\n"
	 "address = 2\ncount = 2\nwitness = relay\n[row power]\nspan = other\nregister = 2\n"
	 "type = u16\nunit = W\n",
	 "x.meter:21: witness = relay: expected a row with a witness there"},
	{"a ratio that is not read", "scale = 0.01\n", "scale = 0.01\nratio = ct\n",
	 "x.meter:22: [row energy_import] hangs on a ratio that is not read: expected a row "
	 "ct_ratio_milli in a span of role ratio"},
	{"a ratio of no known name", "scale = 0.01\n", "scale = 0.01\nratio = vt\n",
	 "x.meter:29: ratio = vt: expected ct, pt or pulses, each once, parted by blanks"},
	{"a ratio twice", "scale = 0.01\n", "scale = 0.01\nratio = ct ct\n",
	 "x.meter:29: ratio = ct ct: expected ct, pt or pulses, each once, parted by blanks"},
	{"a witness that hangs on a ratio", "witness = 100..300\n",
	 "witness = 100..300\nratio = pt\n",
	 "x.meter:30: [row voltage_l1]: a ratio, and a witness, cannot hang on a ratio"},
	{"a ratio outside a ratio span", "[row voltage_l1]",
	 "[row ct_ratio]\nspan = energy\n"
	 "register = 0x000C\ntype = u16\n\n[row voltage_l1]",
	 "x.meter:30: [row ct_ratio]: expected it in a span of role ratio"},
	{"a mode outside a mode span", "[row voltage_l1]",
	 "[row own_prepaid]\nspan = energy\n"
	 "register = 0x000C\ntype = u16\nyes = 1\nno = 0\n\n[row voltage_l1]",
	 "x.meter:30: [row own_prepaid]: expected it in a span of role mode"},
	{"a mode without its raw values", "[row voltage_l1]",
	 "[row own_prepaid]\nspan = energy\n"
	 "register = 0x000C\ntype = u16\n\n[row voltage_l1]",
	 "x.meter:30: [row own_prepaid] has no yes: expected the raw value that says yes"},
	{"a mode that says yes and no alike", "[row voltage_l1]",
	 "[row own_prepaid]\n"
	 "span = energy\nregister = 0x000C\ntype = u16\nyes = 1\nno = 1\n\n[row voltage_l1]",
	 "x.meter:35: no = 1: expected another value than yes"},
	{"more raw values of one state than fit", "[row voltage_l1]",
	 "[row own_prepaid]\n"
	 "span = energy\nregister = 0x000C\ntype = u16\nyes = 1 2 3\nno = 0\n\n[row voltage_l1]",
	 "x.meter:34: yes = 1 2 3: expected 1 to 2 numbers up to 18446744073709551615, parted by "
	 "blanks"},
	{"one of several raw values that says yes and no", "[row voltage_l1]",
	 "[row own_prepaid]\n"
	 "span = energy\nregister = 0x000C\ntype = u16\nyes = 1 2\nno = 2\n\n[row voltage_l1]",
	 "x.meter:35: no = 2: expected another value than yes"},
	{"a mode of the length of the energy (T1c)", NULL,
	 "[span mode]\nrole = mode\nfunction = 3\naddress = 0x40\ncount = 3\n"
	 "[row own_prepaid]\nspan = mode\nregister = 0x40\ntype = u16\nyes = 1\nno = 0\n",
	 "x.meter:55: [span mode] has the answer length of [span energy]: a late answer to one "
	 "would pass for the other; expected another count"},
	{"a mark read as coils", NULL, "[identify a]\nfunction = 1\naddress = 0\nvalues = 1\n",
	 "x.meter:56: function = 1: expected a number from 3 to 4"},
	{"a mark of unlike alternatives", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\nvalues = 1, 1 2\n",
	 "x.meter:58: values = 1, 1 2: expected as many values in each alternative"},
	{"a mark past the last register", NULL,
	 "[identify a]\nfunction = 3\naddress = 0xFFFF\nvalues = 1 2\n",
	 "x.meter:55: [identify a] reaches past address 0xFFFF"},
	{"a text without its registers", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\ntext = iEM31\n",
	 "x.meter:55: [identify a] has no count: expected how many registers hold the text"},
	{"a text past what one mark may read", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\ntext = iEM31\ncount = 33\n",
	 "x.meter:59: count = 33: expected a number from 1 to 32"},
	{"a text too short to tell anything", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\ntext = iEM31, EM\ncount = 20\n",
	 "x.meter:58: text = iEM31, EM: expected at most 8 words of 3 to 15 characters, parted by "
	 "commas"},
	{"a text and values", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\ntext = iEM31\ncount = 20\nvalues = 1\n",
	 "x.meter:60: unknown key values in [identify a]: see prepay-meter(5)"},
	{"too many marks", NULL,
	 "[identify a]\nfunction = 3\naddress = 0\nvalues = 1\n"
	 "[identify b]\nfunction = 3\naddress = 0\nvalues = 1\n"
	 "[identify c]\nfunction = 3\naddress = 0\nvalues = 1\n",
	 "x.meter:63: more than 2 identify sections"},

	/* relay and writes */
	{"a relay moved by a read", "function = 16\naddress = 0x001A\nclose",
	 "function = 3\naddress = 0x001A\nclose", "x.meter:46: function = 3: expected 5, 6 or 16"},
	{"all coils at once", "function = 16\naddress = 0x001A\nallow",
	 "function = 15\naddress = 0x001A\nallow",
	 "x.meter:52: function = 15: expected 5, 6 or 16"},
	{"a key that is neither there nor not", "[relay]\n", "[relay]\nkey = maybe\n",
	 "x.meter:46: key = maybe: expected one of no, yes"},
	{"a relay whose close is not allowed (B3)", "allow = 0, 1", "allow = 0",
	 "x.meter:45: [relay] of channel 1 writes what no [write] allows: expected a [write] with "
	 "its function, address and values"},
	{"a relay whose open is not allowed (B3)", "allow = 0, 1", "allow = 1",
	 "x.meter:45: [relay] of channel 1 writes what no [write] allows: expected a [write] with "
	 "its function, address and values"},
	{"a relay at another address than allowed (B3)", "address = 0x001A\nallow",
	 "address = 0x001B\nallow",
	 "x.meter:45: [relay] of channel 1 writes what no [write] allows: expected a [write] with "
	 "its function, address and values"},
	{"open is close", "close = 1\nopen = 0", "close = 0\nopen = 0",
	 "x.meter:49: open = 0: expected another value than close"},
	{"open and close of unlike length", "close = 1\nopen = 0", "close = 1 0\nopen = 0",
	 "x.meter:49: open = 0: expected 2 values as in close"},
	{"a coil written a number", "function = 16\naddress = 0x001A\nclose",
	 "function = 5\naddress = 0x001A\nclose",
	 "x.meter:48: close = 1: a coil is written 0xFF00 or 0x0000"},
	{"two values for one register", "function = 16\naddress = 0x001A\nallow = 0, 1",
	 "function = 6\naddress = 0x001A\nallow = 0 1",
	 "x.meter:54: allow = 0 1: expected 1 to 1 numbers up to 65535, parted by blanks"},
	{"alternatives of unlike length", "allow = 0, 1", "allow = 0, 1 1",
	 "x.meter:54: allow = 0, 1 1: expected as many values in each alternative"},
	{"an empty alternative", "allow = 0, 1", "allow = 0,, 1",
	 "x.meter:54: allow = 0,, 1: expected 1 to 4 numbers up to 65535, parted by blanks"},
	{"a value past 16 bits", "allow = 0, 1", "allow = 0, 65536",
	 "x.meter:54: allow = 0, 65536: expected 1 to 4 numbers up to 65535, parted by blanks"},
	{"too many alternatives", "allow = 0, 1", "allow = 0, 1, 2, 3, 4, 5, 6, 7, 8",
	 "x.meter:54: allow: more than 8 alternatives"},
	{"a range the wrong way round", "address = 0x001A\nallow", "address = 7..0\nallow",
	 "x.meter:53: address = 7..0: expected an address such as 0x001A, or a range such as 0..7"},
	{"an address past 16 bits", "address = 0x001A\nallow", "address = 0x10000\nallow",
	 "x.meter:53: address = 0x10000: expected an address such as 0x001A, or a range such as "
	 "0..7"},
};

static void replace(char text[static TEXT_MAX], const char *from, const char *to)
{
	const char *at = from == NULL ? good + strlen(good) : strstr(good, from);
	size_t skip = from == NULL ? 0 : strlen(from);

	if (at == NULL)
		fail_msg("not in the good text: %s", from);
	(void)snprintf(text, TEXT_MAX, "%.*s%s%s", (int)(at - good), good, to, at + skip);
}

static void a_good_text_is_read(void **state)
{
	struct model model;
	char error[512] = "";

	(void)state;
	if (model_parse(&model, "dir/x.meter", good, strlen(good), error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_string_equal(model.name, "x");
	assert_string_equal(model.vendor, "Acme");
	assert_int_equal(model.kind, MODEL_METER);
	assert_int_equal(model.confidence, MODEL_CONFIDENCE_HIGH);
	assert_int_equal(model.spans_count, 2);
	assert_int_equal(model.rows_count, 3);
	assert_int_equal(model.writes_count, 1);
	assert_int_equal(model.modulus_wh, 0);
	assert_int_equal(model.width_wh, INT64_C(42949672960));
	assert_int_equal(model.resolution_wh, 10);
	assert_int_equal(model.baud, 0);
	assert_int_equal(model.parity, 0);
	assert_int_equal(model.rows[1].least, 100000);
	assert_int_equal(model.rows[1].most, 300000);
	assert_true(model_has(&model, QUANTITY_VOLTAGE_L1_MV));
	assert_false(model_has(&model, QUANTITY_POWER_W));
}

static void every_wrong_text_is_refused_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *bad = &bads[i];
		struct model model = {.name = "untouched"};
		char text[TEXT_MAX];
		char error[512] = "";
		int r;

		replace(text, bad->from, bad->to);
		r = model_parse(&model, "x.meter", text, strlen(text), error, sizeof(error));
		if (r != -EINVAL)
			fail_msg("%s: result %d", bad->name, r);
		if (strcmp(error, bad->error) != 0)
			fail_msg("%s:\n  says     %s\n  expected %s", bad->name, error, bad->error);
		assert_string_equal(model.name, "untouched");
	}
}

static void carriage_returns_and_comments_pass(void **state)
{
	struct model model;
	char text[2 * TEXT_MAX];
	char error[512] = "";
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), "  # indented comment\r\n; another\r\n \t\r\n");
	for (const char *p = good; *p != '\0'; p++) {
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	if (model_parse(&model, "x.meter", text, n, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_int_equal(model.rows_count, 3);
}

static void a_text_past_the_limit_is_refused(void **state)
{
	struct model model;
	char error[512] = "";
	size_t size = MODEL_FILE_BYTES_MAX + 1;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', size);
	assert_int_equal(model_parse(&model, "x.meter", text, size, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "x.meter: 65537 bytes: expected at most 65536");
	free(text);
}

static void every_section_and_key_limit_is_an_error(void **state)
{
	struct model model;
	char error[512] = "";
	char text[TEXT_MAX];
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 65; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[row r%u]\n", i);
	assert_int_equal(model_parse(&model, "x.meter", text, n, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "x.meter:65: more than 64 sections");

	n = (size_t)snprintf(text, sizeof(text), "[model]\n");
	for (unsigned i = 0; i < 641; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%u = 1\n", i);
	assert_int_equal(model_parse(&model, "x.meter", text, n, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "x.meter:642: more than 640 keys");
}

static void a_short_error_buffer_is_not_overrun(void **state)
{
	struct model model;
	char error[9] = "12345678";

	(void)state;
	assert_int_equal(model_parse(&model, "x.meter", "?", 1, error, 4), -EINVAL);
	assert_string_equal(error + 4, "5678");
	assert_int_equal(error[3], '\0');
	assert_int_equal(model_parse(&model, "x.meter", "?", 1, error, 0), -EINVAL);
}

/* Directories. */

static char folder[] = "/tmp/prepay-models-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"a/x.meter", "a/y.meter", "a/notes.txt", "a/.meter",
					    "b/x.meter", "a",         "b",           ""};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)remove(path);
	}
	return 0;
}

static const char *in_folder(char path[static 256], const char *name)
{
	(void)snprintf(path, 256, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file = fopen(in_folder(path, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void a_later_directory_replaces_a_model_of_the_same_name(void **state)
{
	struct models *models;
	char first[256];
	char second[256];
	char gone[256];
	const char *const dirs[] = {in_folder(first, "a"), in_folder(gone, "gone"),
				    in_folder(second, "b")};
	char text[TEXT_MAX];
	char error[512] = "";

	(void)state;
	assert_int_equal(mkdir(first, 0700), 0);
	assert_int_equal(mkdir(second, 0700), 0);
	write_file("a/x.meter", good);
	write_file("a/notes.txt", "not a model");
	write_file("a/.meter", "not a model");
	replace(text, "name = x", "name = y");
	write_file("a/y.meter", text);
	replace(text, "title = One", "title = Other");
	write_file("b/x.meter", text);

	if (models_read(&models, dirs, 3, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_int_equal(models_count(models), 2);
	assert_string_equal(models_find(models, "x")->title, "Other");
	assert_string_equal(models_find(models, "y")->title, "One");
	assert_string_equal(models_at(models, 0)->name, "x");
	assert_string_equal(models_at(models, 1)->name, "y");
	assert_null(models_find(models, "z"));
	assert_null(models_close(models));
	assert_null(models_close(NULL));
}

static void one_wrong_file_refuses_the_lot_with_its_path(void **state)
{
	struct models *models = NULL;
	char first[256];
	const char *const dirs[] = {in_folder(first, "a")};
	char text[TEXT_MAX];
	char error[512] = "";
	char expected[512];

	(void)state;
	replace(text, "kind = meter", "kind = gas");
	write_file("a/x.meter", text);
	assert_int_equal(models_read(&models, dirs, 1, error, sizeof(error)), -EINVAL);
	(void)snprintf(expected, sizeof(expected),
		       "%s/x.meter:5: kind = gas: expected one of meter, relay, water", first);
	assert_string_equal(error, expected);
	assert_null(models);
}

static void no_model_at_all_is_an_error(void **state)
{
	struct models *models = NULL;
	struct model model;
	const char *const dirs[] = {"/nonexistent/models", "/nonexistent/more"};
	char error[512] = "";

	(void)state;
	assert_int_equal(models_read(&models, dirs, 2, error, sizeof(error)), -ENOENT);
	assert_string_equal(error,
			    "/nonexistent/models: no *.meter file here or in the directories "
			    "that follow");
	assert_int_equal(model_read(&model, "/nonexistent/x.meter", error, sizeof(error)), -ENOENT);
	assert_string_equal(error, "/nonexistent/x.meter: No such file or directory");
	assert_int_equal(model_read(&model, "/", error, sizeof(error)), -EISDIR);
}

/* The shipped models, against the facts they are made from. */
static const struct {
	const char *name;
	enum model_kind kind;
	enum model_confidence confidence;
	uint32_t baud; /* 0: not known; stop bits and parity are then not known either */
	uint8_t stop_bits;
	uint8_t phases;
	uint8_t channels;
	struct {
		uint8_t function;
		uint16_t address;
		uint16_t count;
	} energy; /* count 0: none */
	int64_t resolution_wh;
	int64_t modulus_wh;
	int64_t width_wh;
	bool relay;
	bool readback;
} shipped[] = {
	{"acrel-ddsy1352",
	 MODEL_METER,
	 MODEL_CONFIDENCE_MEDIUM,
	 9600,
	 1,
	 1,
	 1,
	 {3, 0, 17},
	 10,
	 0,
	 INT64_C(42949672960),
	 true,
	 false},
	{"cg-em111-em112",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 1,
	 1,
	 {4, 0xF, 3},
	 100,
	 0,
	 INT64_C(214748364800),
	 false,
	 false},
	{"eastron-sdm120",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 2400,
	 1,
	 1,
	 1,
	 {4, 0x46, 6},
	 10,
	 0,
	 0,
	 false,
	 false},
	{"eastron-sdm220",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 0,
	 0,
	 1,
	 1,
	 {4, 0x46, 6},
	 10,
	 0,
	 0,
	 false,
	 false},
	{"eastron-sdm230",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 2400,
	 1,
	 1,
	 1,
	 {4, 0x46, 6},
	 10,
	 0,
	 0,
	 false,
	 false},
	{"eastron-sdm630-v2",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 3,
	 1,
	 {4, 0x46, 6},
	 10,
	 0,
	 0,
	 false,
	 false},
	{"eastron-sdm72d-m-2",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 3,
	 1,
	 {4, 0x46, 6},
	 10,
	 0,
	 0,
	 false,
	 false},
	{"hiking-dds238",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 1,
	 1,
	 {3, 0xA, 8},
	 10,
	 0,
	 INT64_C(42949672960),
	 false,
	 false},
	{"hiking-dds238-sr",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 1,
	 1,
	 {3, 0xA, 8},
	 10,
	 0,
	 INT64_C(42949672960),
	 true,
	 true},
	{"peacefair-pzem004t-v3",
	 MODEL_METER,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 1,
	 1,
	 {4, 0, 10},
	 1,
	 10000000,
	 INT64_C(4294967296),
	 false,
	 false},
	{"waveshare-rtu-relay-8ch",
	 MODEL_RELAY_BOARD,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 1,
	 0,
	 8,
	 {0, 0, 0},
	 0,
	 0,
	 0,
	 true,
	 true},
	{"wb-mr6c-v3",
	 MODEL_RELAY_BOARD,
	 MODEL_CONFIDENCE_HIGH,
	 9600,
	 2,
	 0,
	 6,
	 {0, 0, 0},
	 0,
	 0,
	 0,
	 true,
	 true},
};

static void shipped_models_say_what_the_facts_say(void **state)
{
	static const char *const dirs[] = {SHIPPED_MODELS};
	struct models *models;
	char error[512] = "";

	(void)state;
	if (models_read(&models, dirs, 1, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_true(models_count(models) > sizeof(shipped) / sizeof(shipped[0]));
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		const struct model *model = models_find(models, shipped[i].name);
		int span;

		print_message("%s\n", shipped[i].name);
		assert_non_null(model);
		assert_int_equal(model->kind, shipped[i].kind);
		assert_int_equal(model->confidence, shipped[i].confidence);
		assert_int_equal(model->baud, shipped[i].baud);
		assert_int_equal(model->parity, shipped[i].baud == 0 ? 0 : 'N');
		assert_int_equal(model->stop_bits, shipped[i].stop_bits);
		assert_int_equal(model->phases, shipped[i].phases);
		assert_int_equal(model->channels, shipped[i].channels);
		assert_int_equal(model->width_wh, shipped[i].width_wh);
		assert_int_equal(model->modulus_wh, shipped[i].modulus_wh);
		assert_int_equal(model->resolution_wh, shipped[i].resolution_wh);
		assert_int_equal(model->relay.present, shipped[i].relay);
		assert_int_equal(model_relay_readback_span(model) >= 0, shipped[i].readback);
		span = model_span_of(model, MODEL_ROLE_ENERGY, 0);
		assert_int_equal(span >= 0, shipped[i].energy.count > 0);
		if (span < 0)
			continue;
		assert_int_equal(model->spans[span].function, shipped[i].energy.function);
		assert_int_equal(model->spans[span].address, shipped[i].energy.address);
		assert_int_equal(model->spans[span].count, shipped[i].energy.count);
	}
	models_close(models);
}

/* T1e: what proves the energy of each shipped meter. Most have a witness in the same answer or name the
 * span of one; these few have none, as their files say. */
static void every_shipped_meter_has_a_witness_or_is_known_to_have_none(void **state)
{
	static const char *const dirs[] = {SHIPPED_MODELS};
	static const char *const without[] = {"eastron-sdm72d-m", "finder-7m24", "sbc-pcd7-h104d",
					      "xtm35sc-ddm18sd"};
	struct models *models;
	size_t found = 0;
	char error[512] = "";

	(void)state;
	if (models_read(&models, dirs, 1, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	for (size_t i = 0; i < models_count(models); i++) {
		const struct model *model = models_at(models, i);
		int span = model_span_of(model, MODEL_ROLE_ENERGY, 0);
		bool known = false;

		if (model->kind != MODEL_METER || span < 0)
			continue;
		for (size_t k = 0; k < sizeof(without) / sizeof(without[0]); k++)
			known = known || strcmp(model->name, without[k]) == 0;
		if ((model->spans[span].witness < 0) != known)
			fail_msg("%s: a witness: %d", model->name, model->spans[span].witness);
		found += known;
	}
	assert_int_equal(found, sizeof(without) / sizeof(without[0]));
	models_close(models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_text_is_read),
		cmocka_unit_test(every_wrong_text_is_refused_with_its_line),
		cmocka_unit_test(carriage_returns_and_comments_pass),
		cmocka_unit_test(a_text_past_the_limit_is_refused),
		cmocka_unit_test(every_section_and_key_limit_is_an_error),
		cmocka_unit_test(a_short_error_buffer_is_not_overrun),
		cmocka_unit_test(a_later_directory_replaces_a_model_of_the_same_name),
		cmocka_unit_test(one_wrong_file_refuses_the_lot_with_its_path),
		cmocka_unit_test(no_model_at_all_is_an_error),
		cmocka_unit_test(shipped_models_say_what_the_facts_say),
		cmocka_unit_test(every_shipped_meter_has_a_witness_or_is_known_to_have_none),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
