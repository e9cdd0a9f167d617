"""Two threads that keep bytes until the gate (MP_GATE) is open; for those who watch a recording. Ends with 7."""
import os
import sys
import threading
import time


class Keeper(threading.Thread):
    def run(self):
        self.kept = []
        for _ in range(100):
            self.kept.append(bytes(10_000))
        print(f"{self.name} keeps", flush=True)
        while not os.path.exists(os.environ["MP_GATE"]):
            time.sleep(0.01)


keepers = [Keeper(name=f"keeper-{i}") for i in range(2)]
for keeper in keepers:
    keeper.start()
for keeper in keepers:
    keeper.join()
sys.exit(7)
