# SPDX-License-Identifier: Apache-2.0
"""The pre-decoder: what it learns from, and in which planes it sees a volume.

``labels`` has the samples, ``layouts`` the planes.
"""
