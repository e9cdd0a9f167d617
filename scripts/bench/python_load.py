"""
A Python program that allocates as programs do: a list of orders is made, written as JSON and read again, taken apart
by regular expressions, and summed up in dicts, lists and objects.

    python_load.py ROUNDS [GATE]

Does the work ROUNDS times (some 40 ms and 270,000 objects each). With GATE it says "waiting" and begins when a file of that
name exists, so that a tracer can be attached before. At the end it prints how long the work has taken, by the clock and
of the processor; the start of the interpreter is not in it.
"""

import json
import os
import re
import sys
import time

ORDERS = 800
LOG_LINE = re.compile(r"(?P<time>\d\d:\d\d:\d\d) \[(?P<level>[A-Z]+)\] (?P<customer>\w+): (?P<text>.*)")
WORD = re.compile(r"[a-z]+|\d+")


class Item:
    def __init__(self, name, price, count):
        self.name = name
        self.price = price
        self.count = count

    def total(self):
        return self.price * self.count


class Order:
    def __init__(self, customer, items):
        self.customer = customer
        self.items = [Item(item["name"], item["price"], item["count"]) for item in items]
        self.notes = {}

    def total(self):
        return sum(item.total() for item in self.items)


def make_orders(seed):
    return [
        {
            "id": seed * ORDERS + number,
            "customer": f"customer{number % 97}",
            "express": number % 3 == 0,
            "address": {"street": f"{number} Main Street", "town": f"town {number % 41}", "code": f"{number:05}"},
            "items": [
                {"name": f"part {number * i % 1009}", "price": 0.5 + i * 1.25, "count": 1 + (number + i) % 4}
                for i in range(1 + number % 6)
            ],
        }
        for number in range(ORDERS)
    ]


def make_log(orders):
    lines = []
    for order in orders:
        second = order["id"] % 86400
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        names = ", ".join(item["name"] for item in order["items"])
        lines.append(f"{clock} [INFO] {order['customer']}: ordered {names}")
    return "\n".join(lines)


def count_words(log):
    words = {}
    for line in log.split("\n"):
        fields = LOG_LINE.match(line).groupdict()
        for word in WORD.findall(fields["text"]):
            words[word] = words.get(word, 0) + 1
    return words, re.sub(r"part (\d+)", lambda match: f"#{int(match.group(1)):04}", log)


def group_by_customer(orders):
    groups = {}
    for order in orders:
        groups.setdefault(order["customer"], []).append(Order(order["customer"], order["items"]))
    for customer, group in groups.items():
        for order in group:
            order.notes = {"of": len(group), "key": (customer, order.total())}
    return groups


def work(seed):
    text = json.dumps(make_orders(seed), indent=1)
    orders = json.loads(text)
    words, log = count_words(make_log(orders))
    groups = group_by_customer(orders)
    ranking = sorted(((sum(o.total() for o in group), name) for name, group in groups.items()), reverse=True)
    return json.loads(json.dumps({"ranking": ranking, "words": words, "log": log.splitlines()}))


def wait_for(gate):
    print("waiting", flush=True)
    while not os.path.exists(gate):
        time.sleep(0.005)


def main():
    rounds = int(sys.argv[1])
    if len(sys.argv) > 2:
        wait_for(sys.argv[2])
    start, cpu_start = time.perf_counter(), time.process_time()
    for seed in range(rounds):
        summary = work(seed)
        assert len(summary["ranking"]) == 97
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    print(f"elapsed {elapsed:.6f} s, processor {cpu:.6f} s")


main()
