#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
# The attacks on kiosk: see suite.py.
# Long: goes first.
import sys

import suite

sys.exit(suite.main('kiosk'))
