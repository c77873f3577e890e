# SPDX-License-Identifier: Apache-2.0
"""The flow from a config to a report, step by step, and the command line on top of everything."""
