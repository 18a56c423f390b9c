#!/usr/bin/env python3
"""embed.py OUTPUT STEP.sql... - the migrations as C text, in the order of their numbers."""
import pathlib
import sys

output, *steps = (pathlib.Path(name) for name in sys.argv[1:])
steps.sort(key=lambda step: step.name)
lines = ['#include "concentrator/ledger_schema.h"', ""]
rows = []
for number, step in enumerate(steps, start=1):
    if step.name != f"{number:04d}.sql":
        sys.exit(f"{step}: expected {number:04d}.sql: steps are numbered without a gap")
    # Bytes, not a literal: ISO C promises literals of 4095 characters only.
    text = step.read_text(encoding="utf-8").encode("ascii") + b"\0"
    lines.append(f"static const char step_{number}[] = {{")
    lines += ["\t" + ",".join(map(str, text[i:i + 24])) + "," for i in range(0, len(text), 24)]
    lines += ["};", ""]
    rows.append(f"\t{{{number}, step_{number}}},")
lines += ["static const struct ledger_step steps[] = {", *rows, "};", "",
          "const struct ledger_step *schema_steps(size_t *ret_count)", "{",
          "\t*ret_count = sizeof(steps) / sizeof(steps[0]);", "\treturn steps;", "}", ""]
output.write_text("\n".join(lines), encoding="ascii")
