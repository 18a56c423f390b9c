#!/usr/bin/python3
"""How fast an order comes through the real prepay-uplinkd.

    test_uplink_pace.py PREPAY_UPLINKD PREPAY_SIGN [unittest options]
"""

import sys
import time
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
from test_uplink import Building  # noqa: E402


class Pace(Building):
    def test_an_order_arrives_within_a_second_and_its_receipt_after_the_commit(self):
        waits = []
        for _ in range(5):
            item = self.cloud.credit(f"t-{len(waits)}", "305", "T-305", "20.00")
            time.sleep(0.1)
            start = time.monotonic()
            self.cloud.offer(item)
            self.prepayd.wait(lambda: item["mRID"] in self.prepayd.orders)
            waits.append(self.prepayd.applied_at[item["mRID"]] - start)
            self.cloud.wait(lambda state: any(row["body"]["mRID"] == item["mRID"] for row in state["receipts"]))
        self.settle()
        print(f"order to prepayd: {max(waits) * 1000:.0f} ms at most", file=sys.stderr)
        self.assertLess(max(waits), 1.0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], defaultTest="Pace")
