# SPDX-License-Identifier: Apache-2.0
# A decoder built out of context sits between its neighbours' registers: the whole period is for the logic
# between a port and the first register. Only -max: hold at a port depends on a clock tree that is not there.
# Parameter, written above this line by the project: clock_port.
set_input_delay -clock synfab -max 0.0 [get_ports -filter "DIRECTION == IN && NAME != $clock_port"]
set_output_delay -clock synfab -max 0.0 [get_ports -filter "DIRECTION == OUT"]
