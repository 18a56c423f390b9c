#!/usr/bin/python3
"""tariff_oracle.py - what a tariff file and a sequence of readings cost, a second time.

Written from prepay-tariff(5) and the rules of M7, with rational numbers, the system's time zones and no
regard for speed; it shares no code and no table with the program. Random tariffs and readings are
priced by both, and every part must be equal to the billionth:

    tariff_oracle.py PLAY [CASES [SEED]]

PLAY is tests/oracle/tariff_play. A case is a book of one to three tariffs, an account and some steps
of its meters. PREPAY_TEST_DIVISOR divides CASES; the seed is printed, one seed is one run.
"""
import datetime
import functools
import math
import os
import random
import subprocess
import sys
import zoneinfo
from fractions import Fraction

NEAR = 30
LONG = 366 * 86400
SPLIT_BY_TIME, UNTIMED = 1, 2
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
YEAR_DAYS = [f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
ZONES = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Africa/Casablanca", "America/Havana", "Asia/Beirut", "Atlantic/Azores", "Asia/Kathmandu"]


@functools.lru_cache(maxsize=None)
def year_day(date):
    return date.strftime("%m-%d")


class Clock:
    """Local time of one zone."""

    def __init__(self, name):
        self.name = name
        self.zone = zoneinfo.ZoneInfo(name)
        self.changes = []
        for day in range(17167, 23741):  # 2017 to 2034
            if self.offset(day * 86400) != self.offset((day + 1) * 86400):
                self.changes.append(self.bisect(day * 86400, (day + 1) * 86400))

    def local(self, at):
        return datetime.datetime.fromtimestamp(at, self.zone)

    def offset(self, at):
        return self.local(at).utcoffset()

    def bisect(self, low, high):
        before = self.offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == before else (low, middle)
        return high

    @functools.lru_cache(maxsize=4096)
    def instants(self, date, minute):
        """The instants at which the clock shows that minute: none to two, perhaps one that is none."""
        naive = datetime.datetime(date.year, date.month, date.day, minute // 60, minute % 60,
                                  tzinfo=self.zone)
        return {int(naive.replace(fold=fold).timestamp()) for fold in (0, 1)}

    @functools.lru_cache(maxsize=4096)
    def start(self, date):
        """The first instant that carries a date."""
        at = min(at for at in self.instants(date, 0) if self.local(at).date() >= date)
        assert self.local(at - 1).date() < date
        return at


class Tariff:
    """One tariff file."""

    def __init__(self, number, text, clock):
        self.number = number
        self.clock = clock
        sections = {}
        for line in text.splitlines():
            line = line.split(" #")[0].strip()
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                section = sections.setdefault(tuple(line[1:-1].split()), {})
            else:
                key, value = line.split("=", 1)
                section[key.strip()] = value.replace(",", " ").split()
        head, energy = sections[("tariff",)], sections[("energy",)]
        when = datetime.datetime.strptime(" ".join(head["activation"]), "%Y-%m-%d %H:%M")
        self.activation = int(when.replace(tzinfo=clock.zone).timestamp())
        self.edges = [Fraction(edge) * 1000 for edge in energy.get("blocks", [])]
        self.reset = tuple(energy.get("reset", [])) if self.edges else None
        self.prorated = energy.get("move-in") == ["prorated"]
        named = {name[1]: value for name, value in sections.items() if name[0] == "band"}
        self.prices = {name: [Fraction(price) for price in value["price"]]
                       for name, value in named.items()}
        if not named:
            self.prices = {"": [Fraction(price) for price in energy["price"]]}
        self.seasons = sorted((value["from"][0], name[1]) for name, value in sections.items()
                              if name[0] == "season")
        self.specials = {day: name[1] for name, value in sections.items() if name[0] == "special"
                         for day in value["days"]}
        self.days = []
        self.year_days = frozenset(self.reset[1:] if self.reset else ())
        for name, value in sections.items():
            if name[0] == "days":
                changes = value["bands"]
                plan = [(int(changes[i][:2]) * 60 + int(changes[i][3:]), changes[i + 1])
                        for i in range(0, len(changes), 2)]
                self.days.append((value.get("season"), self.kinds(value["on"]), plan))

    @staticmethod
    def kinds(words):
        kinds = set()
        for word in words:
            first, _, last = word.partition("-")
            if first in WEEKDAYS and (not last or last in WEEKDAYS):
                kinds.update(WEEKDAYS[WEEKDAYS.index(first):WEEKDAYS.index(last or first) + 1])
            else:
                kinds.add(word)
        return kinds

    @functools.lru_cache(maxsize=4096)
    def plan(self, date):
        if len(self.prices) == 1:
            return [(0, next(iter(self.prices)))]
        season = None
        if self.seasons:
            past = [name for start, name in self.seasons if start <= year_day(date)]
            season = past[-1] if past else self.seasons[-1][1]
        kind = self.specials.get(date.isoformat(),
                                 self.specials.get(year_day(date), WEEKDAYS[date.weekday()]))
        fitting = [(seasons is None, plan) for seasons, kinds, plan in self.days
                   if kind in kinds and (seasons is None or season in seasons)]
        return min(fitting, key=lambda row: row[0])[1]

    def band(self, at):
        local = self.clock.local(at)
        minute = local.hour * 60 + local.minute
        return [band for start, band in self.plan(local.date()) if start <= minute][-1]

    def is_reset(self, date):
        if self.reset[0] == "day":
            return True
        if self.reset[0] == "month":
            return date.day == int(self.reset[1])
        return year_day(date) in self.year_days

    @functools.lru_cache(maxsize=4096)
    def around(self, date):
        """The last reset at or before a date, and the first one after it."""
        first, end = date, date + datetime.timedelta(days=1)
        while not self.is_reset(first):
            first -= datetime.timedelta(days=1)
        while not self.is_reset(end):
            end += datetime.timedelta(days=1)
        return first, end

    def period_dates(self, at):
        """First date of the period at an instant, and of the next."""
        first, end = self.around(self.clock.local(at).date() + datetime.timedelta(days=1))
        while self.clock.start(first) > at:
            first, end = self.around(first - datetime.timedelta(days=1))
        return first, end


class Account:
    """What an account is charged, from the first entry on: its whole state."""

    def __init__(self, clock, tariffs, opened):
        self.clock = clock
        self.tariffs = sorted(tariffs, key=lambda tariff: (tariff.activation, tariff.number))
        # Of two with one activation the later holds.
        self.versions = [tariff for i, tariff in enumerate(self.tariffs)
                         if i + 1 == len(self.tariffs)
                         or self.tariffs[i + 1].activation > tariff.activation]
        self.opened = opened
        self.charges = []

    def version(self, at):
        past = [tariff for tariff in self.versions if tariff.activation <= at]
        return past[-1] if past else None

    @functools.lru_cache(maxsize=4096)
    def period_from(self, version, start, end):
        """Counting from, counting until, and the share of the edges."""
        since, until = self.clock.start(start), self.clock.start(end)
        share = Fraction(1)
        if since <= self.opened < until:
            moved_in = self.clock.local(self.opened).date()
            share = min(Fraction(1), Fraction((end - moved_in).days, (end - start).days))
        i = self.versions.index(version)
        first = i
        while first > 0 and self.versions[first - 1].reset == version.reset:
            first -= 1
        since = max(since, self.versions[first].activation)
        for later in self.versions[i + 1:]:
            if later.reset != version.reset:
                until = min(until, later.activation)
        return since, until, share

    def period(self, at):
        version = self.version(at)
        if version is None or not version.edges:
            return None
        return self.period_from(version, *version.period_dates(at))

    def used(self, period):
        return sum(wh for start, wh in self.charges if period[0] <= start < period[1])

    def boundaries(self, after, until):
        """All in (after, until]."""
        found = {tariff.activation for tariff in self.tariffs}
        found = {at for at in found if after < at <= until}
        candidates = {at for at in self.clock.changes if after < at <= until}
        date, last = self.clock.local(after).date(), self.clock.local(until).date()
        while date <= last:
            for version in self.versions:
                for minute, _ in version.plan(date) if len(version.prices) > 1 else []:
                    candidates |= self.clock.instants(date, minute)
                if version.edges and version.is_reset(date):
                    at = self.clock.start(date)
                    if after < at <= until and self.version(at - 1) is version:
                        found.add(at)
            date += datetime.timedelta(days=1)
        for at in candidates - found:
            if after < at <= until:
                version = self.version(at)
                if (version is not None and version is self.version(at - 1)
                        and version.band(at) != version.band(at - 1)):
                    found.add(at)
        return sorted(found)

    def near(self, at):
        """The instant that a reading counts as taken at."""
        first = self.versions[0].activation
        near = [b for b in self.boundaries(at - NEAR - 1, at + NEAR) if b > first]
        return min(near, key=lambda b: (abs(b - at), b)) if near else at

    def parts(self, wh, at, until, version, bands, flags):
        """Energy within one period, cut at the edges of its blocks."""
        found = []
        if version is None:
            return [(wh, at, until, Fraction(0), 0, 0, flags)]
        period = self.period(at)
        used = self.used(period) if period else 0
        block = 0
        while wh > 0:
            room = wh
            if block < len(version.edges):
                edge = version.edges[block]
                if version.prorated:
                    edge = Fraction(math.floor(edge * period[2]))
                room = min(wh, int(edge) - used)
            if room > 0:
                price = min(version.prices[band][block] for band in bands)
                found.append((room, at, until, price, version.number, block, flags))
                used += room
                wh -= room
            block += 1
        return found

    def touched(self, version, start, end):
        if end - start > LONG:
            return set(version.prices)
        points = [start] + self.boundaries(start, end)
        return {version.band(at) for at in points}

    def cheapest(self, wh, start, end, at, until, flags):
        """The cheapest that the energy can have cost if it was used in [start, end]."""
        version = self.version(start)
        versions = [version] + [v for v in self.versions if start < v.activation <= end]
        if version is None:
            return [(wh, at, until, Fraction(0), 0, 0, flags)]
        if len(versions) == 1 and not (version.edges and self.period(start)[1] <= end):
            bands = self.touched(version, start, end)
            parts = self.parts(wh, start, end, version, bands, flags)
            return [(part[0], at, until) + part[3:] for part in parts]
        rows = []
        for i, version in enumerate(versions):
            first = max(start, version.activation)
            last = min([end] + [v.activation - 1 for v in versions[i + 1:i + 2]])
            for block in range(len(version.edges) + 1):
                rows.append((min(version.prices[band][block]
                                 for band in self.touched(version, first, last)), version, block))
        price, version, block = min(rows, key=lambda row: row[0])
        return [(wh, at, until, price, version.number, block, flags)]

    def price(self, wh, start, end, timed):
        if wh == 0:
            return []
        if not timed:
            return self.cheapest(wh, start, end, start, end, UNTIMED)
        first, last = self.near(start), self.near(end)
        if first == last:
            is_boundary = (last > self.versions[0].activation
                           and last in self.boundaries(last - 1, last))
            return self.cheapest(wh, last - 1 if is_boundary else first, last, start, end, 0)
        cuts = [first] + self.boundaries(first, last - 1) + [last]
        flags = SPLIT_BY_TIME if len(cuts) > 2 else 0
        found, rest, kept = [], wh, len(self.charges)
        for at, until in zip(cuts, cuts[1:]):
            share = rest if until == last else math.floor(Fraction(wh * (until - at), last - first))
            rest -= share
            if share > 0:
                version = self.version(at)
                bands = {version.band(at)} if version else set()
                parts = self.parts(share, at, until, version, bands, flags)
                found += parts
                self.charges += [(part[1], part[0]) for part in parts]
        del self.charges[kept:]
        return found

    def charge(self, wh, start, end, timed):
        found = self.price(wh, start, end, timed)
        self.charges += [(part[1], part[0]) for part in found]
        rows = []
        for part_wh, at, until, price, number, block, flags in found:
            nano = price * part_wh * 10**6
            micro = price * 10**6
            assert nano.denominator == micro.denominator == 1
            rows.append((part_wh, at, until, int(micro), int(nano), number, block, flags))
        return rows

    def least(self, wh, start, end):
        nano = sum((part[3] * part[0] * 10**6
                    for part in self.cheapest(wh, start, end, start, end, 0)), Fraction(0))
        return int(nano) if wh else 0


class Maker:
    """Random tariffs and readings, with a liking for what goes wrong."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def price(self):
        digits = self.random.choice([0, 1, 2, 3, 6])
        return f"{self.random.randrange(0, 3 * 10**digits) / 10**digits:.{digits}f}"

    def minute(self):
        pick = self.random.random()
        if pick < 0.4:
            return self.random.choice([60, 90, 120, 150, 180, 1380, 1410])
        return self.random.randrange(1, 24) * 60 if pick < 0.8 else self.random.randrange(1, 1440)

    def plan(self, bands):
        minutes = [0] + sorted({self.minute() for _ in range(self.random.choice([0, 1, 2, 3, 5]))})
        return " ".join(f"{m // 60:02}:{m % 60:02} {self.random.choice(bands)}" for m in minutes)

    def day(self):
        return f"{self.random.randrange(1, 13):02}-{self.random.randrange(1, 29):02}"

    def periods(self):
        kind = self.random.choice(["day", "month", "month", "year", "term"])
        if kind == "month":
            kind += f" {self.random.choice([1, 1, 15, 28, self.random.randrange(1, 29)])}"
        elif kind == "year":
            kind += " " + self.random.choice(["01-01", self.day()])
        elif kind == "term":
            kind += " " + " ".join(sorted({self.day() for _ in range(self.random.randrange(1, 5))}))
        return kind

    def tariff(self, activation, periods):
        lines = ["[tariff]", "name = random", f"activation = {activation:%Y-%m-%d %H:%M}", "[energy]"]
        blocks = self.random.choice([1, 1, 2, 3, 3, 5, 8])
        if blocks > 1:
            edges = set()
            while len(edges) < blocks - 1:
                edges.add(self.random.randrange(1, self.random.choice([30, 2000, 60000])))
            lines.append("blocks = " + " ".join(f"{edge / 1000:.3f}" for edge in sorted(edges)))
            lines.append(f"reset = {periods}")
            if self.random.random() < 0.5:
                lines.append("move-in = " + self.random.choice(["whole", "prorated"]))
        prices = [" ".join(self.price() for _ in range(blocks)) for _ in range(8)]
        bands = ["peak", "flat", "valley", "deep"][:self.random.choice([0, 0, 2, 2, 3, 4])]
        if not bands:
            return "\n".join(lines + [f"price = {prices[0]}", ""])
        for band, price in zip(bands, prices):
            lines += [f"[band {band}]", f"price = {price}"]
        seasons = ["one", "two", "three"][:self.random.choice([0, 0, 0, 2, 3])]
        days = self.random.sample(YEAR_DAYS, 16)
        for season in seasons:
            lines += [f"[season {season}]", f"from = {days.pop()}"]
        kinds = ["mon-fri", "sat", "sun"]
        for special in ["holiday", "working"][:self.random.choice([0, 0, 1, 2])]:
            kinds.append(special)
            dates = [days.pop(), days.pop(), f"20{self.random.randrange(21, 30)}-{days.pop()}"]
            lines += [f"[special {special}]", "days = " + ", ".join(dates)]
        for i, kind in enumerate(kinds):
            lines += [f"[days d{i}]", f"on = {kind}", f"bands = {self.plan(bands)}"]
            if seasons and self.random.random() < 0.5:
                chosen = self.random.sample(seasons, self.random.randrange(1, len(seasons)))
                lines += [f"[days e{i}]", f"on = {kind}", f"bands = {self.plan(bands)}",
                          "season = " + " ".join(chosen)]
        return "\n".join(lines + [""])

    def begin(self, clock):
        pick = self.random.random()
        if pick < 0.3 and clock.changes:
            return self.random.choice(clock.changes[4:-4]) + self.random.randrange(-90000, 90000)
        date = datetime.date(self.random.randrange(2021, 2029), self.random.randrange(1, 13), 1)
        if pick < 0.6:
            return clock.start(date) + self.random.randrange(-4000, 4000)
        return clock.start(date) + self.random.randrange(0, 28 * 86400)

    def activation(self, clock, around):
        while True:
            minute = (around + self.random.choice([self.random.randrange(-4, 5) * 3600,
                                                   self.random.randrange(-20, 20) * 86400,
                                                   self.random.randrange(-7200, 7200)])) // 60 * 60
            local = clock.local(minute)
            if local.replace(fold=0).timestamp() == minute:
                return local

    def span(self):
        pick = self.random.random()
        if pick < 0.35:
            return self.random.randrange(0, 90)
        if pick < 0.7:
            return self.random.randrange(0, 7200)
        if pick < 0.97:
            return self.random.randrange(0, 60000)
        return self.random.randrange(0, 6 * 86400)

    def wh(self):
        return self.random.randrange(0, self.random.choice([2, 30, 300, 3000, 30000]))


def make(maker, clock):
    """The commands of one case, and the answers to them."""
    start = maker.begin(clock)
    periods = maker.periods()
    ask, answers, tariffs = [], [], []
    opened = start - maker.random.choice([0, 3600, 86400 * maker.random.randrange(1, 40), 10**8])
    ask.append(f"new {opened}\n")
    for number in range(1, maker.random.choice([2, 2, 3, 4])):
        around = start - maker.random.choice([0, 86400, 40 * 86400, 4 * 10**7]) if number == 1 else start
        if maker.random.random() < 0.2:
            periods = maker.periods()
        text = maker.tariff(maker.activation(clock, around), periods)
        ask.append(f"tariff {number} {len(text)}\n{text}")
        answers.append("good")
        tariffs.append(Tariff(number, text, clock))
    account = Account(clock, tariffs, opened)
    # A late meter's use is known in the period before the latest, not in those before that.
    meters = [start] * (maker.random.choice([1, 2]) if len(tariffs) == 1 else 1)
    for _ in range(maker.random.randrange(1, 7)):
        # Meters of one account are read in any order, but none is a day behind the other.
        i = min(range(len(meters)), key=lambda i: meters[i])
        begin, end, wh = meters[i], meters[i] + maker.span(), maker.wh()
        if len(meters) > 1:
            end = min(end, begin + 20000)
        # An order at which a price changes is liked best.
        if maker.random.random() < 0.4:
            boundaries = account.boundaries(begin, begin + 86400)
            if boundaries:
                end = max(begin, maker.random.choice(boundaries) +
                          maker.random.choice([0, -30, 30, -31, 31, maker.random.randrange(-40, 40)]))
                end = min(end, begin + 20000) if len(meters) > 1 else end
        timed = maker.random.random() > 0.1
        meters[i] = end
        ask.append(f"least {wh} {begin} {end}\n")
        answers.append(f"least {account.least(wh, begin, end)}")
        ask.append(f"step {wh} {begin} {end} {int(timed)}\n")
        answers += ["part " + " ".join(map(str, row)) for row in account.charge(wh, begin, end, timed)]
        answers.append("end 0")
        if maker.random.random() < 0.2:
            ask.append("again\n")
        if maker.random.random() < 0.2:
            after = account.boundaries(begin, begin + 5 * 86400)
            ask.append(f"next {begin} {begin + 5 * 86400}\n")
            answers.append(f"next {after[0] if after else 'none'}")
    return ask, answers


def main():
    play = sys.argv[1]
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20260901
    cases = max(1, cases // int(os.environ.get("PREPAY_TEST_DIVISOR", "1")))
    maker = Maker(seed)
    compared = mismatches = parts = 0
    print(f"seed {seed}", flush=True)
    batch = 2000
    while compared < cases:
        clock = Clock(ZONES[(compared // batch) % len(ZONES)]) if compared % batch == 0 else clock
        count = min(batch, cases - compared)
        made = [make(maker, clock) for _ in range(count)]
        text = f"zone {clock.name}\n" + "".join("".join(ask) for ask, _ in made)
        ran = subprocess.run([play], input=text.encode(), stdout=subprocess.PIPE, check=True)
        lines = iter(ran.stdout.decode().splitlines())
        for ask, answers in made:
            got = [next(lines, "") for _ in answers]
            parts += sum(line.startswith("part") for line in got)
            if got != answers:
                mismatches += 1
                print(f"MISMATCH in zone {clock.name}:\n{''.join(ask)}")
                for mine, its in zip(answers, got):
                    print(f"  {'  ' if mine == its else '! '}{mine:60} {its}")
                if mismatches >= 3:
                    sys.exit(1)
                break  # what follows is out of step
        compared += count
    print(f"oracle_cases {compared}\noracle_parts {parts}\noracle_mismatches {mismatches}")
    sys.exit(1 if mismatches else 0)


main()
