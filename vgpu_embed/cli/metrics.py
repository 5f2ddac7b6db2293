"""`vgpu-embed status --prometheus`: the state of processes in Prometheus's text format."""

from __future__ import annotations

from collections.abc import Iterator

import click
import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vgpu_embed.cli.failure import USAGE, Failure
from vgpu_embed.inspect.state import State

PROCESS = ("pid", "name")


def write(states: list[State], unreadable: int, path: str) -> None:
    """Writes a file, whole or not at all; `-` is standard output. Failure where it cannot be written."""
    registry = prometheus_client.CollectorRegistry()
    registry.register(Processes(states, unreadable))
    if path == "-":
        click.echo(prometheus_client.generate_latest(registry).decode(), nl=False)
        return
    try:
        prometheus_client.write_to_textfile(path, registry)
    except OSError as error:
        raise Failure(f"--prometheus {path} cannot be written: {error.strerror}", USAGE) from error


class Processes(Collector):
    """Metrics of processes."""

    def __init__(self, states: list[State], unreadable: int) -> None:
        self.states = states
        self.unreadable = unreadable

    def collect(self) -> Iterator[Metric]:
        """All of them; each has the process id as seen from here."""
        yield GaugeMetricFamily("vgpu_unreadable_processes", "Processes that may not be looked into.", self.unreadable)
        info = InfoMetricFamily("vgpu_process", "Processes that have the library in them.", labels=PROCESS)
        for state in self.states:
            shown = state.as_dict()
            texts = {name: str(shown[name]) for name in ("user", "mode", "library")}
            lists = {name: ";".join(shown[name]) for name in ("devices", "policies")}
            info.add_metric(_labels(state), {**texts, **lists})
        yield info
        yield from self._calls()
        yield from self._memory()
        yield from self._health()

    def _calls(self) -> Iterator[Metric]:
        descriptions = {
            "calls": "Calls of functions that a policy has to do with.",
            "asked": "Calls that Python was asked about.",
            "answered": "Calls that the driver was not asked.",
        }
        for field, text in descriptions.items():
            name = "vgpu_calls" if field == "calls" else f"vgpu_calls_{field}"
            family = CounterMetricFamily(name, text, labels=(*PROCESS, "function"))
            for state in self.states:
                for function, counts in state.calls.items():
                    family.add_metric((*_labels(state), function), getattr(counts, field))
            yield family

    def _memory(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("vgpu_memory_held_bytes", "Device memory under a quota.", labels=(*PROCESS, "device"))
        limit = GaugeMetricFamily("vgpu_memory_limit_bytes", "The quota; 0 is none.", labels=(*PROCESS, "device"))
        for state in self.states:
            for one in state.memory:
                if one["pid"] == state.process.pid:  # others share the quota, and are listed for themselves
                    labels = (*_labels(state), str(one["device"]))
                    held.add_metric(labels, one["held"])
                    limit.add_metric(labels, one["limit"])
        yield held
        yield limit

    def _health(self) -> Iterator[Metric]:
        failures = CounterMetricFamily("vgpu_handler_failures", "How often a handler has failed.", labels=PROCESS)
        dropped = CounterMetricFamily("vgpu_dropped_events", "Events that observers missed.", labels=PROCESS)
        disabled = GaugeMetricFamily("vgpu_disabled_handlers", "Handlers that are not asked any more.", labels=PROCESS)
        generation = GaugeMetricFamily("vgpu_policy_generation", "How often policies were loaded.", labels=PROCESS)
        failed = GaugeMetricFamily("vgpu_policy_reload_failed", "1: the new policy does not load.", labels=PROCESS)
        for state in self.states:
            shown, labels = state.as_dict(), _labels(state)
            failures.add_metric(labels, shown["failures"])
            dropped.add_metric(labels, shown["dropped"])
            disabled.add_metric(labels, len(shown["disabled"]))
            generation.add_metric(labels, shown["generation"] or 0)
            failed.add_metric(labels, bool(shown["reload_error"]))
        yield from (failures, dropped, disabled, generation, failed)


def _labels(state: State) -> tuple[str, str]:
    return str(state.process.pid), state.process.name
