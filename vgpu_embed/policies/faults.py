"""Makes calls fail, or take longer, by rules.

    vgpu-embed run --policy faults --set 'faults=cuMemAlloc*:nth=3:error=OUT_OF_MEMORY' -- PROGRAM

A rule is a function or pattern and what belongs to it, joined by `:`; rules are joined by `,`. Which calls it is for:
`caller=`, `program=`, `device=`, `size>` (also `>=`, `<`, `<=`, `=`), `after=`. Which of those it hits, instead of all:
`nth=`, `every=` or `p=`; `times=` ends it. What they get: `error=`, `delay=`, `sticky`. See docs/policy-faults.md.
"""

from __future__ import annotations

from itertools import count
from time import monotonic, sleep

from vgpu_embed import tables
from vgpu_embed.policy import Policy, PolicyError, parse_value
from vgpu_embed.tables import enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    T = TypeVar("T")

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
SIZES = ("bytesize", "ByteCount", "size")
"""Parameters that are how many bytes a call allocates, copies or maps."""
STILL_WORKING = (
    "cuInit",
    "cuDriverGet*",
    "cuGet*",
    "cuDeviceGet*",
    "cuDeviceTotalMem*",
    "cuDeviceComputeCapability",
    "cuDeviceCanAccessPeer",
    "cuDevicePrimaryCtx*",
    "cuCtxGetApiVersion",
    "cuCtxGetCurrent",
    "cuCtxGetDevice*",
    "cuCtxGetFlags",
    "cuCtxGetId",
    "cuCtxSetCurrent",
    "cuCtxPushCurrent*",
    "cuCtxPopCurrent*",
    "cuCtxDestroy*",
    "cuCtxDetach",
    "cuGraphCreate",
    "cuLibraryGetKernel",
    "cuLibraryLoadData",
    "cuLibraryUnload",
    "cuMemAddressReserve",
    "cuMemPoolGetAttribute",
    "cuModuleGetLoadingMode",
    "cuPointerGetAttribute*",
)
"""What a driver still does after a sticky error: of some 70 functions that were tried on an H100 (driver 580.159.04)
after an illegal address, those that did not return it."""

policy = Policy(budget=float("inf"))  # a delay may be longer than any hook should take
faults = policy.option("faults", "", help="rules, joined by commas: cuMemAlloc*:nth=3:error=OUT_OF_MEMORY")
seed = policy.option("seed", 0, help="of the rules with p=: the same seed hits the same calls")


class Clause(ValueError):
    """What a clause should have been, for the end of a sentence."""


def whole(text: str) -> int:
    """A number from 0."""
    if not text.isdecimal():
        raise Clause("a whole number")
    return int(text)


def ordinal(text: str) -> int:
    """A number from 1."""
    number = whole(text) if text.isdecimal() else 0
    if not number:
        raise Clause("a whole number from 1")
    return number


def probability(text: str) -> float:
    """A number above 0 and up to 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number <= 1:
        raise Clause("a probability above 0 and up to 1")
    return number


def duration(text: str) -> float:
    """Seconds from `50ms`."""
    digits = text.rstrip("unims")
    unit = text[len(digits) :]
    if unit not in SECONDS or not digits.replace(".", "", 1).isdecimal():
        raise Clause("a time such as 50ms (us, ms, s, min)")
    return float(digits) * SECONDS[unit]


def size(text: str) -> int:
    """Bytes from `1GiB`."""
    try:
        return int(parse_value(text, 0))
    except ValueError:
        raise Clause("a size such as 1GiB") from None


def name(text: str) -> str:
    """Anything."""
    if not text:
        raise Clause("a name")
    return text


CLAUSES: dict[str, Callable[[str], Any]] = {
    "caller": name,
    "program": name,
    "device": whole,
    "size": size,
    "after": duration,
    "nth": ordinal,
    "every": ordinal,
    "p": probability,
    "times": ordinal,
    "error": name,
    "delay": duration,
}
"""What stands behind `=`. Besides these there is `sticky`."""
COMPARISONS = {"=": "==", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
CHOICES = ("nth", "every", "p")


class Rule:
    """One rule, how many calls it was for, and how many of them it hit."""

    def __init__(self, text: str, number: int) -> None:
        self.text = text
        self.functions, *clauses = text.split(":")
        self.sizes: list[tuple[str, int]] = []
        self.sticky = False
        self.given: dict[str, Any] = {}
        for clause in clauses:
            self._read(clause)
        if sum(choice in self.given for choice in CHOICES) > 1:
            raise PolicyError("give one of nth, every and p")
        if "error" not in self.given and "delay" not in self.given:
            raise PolicyError("say what happens: error=OUT_OF_MEMORY or delay=50ms")
        if self.sticky and "error" not in self.given:
            raise PolicyError("sticky keeps an error: give error=ILLEGAL_ADDRESS too")
        self.device: int | None = self.given.get("device")
        self.delay: float = self.given.get("delay", 0)
        self.begins: float = monotonic() + self.given["after"] if "after" in self.given else 0
        self.times: int | None = self.given.get("times")
        self.chooses = chooser(self.given, number)
        self.codes = self._codes(tables.match(self.functions))
        self.calls = self.hits = 0
        self._call_numbers, self._hit_numbers = count(1), count(1)  # next() of these is atomic

    def _read(self, clause: str) -> None:
        if clause == "sticky":
            self.sticky = True
            return
        key = clause[: next((place for place, letter in enumerate(clause) if not letter.isalpha()), len(clause))]
        value = clause[len(key) :].lstrip("<>=")
        sign = clause[len(key) : len(clause) - len(value)]
        if key not in CLAUSES:
            known = (*CLAUSES, "sticky")
            raise PolicyError(f"there is no {clause!r}{nearest(key, known)}; there are {', '.join(known)}")
        if sign not in (COMPARISONS if key == "size" else ("=",)):
            raise PolicyError(f"write {key}{'>' if key == 'size' else '='}…, not {clause!r}")
        try:
            read = CLAUSES[key](value)
        except Clause as error:
            raise PolicyError(f"{key} takes {error}, not {value!r}") from None
        if key == "size":
            self.sizes.append((COMPARISONS[sign], read))
        elif key in self.given:
            raise PolicyError(f"{key} is given twice")
        else:
            self.given[key] = read

    def _codes(self, names: Iterable[str]) -> dict[str, int]:
        """The functions, with the number of the error that each gets; 0 for none."""
        rows = [row for row in map(tables.function, names) if row.parameters is not None]
        if not rows:
            raise PolicyError(f"{self.functions}: its parameters are in no CUDA header, so it cannot be hooked")
        if self.sizes:
            rows = [row for row in rows if size_parameter(row)]
            if not rows:
                raise PolicyError(f"no function {self.functions} has a size ({', '.join(SIZES)})")
        if self.device is not None:
            # What is asked to find the device out must not ask for it again.
            rows = [row for row in rows if row.name != "cuCtxGetDevice"]
        if "error" not in self.given:
            return {row.name: 0 for row in rows}
        wanted = self.given["error"]
        results = {row.result_enum: error_names(row.result_enum) for row in rows if row.result_enum}
        codes = {row.name: results[row.result_enum].get(wanted, 0) for row in rows if row.result_enum}
        codes = {function: code for function, code in codes.items() if code}
        if not codes:
            if not results:
                raise PolicyError(f"{self.functions} returns no error code")
            known = [error for errors in results.values() for error in errors]
            raise PolicyError(f"{' and '.join(map(str, results))} has no error {wanted!r}{nearest(wanted, known)}")
        return codes

    def declare_hooks(self) -> None:
        """Declares the hooks: C leaves out calls of other sizes and devices, where the arguments say which they are."""
        by_condition: dict[tuple[str, bool], list[str]] = {}
        for function in self.codes:
            row = tables.function(function)
            conditions = [f"{size_parameter(row)} {sign} {number}" for sign, number in self.sizes]
            device = None if self.device is None else device_parameter(row)
            if device:
                conditions.append(f"{device} == {self.device}")
            asks = self.device is not None and not device
            by_condition.setdefault((" and ".join(conditions), asks), []).append(function)
        caller, program = self.given.get("caller", ()), self.given.get("program", ())
        for (where, asks), functions in by_condition.items():
            policy.hook(*functions, caller=caller, program=program, where=where)(self._hook(asks))

    def _hook(self, asks: bool) -> Callable[[Any], int | None]:
        def fault(call: Any) -> int | None:
            if asks:
                current = call.make("cuCtxGetDevice")
                if current.result or current.device != self.device:
                    return None
            return self.hit(call)

        return fault

    def hit(self, call: Any) -> int | None:
        """What a call gets that the rule is for: its error, or None for the driver's own answer."""
        if self.begins and monotonic() < self.begins:
            return None
        self.calls = number = next(self._call_numbers)
        if self.chooses and not self.chooses(number):
            return None
        hits = next(self._hit_numbers)
        if self.times and hits > self.times:
            return None
        self.hits = hits
        code = self.codes[call.function]
        call.log.info("fault", call=number, rule=self.text)
        if self.delay:
            sleep(self.delay)
        if self.sticky and not InForce.sticky:
            InForce.sticky = code
        return code or None


class InForce:
    """The rules, the options that they were read from, and what they have done for good."""

    rules: tuple[Rule, ...] = ()
    options: tuple[str, int] = ("", 0)
    sticky = 0
    """The error that every call gets from now on, as long as the process lives; 0 before."""


def chooser(given: dict[str, Any], rule: int) -> Callable[[int], bool] | None:
    """Whether a rule hits the call of a number, from 1; None: it hits all."""
    if "nth" in given:
        nth: int = given["nth"]
        return lambda number: number == nth
    if "every" in given:
        every: int = given["every"]
        return lambda number: number % every == 0
    if "p" in given:
        below = int(given["p"] * (1 << 64))
        start = mixed(seed.value) ^ rule
        return lambda number: mixed(start + number * 0x9E3779B97F4A7C15) < below
    return None


def mixed(number: int) -> int:
    """64 bits that look random: the output function of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).

    A generator's state would be shared by the threads; so call 1000 is hit or not whoever makes it.
    """
    number &= 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31


def size_parameter(row: tables.Function) -> str | None:
    """The parameter that is the number of bytes."""
    names = {p.attribute for p in row.parameters or () if p.kind == "uint"}
    return next((size for size in SIZES if size in names), None)


def device_parameter(row: tables.Function) -> str | None:
    """The parameter that is the device asked about; of two, the first."""
    return next((p.attribute for p in row.parameters or () if p.ctype == "CUdevice"), None)


def error_names(enum: str) -> dict[str, int]:
    """The errors of an enumeration: OUT_OF_MEMORY, ERROR_OUT_OF_MEMORY and CUDA_ERROR_OUT_OF_MEMORY are the same."""
    names = {}
    for member, number in enumerations.members(enum).items():
        if number:
            short = member.removeprefix("ERROR_").removeprefix("Error")
            names.update({short: number, member: number, enumerations.as_c(enum, member): number})
    return names


def nearest(wanted: str, known: Iterable[str]) -> str:
    """What may have been meant, for the end of a sentence."""
    from difflib import get_close_matches

    near = get_close_matches(wanted, known, 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def after_a_sticky_error(call: Any) -> int | None:
    """What a call gets that uses the device."""
    return InForce.sticky or None


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of an option's value. Raises PolicyError."""
    rules = []
    for number, rule in enumerate([rule.strip() for rule in text.split(",") if rule.strip()], 1):
        try:
            rules.append(Rule(rule, number))
        except (PolicyError, tables.UnknownFunction) as error:
            raise PolicyError(f"faults: rule {number} ({rule}): {error}") from None
    return tuple(rules)


@policy.configure
def declare_hooks() -> None:
    """Declares the hooks that the rules need. Rules that are as before, because another option changed, count on."""
    options = (faults.value, seed.value)
    if options != InForce.options:
        InForce.rules, InForce.options = read_rules(faults.value), options
    if InForce.sticky or any(rule.sticky for rule in InForce.rules):
        working = {name for pattern in STILL_WORKING for name in tables.match(pattern)}
        rows = [tables.function(name) for name in tables.names("driver") if name not in working]
        names = [row.name for row in rows if row.parameters is not None and row.result_enum == "CUresult"]
        policy.hook(*names)(after_a_sticky_error)
    for rule in InForce.rules:
        rule.declare_hooks()


@policy.command
def status() -> dict[str, Any]:
    """The rules, how many calls each was for, how many of them it hit; the sticky error."""
    error = enumerations.c_name("CUresult", InForce.sticky) if InForce.sticky else None
    counts = [{"rule": rule.text, "calls": rule.calls, "hits": rule.hits} for rule in InForce.rules]
    return {"rules": counts, "sticky": error}
