"""The figures of the story that ./demo tells: how fast and how right the main job runs.

line_share wants to be high; overshoot_wh_max, payment_to_power_p95_s and money_difference_nano low; what is verified
wants to be all, and what is charged and quarantined to be what was simulated.
"""

import json
import os
import subprocess
import sys

STORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo", "story.py")
UNITS = {"rooms": "rooms", "polls_per_s": "1/s", "line_share": "1", "overshoot_wh_max": "Wh", "payment_to_power_p95_s": "s",
         "energy_charged_wh": "Wh", "energy_quarantined_wh": "Wh", "energy_simulated_wh": "Wh",
         "money_difference_nano": "nano"}


def measure(build):
    done = subprocess.run(["/usr/bin/python3", STORY, "--build", build, "--seconds", "120"], stdout=subprocess.PIPE,
                          encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"bench demo: the story did not happen:\n{done.stdout[-3000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    goals = {"line_share": 0.95, "payment_to_power_p95_s": 1.5, "money_difference_nano": 0,
             "cuts_verified": figures["cuts"], "restores_verified": figures["restores"],
             "energy_charged_wh": figures["energy_simulated_wh"] - figures["energy_quarantined_wh"]}
    for figure, value in figures.items():
        yield figure, value, UNITS.get(figure, "relays"), goals.get(figure)
