"""JAX: compiled functions, gradients, a loop on the device, random numbers."""

from __future__ import annotations

from typing import Any

import jax
from checks import expect, say_if_preloaded
from jax import numpy

COUNT = 10_000


def loss(weights: Any, inputs: Any, targets: Any) -> Any:
    """Mean square error of a linear model."""
    return (((inputs * weights).sum(1) - targets) ** 2).mean()


def fit(inputs: Any, targets: Any) -> Any:
    """Gradient descent, all steps in one program on the device."""

    def step(_: int, weights: Any) -> Any:
        return weights - 0.1 * jax.grad(loss)(weights, inputs, targets)

    return jax.lax.fori_loop(0, 200, step, numpy.zeros(3))


def main() -> None:
    say_if_preloaded()
    device = jax.devices("gpu")[0]
    print(f"jax {jax.__version__}, {device.device_kind}, compute capability {device.compute_capability}")
    numbers = numpy.arange(COUNT)
    expect(int(jax.jit(lambda x: (x % 7).sum())(numbers)) == sum(i % 7 for i in range(COUNT)), "compiled sum")
    small = (numbers[:4096] % 5).astype(numpy.float32).reshape(64, 64)
    expect(bool((small @ numpy.eye(64) == small).all()), "product")
    wanted = numpy.array([1.0, -2.0, 3.0])
    inputs = jax.random.normal(jax.random.key(1), (256, 3))
    found = jax.jit(fit)(inputs, (inputs * wanted).sum(1))
    expect(bool(abs(found - wanted).max() < 1e-3), "gradient descent finds the weights")
    shuffled = jax.random.permutation(jax.random.key(2), numbers)
    expect(bool((numpy.sort(shuffled) == numbers).all()), "random permutation, sorted")


main()
