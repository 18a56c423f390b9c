#!/usr/bin/python3
"""tariff_oracle.py - what a tariff file, a sequence of readings and the passing days cost, a second time.

Written from prepay-tariff(5) and the rules of M7 and M9, with whole and rational numbers and the
system's time zones; it shares no code and no table with the program. Random tariffs and readings are
priced by both, and every part, tax and charge by date must be equal to the billionth:

    tariff_oracle.py PLAY [CASES [SEED]]

PLAY is tests/oracle/tariff_play. A case is a book of one to three tariffs, an account and some steps
of its meters. PREPAY_TEST_DIVISOR divides CASES; the seed is printed, one seed is one run.
"""
import bisect
import copy
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
SPLIT_BY_TIME, UNTIMED, FREE, UNCOUNTED, BY_REGISTER = 1, 2, 16, 32, 64
SLACK = 300
DOUBT = 8 * 86400
MONTH = 31 * 86400
EPOCH = datetime.date(1970, 1, 1)
ONE_DAY = datetime.timedelta(days=1)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
YEAR_DAYS = [f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
ZONES = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Africa/Casablanca", "America/Havana", "Asia/Beirut", "Atlantic/Azores", "Asia/Kathmandu"]


@functools.lru_cache(maxsize=None)
def year_day(date):
    return date.strftime("%m-%d")


def fixed(text, digits):
    """A decimal fraction in units of 10^-digits, exactly."""
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(digits, "0"))


class Clock:
    """Local time of one zone."""

    def __init__(self, name):
        self.name = name
        self.zone = zoneinfo.ZoneInfo(name)
        self.changes = []
        for day in range(17167, 23741):  # 2017 to 2034
            if self.offset(day * 86400) != self.offset((day + 1) * 86400):
                self.changes.append(self.bisect(day * 86400, (day + 1) * 86400))
        self.changed = {}
        for at in self.changes:
            self.changed.setdefault(self.local(at).date(), []).append(at)

    def is_even(self, start, end):
        """No change of the clock within two days of it."""
        i = bisect.bisect_left(self.changes, start - 2 * 86400)
        return i == len(self.changes) or self.changes[i] > end + 2 * 86400

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
        when = datetime.datetime.fromisoformat(" ".join(head["activation"]))
        self.activation = int(when.replace(tzinfo=clock.zone).timestamp())
        self.edges = [fixed(edge, 3) for edge in energy.get("blocks", [])]
        self.cycles = {"blocks": tuple(energy["reset"]) if self.edges else None}
        given = sections.get(("allowance",), {})
        self.given = given
        self.free = fixed(given["energy"][0], 3) if "energy" in given else 0
        self.gift = fixed(given["money"][0], 9) if "money" in given else 0
        self.cycles["given"] = tuple(given["every"]) if given else None
        self.cycles["kept"] = tuple(given.get("carried-to", given["every"])) if given else None
        minimum = sections.get(("minimum",), {})
        self.minimum = fixed(minimum["amount"][0], 9) if minimum else 0
        self.share_minimum = minimum.get("move-in") == ["prorated"]
        self.cycles["minimum"] = tuple(minimum["every"]) if minimum else None
        standing = sections.get(("standing",), {})
        self.per_day = fixed(standing.get("per-day", ["0"])[0], 9)
        self.per_month = fixed(standing.get("per-month", ["0"])[0], 9)
        tax = sections.get(("tax",), {})
        self.tax = fixed(tax["rate"][0], 4) if tax.get("is") == ["added"] else 0  # millionths
        self.prorated = energy.get("move-in") == ["prorated"]
        water = sections.get(("water",))
        self.water = fixed(water["price"][0], 6) if water else 0
        named = {name[1]: value for name, value in sections.items() if name[0] == "band"}
        # In millionths of the currency per kWh: times Wh, billionths of the currency.
        self.prices = {name: [fixed(price, 6) for price in value["price"]]
                       for name, value in named.items()}
        if not named:
            self.prices = {"": [fixed(price, 6) for price in energy["price"]]}
        self.seasons = sorted((value["from"][0], name[1]) for name, value in sections.items()
                              if name[0] == "season")
        self.specials = {day: name[1] for name, value in sections.items() if name[0] == "special"
                         for day in value["days"]}
        self.days = []
        for name, value in sections.items():
            if name[0] == "days":
                changes = value["bands"]
                plan = [(int(changes[i][:2]) * 60 + int(changes[i][3:]), changes[i + 1])
                        for i in range(0, len(changes), 2)]
                self.days.append((value.get("season"), self.kinds(value["on"]), plan))

    def of_water(self):
        """The same by the litre: one price a cubic metre, the tax, and nothing else."""
        other = copy.copy(self)
        other.prices, other.edges = {"": [self.water]}, []
        other.cycles, other.given = dict.fromkeys(self.cycles), {}
        other.free = other.gift = other.minimum = other.per_day = other.per_month = 0
        return other

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

    @staticmethod
    def is_reset(cycle, date):
        if cycle[0] == "day":
            return True
        if cycle[0] == "month":
            return date.day == int(cycle[1])
        return year_day(date) in cycle[1:]

    @staticmethod
    @functools.lru_cache(maxsize=65536)
    def around(cycle, date):
        """The last reset at or before a date, and the first one after it."""
        if cycle == ("end",):
            return datetime.date(1990, 1, 1), datetime.date(2200, 1, 1)
        first, end = date, date + ONE_DAY
        while not Tariff.is_reset(cycle, first):
            first -= ONE_DAY
        while not Tariff.is_reset(cycle, end):
            end += ONE_DAY
        return first, end

    def period_dates(self, cycle, at):
        """First date of the period at an instant, and of the next."""
        first, end = self.around(cycle, self.clock.local(at).date() + ONE_DAY)
        while self.clock.start(first) > at:
            first, end = self.around(cycle, first - ONE_DAY)
        return first, end

    def same(self, other, name):
        """Does the other go on with the periods of this one?"""
        if name in ("given", "kept"):
            return (bool(self.given) and bool(other.given) and bool(self.free) == bool(other.free)
                    and self.cycles["given"] == other.cycles["given"]
                    and self.cycles["kept"] == other.cycles["kept"])
        return self.cycles[name] is not None and self.cycles[name] == other.cycles[name]


class Account:
    """What an account is charged, from the first entry on: its whole state."""

    def __init__(self, clock, tariffs, opened, persons):
        self.clock = clock
        self.tariffs = sorted(tariffs, key=lambda tariff: (tariff.activation, tariff.number))
        # Of two with one activation the later holds.
        self.versions = [tariff for i, tariff in enumerate(self.tariffs)
                         if i + 1 == len(self.tariffs)
                         or self.tariffs[i + 1].activation > tariff.activation]
        self.opened = opened
        self.persons = persons
        self.activated = {}
        for tariff in tariffs:
            day = clock.local(tariff.activation).date()
            self.activated.setdefault(day, []).append(tariff.activation)
        self.charges = []  # start, Wh, flags
        self.tax = 0  # in millionths of a billionth
        self.rates = {tariff.number: tariff.tax for tariff in tariffs}

    def version(self, at):
        past = [tariff for tariff in self.versions if tariff.activation <= at]
        return past[-1] if past else None

    @functools.lru_cache(maxsize=4096)
    def period_from(self, version, name, start, end):
        """Counting from, counting until, the share of a move-in, and the days of the whole."""
        since, until = self.clock.start(start), self.clock.start(end)
        share = Fraction(1)
        if since <= self.opened < until:
            moved_in = self.clock.local(self.opened).date()
            share = min(Fraction(1), Fraction((end - moved_in).days, (end - start).days))
        i = self.versions.index(version)
        first = i
        while first > 0 and self.versions[first - 1].same(version, name):
            first -= 1
        since = max(since, self.versions[first].activation)
        for later in self.versions[i + 1:]:
            if not version.same(later, name):
                until = min(until, later.activation)
        return since, until, share, (end - start).days

    def period(self, at, name="blocks"):
        version = self.version(at)
        if version is None or version.cycles[name] is None:
            return None
        return self.period_from(version, name, *version.period_dates(version.cycles[name], at))

    def used(self, period):
        return sum(wh for start, wh, flags in self.charges
                   if period[0] <= start < period[1] and not flags & UNCOUNTED)

    def gives(self, version, at, amount):
        """What the period that begins at an instant gives."""
        if version.given.get("per") == ["person"]:
            amount *= [1, *(n for start, n in self.persons if start <= at)][-1]
        if version.given.get("move-in") == ["prorated"]:
            amount *= self.period(at, "given")[2]
        return amount

    def free_left(self, at):
        version = self.version(at)
        if version is None or not version.free:
            return 0
        kept = self.period(at, "kept")
        given, begin = 0, min(at, max(kept[0], self.opened))
        while begin <= at:
            given += math.floor(self.gives(version, begin, version.free))
            begin = self.period(begin, "given")[1]
        return max(0, given - sum(wh for start, wh, flags in self.charges
                                  if flags & FREE and kept[0] <= start < kept[1]))

    def free_anew(self, start, end):
        """What is given after start and not after end."""
        total, at = 0, start
        while True:
            period = self.period(at, "given")
            later = [v.activation for v in self.versions if v.activation > at]
            at = period[1] if period else min(later, default=end + 1)
            if at > end:
                return total
            version = self.version(at)
            if version.free:
                total += math.floor(self.gives(version, at, version.free))

    @functools.lru_cache(maxsize=4096)
    def day_boundaries(self, date):
        """All with that local date."""
        candidates, found = set(), set()
        candidates.update(self.clock.changed.get(date, []))
        candidates.update(self.activated.get(date, []))
        for version in self.versions:
            for minute, _ in version.plan(date) if len(version.prices) > 1 else []:
                candidates |= self.clock.instants(date, minute)
            for cycle in version.cycles.values():
                if cycle not in (None, ("end",)) and version.is_reset(cycle, date):
                    at = self.clock.start(date)
                    if self.version(at - 1) is version:
                        found.add(at)
        found |= {tariff.activation for tariff in self.tariffs} & candidates
        for at in candidates - found:
            version = self.version(at)
            if (version is not None and version is self.version(at - 1)
                    and version.band(at) != version.band(at - 1)):
                found.add(at)
        return sorted(found)

    def boundaries(self, after, until):
        """All in (after, until]."""
        found = set()
        # An instant that the clock shows as one of a day may belong to the next.
        date, last = self.clock.local(after).date(), self.clock.local(until).date()
        if not self.clock.is_even(after, until):
            date, last = date - ONE_DAY, last + ONE_DAY
        while date <= last:
            found.update(at for at in self.day_boundaries(date) if after < at <= until)
            date += ONE_DAY
        return sorted(found)

    def near(self, at):
        """The instant that a reading counts as taken at."""
        first = self.versions[0].activation
        near = [b for b in self.boundaries(at - NEAR - 1, at + NEAR) if b > first]
        return min(near, key=lambda b: (abs(b - at), b)) if near else at

    def free_flags(self, at):
        version = self.version(at)
        return FREE | (UNCOUNTED if version and version.given.get("in-blocks") == ["no"] else 0)

    def parts(self, wh, at, until, version, bands, flags, free):
        """Energy within one period, cut at the edges of its blocks; what is free goes first."""
        found = []
        if version is None:
            return [(wh, at, until, 0, 0, 0, flags)]
        period = self.period(at)
        used = self.used(period) if period else 0
        covered = self.free_flags(at)
        block = 0
        while wh > 0:
            room = wh
            free_now = free > 0
            if free_now:
                room = min(room, free)
            if block < len(version.edges) and not (free_now and covered & UNCOUNTED):
                edge = version.edges[block]
                if version.prorated:
                    edge = math.floor(edge * period[2])
                if edge <= used:
                    block += 1
                    continue
                room = min(room, edge - used)
            if free_now:
                # Of no block where it counts in none.
                found.append((room, at, until, 0, version.number,
                              0 if covered & UNCOUNTED else block, flags | covered))
                free -= room
            else:
                price = min(version.prices[band][block] for band in bands)
                found.append((room, at, until, price, version.number, block, flags))
            if not (free_now and covered & UNCOUNTED):
                used += room
            wh -= room
        return found

    def touched(self, version, start, end):
        if end - start > LONG:
            return set(version.prices)
        points = [start] + self.boundaries(start, end)
        return {version.band(at) for at in points}

    def cheapest(self, wh, start, end, at, until, flags, free=None):
        """The cheapest that the energy can have cost if it was used in [start, end]."""
        version = self.version(start)
        versions = [version] + [v for v in self.versions if start < v.activation <= end]
        if free is None:
            free = self.free_left(at)
        if version is None:
            return [(wh, at, until, 0, 0, 0, flags)]
        if len(versions) == 1 and not (version.edges and self.period(start)[1] <= end):
            bands = self.touched(version, start, end)
            parts = self.parts(wh, start, end, version, bands, flags, free)
            return [(part[0], at, until) + part[3:] for part in parts]
        rows = []
        for i, version in enumerate(versions):
            first = max(start, version.activation)
            last = min([end] + [v.activation - 1 for v in versions[i + 1:i + 2]])
            for block in range(len(version.edges) + 1):
                rows.append((min(version.prices[band][block]
                                 for band in self.touched(version, first, last)), version, block))
        price, version, block = min(rows, key=lambda row: row[0] * (10**6 + row[1].tax))
        free = min(free, wh)
        found = [(free, at, until, 0, version.number, block, flags | self.free_flags(at)),
                 (wh - free, at, until, price, version.number, block, flags)]
        return [part for part in found if part[0] > 0]

    def gap(self, start, end):
        """Where a gap begins: with the first tariff, if that came within it."""
        first = min(v.activation for v in self.versions)
        return first if start < first <= end else start

    def price(self, wh, start, end, timed, meter=None):
        self.verdict, shares = "nothing", None
        if wh == 0 and meter is None:
            return []
        if not timed:
            start = self.gap(start, end)
            return self.cheapest(wh, start, end, start, end, UNTIMED)
        first, last = self.near(start), self.near(end)
        if first == last:
            is_boundary = (last > self.versions[0].activation
                           and last in self.boundaries(last - 1, last))
            return self.cheapest(wh, last - 1 if is_boundary else first, last, start, end, 0)
        cuts = [first] + self.boundaries(first, last - 1) + [last]
        if meter is not None:
            self.verdict = self.judge(wh, cuts, meter)
            if self.verdict == "believed":
                shares = self.registered(wh, cuts, meter)
        if shares is None:
            flags = SPLIT_BY_TIME if len(cuts) > 2 else 0
            shares = [(math.floor(Fraction(wh * (until - at), last - first)), flags)
                      for at, until in zip(cuts, cuts[1:])]
        found, rest, kept = [], wh, len(self.charges)
        for at, until, (share, flags) in zip(cuts, cuts[1:], shares):
            share = rest if until == last else min(rest, share)
            rest -= share
            if share > 0:
                version = self.version(at)
                bands = {version.band(at)} if version else set()
                parts = self.parts(share, at, until, version, bands, flags, self.free_left(at))
                found += parts
                self.charges += [(part[1], part[0], part[6]) for part in parts]
        del self.charges[kept:]
        return found

    def names_of(self, start, end):
        """The bands of tariffs with several that hold at some time of [start, end]."""
        points = [start] + self.boundaries(start, end)
        versions = [(self.version(at), at) for at in points]
        return {version.band(at) for version, at in versions if version and len(version.prices) > 1}

    def judge(self, wh, cuts, meter):
        """May what the meter's own registers moved split a step?"""
        moved, unit, doubted, names = meter
        first, last = cuts[0], cuts[-1]
        if last - first > MONTH:
            return "nothing"
        for at in cuts[:-1]:
            version = self.version(at)
            if version is None or len(version.prices) == 1:
                return "nothing"
            if not set(version.prices) <= set(names[:len(moved)]):
                return "unnamed"
        if min(moved) < 0:
            return "fall"
        if abs(sum(moved) - wh) > unit * len(moved):
            return "sum"
        possible = self.names_of(first - SLACK, last + SLACK)
        if any(more > unit and name not in possible for more, name in zip(moved, names)):
            return "clock"
        return "doubted" if doubted and last - doubted < DOUBT else "believed"

    def registered(self, wh, cuts, meter):
        """What each stretch gets by the registers, and how it is marked; None: nothing to split."""
        moved, _, _, names = meter
        rows = [(self.version(at), self.version(at).band(at), until - at)
                for at, until in zip(cuts, cuts[1:])]
        inside = {name for _, name, _ in rows}
        if len(inside) < 2:
            return None
        last = cuts[-1]
        matters = any(version.edges or version.free or version.gift for version, _, _ in rows)
        matters |= any(cuts[0] < tariff.activation < last for tariff in self.tariffs)
        for at in cuts[:-1]:
            period = self.period(at, "minimum")
            matters |= period is not None and period[1] < last
        before = self.names_of(cuts[0] - SLACK, cuts[0] - 1)
        early = sum(more for more, name in zip(moved, names) if name not in inside and name in before)
        shares, given = [], dict.fromkeys(inside, 0)
        for i, (_, name, length) in enumerate(rows):
            total, same = moved[names.index(name)], [row[2] for row in rows if row[1] == name]
            share = math.floor(Fraction(total * length, sum(same)))
            if all(row[1] != name for row in rows[i + 1:]):
                share = total - given[name]
            given[name] += share
            flags = BY_REGISTER | (SPLIT_BY_TIME if matters and len(same) > 1 else 0)
            shares.append((share + (early if i == 0 else 0), flags))
        return shares

    def charge(self, wh, start, end, timed, meter=None):
        found = [part for part in self.price(wh, start, end, timed, meter) if part[0] > 0]
        self.charges += [(part[1], part[0], part[6]) for part in found]
        rows = []
        for part_wh, at, until, price, number, block, flags in found:
            self.tax += price * part_wh * (self.rates[number] if number else 0)
            rows.append((part_wh, at, until, price, price * part_wh, number, block, flags))
        return rows

    def most_free(self, start, end):
        if not any(version.free for version in self.tariffs):
            return 0
        return 10**15 if end - start > LONG else self.free_left(start) + self.free_anew(start, end)

    def taxed(self):
        """Tax added so far, to the nano, and what is cut off, in millionths of one."""
        return f"{self.tax // 10**6} {self.tax % 10**6}"

    def local_day(self, at):
        return (self.clock.local(at).date() - EPOCH).days

    def standing(self, now):
        date = self.clock.local(self.opened).date()
        while self.clock.start(date + ONE_DAY) <= now:
            begin, end = self.clock.start(date), self.clock.start(date + ONE_DAY)
            version = self.version(begin)
            if begin < end and version is not None and (version.per_day or version.per_month):
                first = date.replace(day=1)
                days = ((first + 31 * ONE_DAY).replace(day=1) - first).days
                part = version.per_month // days
                if date.day == days:
                    part = version.per_month - (days - 1) * part
                yield end, 0, "standing", (date - EPOCH).days, begin, end, version.per_day + part, version
            date += ONE_DAY

    def minima(self, now):
        at = self.opened
        while at < now:
            period = self.period(at, "minimum")
            if period is None:
                at = min((v.activation for v in self.versions if v.activation > at), default=now)
                continue
            begin, end = max(period[0], self.opened), period[1]
            if end > now:
                return
            version = self.version(end - 1)
            first, last = self.clock.local(begin).date(), self.clock.local(end - 1).date()
            amount = version.minimum
            if version.share_minimum:
                amount = math.floor(amount * min(Fraction(1), Fraction((last - first).days + 1, period[3])))
            yield end, 1, "minimum", (last - EPOCH).days, begin, end, amount, version
            at = max(end, self.clock.start(last + ONE_DAY))

    def gifts(self, now):
        at, last, kept = self.opened, None, None
        while True:
            # What is left ends first, also where nothing more is given.
            if kept is not None and kept[1] <= min(at, now):
                yield (kept[1], 2, "expiry", self.local_day(kept[1]), max(kept[0], self.opened), kept[1],
                       0, kept[2])
                kept = None
            if at > now:
                return
            version = self.version(at)
            later = min((v.activation for v in self.versions if v.activation > at), default=now + 1)
            if version is None or not version.gift or self.local_day(at) == last:
                at = later
                continue
            period = self.period(at, "given")
            amount = math.floor(self.gives(version, at, version.gift))
            yield at, 3, "allowance", self.local_day(at), at, period[1], amount, version
            last = self.local_day(at)
            # The tariff at the day's last instant says until when it is kept, and when more is given.
            end = self.clock.start(self.clock.local(at).date() + ONE_DAY) - 1
            version = self.version(end)
            if version.gift:
                kept = (*self.period(end, "kept")[:2], version)
                at = self.period(end, "given")[1]
            else:
                kept, at = None, end + 1

    def dated(self, now):
        events = sorted([*self.standing(now), *self.minima(now), *self.gifts(now)],
                        key=lambda event: event[:2])
        return [(due, f"event {rule} {day} {begin} {end} {amount} {version.number}")
                for due, _, rule, day, begin, end, amount, version in events]

    def least(self, wh, start, end, timed):
        start = start if timed else self.gap(start, end)
        return sum(part[3] * part[0] for part in
                   self.cheapest(wh, start, end, start, end, 0, self.most_free(start, end))) if wh else 0


class Maker:
    """Random tariffs and readings, with a liking for what goes wrong."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.water = random.Random(seed + 1)
        self.meter = random.Random(seed + 2)

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
        bands = ["peak", "flat", "valley", "deep"][:self.random.choice([0, 0, 2, 2, 3, 4])]
        prices = [" ".join(self.price() for _ in range(blocks)) for _ in range(max(1, len(bands)))]
        if not bands:
            return "\n".join(lines + [f"price = {prices[0]}"] + self.besides(periods) + [""])
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
        return "\n".join(lines + self.besides(periods) + [""])

    def amount(self):
        digits = self.random.choice([0, 2, 9])
        return f"{self.random.randrange(1, 50 * 10**digits) / 10**digits:.{digits}f}"

    def move_in(self):
        return [f"move-in = {self.random.choice(['whole', 'prorated'])}"] if self.random.random() < 0.5 else []

    def besides(self, periods):
        """What an account costs, and is given, beside the price."""
        lines = []
        pick = self.random.random()
        if pick < 0.3:
            lines.append("[allowance]")
            lines.append(f"energy = {self.random.randrange(1, self.random.choice([50, 3000, 30000])) / 1000:.3f}"
                         if pick < 0.2 else f"money = {self.amount()}")
            lines.append("every = " + self.random.choice([periods, self.periods()]))
            if self.random.random() < 0.4:
                lines.append("carried-to = " + self.random.choice(["end", "year 01-01", self.periods()]))
            if self.random.random() < 0.5:
                lines.append("per = person")
            if self.random.random() < 0.4:
                lines.append("in-blocks = no")
            lines += self.move_in()
        if self.random.random() < 0.2:
            lines += ["[standing]", f"per-day = {self.amount()}"]
            if self.random.random() < 0.5:
                lines.append(f"per-month = {self.amount()}")
        if self.random.random() < 0.15:
            lines += ["[minimum]", f"amount = {self.amount()}",
                      "every = " + self.random.choice([periods, self.periods()])] + self.move_in()
        if self.random.random() < 0.3:
            lines += ["[tax]", f"rate = {self.random.randrange(0, 250000) / 10000:.4f}",
                      "is = " + self.random.choice(["added", "added", "included"])]
        return lines

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

    def registers(self, account, wh, begin, end):
        """A meter's own band registers, and what they moved: most often nearly what they should."""
        pick = self.meter.random()
        bands = sorted({band for version in account.versions for band in version.prices if band})
        if not bands or pick < 0.3:
            return None
        names = (bands + ["-"] * 4)[:4 if len(bands) > 2 or pick < 0.5 else 2]
        if pick < 0.4:
            names[self.meter.randrange(len(names))] = self.meter.choice(["-", "other"])
        self.meter.shuffle(names)
        unit, left = self.meter.choice([1, 1, 10, 100]), wh
        held = [i for i, name in enumerate(names) if name in account.names_of(begin, end)]
        moved = [0] * len(names)
        for i in held[:-1]:
            moved[i] = self.meter.choice([0, left, self.meter.randrange(0, left + 1)])
            left -= moved[i]
        if held:
            moved[held[-1]] = left
        for _ in range(self.meter.choice([0, 1, 1, 2, 3])):
            off = self.meter.choice([unit, unit, unit + 1, -unit, -unit, -unit - 1, 1, 30])
            i = self.meter.randrange(len(moved))
            if moved[i] + off >= 0 or pick > 0.97:
                moved[i] += off
        doubted = 0
        if self.meter.random() < 0.15:
            doubted = end - DOUBT + self.meter.choice([-86400, -31, 0, 1, 31, 86400, DOUBT])
        return moved, unit, doubted, names


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
        if maker.water.random() < 0.7:
            text += f"[water]\nprice = {maker.water.randrange(0, 10**7) / 10**6:.{maker.water.choice([0, 2, 6])}f}\n"
        ask.append(f"tariff {number} {len(text)}\n{text}")
        answers.append("good")
        tariffs.append(Tariff(number, text, clock))
    persons = []
    for _ in range(maker.random.choice([0, 0, 1, 2])):
        persons.append((max([opened] + [at + 1 for at, _ in persons]) +
                        maker.random.randrange(0, 40 * 86400), maker.random.randrange(0, 5)))
        ask.append("persons %d %d\n" % persons[-1])
    account = Account(clock, tariffs, opened, persons)
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
        ask.append(f"least {wh} {begin} {end} {int(timed)}\n")
        answers.append(f"least {account.least(wh, begin, end, timed)}")
        meter = maker.registers(account, wh, begin, end) if timed else None
        if meter is None:
            ask.append(f"step {wh} {begin} {end} {int(timed)}\n")
        else:
            moved, unit, doubted, names = meter
            ask.append(f"bands {wh} {begin} {end} {doubted} {unit} {len(moved)} " +
                       " ".join(f"{more} {name}" for more, name in zip(moved, names)) + "\n")
        answers += ["part " + " ".join(map(str, row)) for row in account.charge(wh, begin, end, timed, meter)]
        if meter is not None:
            answers.append("bands " + account.verdict)
        answers.append(f"end 0 {account.taxed()}")
        if maker.random.random() < 0.2:
            ask.append("again\n")
        if maker.random.random() < 0.2:
            after = account.boundaries(begin, begin + 5 * 86400)
            ask.append(f"next {begin} {begin + 5 * 86400}\n")
            answers.append(f"next {after[0] if after else 'none'}")
    if maker.water.random() < 0.25:
        # Water of the same account, by its own prices; what the tax cuts off is carried from one to the other.
        water = Account(clock, [tariff.of_water() for tariff in tariffs], opened, persons)
        begin = start + maker.water.randrange(-100000, 100000)
        end = begin + maker.water.randrange(0, maker.water.choice([100, 10000, 600000]))
        litres, timed = maker.water.randrange(0, maker.water.choice([3, 300, 30000])), maker.water.random() > 0.1
        water.tax = account.tax
        ask.append(f"water {litres} {begin} {end} {int(timed)}\n")
        answers.append(f"least {water.least(litres, begin, end, timed)}")
        answers += ["part " + " ".join(map(str, row)) for row in water.charge(litres, begin, end, timed)]
        answers.append(f"end 0 {water.taxed()}")
    if start - opened < 10**8 and maker.random.random() < 0.3:
        # In two goes, the clock going back in between.
        now = start + maker.random.randrange(0, 70 * 86400)
        events = account.dated(now)
        early = opened + maker.random.randrange(0, now - opened + 1)
        done = [row for due, row in events if due <= early]
        ask.append(f"dated {early}\ndated {max(opened, early - 86400 * 5)}\ndated {now}\n")
        answers += [*done, "end", "end", *(row for _, row in events[len(done):]), "end"]
    return ask, answers


def main():
    play = sys.argv[1]
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20260901
    cases = max(1, cases // int(os.environ.get("PREPAY_TEST_DIVISOR", "1")))
    maker = Maker(seed)
    compared = mismatches = parts = split = 0
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
            split += sum(line.startswith("part") and int(line.split()[-1]) & BY_REGISTER != 0 for line in got)
            if got != answers:
                mismatches += 1
                print(f"MISMATCH in zone {clock.name}:\n{''.join(ask)}")
                for mine, its in zip(answers, got):
                    print(f"  {'  ' if mine == its else '! '}{mine:60} {its}")
                if mismatches >= 3:
                    sys.exit(1)
                break  # what follows is out of step
        compared += count
    print(f"oracle_cases {compared}\noracle_parts {parts}\noracle_parts_by_register {split}\noracle_mismatches {mismatches}")
    sys.exit(1 if mismatches else 0)


main()
