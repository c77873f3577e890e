# SPDX-License-Identifier: Apache-2.0
"""Pictures of programs: what stands in them is what the slabs hold."""

import xml.etree.ElementTree as ET

import pytest

from synfab.surgery import Program, branches, picture, shipped_programs, timeline

SVG = "{http://www.w3.org/2000/svg}"


def test_a_step_as_text():
    (branch,) = branches(Program.load("expansion"))
    assert picture(branch.plans[1]).splitlines() == [
        "step 1",
        "   [state]Z =XX=Z[right]Z",
        "     #ZZ#          #ZZ#",
        "  X[below]Z =XX=Z[corner]Z",
        "  result state_z: Z",
        "  result right_z: Z",
        "  result below_z: Z",
        "  result corner_z: Z",
    ]


def test_a_joint_parity_acts_on_two():
    (branch,) = branches(Program.load("cnot"))
    assert "  result zz: ZZ" in picture(branch.plans[1]).splitlines()


@pytest.mark.parametrize("name", shipped_programs())
def test_a_timeline_has_every_block_and_face(name):
    for branch in branches(Program.load(name)):
        document = timeline(branch.plans, title=f"{name} <&>")
        root = ET.fromstring(document)
        titles = [title.text or "" for title in root.iter(f"{SVG}title")]
        slabs = [plan.slab for plan in branch.plans]
        patches = sum(len(slab.patches) for slab in slabs)
        # Each patch stands in a step's plane and on its cell's line.
        assert sum("stroke" in rectangle.attrib for rectangle in root.iter(f"{SVG}rect")) == 2 * patches
        assert sum(title.startswith("face of a merge") for title in titles) == sum(len(slab.merged) for slab in slabs)
        going_on = [later.patches - {e.cell for e in later.prepared} for later in slabs[1:]]
        assert titles.count("time face") == sum(map(len, going_on))
        texts = [text.text for text in root.iter(f"{SVG}text")]
        assert texts[0] == f"{name} <&>"
