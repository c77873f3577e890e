# SPDX-License-Identifier: Apache-2.0
"""Programs: their form, everything that is refused and the sentence for it, what they unfold into."""

import re

import pytest

from synfab.errors import InputError
from synfab.surgery import Machine, Program, branches, check, shipped_programs, unfold

# DecoNet (arXiv:2504.11805), table II: logical qubits and blocks of d rounds; feedback has no rounds there.
TABLE_II = {
    "feedback": (1, None),
    "merge_split": (2, 3),
    "move": (3, 3),
    "cnot": (3, 3),
    "cnot_plane": (6, 3),
    "multi_cnot": (5, 3),
    "expansion": (4, 2),
    "distillation": (24, 5),
}


def program(*steps: str, patches: str = "a = [0, 0]\nb = [1, 0]\nc = [0, 1]\nd = [1, 1]", more: str = "") -> Program:
    """Return a program from the operations of its steps."""
    body = "\n".join(f"[[step]]\nops = [{ops}]" for ops in steps)
    return Program.from_toml(f'name = "test"\ndistance = 3\n{more}\n[patches]\n{patches}\n{body}')


def prepared(*names: str) -> str:
    return ", ".join(f'{{ prepare = "{name}" }}' for name in names)


class TestMicroBenchmarks:
    def test_all_of_the_table_are_there(self):
        assert set(shipped_programs()) == set(TABLE_II)

    @pytest.mark.parametrize("name", TABLE_II)
    def test_counts_are_the_tables(self, name):
        qubits, rounds = TABLE_II[name]
        summary = check(Program.load(name))
        assert summary.num_cells == qubits
        assert rounds in (None, summary.num_steps)
        assert Program.load(name).distance == 5

    @pytest.mark.parametrize("name", TABLE_II)
    def test_what_they_compute_is_determined(self, name):
        loaded = Program.load(name)
        assert loaded.outputs
        assert check(loaded).random_outputs == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("steps", "sentence"),
        [
            (
                [prepared("a"), prepared("a")],
                "step 1: prepare 'a': 'a' must not be there yet, but it is; measure it first",
            ),
            (
                ['{ measure = "a", result = "m" }'],
                "step 0: measure 'a': the patch 'a' must be there, but it is not; prepare it first",
            ),
            (
                [prepared("a", "d") + ', { merge = ["a", "d"] }'],
                "step 0: merge 'a', 'd': 'a' at (0, 0) and 'd' at (1, 1) must be neighbours in a row or a column",
            ),
            (
                [prepared("a", "b") + ', { merge = ["a", "b"] }, { merge = ["b", "a"] }'],
                "step 0: merge 'b', 'a': 'b' and 'a' must be merged once, but merge 'a', 'b' overlaps this; leave out "
                "one",
            ),
            (
                [prepared("a", "b") + ', { merge = ["a", "b"] }', '{ merge = ["a", "b"] }'],
                "step 1: merge 'a', 'b': 'a' and 'b' must not be merged yet, but they are; split them first",
            ),
            (
                [prepared("a", "b") + ', { merge = ["a", "b"] }', '{ split = ["a", "b"] }, { merge = ["a", "b"] }'],
                "step 1: merge 'a', 'b': 'a' and 'b' must not be split in the same step; leave out both",
            ),
            (
                [prepared("a", "b"), '{ split = ["a", "b"] }'],
                "step 1: split 'a', 'b': 'a' and 'b' must be merged, but they are not",
            ),
            (
                [prepared("a", "b", "c") + ', { merge = ["b", "a", "c"], result = "m" }'],
                "step 0: merge 'b', 'a', 'c': a merge with a result must run along one row or one column; make it two "
                "merges",
            ),
            (
                [prepared("a", "b", "c") + ', { merge = ["a", "c"] }, { merge = ["a", "b"], result = "m" }'],
                "step 0: merge 'a', 'b': the merge must measure XX, but merges across it at (0, 0) do not commute with "
                "that; leave out the result, or begin them in another step",
            ),
            (
                [prepared("a", "b", "c") + ', { merge = ["a", "b"] }', '{ merge = ["a", "c"], result = "m" }'],
                "step 1: merge 'a', 'c': the merge must measure ZZ, but merges across it at (0, 0) do not commute with "
                "that; leave out the result, or begin them in another step",
            ),
            (
                [prepared("a", "b"), '{ merge = ["a", "a"] }'],
                "step 1: merge 'a', 'a': every patch must be named once, not ['a', 'a']",
            ),
            (
                [prepared("a", "b"), '{ move = "a", to = [1, 0] }'],
                "step 1: move 'a': the cell (1, 0) must be free, but 'b' is there; measure or move it first",
            ),
            (
                [prepared("a"), '{ move = "a", to = [1, 1] }'],
                "step 1: move 'a': the goal must lie in the row or the column of (0, 0), not at (1, 1); move twice",
            ),
            (
                [prepared("a", "b") + ', { merge = ["a", "b"] }', '{ move = "a", to = [0, 2] }'],
                "step 1: move 'a': 'a' must not be merged, but it is; split it first",
            ),
            (
                [prepared("a", "b"), '{ move = "a", to = [0, 1] }, { merge = ["a", "b"] }'],
                "step 1: merge 'a', 'b': the patch 'a' must stay where it is, but it moves in this step; use the next",
            ),
            (
                [prepared("a"), '{ move = "a", to = [0, 1] }, { measure = "a", result = "m" }'],
                "step 1: measure 'a': 'a' must not be measured while it moves; use the next step",
            ),
            (
                [
                    prepared("a") + ', { measure = "a", result = "m" }',
                    prepared("b") + ', { measure = "b", result = "m" }',
                ],
                "step 1: every result must have a name of its own, not 'm' again; rename one",
            ),
            (
                [prepared("a") + ', { measure = "a", result = "m" }, { prepare = "b", if = "m" }'],
                "step 0: the condition of prepare 'b' must be a result that exists by then, not 'm'; that comes with "
                "step 0: it can be used from the step after",
            ),
            (
                [prepared("a"), '{ prepare = "b", if = "m" }', '{ measure = "a", result = "m" }'],
                "step 1: the condition of prepare 'b' must be a result that exists by then, not 'm'; that comes with "
                "step 2: it can be used from the step after",
            ),
            (
                [prepared("a"), '{ prepare = "b", if = "!nothing" }'],
                "step 1: the condition of prepare 'b' must be a result that exists by then, not 'nothing'; no "
                "operation has it; so far there are none",
            ),
            (
                [
                    prepared("a") + ', { measure = "a", basis = "X", result = "m" }',
                    prepared("b") + ', { measure = "b", result = "n", if = "m" }',
                    '{ prepare = "c", if = "n" }',
                ],
                "step 2: the condition of prepare 'c' must be a result that exists by then, not 'n'; that depends on a "
                "condition itself: it can be used from the step after",
            ),
            (
                [prepared("a"), '{ idle = "b" }'],
                "step 1: idle 'b': the patch 'b' must be there, but it is not; prepare it first",
            ),
            (
                [prepared("e")],
                "step 0: a patch must be one of 'a', 'b', 'c', 'd', not 'e'; add it to patches",
            ),
            (
                [prepared("a") + ', { measure = "a", result = "m" }, { measure = "a", result = "n" }'],
                "step 0: measure 'a': 'a' must be measured once in a step; leave out one",
            ),
        ],
    )
    def test_steps(self, steps, sentence):
        with pytest.raises(InputError, match=rf"^{re.escape(sentence)}$"):
            check(program(*steps))

    def test_a_mistake_in_one_branch_is_found(self):
        steps = [prepared("a") + ', { measure = "a", result = "m" }', '{ prepare = "b", if = "m" }', '{ idle = "b" }']
        with pytest.raises(InputError, match=r"^step 2: idle 'b': the patch 'b' must be there, but it is not"):
            check(program(*steps))

    def test_two_patches_on_a_cell(self):
        with pytest.raises(InputError, match=r"the cell \(0, 0\) must be free, but 'a' is there"):
            check(program(prepared("a", "b"), patches="a = [0, 0]\nb = [0, 0]"))

    def test_distances_that_differ(self):
        patches = "a = [0, 0]\nb = { at = [1, 0], distance = 5 }"
        with pytest.raises(
            InputError, match=r"^patch 'b' must have the program's distance 3, not 5: patches of different"
        ):
            check(program(prepared("a"), patches=patches))

    def test_an_even_distance(self):
        even = program(prepared("a")).model_copy(update={"distance": 4})
        with pytest.raises(InputError, match=r"^distance must be odd, .* not 4; take 5$"):
            check(even)

    @pytest.mark.parametrize(
        ("distance", "sentence"),
        [
            (1, "distance must be at least 3, not 1; take 3 or 5"),
            (-4, "distance must be at least 3, not -4; take 3 or 5"),
            (
                53,
                "distance must be at most 51, so that blocks and faces fit into memory, not 53; take a smaller one",
            ),
        ],
    )
    def test_distances_that_no_block_has(self, distance, sentence):
        with pytest.raises(InputError, match=rf"^{re.escape(sentence)}$"):
            check(program(prepared("a")).model_copy(update={"distance": distance}))

    def test_the_largest_distance_is_taken(self):
        assert check(program(prepared("a")).model_copy(update={"distance": 51})).num_blocks == 1

    def test_a_result_twice_in_a_parity(self):
        text = 'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ prepare = "a" }, '
        text += '{ measure = "a", result = "m" }]\n[[output]]\nname = "o"\nparity = ["m", "m"]\n'
        sentence = "output 'o': every result of a parity must be named once, not 'm' twice, which would cancel; "
        with pytest.raises(InputError, match=rf"^{sentence}leave it out$"):
            check(Program.from_toml(text))

    def test_outputs_of_one_name(self):
        text = 'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ prepare = "a" }, '
        text += '{ measure = "a", result = "m" }]\n' + 2 * '[[output]]\nname = "o"\nparity = ["m"]\n'
        with pytest.raises(InputError, match=r"^every output must have a name of its own, not 'o' twice; rename one$"):
            check(Program.from_toml(text))

    def test_no_steps(self):
        empty = program(prepared("a")).model_copy(update={"steps": ()})
        with pytest.raises(InputError, match=r"^a program must have at least one step, not none; "):
            check(empty)

    def test_an_output_of_nothing(self):
        text = 'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ prepare = "a" }]\n'
        text += '[[output]]\nname = "o"\nparity = ["m"]\n'
        sentence = "output 'o': every part of a parity must be a result, not 'm'; results are none"
        with pytest.raises(InputError, match=rf"^{sentence}$"):
            check(Program.from_toml(text))

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("name = ", "the program must be TOML: Invalid value (at end of document)"),
            (
                'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ merge = ["a"] }]',
                "the program: step[0].ops[0].merge must have at least 2 parts, not ['a']",
            ),
            (
                'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ prepare = "a", measure = "a" }]',
                "the program: step[0].ops[0] must have exactly one of the keys prepare, idle, merge, split, move, "
                "measure, not a table with 'prepare', 'measure'",
            ),
            (
                'name = "t"\n[patches]\na = [0, 0]\n[[step]]',
                "the program: distance must be there",
            ),
            (
                'name = "t"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ prepare = "a", basis = "Y" }]',
                "the program: step[0].ops[0].basis must be 'X' or 'Z', not 'Y'",
            ),
            (
                'name = "t"\ndistance = 3\ncolour = 1\n[patches]\na = [0, 0]\n[[step]]\n'
                'ops = [{ prepare = "a", when = "m" }]',
                "the program: step[0].ops[0].when must not be there: it is no key of this table, not 'm'; and colour "
                "must not be there: it is no key of this table, not 1",
            ),
            (
                'name = "t"\ndistance = "3"\n[patches]\na = [0, -1]\n[[step]]\nops = [{ frob = "a" }]',
                "the program: distance must be a valid integer, not '3'; and patches.a.at[1] must be greater than or "
                "equal to 0, not -1; and step[0].ops[0] must have exactly one of the keys prepare, idle, merge, split, "
                "move, measure, not a table with 'frob'",
            ),
            (
                'name = "t"\ndistance = 3\npatches = 3\nstep = [3]',
                "the program: patches must be a table, not 3; and step[0] must be a table, not 3",
            ),
            (
                'name = "t"\ndistance = 3\n[patches]\na = [0, 1.0]\n[[step]]\nops = 3',
                "the program: patches.a.at[1] must be a valid integer, not 1.0; and step[0].ops must be a list, not 3",
            ),
        ],
    )
    def test_form(self, text, sentence):
        with pytest.raises(InputError, match=rf"^{re.escape(sentence)}$"):
            Program.from_toml(text)

    @pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["folder", "no text"])
    def test_no_text(self, tmp_path, content):
        path = tmp_path / "mine.toml"
        path.mkdir() if content is None else path.write_bytes(content)
        with pytest.raises(InputError, match=r"^a program must be a readable TOML file or one of cnot, .*mine.toml'; "):
            Program.load(path)

    def test_no_file(self):
        with pytest.raises(
            InputError, match=r"^a program must be a readable TOML file or one of cnot, .*, not 'none.toml'"
        ):
            Program.load("none.toml")

    def test_too_many_branches(self):
        names = [f"q{n}" for n in range(13)]
        patches = "\n".join(f"{name} = [{n}, 0]" for n, name in enumerate(names))
        first = ", ".join(f'{{ prepare = "{n}", basis = "X" }}, {{ measure = "{n}", result = "m_{n}" }}' for n in names)
        second = ", ".join(f'{{ prepare = "{n}", if = "m_{n}" }}' for n in names)
        with pytest.raises(InputError, match=r"^a program must have at most 4096 branches, but by step 1 it has more"):
            check(program(first, second, patches=patches))


class TestUnfolding:
    def test_conditions_choose_the_blocks(self):
        loaded = Program.load("feedback")
        for coin, basis in ((False, "Z"), (True, "X")):
            stages = unfold(loaded)
            assert [result.name for result in next(stages).plan.results] == ["coin"]
            second = stages.send({"coin": coin})
            assert {event.basis for event in second.plan.slab.prepared} == {basis}
            with pytest.raises(StopIteration):
                next(stages)

    def test_a_missing_result_is_refused(self):
        stages = unfold(Program.load("feedback"))
        next(stages)
        with pytest.raises(InputError, match=r"^step 1: the result 'coin' must be sent before the step"):
            next(stages)

    def test_branches_are_all_ways(self):
        found = list(branches(Program.load("feedback")))
        assert sorted(tuple(branch.values.items()) for branch in found) == [(("coin", False),), (("coin", True),)]

    def test_a_fork_goes_its_own_way(self):
        machine = Machine(Program.load("feedback"))
        machine.advance({})
        fork = machine.fork()
        fork.advance({"coin": True})
        assert machine.step == 1
        assert "x" not in machine.results
        assert "x" in fork.results

    def test_a_move_spans_its_way_and_keeps_the_last_cell(self):
        plans = [stage.plan for stage in unfold(Program.load("move"))]
        assert [sorted(plan.slab.patches) for plan in plans] == [[(0, 0)], [(0, 0), (2, 0), (4, 0)], [(4, 0)]]
        assert plans[1].slab.merged == {(1, 0), (3, 0)}
        assert not plans[2].slab.prepared
