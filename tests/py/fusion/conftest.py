# SPDX-License-Identifier: Apache-2.0
"""Random graphs in random blocks, and random schedules for them."""

import random
from collections.abc import Callable

import pytest

from synfab.decoders import UnionFindSpec
from synfab.decoders.fusion import FusionDecoder, FusionSpec, Schedule, Step
from synfab.errors import InputError

BOUNDARY = -1


def random_spec(rng: random.Random, *, num_detectors: int = 9, num_blocks: int = 3) -> FusionSpec:
    """Any multigraph: parallel edges, lone detectors, parts without boundary; each edge its own observable."""
    edges = []
    for _ in range(rng.randint(4, 22)):
        # Neighbours of neighbours, so that not every two blocks have a face.
        u = rng.randrange(num_detectors)
        v = u + rng.randint(1, 4)
        edges.append((u, v) if v < num_detectors else (u, BOUNDARY))
    whole = UnionFindSpec(
        num_detectors=num_detectors,
        num_observables=len(edges),
        edges=tuple(edges),
        weights=tuple(rng.randint(1, 4) for _ in edges),
        edge_observables=tuple(1 << number for number in range(len(edges))),
        flipped_edges=tuple(sorted(rng.sample(range(len(edges)), rng.choice([0, 0, 1])))),
        rounds=(tuple(range(num_detectors)),),
        weight_bits=3,
    )
    owners = sorted([*range(num_blocks), *(rng.randrange(num_blocks) for _ in range(num_detectors - num_blocks))])
    if rng.random() < 0.3:
        rng.shuffle(owners)
    blocks = tuple((0, 0, t) for t in range(num_blocks))
    return FusionSpec(whole=whole, blocks=blocks, owners=tuple(owners), stop=rng.choice(["middle", "end"]))


def random_schedule(rng: random.Random, spec: FusionSpec, *, releases: bool = True) -> Schedule:
    """Blocks and faces in any order, and such releases as are allowed."""
    waiting = [*range(len(spec.blocks)), *spec.faces]
    if rng.random() < 0.5:
        rng.shuffle(waiting)
    else:
        # As soon as both blocks are there.
        waiting.sort(key=lambda item: (item, 0) if isinstance(item, int) else (item[1], 1))
    begun: set[int] = set()
    steps = []
    while waiting:
        begin, fuse = [], []
        for _ in range(rng.choice([1, 1, 2, 3])):
            item = next((x for x in waiting if isinstance(x, int) or begun.issuperset(x)), None)
            if item is None:
                break
            waiting.remove(item)
            if isinstance(item, int):
                begin.append(item)
                begun.add(item)
            else:
                fuse.append(item)
        steps.append(Step(begin=tuple(begin), fuse=tuple(fuse)))
    found = Schedule(steps=tuple(steps))
    for block in rng.sample(range(len(spec.blocks)), len(spec.blocks)) if releases else ():
        for number in rng.sample(range(len(steps)), len(steps)):
            step = found.steps[number]
            changed = Step(begin=step.begin, fuse=step.fuse, release=(*step.release, block))
            tried = Schedule(steps=(*found.steps[:number], changed, *found.steps[number + 1 :]))
            try:
                FusionDecoder(spec=spec, schedule=tried)
            except InputError:
                continue
            found = tried
            break
    return found


@pytest.fixture(scope="session")
def any_spec() -> Callable[..., FusionSpec]:
    return random_spec


@pytest.fixture(scope="session")
def any_schedule() -> Callable[..., Schedule]:
    return random_schedule
