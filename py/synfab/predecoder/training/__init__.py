# SPDX-License-Identifier: Apache-2.0
"""Training: from a config to a net, float first and then with the numbers of hardware."""
