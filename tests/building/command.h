/* command.h - what a test may ask of the building while it runs.
 *
 * A command is one line of words; the answer is one JSON object. Devices are named A/12, a board's
 * channel A/101/3, one circuit of a meter of several A/12/3. A failed command answers {"error": "..."}, one without anything to say
 * {"ok": true}. Times are CLOCK_BOOTTIME in us (at_us, boot_us) and Unix (unix_us); energy is exact in
 * millionths of a Wh (energy_uwh) and as the meter's register shows it, in Wh (register_wh).
 *
 *     status                         lines, their counters, factor, scheduling
 *     truth [A/1]                    every device, or one
 *     load A/1 W|default             loads W|default: all
 *     register A/1 WH                the counter jumps (an exchanged meter, a rollover); all of it in band 1
 *     band A/1 2                     that band register counts from now on
 *     ratio A/1 ct|pt|pulses N       somebody sets it; the register is counted anew by it
 *     glitch A/1 zero|far|other [COUNT [WH]]  the next energy reads answer 0, WH too much, or what
 *                                    is at address 0, in the length that was asked for
 *     dead A/5 on|off                silent and deaf, still counting
 *     turnaround A/5 MS
 *     fault A/1 KIND [COUNT [VALUE]] spoils the next replies; COUNT 0: until `fault A/1 off`. KIND:
 *                                    deaf, silent, late (ms), badcrc, truncate (bytes), trickle (ms),
 *                                    short, wrongslave, wrongfunction, exception (code), echo, previous
 *     noise A [CHARACTERS]           a burst on the wire, now
 *     corrupt A PPM                  reply bytes spoilt, of a million
 *     echo A on|off                  the adapter echoes what it sends
 *     unplug A, plug A               the adapter
 *     open A/9, close A/101/3        a relay is moved by hand, not by the wire
 *     weld A/101/3 on|off            its contact stays where it is
 *     window [start|stop]            measures each line's share of the physical limit
 *     log [SINCE]                    events numbered above SINCE, a page at a time
 *     factor F                       energy runs F times faster than time
 *     quit
 */
#pragma once

#include <jansson.h>

#include "tests/building/building.h"

/* Runs one command; line is changed. The answer is never NULL but for lack of memory. */
json_t *command_run(struct building *building, char *line);
